"""What a run finds from the one before: its data, never its signs of life (I15)."""

from datetime import UTC, datetime

import pytest
from django.utils import timezone

from config.health import readiness
from config.supervision.prepare import prepare
from markets.models import PriceFeed
from markets.types import Source
from trading.models import Pulse

pytestmark = pytest.mark.django_db


def test_what_beat_a_moment_ago_counts_for_nothing_after_a_new_start() -> None:
    now = timezone.now()
    for name in ("dispatch", "worker", "beat"):
        Pulse.objects.create(name=name, at=now)
    at = datetime(2026, 3, 4, tzinfo=UTC)
    PriceFeed.objects.create(source=Source.SIMULATOR, market_time=at, heartbeat_at=now)
    assert readiness(now)[1] == 200
    assert prepare(demo=False).fault == ""
    assert readiness(now)[1] == 503
    assert PriceFeed.objects.get().market_time == at
