"""Which indicators exist: what each is called, takes and gives, and how much history it needs.

Description only, so that pages and forms can read it without loading the libraries that compute (`indicators`).
"""

from collections.abc import Mapping

from strategies.catalog.kinds import Bounds, IndicatorKind, IndicatorParam, Numbers, Output, Unit, Words
from strategies.catalog.oscillators import OSCILLATORS
from strategies.catalog.ranges import RANGES
from strategies.catalog.single_bars import SINGLE_BARS
from strategies.catalog.trend import TREND
from strategies.catalog.volume import VOLUME
from strategies.catalog.warm_up import NEGLIGIBLE, settled_after

__all__ = [
    "INDICATORS",
    "NEGLIGIBLE",
    "OSCILLATORS",
    "RANGES",
    "SINGLE_BARS",
    "TREND",
    "VOLUME",
    "Bounds",
    "IndicatorKind",
    "IndicatorParam",
    "Numbers",
    "Output",
    "Unit",
    "Words",
    "settled_after",
]

INDICATORS: Mapping[str, IndicatorKind] = {**TREND, **OSCILLATORS, **RANGES, **VOLUME, **SINGLE_BARS}
