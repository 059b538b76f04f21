"""A currency's worth, evening after evening, as a page draws it: paths of an SVG and the figures beside it."""

from dataclasses import dataclass
from decimal import Decimal

from trading import worth
from trading.services.valuation.worth import Worth

MONTHS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Curve:
    """Paths in the view box of `markets.drawing`: the value, and the money paid in below it."""

    currency: str
    value: str
    paid_in: str
    low: Decimal
    high: Decimal
    days: list[worth.DayWorth]
    today: Decimal | None
    rate: Decimal | None  # time-weighted, over the days shown
    months: list[tuple[str, Decimal]]
    statistics: worth.Statistics | None

    @property
    def today_rate(self) -> Decimal | None:
        """What today has brought as a fraction of what was there this morning."""
        if self.today is None:
            return None
        before, now = self.days[-2:]
        morning = before.value + now.flow
        return self.today / morning if morning > 0 else None


def curve(found: Worth) -> Curve:
    import numpy as np

    from markets.drawing import Scale, thinned

    values = np.array([float(day.value) for day in found.days])
    paid = np.array([float(day.paid_in) for day in found.days])
    scale, daily = Scale.of(values, paid), worth.returns(found.days)
    months = [(f"{year}-{month:02}", rate) for (year, month), rate in worth.by_month(daily).items()]
    return Curve(
        found.currency,
        scale.path(thinned(values)),
        scale.path(thinned(paid)),
        min(day.value for day in found.days),
        max(day.value for day in found.days),
        found.days,
        found.today,
        worth.total(daily) if daily else None,
        months[-MONTHS_SHOWN:],
        worth.statistics(daily),
    )
