"""What trading tells people: fills and moves of SIGNAL to those who want them, trouble until somebody has looked."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.core import mail

from accounts import notices as rules
from accounts.models import Notice, Role, User
from accounts.services import notices
from tests import factories as make
from tests.trading import scene
from trading.models import SignalStep
from trading.services.safeguards import news
from trading.services.safeguards.alerts import acknowledge, raise_alert

MONDAY = datetime(2026, 3, 9, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def user(db: None) -> User:
    return make.make_user("jin@example.com")


def look() -> int:
    return news.tell_people(datetime.now(UTC))


def want(user: User, kind: str, channel: str, is_on: bool = True) -> None:
    notices.choose(user, {(kind, channel): is_on})


def mails_of(user: User, clock: Any) -> list[str]:
    """The mails that leave now, by their text."""
    mail.outbox.clear()
    notices.send_due(datetime.now(UTC) + rules.GATHERING)
    return [str(each.body) for each in mail.outbox if each.to == [user.email]]


def test_a_fill_is_told_to_who_wants_it_once(user: User, clock: Any) -> None:
    stock, other = scene.make_stock(), make.make_user()
    want(user, rules.FILLS, rules.PAGE)
    for person in (user, other):
        make.hold(make.make_account(person), stock, 10, 70_000)
    assert [look(), look()] == [1, 0]
    told = Notice.objects.get()
    assert (told.user, notices.sentence_of(told)) == (user, "KRX:005930 매수 체결: 10, 가격 70,000")


def test_fills_of_long_ago_are_no_news(user: User, clock: Any) -> None:
    make.hold(make.make_account(user), scene.make_stock(), 10, 70_000)
    want(user, rules.FILLS, rules.PAGE)
    clock.shift(news.BACK + timedelta(seconds=1))
    assert look() == 0


@pytest.mark.parametrize("is_on", [True, False])
def test_a_move_of_signal_is_on_the_page_unless_switched_off(user: User, clock: Any, is_on: bool) -> None:
    stock, account = scene.make_stock(), make.make_account(user)
    plan = scene.make_plan(user, account, stock, name="삼성전자 스윙")
    order = make.hold(account, stock, 10, 70_000)
    SignalStep.objects.create(plan=plan, cycle=1, from_signal=0, to_signal=1, order=order, at=make.NOW)
    if not is_on:
        want(user, rules.SIGNALS, rules.PAGE, is_on=False)
    assert look() == int(is_on)
    told = [notices.sentence_of(each) for each in Notice.objects.all()]
    assert told == ["삼성전자 스윙 (KRX:005930) 시그널: 1차 매수"] * int(is_on)


def test_trouble_is_mailed_at_once_and_again_until_it_is_seen(user: User, clock: Any) -> None:
    """I52: acknowledged or repeated, never twice in a quarter of an hour."""
    alert = raise_alert("order_unknown", "order:1", user.pk, instrument="KRX:005930")
    at: list[timedelta] = []
    for minute in range(0, 6 * 60, 5):
        if look():
            at.append(timedelta(minutes=minute))
            assert mails_of(user, clock)
        clock.shift(timedelta(minutes=5))
    assert at == [timedelta(0), timedelta(minutes=15), timedelta(minutes=75), timedelta(minutes=315)]
    acknowledge(user, alert.pk)
    clock.shift(timedelta(days=2))
    assert look() == 0


def test_ten_alerts_of_one_cause_are_one_mail(user: User, clock: Any) -> None:
    for number in range(10):
        raise_alert("order_unknown", f"order:{number}", user.pk, instrument="KRX:005930")
    assert look() == 1
    assert len(mails_of(user, clock)) == 1


def test_a_new_thread_waits_for_the_last_ones_quarter_of_an_hour(user: User, clock: Any) -> None:
    acknowledge(user, raise_alert("order_unknown", "order:1", user.pk, instrument="X").pk)
    first = raise_alert("order_unknown", "order:2", user.pk, instrument="X")
    assert look() == 1
    acknowledge(user, first.pk)
    clock.shift(timedelta(minutes=5))
    raise_alert("order_unknown", "order:3", user.pk, instrument="X")
    assert look() == 0
    clock.shift(timedelta(minutes=10))
    assert look() == 1


def test_who_does_not_want_mails_of_trouble_gets_none(user: User, clock: Any) -> None:
    want(user, rules.TROUBLE, rules.EMAIL, is_on=False)
    raise_alert("order_unknown", "order:1", user.pk, instrument="X")
    assert look() == 0


def test_what_is_for_the_staff_is_mailed_to_every_admin(user: User, clock: Any) -> None:
    admins = [make.make_user(role=Role.ADMIN), make.make_user(role=Role.ADMIN)]
    raise_alert("check_failed", "worth", None, why="TypeError")
    assert look() == 2
    assert {row.user for row in Notice.objects.all()} == set(admins)


def test_mailed_trouble_is_not_on_the_list_of_news(user: User, clock: Any) -> None:
    """It is an alert, which stays open on a page of its own."""
    raise_alert("order_unknown", "order:1", user.pk, instrument="X")
    look()
    assert not notices.on_page(user).exists()


def test_money_is_told_as_it_was(user: User, clock: Any) -> None:
    stock = scene.make_stock()
    want(user, rules.FILLS, rules.PAGE)
    make.hold(make.make_account(user), stock, Decimal(3), 71_200)
    look()
    assert Notice.objects.get().facts["price"] == "71200"
