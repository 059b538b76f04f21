"""What BasicPlan and RSI say at this moment, on bars of a minute and the one that is forming (PRD 2.2; T08, T09).

For people who watch: the socket `/kis_socket` sends readings of the instruments it was subscribed to, and
`GET /realtime/strategy-data` answers with those of the person's own list. Nothing is stored and nothing traded here. A
reading of the forming bar says so (`is_closed` false) and may be gone a second later; plans decide on closed bars alone.

The arrays and TA-Lib are loaded by the first call: call it from a thread, never on an event loop.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from json import loads
from typing import TYPE_CHECKING, Literal

from django.db.models import Q

from accounts.models import User
from markets import services as markets
from markets.models import BarOpening, Instrument, LatestQuote
from markets.services import Moment
from markets.services.series import Series, read_many_bars
from markets.types import Interval, from_epoch
from strategies.conditions import IndicatorOperand, operands
from strategies.library.shelf import LIBRARY
from strategies.rows import Row
from trading.models import SwingPlan

if TYPE_CHECKING:
    from markets.bars import Bars
    from strategies.compiler import Evaluator, Sight

RealtimeStrategy = Literal["basic", "rsi"]
REALTIME: tuple[RealtimeStrategy, ...] = ("basic", "rsi")
MOST_INSTRUMENTS = 100  # as many as one socket may watch
MINUTE = Interval.M1


class Signal(StrEnum):
    BUY = "buy"
    SELL = "sell"
    HOLD = "hold"


@dataclass(frozen=True, slots=True)
class Reading:
    """One strategy on one bar of a minute. Prices and figures are float64, in the instrument's currency or their own unit.

    `values` has each indicator by its alias ("short", "long"; "rsi"), None while there are too few bars for it. `row` is what
    an evaluation would keep. While `bars` are fewer than `needed`, the signal is to hold.
    """

    instrument: str  # its key, such as KRX:005930
    strategy: RealtimeStrategy
    opened_at: datetime  # market time
    closed_at: datetime
    is_closed: bool
    price: float
    signal: Signal
    values: Mapping[str, float | None]
    bars: int
    needed: int
    row: Row


@dataclass(frozen=True, slots=True)
class Readings:
    """A strategy on one instrument: its last closed bar, and the one that is forming where there is a fresh price for it."""

    instrument: str
    closed: Reading | None
    forming: Reading | None


def strategy_readings(instruments: Sequence[Instrument], strategy: RealtimeStrategy) -> list[Readings]:
    """What the strategy, with its default numbers, says of each instrument, in the order given; in a handful of queries.

    Raises KeyError for another strategy, ValueError for more than MOST_INSTRUMENTS.
    """
    if strategy not in REALTIME:
        raise KeyError(strategy)
    if len(instruments) > MOST_INSTRUMENTS:
        raise ValueError(f"{len(instruments)} instruments at once; {MOST_INSTRUMENTS} are the most")
    evaluator = _evaluator(strategy)
    present = {source: markets.moment(source) for source in {each.source for each in instruments}}
    series = {each.pk: Series.of(each, MINUTE) for each in instruments}
    until = {source: moment.at for source, moment in present.items()}
    bars = read_many_bars(dict.fromkeys(series.values(), evaluator.warm_up), until)
    begun = _bars_begun(instruments)
    quotes = LatestQuote.objects.in_bulk(list(series))
    return [
        _readings(
            each,
            strategy,
            evaluator,
            bars.get(series[each.pk]),
            _forming(each, begun.get(each.pk), quotes.get(each.pk), present[each.source]),
        )
        for each in instruments
    ]


def watched_instruments(user: User) -> list[Instrument]:
    """What a person follows: the live list first, as it is ordered, then what running plans of theirs trade."""
    listed = Instrument.objects.active().filter(watchlistitem__user=user)
    planned = Instrument.objects.active().filter(
        Q(swing_plans__in=SwingPlan.objects.for_user(user).running()), ~Q(watchlistitem__user=user)
    )
    ordered = [*listed.order_by("watchlistitem__position", "watchlistitem__pk"), *planned.distinct().order_by("pk")]
    return list(dict.fromkeys(ordered))[:MOST_INSTRUMENTS]


class _Forming:
    """The bar under way with the price of this moment. What it saw in between is not known here: these rules ask for closes."""

    __slots__ = ("closed_at", "open", "opened_at", "price")

    def __init__(self, begun: BarOpening, price: float) -> None:
        self.opened_at, self.closed_at, self.open, self.price = begun.opened_at, begun.closed_at, begun.open, price


def _bars_begun(instruments: Sequence[Instrument]) -> dict[int, BarOpening]:
    rows = BarOpening.objects.filter(instrument__in=[each.pk for each in instruments], interval=MINUTE)
    source = {each.pk: each.source for each in instruments}
    return {row.instrument_id: row for row in rows if row.source == source[row.instrument_id]}


def _forming(
    instrument: Instrument, begun: BarOpening | None, quote: LatestQuote | None, present: Moment
) -> _Forming | None:
    """The bar under way; None where none is, or its price is old or another source's."""
    if begun is None or quote is None or quote.source != instrument.source or markets.quote_is_stale(quote):
        return None
    is_under_way = begun.opened_at <= quote.at.timestamp() and present.at.timestamp() < begun.closed_at
    return _Forming(begun, float(quote.price)) if is_under_way else None


def _readings(
    instrument: Instrument,
    strategy: RealtimeStrategy,
    evaluator: "Evaluator",
    bars: "Bars | None",
    forming: _Forming | None,
) -> Readings:
    from strategies.compiler import Sight
    from strategies.indicators import Frame

    if bars is None or not len(bars):
        return Readings(instrument.key, None, None)

    def reading(seen_bars: "Bars", *, is_closed: bool) -> Reading:
        sight = Sight(Frame(seen_bars), len(seen_bars) - 1)
        return _reading(instrument.key, strategy, evaluator, seen_bars, sight, is_closed=is_closed)

    closed = reading(bars, is_closed=True)
    if forming is None or forming.opened_at < bars.closed_at[-1]:
        return Readings(instrument.key, closed, None)
    return Readings(instrument.key, closed, reading(_with_forming(bars, forming), is_closed=False))


def _reading(
    key: str, strategy: RealtimeStrategy, evaluator: "Evaluator", bars: "Bars", sight: "Sight", *, is_closed: bool
) -> Reading:
    row = Row.from_data(loads(evaluator.see(sight).text))
    is_enough = len(bars) >= evaluator.warm_up
    return Reading(
        instrument=key,
        strategy=strategy,
        opened_at=from_epoch(int(bars.opened_at[-1])),
        closed_at=from_epoch(int(bars.closed_at[-1])),
        is_closed=is_closed,
        price=row.close,
        signal=_signal(row) if is_enough else Signal.HOLD,
        values=_values(row),
        bars=len(bars),
        needed=evaluator.warm_up,
        row=row,
    )


def _signal(row: Row) -> Signal:
    if row.exit:
        return Signal.SELL
    return Signal.BUY if row.entries[0].passed else Signal.HOLD


def _values(row: Row) -> dict[str, float | None]:
    """Each indicator's figure: a condition compares what it looks at first (`value`) with what comes next (`threshold`)."""
    found: dict[str, float | None] = {}
    for told in row.conditions:
        for (_name, side), figure in zip(operands(told.condition), (told.value, told.threshold), strict=False):
            if isinstance(side, IndicatorOperand):
                found[side.indicator] = figure
    return found


def _with_forming(bars: "Bars", forming: _Forming) -> "Bars":
    import numpy as np

    from markets.bars import Bars

    first, price = forming.open, forming.price
    added = (forming.opened_at, forming.closed_at, first, max(first, price), min(first, price), price, 0.0)
    names = ("opened_at", "closed_at", "open", "high", "low", "close", "volume")
    return Bars(*(np.append(getattr(bars, name), value) for name, value in zip(names, added, strict=True)))


@cache
def _evaluator(strategy: RealtimeStrategy) -> "Evaluator":
    from strategies.compiler import compile_document

    return compile_document(LIBRARY[strategy].build())
