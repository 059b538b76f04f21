"""The ten levels of a simulated order book, around the best prices of the path."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np

from brokers.simulator.path import PricePath, noise_key, words
from brokers.simulator.universe import SimulatedInstrument
from markets.types import Level, OrderBook, from_epoch

LEVELS = 10
_CALM_SECONDS = 20  # how long half of the depth at a price stands still


class Depth:
    """Quoted depth of one instrument: a pure function of seed, price and second, like the path itself."""

    def __init__(self, instrument: SimulatedInstrument, path: PricePath) -> None:
        self._path = path
        self._key = instrument.key
        self._unit = Decimal(1).scaleb(-instrument.rules.price_decimals)
        self._step = instrument.trade_step
        self._typical = float(instrument.typical_trade / instrument.trade_step)
        self._noise = noise_key(path.seed, instrument.key, "depth")

    def book(self, second: int, limits: tuple[Decimal, Decimal] | None) -> OrderBook:
        """The book in that second; no level lies outside the day's price `limits`."""
        bid, ask = self._path.best(second)
        bids = _ladder(bid, lambda price: price - self._path.tick_below(price, second))
        asks = _ladder(ask, lambda price: price + self._path.tick_above(price, second))
        return OrderBook(
            self._key, from_epoch(second), self._levels(bids, second, limits), self._levels(asks, second, limits)
        )

    def _levels(self, prices: list[int], second: int, limits: tuple[Decimal, Decimal] | None) -> tuple[Level, ...]:
        sizes = self._sizes(prices, second)
        levels = (Level(price * self._unit, size * self._step) for price, size in zip(prices, sizes, strict=True))
        return tuple(level for level in levels if limits is None or limits[0] <= level.price <= limits[1])

    def _sizes(self, prices: list[int], second: int) -> list[int]:
        """Several everyday trades at each level, more of them further out, at least one step."""
        at = np.array(prices, dtype=np.int64)
        lasting = words(self._noise, at * 1_000_003 + second // _CALM_SECONDS) >> np.uint64(44)
        fleeting = words(self._noise, at * 1_000_003 - second) >> np.uint64(44)
        share = (lasting + fleeting).astype(np.float64) * 2.0**-21
        further = 1.0 + np.arange(len(at)) * 0.25
        return [int(size) for size in np.maximum(self._typical * further * (0.3 + 4.0 * share**2), 1.0)]


def _ladder(best: int, following: Callable[[int], int]) -> list[int]:
    prices = [best]
    while len(prices) < LEVELS and (price := following(prices[-1])) > 0:
        prices.append(price)
    return prices
