"""From a run to what is kept of it: its trades in plain numbers, its months, its curves."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np

from backtests import metrics
from backtests.engine import Result
from backtests.fills import EPOCH, ONE_MICROSECOND, UnitFill
from backtests.results import Month, Report, Trade
from backtests.series import Series
from backtests.together import Together
from backtests.venue import Venue
from markets.bars import FloatArray
from markets.types import Side, from_epoch

FINER = 4  # decimals that an average price has more than a price


def report(result: Result) -> Report:
    """Everything that is kept of a run."""
    bars, first = result.bars, result.first_bar
    series = Series(bars.closed_at[first:], result.equity[first:], metrics.held_from(result))
    return Report(
        version_hash=result.version_hash,
        inputs_hash=result.inputs_hash,
        result_hash=result.result_hash,
        seed=result.seed,
        instruments=(result.venue.rules.key,),
        bars=len(bars),
        first_bar=first,
        first_at=from_epoch(int(bars.closed_at[first])),
        last_at=from_epoch(int(bars.closed_at[-1])),
        metrics=metrics.of(result),
        trades=tuple(trades(result)),
        months=months(series),
        series=series,
    )


def report_together(together: Together) -> Report:
    """Everything that is kept of several instruments on one account; trades of all, in the order of time."""
    parts = together.parts
    series = Series(together.closed_at, together.equity, together.hold())
    every = sorted(
        (each for part in parts for each in trades(part)), key=lambda each: (each.opened_at, each.instrument)
    )
    return Report(
        version_hash=_all_told([part.version_hash for part in parts]),
        inputs_hash=_all_told([part.inputs_hash for part in parts]),
        result_hash=together.result_hash,
        seed=together.setup.seed,
        instruments=tuple(part.venue.rules.key for part in parts),
        bars=sum(len(part.bars) for part in parts),
        first_bar=0,
        first_at=from_epoch(int(together.closed_at[0])),
        last_at=from_epoch(int(together.closed_at[-1])),
        metrics=together.metrics(),
        trades=tuple(replace(each, number=number) for number, each in enumerate(every, 1)),
        months=months(series),
        series=series,
    )


def _all_told(hashes: Sequence[str]) -> str:
    """The hash that all have, or one over all of them."""
    return hashes[0] if len(set(hashes)) == 1 else hashlib.sha256(" ".join(hashes).encode()).hexdigest()


def months(series: Series) -> tuple[Month, ...]:
    """The return of each Korean month, beside that of holding."""
    ours = metrics.monthly_returns(series.closed_at, series.equity)
    held = metrics.monthly_returns(series.closed_at, series.hold)
    return tuple(Month(month, made, kept) for (month, made), (_, kept) in zip(ours, held, strict=True))


def trades(result: Result) -> Iterable[Trade]:
    """The cycles of a run, oldest first, the one still open too."""
    cycles: dict[int, list[UnitFill]] = {}
    for fill in result.filled:
        cycles.setdefault(fill.cycle, []).append(fill)
    for number, fills in enumerate(cycles.values(), 1):
        yield _trade(number, fills, result.venue, result.held)


def _trade(number: int, fills: list[UnitFill], venue: Venue, held: FloatArray) -> Trade:
    buys = [fill for fill in fills if fill.side is Side.BUY]
    sales = [fill for fill in fills if fill.side is Side.SELL]
    first, last = fills[0], fills[-1]
    bought, sold = sum(fill.quantity for fill in buys), sum(fill.quantity for fill in sales)
    is_closed = bought == sold
    paid = sum(fill.amount + fill.fee + fill.tax for fill in buys)
    made = sum(fill.amount - fill.fee - fill.tax for fill in sales) - paid
    stretch = held[first.bar : last.bar + 1] if is_closed else held[first.bar :]
    return Trade(
        number=number,
        instrument=venue.rules.key,
        opened_at=EPOCH + first.at * ONE_MICROSECOND,
        closed_at=EPOCH + last.at * ONE_MICROSECOND if is_closed else None,
        first_bar=first.bar,
        last_bar=last.bar,
        bars_held=int(np.count_nonzero(stretch)),
        quantity=venue.quantity(bought),
        bought_at=_average(buys, venue),
        sold_at=_average(sales, venue) if sales else None,
        fee=venue.cash(sum(fill.fee for fill in fills)),
        tax=venue.cash(sum(fill.tax for fill in fills)),
        profit=venue.cash(made) if is_closed else None,
        rate=made / paid if is_closed else None,
        entry_reasons=tuple(dict.fromkeys(fill.reason for fill in buys)),
        exit_reason=sales[-1].reason if sales else "",
    )


def _average(fills: list[UnitFill], venue: Venue) -> Decimal:
    """The price paid or got for one unit, weighted by quantity."""
    traded = sum(fill.price * fill.quantity for fill in fills)
    price = Decimal(traded) / sum(fill.quantity for fill in fills)
    return round(price.scaleb(-venue.rules.price_decimals), venue.rules.price_decimals + FINER)
