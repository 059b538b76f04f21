"""On what terms a backtest trades: the plan's numbers, and how far the market of the bars is believed."""

from dataclasses import asdict, dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from backtests.errors import SetupRefused

Fills = Literal["open", "ticks"]
Exits = Literal["inside_bar", "at_close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One plan over one instrument. Amounts in its currency, rates as fractions. Raises SetupRefused.

    `budget` None is the cash at the beginning of each cycle; `quantity` buys so many units at each step instead.
    `participation` is the share of a bar's volume that is ours, None: whatever we ask for. The quoted price stands
    `spread_ticks` from the traded one; orders pay `slippage_ticks` and `slippage_rate` more. `commission` None is what the
    venue takes.

    `fills`: "open" gives an order the next bar's open and the bar's volume; "ticks" plays the bar as a replay does, open, low,
    high and close with a quarter of the volume each, and an order is too late for a tick of its own instant.
    `exits`: "at_close" judges the limits of the rule on the close and sells afterwards, as plans do; "inside_bar" sells
    where one is touched, as an order that rests at the venue would. With `collar` a market buy never pays more than it set
    aside, as live; without, the cash decides.
    `restarts_at_once` lets the bar that ends the cool-down buy again; a plan buys a bar later. `day_orders` end with their
    session. `warm_up` None is what the rule declares.
    """

    cash: Decimal
    budget: Decimal | None = None
    first_share: Decimal = Decimal("0.5")
    quantity: Decimal | None = None
    repeat: bool = True
    restarts_at_once: bool = False
    cooldown_bars: int = 5
    participation: tuple[int, int] | None = (1, 10)
    spread_ticks: int = 1
    slippage_ticks: int = 0
    slippage_rate: Decimal = Decimal(0)
    commission: Decimal | None = None
    fills: Fills = "open"
    exits: Exits = "at_close"
    collar: bool = True
    day_orders: bool = True
    warm_up: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        _refuse_unless(
            zero_cash=self.cash.is_finite() and self.cash > 0,
            bad_budget=self.budget is None or (self.budget.is_finite() and self.budget > 0),
            bad_share=0 < self.first_share <= 1,
            bad_quantity=self.quantity is None or (self.quantity.is_finite() and self.quantity > 0),
            bad_cooldown=self.cooldown_bars >= 0,
            bad_participation=_is_share(self.participation),
            bad_spread=self.spread_ticks >= 0,
            bad_slippage=self.slippage_ticks >= 0 and 0 <= self.slippage_rate < 1,
            bad_commission=self.commission is None or 0 <= self.commission < 1,
            bad_fills=self.fills in ("open", "ticks"),
            bad_exits=self.exits in ("inside_bar", "at_close"),
            exits_need_open_fills=self.fills == "open" or self.exits == "at_close",
            bad_warm_up=self.warm_up is None or self.warm_up >= 1,
        )

    @classmethod
    def as_replayed(cls, cash: Decimal, **more: object) -> "Setup":
        """The terms of a plan with all the cash as its budget, live over a replay of the same bars: the same fills."""
        return cls(cash=cash, budget=cash, fills="ticks", exits="at_close", **more)  # type: ignore[arg-type]

    def as_data(self) -> dict[str, object]:
        """Every field in plain words, defaults too; the same setup is the same data."""
        return {name: _plain(value) for name, value in asdict(self).items()}


def _is_share(share: tuple[int, int] | None) -> bool:
    return share is None or (share[1] > 0 and 0 < share[0] <= share[1])


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return str(Fraction(value))  # 1, 1.0 and 1E+0 are one number
    return list(value) if isinstance(value, tuple) else value


def _refuse_unless(**checks: bool) -> None:
    for code, holds in checks.items():
        if not holds:
            raise SetupRefused(code)
