"""How the real market's feed stands: written by the feed, read by the operations page and by probes."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Role
from markets import services as markets
from markets.models import PriceFeed
from markets.types import Source
from tests import factories as make
from trading.services.running.kis_line import kis_line

pytestmark = pytest.mark.django_db
SECONDS = 3


def key(**fields: Any) -> dict[str, Any]:
    heard_at = (timezone.now() - timedelta(seconds=SECONDS)).isoformat()
    told = {"key": "7788", "environment": "paper", "is_connected": True, "registered": 12, "most": 41}
    return told | {"has_notices": True, "connections": 2, "heard_at": heard_at, "problem": ""} | fields


def told(*keys: dict[str, Any], **fields: Any) -> None:
    state = {"wished": 50, "places": 40, "waiting": ["KRX:005930"], "keys": list(keys)} | fields
    markets.beat(Source.KIS, timezone.now(), state=state)


def test_nothing_is_told_where_the_real_market_never_ran() -> None:
    assert kis_line(timezone.now()) is None


def test_each_key_tells_its_places_and_when_it_was_heard() -> None:
    told(key(), key(key="0001", is_connected=False, registered=0, heard_at="", problem="ConnectionError"))
    line = kis_line(timezone.now())
    assert line is not None
    assert [each.state for each in line.keys] == ["works", "apart"]
    assert [(each.registered, each.most) for each in line.keys] == [(12, 41), (0, 41)]
    assert (line.connected, line.registered, line.waiting) == (1, 12, 1)
    assert line.heard_age == pytest.approx(SECONDS, abs=1)


def test_a_connected_key_that_says_nothing_is_silent() -> None:
    """KIS says something every ten to fourteen seconds, if only PINGPONG."""
    told(key(heard_at=(timezone.now() - timedelta(seconds=16)).isoformat()))
    line = kis_line(timezone.now())
    assert line is not None
    assert line.keys[0].state == "silent"


def test_a_feed_that_has_gone_is_not_taken_for_one_that_works() -> None:
    told(key())
    PriceFeed.objects.update(heartbeat_at=timezone.now() - timedelta(seconds=11))
    line = kis_line(timezone.now())
    assert line is not None
    assert not line.is_written


def test_probes_are_told_numbers_and_nothing_of_the_keys(client: Client) -> None:
    told(key())
    answer = client.get("/health/ready")
    assert answer.json()["kis_feed"]["registered"] == 12
    assert answer.json()["kis_feed"]["places"] == 41
    assert "7788" not in answer.content.decode()


def test_the_operations_page_shows_each_key(client: Client) -> None:
    told(key())
    client.force_login(make.make_user(role=Role.ADMIN))
    page = client.get("/operations/").content.decode()
    for words in ("****7788", "12 / 41", "연결됨", "1종목은 차례로"):
        assert words in page
