"""The broker's side beside ours (G05), and a person's word on it: seen first, confirmed, and of their own account alone."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role, User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.trading import scene
from trading.models import AccountReading, BrokerOrder, Order, PositionDifference
from trading.services.safeguards.alerts import raise_alert

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def live(user: User) -> BrokerAccount:
    return make.make_live_account(user)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def address(account: BrokerAccount) -> str:
    return reverse("trading:reconciliation", args=[account.pk])


def doubtful(account: BrokerAccount, instrument: Instrument, number: int = 1, **fields: Any) -> Order:
    """An order whose answer was lost."""
    order: dict[str, Any] = {
        "side": "buy", "quantity": Decimal(10), "order_type": "limit", "limit_price": Decimal(71_000),
        "time_in_force": "day", "state": "unknown", "client_key": f"key-{number}", "request_hash": "0" * 64,
        "client_id": f"c{number}", "market_at": make.NOW, "sent_at": timezone.now(),
    }  # fmt: skip
    return Order.objects.create(user=account.user, broker_account=account, instrument=instrument, **order | fields)


def listed(account: BrokerAccount, key: str, **fields: Any) -> BrokerOrder:
    """A row of the broker's list."""
    row: dict[str, Any] = {
        "instrument": "KRX:005930", "side": "buy", "quantity": Decimal(10), "order_type": "limit",
        "limit_price": Decimal(71_000), "ordered_at": make.NOW, "status": "accepted", "filled_quantity": Decimal(0),
        "filled_amount": Decimal(0), "first_seen_at": make.NOW, "last_seen_at": make.NOW,
    }  # fmt: skip
    return BrokerOrder.objects.create(broker_account=account, key=key, **row | fields)


def differ(account: BrokerAccount, ours: int = 0, theirs: int = 10, key: str = "KRX:005930") -> PositionDifference:
    return PositionDifference.objects.create(
        broker_account=account, instrument=key, ours=ours, theirs=theirs, average_price=70_000, opened_at=make.NOW
    )


def decide(page: Client, difference: PositionDifference, how: str, seen: str = "0 10") -> Any:
    arguments = [difference.broker_account_id, difference.pk]
    return page.post(reverse(f"trading:difference_{how}", args=arguments), {"seen": seen}, follow=True)


def settle(page: Client, order: Order, answer: str, confirmed: str = "on") -> Any:
    typed = {f"{order.pk}-answer": answer, f"{order.pk}-confirmed": confirmed}
    return page.post(reverse("trading:order_settle", args=[order.broker_account_id, order.pk]), typed)


def test_a_virtual_account_has_nobody_to_be_compared_with(page: Client, user: User) -> None:
    shown = text(page.get(address(make.make_account(user))))
    assert "대조할 증권사가 없습니다" in shown
    assert "<table" not in shown.partition('<main class="page')[2]


def test_both_sides_stand_side_by_side(page: Client, live: BrokerAccount, instrument: Instrument) -> None:
    """G05: linked, external and not yet linked orders; cash and units; what differs; when it was last read."""
    ours = doubtful(live, instrument, state="filled")
    listed(live, "20260304-1", order=ours)
    listed(live, "20260304-2", is_external=True)
    listed(live, "20260304-3", side="sell")
    differ(live)
    AccountReading.objects.create(
        broker_account=live, fence=1, asked_at=make.NOW, cash={"KRW": "1000000"}, units={"KRX:005930": "10"}
    )
    shown = text(page.get(address(live)))
    assert reverse("trading:order", args=[ours.pk]) in shown
    for words in ("외부 주문", "연결 전", "1,000,000", "받아들이기", "2026-03-04 11:00:00", "다름"):
        assert words in shown, words


def test_an_account_that_cannot_be_read_says_since_when(page: Client, live: BrokerAccount) -> None:
    assert "아직 이 계좌를 한 번도 끝까지 읽지 못했습니다" in text(page.get(address(live)))
    AccountReading.objects.create(
        broker_account=live, fence=1, asked_at=make.NOW, failed_since=make.NOW, failure="read_incomplete"
    )
    shown = text(page.get(address(live)))
    assert "03-04 11:00:00부터 증권사를 읽지 못하고 있습니다" in shown
    assert "read_incomplete" in shown


def test_a_difference_is_ignored_by_a_person(page: Client, live: BrokerAccount) -> None:
    """I22."""
    difference = differ(live)
    decide(page, difference, "ignore")
    difference.refresh_from_db()
    assert (difference.resolution, difference.closed_at is not None) == ("ignored", True)
    assert "그대로 두기로 한 종목" in text(page.get(address(live)))


def test_an_adopted_difference_is_in_the_books(page: Client, live: BrokerAccount, instrument: Instrument) -> None:
    """I22: the broker's units, at its average price, become ours."""
    difference = differ(live)
    decide(page, difference, "adopt")
    difference.refresh_from_db()
    assert difference.resolution == "adopted"
    assert make.balances(live)["available KRX:005930"] == 10


@pytest.mark.parametrize("how", ["adopt", "ignore"])
def test_figures_that_moved_since_they_were_seen_are_shown_again_first(
    page: Client, live: BrokerAccount, instrument: Instrument, how: str
) -> None:
    difference = differ(live, theirs=12)
    assert "그 사이 수량이 바뀌었습니다" in text(decide(page, difference, how, seen="0 10"))
    difference.refresh_from_db()
    assert difference.closed_at is None
    decide(page, difference, how, seen="0 12")
    difference.refresh_from_db()
    assert difference.closed_at is not None


def test_an_alert_about_a_difference_leads_to_its_account(page: Client, user: User, live: BrokerAccount) -> None:
    difference = differ(live)
    raise_alert("position_mismatch", f"difference:{difference.pk}", user.pk)
    link = reverse("trading:difference", args=[difference.pk])
    assert link in text(page.get(reverse("trading:alert_list")))
    assert page.get(link)["Location"] == address(live)


# An order nobody is sure about


def test_a_person_picks_the_brokers_row_that_the_order_is(
    page: Client, live: BrokerAccount, instrument: Instrument
) -> None:
    """O04: only rows it could be are offered, and only what was looked up is written."""
    order = doubtful(live, instrument, state="ambiguous")
    row = listed(live, "20260304-1")
    others: list[dict[str, Any]] = [{"side": "sell"}, {"quantity": Decimal(9)}, {"instrument": "KRX:000660"}]
    for n, other in enumerate(others):
        listed(live, f"other-{n}", **other)
    shown = text(page.get(address(live)))
    assert re.findall(rf'name="{order.pk}-answer" value="([^"]+)"', shown) == ["20260304-1", "not-placed"]
    assert settle(page, order, row.key).status_code == 302
    assert (make.fresh(order).state, make.fresh(order).broker_order_key) == ("accepted", "20260304-1")


def test_a_person_says_that_it_never_arrived(page: Client, live: BrokerAccount, instrument: Instrument) -> None:
    order = doubtful(live, instrument)
    assert settle(page, order, "not-placed").status_code == 302
    assert make.fresh(order).state == "not_placed"
    assert settle(page, order, "not-placed").status_code == 404


@pytest.mark.parametrize(
    ("answer", "confirmed"), [("not-placed", ""), ("", "on"), ("nonsense", "on"), ("other-account", "on")]
)
def test_without_a_known_answer_and_the_confirmation_nothing_is_settled(
    page: Client, user: User, live: BrokerAccount, instrument: Instrument, answer: str, confirmed: str
) -> None:
    order = doubtful(live, instrument)
    other = BrokerAccount.objects.create(user=user, name="다른 실전", broker="kis", environment="live")
    listed(other, "other-account")
    response = settle(page, order, answer, confirmed)
    assert response.status_code == 422
    assert "field__errors" in text(response)
    assert make.fresh(order).state == "unknown"


# Whose things


def test_nobody_sees_or_decides_for_another(client: Client, live: BrokerAccount, instrument: Instrument) -> None:
    """G09: not found, and nothing moves; nor by way of an account of one's own."""
    order, difference = doubtful(live, instrument), differ(live)
    other = make.make_user()
    mine = make.make_live_account(other)
    client.force_login(other)
    assert client.get(address(live)).status_code == 404
    assert client.get(reverse("trading:difference", args=[difference.pk])).status_code == 404
    for account in (live, mine):
        for how in ("adopt", "ignore"):
            arguments = [account.pk, difference.pk]
            found = client.post(reverse(f"trading:difference_{how}", args=arguments), {"seen": "0 10"})
            assert found.status_code == 404
        typed = {f"{order.pk}-answer": "not-placed", f"{order.pk}-confirmed": "on"}
        assert client.post(reverse("trading:order_settle", args=[account.pk, order.pk]), typed).status_code == 404
    difference.refresh_from_db()
    assert (make.fresh(order).state, difference.closed_at) == ("unknown", None)


def test_a_viewer_reads_and_decides_nothing(
    client: Client, user: User, live: BrokerAccount, instrument: Instrument
) -> None:
    """A07."""
    order, difference = doubtful(live, instrument), differ(live)
    User.objects.filter(pk=user.pk).update(role=Role.VIEWER)
    client.force_login(User.objects.get(pk=user.pk))
    shown = text(client.get(address(live)))
    assert 'method="post"' not in shown.partition('<main class="page')[2]
    for how in ("adopt", "ignore"):
        assert decide(client, difference, how).status_code == 403
    assert settle(client, order, "not-placed").status_code == 403
    difference.refresh_from_db()
    assert (make.fresh(order).state, difference.closed_at) == ("unknown", None)


def test_every_decision_needs_the_token_of_its_page(user: User, live: BrokerAccount, instrument: Instrument) -> None:
    """I41."""
    order, difference = doubtful(live, instrument), differ(live)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(user)
    assert settle(strict, order, "not-placed").status_code == 403
    assert decide(strict, difference, "adopt").status_code == 403
    assert make.fresh(order).state == "unknown"


def test_the_page_asks_the_database_a_bounded_number_of_times(
    page: Client, user: User, live: BrokerAccount, django_assert_max_num_queries: Any
) -> None:
    AccountReading.objects.create(broker_account=live, fence=1, asked_at=make.NOW, cash={"KRW": "1"})
    for n in range(8):
        stock = scene.make_stock(f"10000{n}", name=f"종목 {n}")
        doubtful(live, stock, n)
        linked = doubtful(live, stock, 100 + n, state="filled")
        listed(live, f"mine-{n}", instrument=stock.key, order=linked)
        listed(live, f"free-{n}", instrument=stock.key)
        doubtful(live, stock, 200 + n, state="accepted", side="sell")
        differ(live, key=stock.key)
    with django_assert_max_num_queries(MOST_QUERIES):
        assert page.get(address(live)).status_code == 200
