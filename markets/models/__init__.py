"""What can be traded, its bars, its latest quote, and the clock of each price source."""

from markets.models.bars import StoredBar
from markets.models.fields import ExactDecimalField, ExactSum
from markets.models.instruments import Instrument, InstrumentQuerySet, WatchlistItem
from markets.models.live import BarOpening, LatestQuote, PriceFeed
from markets.models.statements import Statements
from markets.models.trading_days import TradingDay

__all__ = [
    "BarOpening",
    "ExactDecimalField",
    "ExactSum",
    "Instrument",
    "InstrumentQuerySet",
    "LatestQuote",
    "PriceFeed",
    "Statements",
    "StoredBar",
    "TradingDay",
    "WatchlistItem",
]
