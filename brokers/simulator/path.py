"""The price path of one simulated instrument: a pure function of seed, instrument and second.

Nothing is accumulated. Noise is a hash of (seed, instrument, purpose, index), so any second can be computed alone, in
any order and at any speed, with the same result on every machine: only +, −, ×, ÷ and integers are used, which IEEE 754
defines to the last bit. The logarithm of the price is a sum of noises of different lengths (from a minute to months),
each a straight line between random points: long ones are the trends, short ones the jitter. Being bounded, the sum can
drift neither to zero nor beyond what a venue's daily limit allows.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from brokers.simulator.universe import SimulatedInstrument
from markets.bars import FloatArray, IntArray
from markets.rules import bands

WordArray = npt.NDArray[np.uint64]

SECONDS_PER_DAY = 86_400
_SECONDS = np.arange(60) / 60
VENUE_MIDNIGHT = 9 * 3600  # tick tables change at midnight in Seoul

# Minutes from one random point to the next, and the weight of each: about four times shorter, half as far; together 1.
_SWINGS = (
    *((23_040, 0.5), (5_760, 0.25), (1_440, 0.125), (360, 0.0625)),  # trends of weeks, days and hours
    *((90, 0.031), (22, 0.016), (6, 0.008), (1, 0.005)),
)
_DRIFT_MINUTES = 96 * 1_440
_JITTER = 0.002  # of the swing, from one second to the next
_ACTIVITY = ((480, 0.9), (45, 0.7), (2, 0.5))  # how busy trading is, the same way

_GOLDEN, _MIX_1, _MIX_2 = (np.uint64(n) for n in (0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB))


def noise_key(*parts: object) -> np.uint64:
    """A stable 64-bit key for one purpose; unlike `hash` the same in every process."""
    return np.uint64(int.from_bytes(sha256("|".join(map(str, parts)).encode()).digest()[:8], "big"))


def words(key: np.uint64, index: IntArray) -> WordArray:
    """64 random bits for each index (SplitMix64 with the index as its counter), shape as `index`."""
    z = index.astype(np.uint64)
    z *= _GOLDEN
    z += key
    z ^= z >> np.uint64(30)
    z *= _MIX_1
    z ^= z >> np.uint64(27)
    z *= _MIX_2
    z ^= z >> np.uint64(31)
    return z


def between_minus_one_and_one(bits: WordArray) -> FloatArray:
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1.0


def grown(log_change: FloatArray) -> FloatArray:
    """e to the power of small numbers, by Padé's fraction: exact arithmetic only, positive below 2."""
    half = log_change * 0.5
    grown_part: FloatArray = (1.0 + half) / (1.0 - half)
    return grown_part


class _Octave:
    """One noise: random points `period` minutes apart, straight lines between them, its own phase."""

    def __init__(self, key: np.uint64, period: int, weight: float) -> None:
        self._key, self._period, self._weight = key, period, weight
        self._phase = int(key) % period

    def at(self, minutes: IntArray) -> FloatArray:
        index, part = np.divmod(minutes + self._phase, self._period)
        left = between_minus_one_and_one(words(self._key, index))
        right = between_minus_one_and_one(words(self._key, index + 1))
        line: FloatArray = (left + (right - left) * (part / self._period)) * self._weight
        return line


@dataclass(frozen=True, slots=True)
class Trades:
    """One entry per second, shape (n,): the price in smallest units, the size in trade steps (0: nobody traded)."""

    start: int  # epoch second of the first entry
    price: IntArray
    size: IntArray


class PricePath:
    """Prices and trades of one instrument, by epoch second."""

    def __init__(self, seed: int, instrument: SimulatedInstrument) -> None:
        rules, kind = instrument.rules, instrument.volatility
        self.rules = rules
        self.seed = seed
        self._units = 10**rules.price_decimals
        self._base = float(instrument.base_price * self._units)
        self._half_spread = float(instrument.spread_rate) / 2
        self._typical = float(instrument.typical_trade / instrument.trade_step)
        self._jitter = kind.swing * _JITTER * 2
        swings = [(period, weight * kind.swing) for period, weight in _SWINGS]
        self._price = self._octaves("price", (*swings, (_DRIFT_MINUTES, kind.drift)))
        self._activity = self._octaves("activity", _ACTIVITY)
        self._trade_key = noise_key(seed, rules.key, "trade")
        self._ladders: dict[int, tuple[FloatArray, IntArray]] = {}

    def trades(self, start: int, stop: int) -> Trades:
        """What trades in the seconds [start, stop)."""
        cuts = [start, *range(_next_venue_midnight(start), stop, SECONDS_PER_DAY), stop]
        parts = [self._trades(first, last) for first, last in pairwise(cuts)]
        return Trades(start, np.concatenate([p.price for p in parts]), np.concatenate([p.size for p in parts]))

    def best(self, second: int) -> tuple[int, int]:
        """Best bid and ask in the smallest units, as they stand in that second."""
        mid = np.repeat(self._mid(second, second + 1, self._bits(second, second + 1)), 2)
        bid, ask = self._touch(mid, np.array([0, 1]), second)
        return int(bid), int(ask)

    def tick_below(self, price: int, second: int) -> int:
        """The step from a price down to the next one, in the smallest units."""
        starts, ticks = self._ladder(second)
        return int(ticks[max(int(np.searchsorted(starts, price, side="left")) - 1, 0)])

    def tick_above(self, price: int, second: int) -> int:
        starts, ticks = self._ladder(second)
        return int(ticks[int(np.searchsorted(starts, price, side="right")) - 1])

    def _trades(self, start: int, stop: int) -> Trades:
        bits = self._bits(start, stop)
        side = ((bits >> np.uint64(16)) & np.uint64(1)).astype(np.int64)
        price = self._touch(self._mid(start, stop, bits), side, start)
        share = ((bits >> np.uint64(17)) & np.uint64(0xFFFF)).astype(np.float64) * 2.0**-16
        size = (self._busy(start, stop) / (share + 0.05)).astype(np.int64)
        size[bits >> np.uint64(60) < np.uint64(7)] = 0  # nobody trades in seven seconds of sixteen
        return Trades(start, price, size)

    def _bits(self, start: int, stop: int) -> WordArray:
        return words(self._trade_key, np.arange(start, stop, dtype=np.int64))

    def _mid(self, start: int, stop: int, bits: WordArray) -> FloatArray:
        """The price between bid and ask, in the smallest units."""
        log_price = _by_second(_sum(self._price, start, stop), start, stop)
        log_price += ((bits & np.uint64(0xFFFF)).astype(np.float64) - 2.0**15) * (self._jitter * 2.0**-16)
        mid: FloatArray = self._base * grown(log_price)
        return mid

    def _busy(self, start: int, stop: int) -> FloatArray:
        """The size of trades at each second, before chance adds its part; the mean over time is about typical / 3."""
        return _by_second(self._typical * grown(_sum(self._activity, start, stop)) / 3, start, stop)

    def _touch(self, mid: FloatArray, side: IntArray, second: int) -> IntArray:
        """The best bid (side 0) or ask (side 1) around `mid`: the tick below the spread, or the tick above it."""
        edge = mid * (self._half_spread * (2 * side - 1) + 1.0) if self._half_spread else mid
        starts, ticks = self._ladder(second)
        lowest, highest = np.searchsorted(starts, (edge.min(), edge.max()), side="right") - 1
        tick = ticks[lowest] if lowest == highest else ticks[np.searchsorted(starts, edge, side="right") - 1]
        touched: IntArray = ((edge / tick).astype(np.int64) + side) * tick
        return touched

    def _ladder(self, second: int) -> tuple[FloatArray, IntArray]:
        """The bands of the tick table on that venue day: where each starts, and its tick, in the smallest units."""
        day = (second + VENUE_MIDNIGHT) // SECONDS_PER_DAY
        if day not in self._ladders:
            on = datetime.fromtimestamp(day * SECONDS_PER_DAY, UTC).date()
            rows = [row for row in bands(self.rules.tick_table, on) if row.tick * self._units >= 1 or row.start == 0]
            starts = np.array([float(row.start * self._units) for row in rows])
            ticks = np.array([int(max(row.tick * self._units, Decimal(1))) for row in rows], dtype=np.int64)
            self._ladders = {day: (starts, ticks)}  # time moves on: the last day is all that is asked for again
        return self._ladders[day]

    def _octaves(self, purpose: str, shape: tuple[tuple[int, float], ...]) -> list[_Octave]:
        return [_Octave(noise_key(self.seed, self.rules.key, purpose, period), period, w) for period, w in shape]


def _sum(octaves: list[_Octave], start: int, stop: int) -> FloatArray:
    """The sum of noises at each full minute from the one before `start` to the one at or after `stop`."""
    minutes = np.arange(start // 60, -(-stop // 60) + 1, dtype=np.int64)
    level = np.zeros(len(minutes))
    for octave in octaves:
        level += octave.at(minutes)
    return level


def _by_second(level: FloatArray, start: int, stop: int) -> FloatArray:
    """Minutes to seconds [start, stop): exact at full minutes, a straight line between them."""
    line = level[:-1, None] + np.diff(level)[:, None] * _SECONDS
    first = start // 60 * 60
    return line.reshape(-1)[start - first : stop - first]


def _next_venue_midnight(second: int) -> int:
    return ((second + VENUE_MIDNIGHT) // SECONDS_PER_DAY + 1) * SECONDS_PER_DAY - VENUE_MIDNIGHT
