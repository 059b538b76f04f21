"""Bars to test on: real ones from the shared data folder, and a seeded random walk that needs no file."""

import csv
from pathlib import Path

import numpy as np
import pytest

from markets.bars import Bars
from strategies.catalog import INDICATORS

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
KRX = ("000660", "005380", "005930", "035420", "069500")


def real_bars(name: str) -> Bars:
    """A series of the shared data, e.g. "krx-daily/005930" or "crypto/UNITTEST_BTC-1m"; skips where it is absent.

    The times are made up, one minute a bar: no rule looks at them.
    """
    path = DATA / f"{name}.csv"
    if not path.exists():
        pytest.skip(f"needs the shared price data: {path.name}")
    with path.open() as file:
        lines = list(csv.DictReader(file))
    return bars_of(
        *(np.array([float(line[key]) for line in lines]) for key in ("open", "high", "low", "close", "volume"))
    )


def random_bars(count: int, seed: int = 7) -> Bars:
    """A seeded random walk around 100 with a mild cycle, so that averages cross often."""
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.01, count) + 0.004 * np.sin(np.arange(count) / 30)
    close = 100 * np.exp(np.cumsum(steps))
    open_ = np.concatenate([[100.0], close[:-1]])
    reach = np.abs(random.normal(0, 0.004, count)) * close
    return bars_of(
        open_, np.maximum(open_, close) + reach, np.minimum(open_, close) - reach, close, random.lognormal(5, 1, count)
    )


def bars_of(*columns: np.ndarray) -> Bars:
    opened = np.arange(len(columns[0]), dtype=np.int64) * 60
    return Bars(opened, opened + 60, *columns)


def bars_closing_at(*closes: float, volume: float = 10.0) -> Bars:
    """Flat bars, each a single price."""
    close = np.array(closes, dtype=np.float64)
    return bars_of(close, close, close, close, np.full(len(close), volume, dtype=np.float64))


def scaled(bars: Bars, factor: float) -> Bars:
    """The same moves at another size: prices and volumes `factor` times as large."""
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return bars_of(*(column * factor for column in columns))


def defaults(kind: str) -> dict[str, float]:
    """What a form offers for the indicator's parameters."""
    return {name: param.default for name, param in INDICATORS[kind].params.items()}


def twice_as_long(kind: str) -> dict[str, float]:
    """The indicator's defaults, its bars doubled and its other numbers half as large again."""
    params = INDICATORS[kind].params
    return {name: param.default * 2 if param.whole else param.default * 1.5 for name, param in params.items()}


def hostile_bars(name: str) -> Bars:
    """Series that break careless sums: nothing moves, nothing trades, one figure is a trillion, or there is hardly a bar."""
    bars = random_bars(600)
    match name:
        case "constant":
            return bars_closing_at(*[0.1] * 600)  # not a sum of powers of two: careless means come out beside it
        case "a halt":  # standing still in the middle, without volume
            for column in (bars.open, bars.high, bars.low, bars.close):
                column[200:400] = column[199] if column is bars.close else bars.close[199]
            bars.volume[200:400] = 0
        case "no volume":
            bars.volume[:] = 0
        case "one spike":
            for column in (bars.open, bars.high, bars.low, bars.close):
                column[300] = 1e12
        case "spiky volume":
            bars.volume[300] = 1e15
            bars.volume[400:] *= 1e-6
        case "one bar" | "two bars" | "no bars":
            return bars.prefix(["no bars", "one bar", "two bars"].index(name))
        case _:
            raise ValueError(name)
    return bars
