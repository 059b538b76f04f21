"""The one matching model: what the market would have done with our orders. The virtual broker and backtests share it.

It computes in integers: prices and quantities count the smallest units of `InstrumentRules.price_decimals` and
`quantity_decimals`; Decimal meets it at `to_units` and `from_units`. The model, always against us:

- An order takes from the quoted levels of the other side, best first; what is taken is gone for our later orders. Among
  ours, market orders come first, then better limits, then the earlier sequence. Our orders never trade with each other.
- Of each level only a share is ours to take (`participation`), in whole lots.
- A price between ticks (adjusted history) is rounded to the tick against us. A limit order never fills beyond its
  limit, nor any order beyond its collar or outside the day's price limits: it rests instead.
- Market orders pay `slippage_ticks` more, as far as collar and price limits allow.

Quoted depth is fresh in every call: who matches the same book twice offers it twice.
"""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, ROUND_DOWN, Context, Decimal, Inexact
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

from markets.rules import bands
from markets.types import InstrumentRules, Side

Id = TypeVar("Id", bound=Hashable)

MOST_DIGITS = 36
_EXACT = Context(prec=MOST_DIGITS, traps=[Inexact])
_CUT = Context(prec=MOST_DIGITS, rounding=ROUND_DOWN, traps=[])


class NotInUnits(ValueError):
    """A number is finer, or larger, than the integers of an instrument can say."""

    code = "not_in_units"


class Level(NamedTuple):
    """One quoted price and the quantity there, in units."""

    price: int
    quantity: int


class Depth(NamedTuple):
    """The quoted book, best level first on both sides."""

    bids: Sequence[Level]
    asks: Sequence[Level]


class Resting(NamedTuple, Generic[Id]):
    """One of our orders, waiting. `limit` None: a market order. `sequence` is unique among the orders of a call.

    `collar` bounds a market order: it never fills beyond this price, so that its reservation always suffices.
    """

    id: Id
    side: Side
    remaining: int
    limit: int | None
    sequence: int
    collar: int | None = None


class Match(NamedTuple, Generic[Id]):
    """One fill. price = level_price ± (rounding + slippage), plus for a buy and minus for a sell; both are >= 0."""

    id: Id
    side: Side
    price: int
    quantity: int
    level_price: int
    rounding: int
    slippage: int

    def pricing(self, price_decimals: int) -> str:
        """How the fill was priced, for the audit trail: "ask 71,230 + 70 to the tick + 100 slippage"."""
        quote, sign = ("ask", "+") if self.side == Side.BUY else ("bid", "-")
        parts = [f"{quote} {from_units(self.level_price, price_decimals):,f}"]
        for extra, why in ((self.rounding, "to the tick"), (self.slippage, "slippage")):
            if extra:
                parts.append(f"{sign} {from_units(extra, price_decimals):,f} {why}")
        return " ".join(parts)


@dataclass(frozen=True, slots=True)
class Ticks:
    """A tick table in price units: from `starts[i]` up, prices are the multiples of `sizes[i]`. `starts[0]` is 0."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, rules: InstrumentRules, on: date) -> "Ticks":
        """The table of an instrument on a day. Where the venue's tick is finer than our unit, the unit is the tick."""
        return _ticks(rules.tick_table, rules.price_decimals, on)

    def size(self, price: int) -> int:
        return self.sizes[bisect_right(self.starts, price) - 1]

    def down(self, price: int) -> int:
        return price - price % self.size(price)

    def up(self, price: int) -> int:
        return price + -price % self.size(price)

    def raised(self, price: int, count: int) -> int:
        """`count` ticks above a price on the tick, across bands."""
        for _ in range(count):
            price += self.size(price)
        return price

    def lowered(self, price: int, count: int) -> int:
        """`count` ticks below a price on the tick, across bands, and never below the lowest price."""
        for _ in range(count):
            price = max(price - self.size(price - 1), self.sizes[0])
        return price


@lru_cache(maxsize=1024)
def _ticks(table: str, price_decimals: int, on: date) -> Ticks:
    in_units: dict[int, int] = {}
    for band in bands(table, on):
        start, size = (value.scaleb(price_decimals) for value in band)
        if size > 1 and size % 1:
            raise NotInUnits(f"tick table {table}: a tick of {band.tick} is not whole at {price_decimals} decimals")
        first = int(start.to_integral_value(ROUND_CEILING))
        in_units[first] = max(int(size), 1)  # of several bands within one unit the last counts
    return Ticks(tuple(in_units), tuple(in_units.values()))


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms orders of one instrument fill today. Lot and prices in units.

    `participation` (numerator, denominator) is the share of each level that we may take. `low` and `high` are the
    day's price limits: levels outside do not count.
    """

    ticks: Ticks
    lot: int = 1
    slippage_ticks: int = 0
    participation: tuple[int, int] = (1, 1)
    low: int | None = None
    high: int | None = None

    def __post_init__(self) -> None:
        numerator, denominator = self.participation
        if self.lot < 1 or self.slippage_ticks < 0 or not 0 <= numerator <= denominator or denominator < 1:
            raise ValueError(f"impossible terms: {self}")


class _Offer:
    """One level as far as it is ours: the price we would pay and what is left, in whole lots."""

    __slots__ = ("left", "level_price", "price")

    def __init__(self, level_price: int, price: int, left: int) -> None:
        self.level_price, self.price, self.left = level_price, price, left


def match(resting: Iterable[Resting[Id]], depth: Depth, terms: Terms) -> list[Match[Id]]:
    """The fills of our resting orders against one quoted book: buys first, each side in priority order.

    The order of `resting` does not matter. An order that does not fill, or not wholly, goes on resting.
    """
    buys: list[Resting[Id]] = []
    sells: list[Resting[Id]] = []
    for order in resting:
        (buys if order.side == Side.BUY else sells).append(order)
    fills: list[Match[Id]] = []
    if buys and depth.asks:
        buys.sort(key=lambda order: (order.limit is not None, -(order.limit or 0), order.sequence))
        _walk(buys, _offers(depth.asks, terms, Side.BUY), terms, fills)
    if sells and depth.bids:
        sells.sort(key=lambda order: (order.limit is not None, order.limit or 0, order.sequence))
        _walk(sells, _offers(depth.bids, terms, Side.SELL), terms, fills)
    return fills


def _offers(levels: Sequence[Level], terms: Terms, side: Side) -> list[_Offer]:
    """The levels `side` may take from, at prices on the tick and within the day's limits."""
    numerator, denominator = terms.participation
    on_tick = terms.ticks.up if side == Side.BUY else terms.ticks.down
    offers = []
    for level_price, quantity in levels:
        left = quantity * numerator // denominator
        left -= left % terms.lot
        price = on_tick(level_price) if level_price > 0 else 0
        if left > 0 and price > 0 and _within(price, terms):
            offers.append(_Offer(level_price, price, left))
    return offers


def _within(price: int, terms: Terms) -> bool:
    return (terms.low is None or price >= terms.low) and (terms.high is None or price <= terms.high)


def _walk(orders: list[Resting[Id]], offers: list[_Offer], terms: Terms, fills: list[Match[Id]]) -> None:
    """Let the orders, all of one side and in priority order, take from the offers; append what they get."""
    for order in orders:
        wanted = order.remaining - order.remaining % terms.lot
        for offer in offers:
            if wanted <= 0 or _worse(offer.price, order):
                break
            quantity = min(wanted, offer.left)
            if not quantity:
                continue
            offer.left -= quantity
            wanted -= quantity
            price = offer.price if order.limit is not None else _slipped(offer.price, order, terms)
            rounding, slippage = abs(offer.price - offer.level_price), abs(price - offer.price)
            fills.append(Match(order.id, order.side, price, quantity, offer.level_price, rounding, slippage))


def _worse(price: int, order: Resting[Id]) -> bool:
    """Whether a price is beyond what the order accepts."""
    bound = order.collar if order.limit is None else order.limit
    if bound is None:
        return False
    return price > bound if order.side == Side.BUY else price < bound


def _slipped(price: int, order: Resting[Id], terms: Terms) -> int:
    """What a market order pays at an offer it accepts: some ticks more, but within its collar and the day's limits."""
    ticks, count = terms.ticks, terms.slippage_ticks
    if not count:
        return price
    if order.side == Side.BUY:
        price = ticks.raised(price, count)
        ceilings = [bound for bound in (order.collar, terms.high) if bound is not None]
        return min([price, *map(ticks.down, ceilings)])
    price = ticks.lowered(price, count)
    floors = [bound for bound in (order.collar, terms.low) if bound is not None]
    return max([price, *map(ticks.up, floors)])


def bar_depth(price: int, volume: int, half_spread_ticks: int, ticks: Ticks) -> Depth:
    """The book that a traded price of a bar stands for in a replay or backtest.

    One level on each side, `half_spread_ticks` away from the price (rounded outwards to the tick), each showing the
    whole `volume`: the share that is ours is `Terms.participation`, applied once, in `match`. No bid below the lowest
    price; at the day's limit `match` drops the level beyond it, so a limit-up bar sells us nothing.
    """
    bid = ticks.down(price)
    bids = (Level(ticks.lowered(bid, half_spread_ticks), volume),) if bid > 0 else ()
    return Depth(bids, (Level(ticks.raised(ticks.up(price), half_spread_ticks), volume),))


def to_units(value: Decimal, decimals: int) -> int:
    """`value` in its smallest units, exactly. Raises NotInUnits when it is finer, not finite, or beyond 36 digits."""
    try:
        return int(_EXACT.to_integral_exact(_scaled(value, decimals, _EXACT)))
    except Inexact:
        raise NotInUnits(f"a number has more than {decimals} decimals") from None


def floor_units(value: Decimal, decimals: int) -> int:
    """`value` in whole units, the rest cut off: for market data finer than we count, such as a displayed quantity."""
    return int(_scaled(value, decimals, _CUT))


def _scaled(value: Decimal, decimals: int, context: Context) -> Decimal:
    if not value.is_finite() or value.adjusted() + decimals >= MOST_DIGITS:
        raise NotInUnits("a number is not finite, or too large to count")
    return context.scaleb(value, decimals)


def from_units(units: int, decimals: int) -> Decimal:
    """The exact number that `units` stand for."""
    return Decimal(units).scaleb(-decimals, _EXACT)
