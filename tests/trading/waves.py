"""Stored bars that go up and down, so that averages cross and rules hold."""

import math
from datetime import timedelta

from markets.models import Instrument, StoredBar
from markets.types import Interval, Source
from tests import factories as make

HOURS = 600


def wave(instrument: Instrument, hours: int = HOURS) -> None:
    """Hourly bars up to now whose closes turn every thirty bars."""
    first = int((make.NOW - timedelta(hours=hours)).timestamp())
    closes = [70_000 + 3000 * math.sin(n * math.pi / 30) for n in range(hours)]
    StoredBar.objects.bulk_create(
        StoredBar(
            instrument=instrument,
            interval=Interval.H1,
            source=Source.SIMULATOR,
            opened_at=first + n * 3600,
            closed_at=first + (n + 1) * 3600,
            open=close,
            high=close + 100,
            low=close - 100,
            close=close,
            volume=10,
        )
        for n, close in enumerate(closes)
    )
