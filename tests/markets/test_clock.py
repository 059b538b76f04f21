"""What time it is in a market: a simulated one stands where its feed left it, a broker's goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from markets import services as markets
from markets.models import PriceFeed
from markets.types import Source
from tests.markets.scene import NOON, write_clock


@pytest.mark.django_db
def test_a_brokers_market_goes_on_while_its_feed_is_silent() -> None:
    """Sessions end whether or not somebody looks: an order must not be taken for a market that has closed."""
    for source in (Source.KIS, Source.SIMULATOR):
        write_clock(source)
        PriceFeed.objects.filter(source=source).update(heartbeat_at=timezone.now() - timedelta(hours=2))
    assert timedelta(0) <= markets.market_time(Source.KIS) - NOON - timedelta(hours=2) < timedelta(seconds=10)
    assert markets.market_time(Source.SIMULATOR) == NOON


@pytest.mark.django_db
def test_a_brokers_market_always_keeps_its_sessions() -> None:
    write_clock(Source.KIS)
    assert markets.moment(Source.KIS).keeps_sessions


@pytest.mark.django_db
def test_without_a_feed_a_brokers_market_is_now() -> None:
    assert abs(markets.market_time(Source.KIS) - timezone.now()) < timedelta(seconds=10)
