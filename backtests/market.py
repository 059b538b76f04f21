"""The market of a bar: the books an order meets in it, by the shared matching model."""

from functools import cached_property

import numpy as np

from backtests.setup import Setup
from backtests.venue import LARGEST, Day, TermsOf, Venue
from brokers.virtual.matching import Depth, Level, Resting, Ticks, match
from markets.bars import Bars, FloatArray, IntArray
from markets.types import InstrumentRules, Side
from strategies.evaluation import BoolArray

MICRO = 1_000_000
ENDLESS = 10**30  # units: as much as anybody asks for
MOST: int = 2**62  # units: the same where there is room for no more


class Market:
    """The bars of one instrument as its market. Prices and quantities in units, times in microseconds since 1970 UTC."""

    def __init__(self, rules: InstrumentRules, bars: Bars, setup: Setup) -> None:
        self.bars, self.setup = bars, setup
        share = setup.participation or (1, 1)
        self.venue = Venue(rules, setup.commission, TermsOf(setup.slippage_ticks, share))
        self._slippage = float(setup.slippage_rate)
        self._share = share

    @cached_property
    def may_be_smooth(self) -> bool:
        """Whether orders meet one price in a bar, which arrays can say."""
        highest = float(self.bars.high.max()) * self.venue.price_scale * (1 + self._slippage)
        return self.setup.fills == "open" and not self.setup.slippage_ticks and 2 * highest < LARGEST

    def quoted(self, side: Side, price: float, day: Day) -> int:
        """The price quoted to who buys, or sells, when `price` was traded; 0 where there is none."""
        if self._slippage:
            price *= 1 + self._slippage if side is Side.BUY else 1 - self._slippage
        down, up = self.venue.down_and_up(price)
        ticks, spread = day.terms.ticks, self.setup.spread_ticks
        if side is Side.BUY:
            quoted = ticks.up(up)
            return ticks.raised(quoted, spread) if spread else quoted
        quoted = ticks.down(down)
        return ticks.lowered(quoted, spread) if spread and quoted else quoted

    def quotes(self, buys: BoolArray, prices: FloatArray, at: IntArray) -> IntArray:
        """`quoted` of each traded price at its time, ascending, to who buys where `buys` says so, else to who sells."""
        if self._slippage:
            prices = prices * np.where(buys, 1 + self._slippage, 1 - self._slippage)
        down, up = self.venue.all_down_and_up(prices)
        found = np.where(buys, up, down)
        for start, stop, day in self.venue.days(at):
            ticks, part, is_buy = day.terms.ticks, found[start:stop], buys[start:stop]
            if ticks.sizes != (1,):
                sizes = _sizes(ticks, part)
                part += np.where(is_buy, -part % sizes, -(part % sizes))
            for _ in range(self.setup.spread_ticks):
                dearer, cheaper = part + _sizes(ticks, part), part - _sizes(ticks, part - 1)
                cheaper = np.where(part > 0, np.maximum(cheaper, ticks.sizes[0]), part)
                part[:] = np.where(is_buy, dearer, cheaper)
        return found

    def shares(self, bars: IntArray) -> IntArray:
        """Our share of the volume of each of these bars, as far as it is below MOST."""
        if self.setup.participation is None:
            return np.full(len(bars), MOST)
        volumes, (ours, of) = self.bars.volume[bars], self._share
        if float(volumes.max(initial=0)) * self.venue.quantity_scale * ours < LARGEST:
            shares = self.venue.all_volume_units(volumes) * ours // of
            return shares - shares % self.venue.lot
        return np.array([min(self.share(self.volume(bar)), MOST) for bar in bars.tolist()], dtype=np.int64)

    def raised(self, prices: IntArray, at: IntArray) -> IntArray:
        """Each price, or the next above it that is on the tick at its time, ascending."""
        found = prices.copy()
        for start, stop, day in self.venue.days(at):
            part = found[start:stop]
            if day.terms.ticks.sizes != (1,):
                part += -part % _sizes(day.terms.ticks, part)
        return found

    def volume(self, bar: int) -> int:
        """What was traded in a bar, as far as it limits us."""
        return ENDLESS if self.setup.participation is None else self.venue.volume_units(float(self.bars.volume[bar]))

    def share(self, volume: int) -> int:
        """Our share of a volume, in whole lots."""
        ours = volume * self._share[0] // self._share[1]
        return ours - ours % self.venue.lot

    def fill(
        self, side: Side, wanted: int, quoted: int, volume: int, collar: int | None, day: Day
    ) -> tuple[int, int] | None:
        """The (price, quantity) that a market order gets where `volume` was traded and `quoted` was asked, or bid."""
        if not self.setup.slippage_ticks:
            return self._at_quoted(side, wanted, quoted, volume, collar)
        level = Level(quoted, volume)
        depth = Depth((), (level,)) if side is Side.BUY else Depth((level,), ())
        fills = match((Resting(0, side, wanted, None, 0, collar),), depth, day.terms)
        return (fills[0].price, fills[0].quantity) if fills else None

    def _at_quoted(
        self, side: Side, wanted: int, quoted: int, volume: int, collar: int | None
    ) -> tuple[int, int] | None:
        """What `match` says of one order and one level on the tick, without slippage: a test holds it to that."""
        if quoted <= 0 or (collar is not None and (quoted > collar if side is Side.BUY else quoted < collar)):
            return None
        quantity = min(wanted - wanted % self.venue.lot, self.share(volume))
        return (quoted, quantity) if quantity > 0 else None

    def ticks_of(self, bar: int) -> list[tuple[int, float, int]]:
        """(time, price, volume) of each moment of a bar at which an order may trade: its open, or the four of a replay."""
        bars = self.bars
        opened, volume = bars.opened_at.item(bar) * MICRO, self.volume(bar)
        if self.setup.fills == "open":
            return [(opened, bars.open.item(bar), volume)]
        closed = int(bars.closed_at[bar]) * MICRO
        duration, lot = closed - opened, self.venue.lot
        quarter = volume // (4 * lot) * lot
        times = (opened, opened + (duration + 1) // 3, opened + (2 * duration + 1) // 3, closed - MICRO)
        prices = (bars.open[bar], bars.low[bar], bars.high[bar], bars.close[bar])
        volumes = (quarter, quarter, quarter, volume - 3 * quarter)
        return [(at, float(price), part) for at, price, part in zip(times, prices, volumes, strict=True)]


def _sizes(ticks: Ticks, prices: IntArray) -> IntArray | int:
    """The tick of each price, or of all."""
    if len(ticks.sizes) == 1:
        return ticks.sizes[0]
    return np.array(ticks.sizes)[np.searchsorted(ticks.starts, prices, side="right") - 1]
