"""On what terms virtual orders meet the book of each price source: what a quoted book leaves out, as data.

A quoted book shows what was there before us. Taking all of it without the price moving would be flattering, so only a
share of each level is ours and a market order pays one tick more. A replay's book is made of what was traded: it shows
a tenth of the volume, one tick away from the price, already, and what its bars show was possible on their day.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from types import MappingProxyType

from brokers.virtual.matching import Terms, Ticks, to_units
from markets.rules import price_band
from markets.types import InstrumentRules, Source


@dataclass(frozen=True, slots=True)
class SourceTerms:
    """How far one source's book can be believed: our share of each level, what a market order pays beyond it, and
    whether its prices are the venue's own, so that the day's price limits can be judged by them."""

    participation: tuple[int, int]
    slippage_ticks: int
    keeps_price_limits: bool


QUOTED_BOOK = SourceTerms(participation=(1, 4), slippage_ticks=1, keeps_price_limits=True)
TRADED_BARS = SourceTerms(participation=(1, 1), slippage_ticks=0, keeps_price_limits=False)
BY_SOURCE: Mapping[str, SourceTerms] = MappingProxyType({Source.REPLAY: TRADED_BARS})


def source_terms(source: str) -> SourceTerms:
    """The terms of a source; every live market, the simulated one included, shows a quoted book."""
    return BY_SOURCE.get(source, QUOTED_BOOK)


def matching_terms(source: str, rules: InstrumentRules, base_price: Decimal | None, on: date) -> Terms:
    """What `match` needs to know on a day. Without a `base_price` the day's price limits cannot be judged and bind nobody.

    Raises markets.dated.NoRuleInForce where the venue's ticks or limits of that day are not known.
    """
    believed = source_terms(source)
    base = base_price if believed.keeps_price_limits else None
    band = None if base is None else price_band(rules, base, on)
    low, high = (None, None) if band is None else (to_units(end, rules.price_decimals) for end in band)
    return Terms(
        Ticks.of(rules, on),
        lot=to_units(rules.lot, rules.quantity_decimals),
        slippage_ticks=believed.slippage_ticks,
        participation=believed.participation,
        low=low,
        high=high,
    )
