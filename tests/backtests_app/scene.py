"""A person with daily bars of a stock, and what they ask of a backtest."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sin
from typing import Any

from accounts.models import User
from backtests import services
from backtests.models import Backtest
from backtests.services import Asked
from backtests.terms import Terms
from markets.models import Instrument, StoredBar
from markets.types import Interval, Source
from tests import factories as make

DAY, OPEN, CLOSE = 86_400, 0, 23_400  # 09:00 to 15:30 in Seoul
BEGIN = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp())
CASH = Decimal(10_000_000)


def waves(count: int, low: int = 40_000, height: int = 20_000, period: int = 60) -> list[tuple[float, ...]]:
    """Rows of (open, high, low, close, volume) that go up and down."""
    closes = [low + height * (1 + sin(n * 6.2832 / period)) // 2 for n in range(count)]
    return [(c - 100, c + 300, c - 300, c, 1_000_000 + n) for n, c in enumerate(closes)]


def keep_days(instrument: Instrument, count: int = 600, source: Source = Source.HISTORY) -> None:
    """Daily bars from 2018 on, one each calendar day."""
    _keep(instrument, Interval.D1, source, [(BEGIN + n * DAY + OPEN, BEGIN + n * DAY + CLOSE) for n in range(count)])


def keep_bars(instrument: Instrument, interval: Interval, count: int) -> None:
    """Shorter bars from 2018 on, one after the other."""
    step = int(interval.duration.total_seconds())
    _keep(instrument, interval, Source.HISTORY, [(BEGIN + n * step, BEGIN + (n + 1) * step) for n in range(count)])


def _keep(instrument: Instrument, interval: Interval, source: Source, times: list[tuple[int, int]]) -> None:
    StoredBar.objects.bulk_create(
        StoredBar(
            instrument=instrument,
            interval=interval,
            source=source,
            opened_at=opened,
            closed_at=closed,
            **dict(zip(("open", "high", "low", "close", "volume"), row, strict=True)),
        )
        for (opened, closed), row in zip(times, waves(len(times)), strict=True)
    )


def day(number: int) -> Any:
    """The date of the bar with this number."""
    return (datetime(2018, 1, 1, tzinfo=UTC) + timedelta(days=number)).date()


def asked(user: User, instrument: Instrument, **changes: Any) -> Asked:
    """The library's RSI rule on daily bars with ten million."""
    given: dict[str, Any] = {
        "rule": services.pick(user, "sma_crossover"),
        "instrument": instrument,
        "interval": Interval.D1,
        "terms": Terms(cash=CASH),
    }
    return Asked(**given | changes)


def start(user: User, instrument: Instrument, **changes: Any) -> Backtest:
    return services.start_run(user, asked(user, instrument, **changes))


def stock_with_days(count: int = 600, **changes: Any) -> Instrument:
    instrument = make.make_instrument(**changes)
    keep_days(instrument, count)
    return instrument
