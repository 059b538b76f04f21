"""A result as pages and files show it: unpacked, thinned where a screen has no more room."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from backtests.models import BacktestResult, ResultPart
from backtests.packing import unpack_bars, unpack_data
from backtests.series import Series
from markets.bars import FloatArray
from markets.drawing import Scale, resampled, thinned

MOST_MARKERS = 1000  # of one chart; beyond them the newest stand
MONTHS = range(1, 13)


@dataclass(frozen=True, slots=True)
class YearRow:
    """A year of the monthly table: a return or None for each of its twelve months, and the year's own."""

    year: int
    months: list[float | None]
    whole: float


@dataclass(frozen=True, slots=True)
class Curves:
    """Paths for an SVG of the equity, holding and drawdown, with the ends of their scales."""

    equity: str
    hold: str
    drawdown: str
    start: float
    low: float
    high: float
    deepest: float
    first_at: datetime
    last_at: datetime


def series_of_result(result: BacktestResult) -> Series:
    return Series.unpack(bytes(result.series))


def parts_of(result: BacktestResult) -> list[ResultPart]:
    """What each of several instruments did, in their order, without their candles; of one instrument nothing."""
    return list(result.parts.select_related("instrument").defer("candles"))


def trades_of(result: BacktestResult, parts: Sequence[ResultPart] = ()) -> list[dict[str, Any]]:
    """The trades as `results.Trade` tells them, oldest first: times as datetimes, and as `of` the instrument itself."""
    rows: list[dict[str, Any]] = unpack_data(result.trades)
    instruments = {part.instrument.key: part.instrument for part in parts}
    for row in rows:
        row["of"] = instruments.get(row["instrument"], result.backtest.instrument)
        for name in ("opened_at", "closed_at"):
            row[name] = None if row[name] is None else datetime.fromisoformat(row[name])
    return rows


def fills_of(result: BacktestResult) -> list[dict[str, Any]]:
    """The fills in the order they happened; `instrument` is its key."""
    rows: list[dict[str, Any]] = unpack_data(result.fills)
    for row in rows:
        row["at"] = datetime.fromisoformat(row["at"])
        row.setdefault("instrument", result.backtest.instrument.key)
        row.setdefault("worse_by", None)  # of results that were kept before it was told
    return rows


def years_of(result: BacktestResult) -> list[YearRow]:
    """The months by year, newest first."""
    years: dict[int, dict[int, float]] = {}
    for row in result.months:
        year, _, month = row["month"].partition("-")
        years.setdefault(int(year), {})[int(month)] = row["strategy"]
    return [
        YearRow(year, [months.get(month) for month in MONTHS], _compounded(months.values()))
        for year, months in sorted(years.items(), reverse=True)
    ]


def curves_of(result: BacktestResult) -> Curves:
    """The result in a picture that needs no script; by logarithm, or beside a stock held for decades ours were flat."""
    series = series_of_result(result)
    drawdown = series.drawdown
    equity, hold = (np.log(np.maximum(curve, 1e-9)) for curve in (series.equity, series.hold))
    scale = Scale.of(equity, hold)
    down = Scale(float(min(drawdown.min(), -1e-9)), 0.0)
    return Curves(
        equity=scale.path(thinned(equity)),
        hold=scale.path(thinned(hold)),
        drawdown=down.area(thinned(drawdown)),
        start=scale.at(float(equity[0])),
        low=float(min(series.equity.min(), series.hold.min())),
        high=float(max(series.equity.max(), series.hold.max())),
        deepest=float(drawdown.min()),
        first_at=result.first_at,
        last_at=result.last_at,
    )


def overlaid(results: Sequence[BacktestResult]) -> list[str]:
    """The equity of several runs as growth of one, over one common time: a path each, to one scale."""
    all_series = [series_of_result(result) for result in results]
    growth = [series.equity / series.equity[0] for series in all_series]
    curves = resampled([series.closed_at for series in all_series], growth)  # type: ignore[misc]
    scale = Scale.of(*curves)
    return [scale.path(curve) for curve in curves]


def chart_of(result: BacktestResult, part: ResultPart | None = None) -> dict[str, Any]:
    """What the page's chart draws: candles, the curves at their closes, and a marker for each fill.

    Of several instruments the candles and fills are those of `part`, the curves the account's.
    """
    candles, series = unpack_bars(part.candles if part else result.candles), series_of_result(result)
    key = (part or result.backtest).instrument.key
    fills = [fill for fill in fills_of(result) if fill["instrument"] == key]
    places = np.clip(np.searchsorted(series.closed_at, candles.closed_at, side="right") - 1, 0, len(series) - 1)
    times = candles.opened_at.tolist()
    columns = zip(times, *(getattr(candles, name).tolist() for name in ("open", "high", "low", "close")), strict=True)
    return {
        "candles": [dict(zip(("time", "open", "high", "low", "close"), row, strict=True)) for row in columns],
        "equity": _points(times, series.equity[places]),
        "hold": _points(times, series.hold[places]),
        "drawdown": _points(times, _lowest_between(series.drawdown, places)),
        "markers": _markers(fills, candles.opened_at),
    }


def _markers(fills: list[dict[str, Any]], opened_at: Any) -> list[dict[str, Any]]:
    shown = fills[-MOST_MARKERS:]
    seconds = np.array([int(fill["at"].timestamp()) for fill in shown], dtype=np.int64)
    places = np.clip(np.searchsorted(opened_at, seconds, side="right") - 1, 0, len(opened_at) - 1)
    return [
        {"time": int(opened_at[place]), "side": fill["side"], "signal": fill["signal"], "price": float(fill["price"])}
        for fill, place in zip(shown, places.tolist(), strict=True)
    ]


def _lowest_between(drawdown: FloatArray, places: Any) -> FloatArray:
    """The deepest drawdown up to each place since the one before: a chart must not skip the worst of a candle."""
    starts = np.concatenate([[0], places[:-1] + 1])
    starts = np.minimum(starts, places)
    lowest: FloatArray = np.minimum.reduceat(drawdown, starts)
    return lowest


def _points(times: list[int], values: FloatArray) -> list[dict[str, float]]:
    return [{"time": time, "value": value} for time, value in zip(times, values.tolist(), strict=True)]


def _compounded(rates: Iterable[float]) -> float:
    worth = 1.0
    for each in rates:
        worth *= 1 + each
    return worth - 1
