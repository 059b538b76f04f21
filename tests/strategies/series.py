"""Bars to test on: real ones from the shared data folder, and a seeded random walk that needs no file."""

import csv
from pathlib import Path

import numpy as np
import pytest

from markets.bars import Bars

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
