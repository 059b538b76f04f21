"""Single trades and books as KIS names their fields, for clients written for its socket; from any source. Pure.

Values are text, as on KIS's wire. What a source does not tell is left out rather than made up.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal

from markets.types import Level, OrderBook, Quote, Tick

TRADES, BOOKS = "H0STCNT0", "H0STASP0"
LEVELS = 10
SEOUL = timedelta(hours=9)
CENT = Decimal("0.01")
UP, FLAT, DOWN = "2", "3", "5"

Fields = dict[str, str]


def executions(ticks: Iterable[Tick], quote: Quote) -> list[Fields]:
    """Trades of one instrument, in order; `quote` is the price they left behind."""
    told = list(ticks)
    volume = quote.day_volume - sum((tick.quantity for tick in told), Decimal(0))
    found = []
    for tick in told:
        volume += tick.quantity
        found.append(_execution(tick, quote, max(volume, tick.quantity)))
    return found


def book_fields(book: OrderBook) -> Fields:
    """Ten levels a side; a level that is not there has price and quantity 0."""
    sides = (("ASKP", book.asks), ("BIDP", book.bids))
    fields = {"MKSC_SHRN_ISCD": _code(book.instrument), "BSOP_HOUR": _clock(book.at)}
    for name, levels in sides:
        fields |= {f"{name}{n}": _number(level.price) for n, level in enumerate(_ten(levels), 1)}
    for name, levels in sides:
        fields |= {f"{name}_RSQN{n}": _number(level.quantity) for n, level in enumerate(_ten(levels), 1)}
    for name, levels in sides:
        fields[f"TOTAL_{name}_RSQN"] = _number(sum((level.quantity for level in levels), Decimal(0)))
    return fields


def _execution(tick: Tick, quote: Quote, volume: Decimal) -> Fields:
    change = tick.price - quote.base_price
    fields = {
        "MKSC_SHRN_ISCD": _code(tick.instrument),
        "STCK_CNTG_HOUR": _clock(tick.at),
        "STCK_PRPR": _number(tick.price),
        "PRDY_VRSS_SIGN": UP if change > 0 else DOWN if change < 0 else FLAT,
        "PRDY_VRSS": _number(change),
        "CNTG_VOL": _number(tick.quantity),
        "ACML_VOL": _number(volume),
        "BSOP_DATE": f"{tick.at + SEOUL:%Y%m%d}",
    }
    if quote.base_price:
        fields["PRDY_CTRT"] = _number((change / quote.base_price * 100).quantize(CENT))
    fields |= {
        name: _number(price) for name, price in (("ASKP1", quote.ask), ("BIDP1", quote.bid)) if price is not None
    }
    return fields


def _ten(levels: Sequence[Level]) -> list[Level]:
    none = Level(Decimal(0), Decimal(0))
    return [*levels[:LEVELS], *[none] * (LEVELS - len(levels))]


def _code(key: str) -> str:
    return key.partition(":")[2]


def _clock(at: datetime) -> str:
    return f"{at + SEOUL:%H%M%S}"


def _number(value: Decimal) -> str:
    return format(value, "f")
