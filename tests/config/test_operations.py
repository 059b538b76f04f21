"""The page an admin looks at when something is wrong (M02, A18): everything of the installation, for staff alone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import Role, User
from config.operations import PARTS, look
from markets.models import PriceFeed
from tests import factories as make
from trading.models import Order
from trading.services.running import leases
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> User:
    return User.objects.create_user("admin@example.com", "pass phrase for tests", role=Role.ADMIN)


def opened(client: Client, user: User) -> str:
    client.force_login(user)
    response = client.get("/operations/")
    assert response.status_code == 200
    return response.content.decode()


def test_only_staff_may_look(client: Client) -> None:
    assert client.get("/operations/").status_code == 302
    client.force_login(make.make_user())
    assert client.get("/operations/").status_code == 403


def test_parts_that_never_showed_themselves_are_down_and_named(client: Client, staff: User) -> None:
    leases.pulse("dispatch")
    parts = {part.name: part.reading.state for part in look(timezone.now()).parts}
    assert parts == dict.fromkeys(PARTS, "down") | {"database": "up", "redis": "up", "dispatch": "up"}
    late = {part.name: part.reading.state for part in look(timezone.now() + timedelta(minutes=1)).parts}
    assert late["dispatch"] == "late"
    assert "거래할 수 없음" in opened(client, staff)


def test_a_doubted_order_a_halt_and_a_silent_feed_are_shown(client: Client, staff: User) -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(make.make_account(make.make_user(), name="의심 계좌"), instrument)
    Order.objects.filter(pk=order.pk).update(state="unknown", sent_at=timezone.now())
    halts.latch("site", "", "reduce_only", "clock", seconds="+3.0")
    PriceFeed.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    page = opened(client, staff)
    assert "의심 계좌" in page
    assert "3.0초 다르거나" in page
    seen = look(timezone.now())
    assert (len(seen.doubts), seen.orders["unknown"], [stop.reason for stop in seen.stops]) == (1, 1, ["clock"])
    assert [feed.is_late for feed in seen.feeds] == [True] * PriceFeed.objects.count()


def test_the_seven_ticks_say_what_to_do(client: Client, staff: User) -> None:
    seen = look(timezone.now())
    assert len(seen.ticks) == 7
    page = opened(client, staff)
    for _label, tick in seen.ticks:
        assert (str(tick.what_to_do) in page) is not tick.ok


def test_a_fragment_replaces_itself_and_costs_few_queries(
    client: Client, staff: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client.force_login(staff)
    with django_assert_max_num_queries(20):
        page = client.get("/operations/", headers={"HX-Request": "true"}).content.decode()
    assert page.lstrip().startswith('<div class="stack" id="operations"')


def test_the_help_page_is_for_whoever_is_signed_in(client: Client) -> None:
    assert client.get("/help/").status_code == 302
    client.force_login(make.make_user())
    page = client.get("/help/").content.decode()
    assert "SIGNAL" in page
    assert "청산만" in page


def test_how_far_the_exchange_calendar_is_known_is_said_and_warned_of_a_month_before_it_ends(
    client: Client, staff: User
) -> None:
    """G12."""
    assert "2026-12-31까지 확인된" in opened(client, staff)
    december = datetime(2026, 12, 15, tzinfo=UTC)
    assert look(december).known_days.run_out
    assert not look(december - timedelta(days=30)).known_days.run_out
