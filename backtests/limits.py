"""The limits of a rule over the bars in which something is held: where they may be touched, and what a touch sells at."""

from backtests.moments import Falling, Touched, at_or_above, at_or_below
from markets.bars import Bars
from strategies.document import RiskLimits
from trading.signal import Reason


def touches(bars: Bars, limits: RiskLimits, cost: float, held_since: int, *, inside: bool) -> list[Touched]:
    """What to look for, in closes or `inside` the bars. `cost`: the average price paid per unit."""
    lows, highs = (bars.low, bars.high) if inside else (bars.close, bars.close)
    found: list[Touched] = []
    if limits.stop_loss_rate is not None:
        found.append(at_or_below(lows, cost * (1 - limits.stop_loss_rate)))
    if limits.trailing_stop_rate is not None:
        found.append(Falling(lows, bars.close, held_since, limits.trailing_stop_rate, 1 if inside else 0))
    if limits.take_profit_rate is not None:
        found.append(at_or_above(highs, cost * (1 + limits.take_profit_rate)))
    return found


def sold_inside(
    bars: Bars, limits: RiskLimits, cost: float, held_since: int, bar: int, *, was_inside: bool
) -> tuple[float, bool, Reason] | None:
    """What is sold at inside the bar: (price, whether at the open, reason); None where no limit is touched.

    Of a stop and a target touched in one bar the stop came first. A level that the open has jumped over is sold at the open,
    unless the buy itself `was_inside` this bar, after the open.
    """
    opened = bars.open.item(bar)
    stops: list[tuple[float, Reason]] = []
    if limits.stop_loss_rate is not None:
        stops.append((as_it_reads(cost * (1 - limits.stop_loss_rate)), Reason.STOP_LOSS))
    if limits.trailing_stop_rate is not None and held_since < bar:
        highest = bars.close[held_since:bar].max().item()
        stops.append((as_it_reads(highest * (1 - limits.trailing_stop_rate)), Reason.TRAILING_STOP))
    if stops:
        level, reason = max(stops)
        if bars.low.item(bar) <= level:
            return (opened, True, reason) if opened <= level and not was_inside else (level, False, reason)
    if limits.take_profit_rate is not None:
        level = as_it_reads(cost * (1 + limits.take_profit_rate))
        if bars.high.item(bar) >= level:
            gap = opened >= level and not was_inside
            return (opened, True, Reason.TAKE_PROFIT) if gap else (level, False, Reason.TAKE_PROFIT)
    return None


def as_it_reads(price: float) -> float:
    """A price to the fifteen digits that a float64 is sure of: 100 less 7 % is 93, not a hair below."""
    return float(f"{price:.15g}")
