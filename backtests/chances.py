"""What else might have come of the same trades and days: drawn again many times, by a seed."""

from dataclasses import dataclass

import numpy as np

from backtests.engine import Result
from backtests.metrics import cycle_results
from markets.bars import FloatArray

DRAWS = 1000
MOST_NUMBERS = 2_000_000  # drawn at once: fewer draws of very many trades
BLOCK_DAYS = 20


@dataclass(frozen=True, slots=True)
class Spread:
    """Of what was drawn: the middle, and the twentieth part on either side. Returns as fractions."""

    low: float
    middle: float
    high: float
    draws: int


def drawdowns_of_other_orders(rates: FloatArray, seed: int) -> Spread:
    """The largest drawdown, 0 or below, where the trades had come in another order. `rates`: what each made of all the worth."""
    random = np.random.default_rng(seed)
    draws = max(100, min(DRAWS, MOST_NUMBERS // max(1, len(rates))))
    growth = np.log1p(np.maximum(rates, -0.999999))
    found = np.empty(draws)
    for draw in range(draws):
        worth = np.concatenate([[0.0], np.cumsum(random.permutation(growth))])
        found[draw] = np.expm1((worth - np.maximum.accumulate(worth)).min())
    return _spread(found)


def returns_of_other_days(daily: FloatArray, seed: int) -> tuple[Spread, float]:
    """The total return of as many days drawn in blocks, and the share of draws that lost money."""
    random = np.random.default_rng(seed)
    growth = np.log1p(np.maximum(daily, -0.999999))
    count, block = len(growth), min(BLOCK_DAYS, len(growth))
    summed = np.concatenate([[0.0], np.cumsum(growth)])
    whole, rest = divmod(count, block)
    starts = random.integers(0, count - block + 1, size=(DRAWS, whole))
    total = (summed[starts + block] - summed[starts]).sum(axis=1)
    if rest:
        begins = random.integers(0, count - rest + 1, size=DRAWS)
        total += summed[begins + rest] - summed[begins]
    returns = np.expm1(total)
    return _spread(returns), float((returns < 0).mean())


def trade_rates(result: Result) -> FloatArray:
    """What each closed trade made of all the worth the run had when the trade began."""
    made, first_bars = cycle_results(result.filled, result.venue.cash_scale)
    return np.asarray(made / result.equity[np.maximum(first_bars - 1, 0)], dtype=np.float64)


def daily_returns(result: Result) -> FloatArray:
    """From each Korean day's last bar to the next one's."""
    first = result.first_bar
    worth = result.equity[first:][result.ground.days_since(first).days]
    return np.asarray(worth[1:] / worth[:-1] - 1, dtype=np.float64)


def _spread(found: FloatArray) -> Spread:
    low, middle, high = np.quantile(found, [0.05, 0.5, 0.95]).tolist()
    return Spread(low, middle, high, len(found))
