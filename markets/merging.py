"""Short bars put together to longer ones, by the rule the live market folds its trades by: the same bars either way."""

from collections.abc import Iterable

from markets.folding import Bounds
from markets.types import Bar, Interval


def merged(bars: Iterable[Bar], interval: Interval, bounds: Bounds) -> list[Bar]:
    """Bars of `interval` from shorter ones of one instrument, oldest first; what lies outside sessions is left out.

    The last one may still be forming: its `closed_at` tells.
    """
    found: list[Bar] = []
    for bar in bars:
        span = bounds(bar.instrument, interval, bar.opened_at)
        if span is None or bar.closed_at > span[1]:
            continue
        if found and found[-1].opened_at == span[0]:
            found[-1] = _joined(found[-1], bar)
        else:
            found.append(Bar(bar.instrument, interval, *span, bar.open, bar.high, bar.low, bar.close, bar.volume))
    return found


def _joined(longer: Bar, bar: Bar) -> Bar:
    return Bar(
        longer.instrument,
        longer.interval,
        longer.opened_at,
        longer.closed_at,
        longer.open,
        max(longer.high, bar.high),
        min(longer.low, bar.low),
        bar.close,
        longer.volume + bar.volume,
    )
