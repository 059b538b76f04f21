"""The terms of a run as a person or a program gives them, and as a run keeps them. Pure; exact numbers as text."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backtests.errors import SetupRefused
from backtests.setup import Setup

PARTS = 10_000  # a share of the volume is told in hundredths of a percent
Rate = Annotated[Decimal, Field(ge=0, lt=1, max_digits=18, decimal_places=12)]


class Terms(BaseModel):
    """What `Setup` needs, in words that stand on a form. Amounts in the instrument's currency, rates as fractions.

    `budget`, `commission` and `participation` None: all the cash, what the venue takes, as much as we ask for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    cash: Decimal = Field(max_digits=28, decimal_places=8)
    budget: Decimal | None = Field(None, max_digits=28, decimal_places=8)
    first_share: Annotated[Decimal, Field(gt=0, le=1)] = Decimal("0.5")
    repeat: bool = True
    cooldown_bars: Annotated[int, Field(ge=0, le=10_000)] = 5
    participation: Annotated[Decimal, Field(ge=Decimal("0.0001"), le=1)] | None = Decimal("0.1")
    spread_ticks: Annotated[int, Field(ge=0, le=1000)] = 1
    slippage_ticks: Annotated[int, Field(ge=0, le=1000)] = 0
    slippage_rate: Rate = Decimal(0)
    commission: Rate | None = None
    exits: Literal["inside_bar", "at_close"] = "at_close"
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0

    @classmethod
    def from_data(cls, data: Any) -> "Terms":
        """The terms in `data`. Raises SetupRefused, with the name of the first field that is wrong."""
        try:
            terms = cls.model_validate(data)
        except ValidationError as e:
            place = ".".join(map(str, e.errors()[0]["loc"]))
            raise SetupRefused("bad_terms", field=place, why=str(e.errors()[0]["msg"])) from e
        terms.setup()
        return terms

    def as_data(self) -> dict[str, Any]:
        return self.model_dump(mode="json")

    def setup(self) -> Setup:
        """What the engine needs. Raises SetupRefused."""
        share = self.participation
        return Setup(
            cash=self.cash,
            budget=self.budget,
            first_share=self.first_share,
            repeat=self.repeat,
            cooldown_bars=self.cooldown_bars,
            participation=None if share is None else (int(share * PARTS), PARTS),
            spread_ticks=self.spread_ticks,
            slippage_ticks=self.slippage_ticks,
            slippage_rate=self.slippage_rate,
            commission=self.commission,
            exits=self.exits,
            seed=self.seed,
        )
