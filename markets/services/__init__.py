"""The market as the other apps ask about it: what time it is there, the last price, and closed bars."""

from markets.services.bars import (
    bar_under_way,
    history_rows,
    newest_close,
    read_bars,
    rows,
    store_bars,
    store_openings,
)
from markets.services.clock import (
    ALWAYS,
    Moment,
    beat,
    calendar,
    leave_without_source,
    market_now,
    market_time,
    moment,
    order_calendar,
    session_calendar,
    set_speed,
    take_over,
)
from markets.services.imports import Imported, import_bars
from markets.services.quotes import latest_quote, latest_quotes, quote_is_stale, store_quotes

__all__ = [
    "ALWAYS",
    "Imported",
    "Moment",
    "bar_under_way",
    "beat",
    "calendar",
    "history_rows",
    "import_bars",
    "latest_quote",
    "latest_quotes",
    "leave_without_source",
    "market_now",
    "market_time",
    "moment",
    "newest_close",
    "order_calendar",
    "quote_is_stale",
    "read_bars",
    "rows",
    "session_calendar",
    "set_speed",
    "store_bars",
    "store_openings",
    "store_quotes",
    "take_over",
]
