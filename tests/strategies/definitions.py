"""Indicators as they are defined, written out bar by bar: slow and plain on purpose, to hold the fast ones against.

Arrays of shape (n,), oldest first, NaN where there is no figure.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from math import fsum, isnan, nan
from statistics import fmean
from typing import Any

import numpy as np

from markets.bars import Bars, FloatArray

Numbers = Mapping[str, Any]
Arrays = Mapping[str, FloatArray]


def prices(bars: Bars) -> Iterator[tuple[float, float, float]]:
    return zip(bars.high.tolist(), bars.low.tolist(), bars.close.tolist(), strict=True)


def typical(bars: Bars) -> list[float]:
    return [(high + low + close) / 3 for high, low, close in prices(bars)]


def exponential(values: list[float], period: int) -> list[float]:
    """Started from the mean of the first `period` values that exist."""
    first = next((i for i, value in enumerate(values) if not isnan(value)), len(values))
    start = first + period - 1
    if start >= len(values):
        return [nan] * len(values)
    now, weight = fmean(values[first : start + 1]), 2 / (period + 1)
    averages = [nan] * start + [now]
    for value in values[start + 1 :]:
        now += weight * (value - now)
        averages.append(now)
    return averages


def running(values: list[float], period: int) -> list[float]:
    """Wilder's average, weight 1 / period, started from zero on the first bar: right once the start is forgotten."""
    now, averages = 0.0, []
    for value in values:
        now += (value - now) / period
        averages.append(now)
    return averages


def true_ranges(bars: Bars) -> list[float]:
    ranges, previous = [], None
    for high, low, close in prices(bars):
        top, bottom = (high, low) if previous is None else (max(high, previous), min(low, previous))
        ranges.append(top - bottom)
        previous = close
    return ranges


def windows(values: list[float], size: int) -> Iterator[list[float]]:
    return (values[end - size : end] for end in range(size, len(values) + 1))


def over_windows(values: list[float], size: int, figure: Callable[[list[float]], float]) -> list[float]:
    return [nan] * (size - 1) + [figure(each) for each in windows(values, size)]


def value(values: list[float] | FloatArray) -> Arrays:
    return {"value": np.asarray(values, dtype=np.float64)}


def named(**columns: Any) -> Arrays:
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def macd(bars: Bars, numbers: Numbers) -> Arrays:
    closes = bars.close.tolist()
    fast, slow = exponential(closes, numbers["fast"]), exponential(closes, numbers["slow"])
    line = [one - other for one, other in zip(fast, slow, strict=True)]
    signal = exponential(line, numbers["signal"])
    return named(value=line, signal=signal, histogram=np.array(line) - np.array(signal))


def adx(bars: Bars, numbers: Numbers) -> Arrays:
    """Wilder's, by averages started from zero."""
    period, rises, falls = numbers["period"], [0.0], [0.0]
    high, low = bars.high.tolist(), bars.low.tolist()
    for now in range(1, len(high)):
        rise, fall = high[now] - high[now - 1], low[now - 1] - low[now]
        rises.append(rise if rise > fall and rise > 0 else 0.0)
        falls.append(fall if fall > rise and fall > 0 else 0.0)
    up, down, span = running(rises, period), running(falls, period), running(true_ranges(bars), period)
    strength = [100 * abs(u - d) / (u + d) if u + d else 0.0 for u, d in zip(up, down, strict=True)]
    return named(
        value=running(strength, period),
        plus_di=[100 * u / s if s else 0.0 for u, s in zip(up, span, strict=True)],
        minus_di=[100 * d / s if s else 0.0 for d, s in zip(down, span, strict=True)],
    )


def supertrend(bars: Bars, numbers: Numbers) -> Arrays:
    spans = running(true_ranges(bars), numbers["period"])
    line, direction = [], []
    upper = lower = previous = None
    rising = True
    for (high, low, close), span in zip(prices(bars), spans, strict=True):
        above, below = (high + low) / 2 + numbers["multiplier"] * span, (high + low) / 2 - numbers["multiplier"] * span
        if upper is None or above < upper or previous > upper:
            upper = above
        if lower is None or below > lower or previous < lower:
            lower = below
        rising = close >= lower if rising else close > upper
        line.append(lower if rising else upper)
        direction.append(1 if rising else -1)
        previous = close
    return named(value=line, direction=direction)


def psar(bars: Bars, numbers: Numbers) -> Arrays:
    """As in Wilder's book: the stop moves towards the extreme, never into the last two bars, and turns when touched."""
    high, low = bars.high.tolist(), bars.low.tolist()
    rising = low[0] - low[1] <= max(high[1] - high[0], 0)
    stop, extreme = (low[0], high[1]) if rising else (high[0], low[1])
    speed, line, direction = numbers["af_start"], [nan], [nan]
    for now in range(1, len(high)):
        if rising:
            stop = min(stop, low[now - 1], low[max(now - 2, 0)] if now > 1 else low[0])
            touched = low[now] <= stop
        else:
            stop = max(stop, high[now - 1], high[max(now - 2, 0)] if now > 1 else high[0])
            touched = high[now] >= stop
        if touched:
            rising, stop, speed = not rising, extreme, numbers["af_start"]
            stop = min(stop, low[now], low[now - 1]) if rising else max(stop, high[now], high[now - 1])
            extreme = high[now] if rising else low[now]
        line.append(stop)
        direction.append(1 if rising else -1)
        further = high[now] > extreme if rising else low[now] < extreme
        if further and not touched:
            extreme = high[now] if rising else low[now]
            speed = min(speed + numbers["af_step"], numbers["af_max"])
        stop += speed * (extreme - stop)
    return named(value=line, direction=direction)


def rsi(bars: Bars, numbers: Numbers) -> Arrays:
    return value(relative_strength(bars.close.tolist(), numbers["period"]))


def relative_strength(values: list[float], period: int) -> list[float]:
    changes = [0.0] + [after - value for value, after in pairwise(values)]
    rises = running([max(change, 0.0) for change in changes], period)
    falls = running([max(-change, 0.0) for change in changes], period)
    return [100 * rise / (rise + fall) if rise + fall else nan for rise, fall in zip(rises, falls, strict=True)]


def stochrsi(bars: Bars, numbers: Numbers) -> Arrays:
    strength = relative_strength(bars.close.tolist(), numbers["rsi_period"])
    place = over_windows(
        strength,
        numbers["stoch_period"],
        lambda w: 100 * (w[-1] - min(w)) / (max(w) - min(w)) if max(w) - min(w) > 1e-9 else nan,
    )
    k = over_windows(place, numbers["k_period"], fmean)
    return named(k=k, d=over_windows(k, numbers["d_period"], fmean))


def cci(bars: Bars, numbers: Numbers) -> Arrays:
    def points(window: list[float]) -> float:
        mean = fmean(window)
        usual = fmean(abs(each - mean) for each in window)
        return (window[-1] - mean) / (0.015 * usual) if usual else nan

    return value(over_windows(typical(bars), numbers["period"], points))


def keltner(bars: Bars, numbers: Numbers) -> Arrays:
    middle = np.array(exponential(typical(bars), numbers["period"]))
    reach = numbers["multiplier"] * np.array(running(true_ranges(bars), numbers["atr_period"]))
    return named(upper=middle + reach, middle=middle, lower=middle - reach)


def atr_mean(bars: Bars, numbers: Numbers) -> Arrays:
    return value(over_windows(running(true_ranges(bars), numbers["period"]), numbers["average"], fmean))


def vwap(bars: Bars, numbers: Numbers) -> Arrays:
    money = [price * traded for price, traded in zip(typical(bars), bars.volume.tolist(), strict=True)]
    spent = over_windows(money, numbers["period"], fsum)
    traded = over_windows(bars.volume.tolist(), numbers["period"], fsum)
    return value([one / other if other else nan for one, other in zip(spent, traded, strict=True)])


def consecutive(bars: Bars, numbers: Numbers) -> Arrays:
    up, down, previous = [nan], [nan], [0, 0]
    for before, now in pairwise(bars.close.tolist()):
        previous = [previous[0] + 1 if now > before else 0, previous[1] + 1 if now < before else 0]
        up.append(previous[0])
        down.append(previous[1])
    return named(up=up, down=down)


def ibs(bars: Bars, numbers: Numbers) -> Arrays:
    return value([(close - low) / (high - low) if high > low else nan for high, low, close in prices(bars)])
