"""What people are told: each thing once, where they chose, by one mail for all that is due."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from accounts import notices as rules
from accounts.models import Notice, User
from accounts.services import notices
from accounts.services.notices import ChoiceRefused, News
from tests import factories as make
from tests.api.conftest import Api, signed_in

PAGE, LIST = "/sign-in/settings/notifications/", "/notices/"
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


class MailServerAway(BaseEmailBackend):
    """A mail server nobody reaches."""

    def send_messages(self, _messages: Any) -> int:
        raise ConnectionRefusedError


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def filled(user: User, key: str = "fill:1") -> News:
    facts = {"instrument": "KRX:005930", "side_word": "buy", "quantity": "10", "price": "70500"}
    return News(user.pk, rules.FILLS, "filled", key, "order:1", facts)


def choose(user: User, **on: bool) -> None:
    notices.choose(user, {(name.split("_")[0], name.split("_")[1]): is_on for name, is_on in on.items()})


def test_what_nobody_wants_is_not_kept(trader: User) -> None:
    assert notices.tell([filled(trader)]) == 0
    assert not Notice.objects.exists()


@pytest.mark.parametrize(("page", "email"), [(True, False), (False, True), (True, True)])
def test_each_switch_does_what_it_says(trader: User, page: bool, email: bool) -> None:
    choose(trader, fills_page=page, fills_email=email)
    notices.tell([filled(trader)])
    row = Notice.objects.get()
    assert (row.on_page, row.mail_due is not None) == (page, email)


def test_a_thing_is_told_once_however_often_it_is_found(trader: User) -> None:
    choose(trader, fills_page=True)
    assert [notices.tell([filled(trader)]) for _look in range(3)] == [1, 0, 0]


def test_mails_are_gathered_and_urgent_ones_are_not(trader: User, clock: Any) -> None:
    choose(trader, fills_email=True)
    notices.tell([filled(trader, f"fill:{number}") for number in range(3)])
    assert notices.send_due(datetime.now(UTC)) == 0
    clock.shift(rules.GATHERING)
    assert notices.send_due(datetime.now(UTC)) == 1
    assert notices.send_due(datetime.now(UTC)) == 0
    assert str(mail.outbox[0].body).count("KRX:005930 매수 체결: 10, 가격 70,500") == 3
    notices.tell_security(trader, "second_factor_off")
    assert notices.send_due(datetime.now(UTC)) == 1
    assert (mail.outbox[1].to, "2단계 인증을 껐습니다." in mail.outbox[1].subject) == ([trader.email], True)


def test_mails_speak_their_readers_language_and_zone(trader: User, clock: Any) -> None:
    User.objects.filter(pk=trader.pk).update(time_zone="America/New_York")
    notices.tell_security(trader, "second_factor_on")
    notices.send_due(datetime.now(UTC))
    assert "2026-01-04 19:00" in str(mail.outbox[0].body)


def test_a_mail_server_that_is_away_is_asked_again_and_given_up_at_last(
    trader: User, clock: Any, settings: Any
) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.MailServerAway"
    notices.tell_security(trader, "second_factor_on")
    tries = 0
    while Notice.objects.get().mail_due is not None:
        assert notices.send_due(datetime.now(UTC)) == 0
        tries += 1
        clock.shift(timedelta(days=1))
    assert (tries, Notice.objects.get().mailed_at) == (notices.MOST_TRIES, None)


def test_a_mail_that_is_being_sent_is_sent_by_nobody_else(trader: User, clock: Any, settings: Any) -> None:
    settings.EMAIL_BACKEND = f"{__name__}.MailServerAway"  # as if its sender had died
    notices.tell_security(trader, "second_factor_on")
    notices.send_due(datetime.now(UTC))
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert notices.send_due(datetime.now(UTC)) == 0
    clock.shift(notices.CLAIM)
    assert notices.send_due(datetime.now(UTC)) == 1


@pytest.mark.parametrize("place", [("security", "email"), ("security", "page"), ("trouble", "page"), ("fills", "fax")])
def test_what_protects_a_person_is_not_switched_off(trader: User, place: tuple[str, str]) -> None:
    with pytest.raises(ChoiceRefused):
        notices.choose(trader, {place: False})


def test_the_page_shows_and_keeps_every_switch(trader: User, client: Client) -> None:
    client.force_login(trader)
    assert client.post(PAGE, {"fills-email": "on", "trouble-email": "on"}).status_code == 302
    on = {(cell["kind"], cell["channel"]) for cell in notices.table_of(trader) if cell["is_on"]}
    fixed = {("security", "page"), ("security", "email"), ("trouble", "page")}
    assert on == fixed | {("fills", "email"), ("trouble", "email")}
    assert client.get(PAGE).content.decode().count(" checked") == 2


def test_the_api_switches_the_same(trader: User) -> None:
    api = signed_in(trader)
    path = "/api/v1/auth/notifications"
    answer = api.put(path, {"kind": "fills", "channel": "email", "is_on": True})
    row = {"kind": "fills", "channel": "email", "is_on": True, "is_fixed": False}
    assert row in answer.json()["results"] == api.get(path).json()["results"]
    refused = api.put(path, {"kind": "security", "channel": "email", "is_on": False})
    assert (refused.status_code, refused.json()["code"]) == (422, "notice_is_fixed")


def test_the_list_is_a_persons_own_and_read_by_pages(trader: User, client: Client) -> None:
    other = make.make_user()
    for number in range(3):
        notices.tell_security(trader, "token_made", name=f"mine {number}")
    notices.tell_security(other, "token_made", name="not mine")
    client.force_login(trader)
    page = client.get(LIST).content.decode()
    assert (page.count("mine "), "not mine" in page) == (3, False)
    api = signed_in(trader)
    first = api.get("/api/v1/notices/?limit=2").json()
    rest = api.get(f"/api/v1/notices/?limit=2&cursor={first['next_cursor']}").json()
    told = [row["message"] for row in first["results"] + rest["results"]]
    assert told == [f"API 토큰을 만들었습니다: mine {number}" for number in (2, 1, 0)]


def test_read_is_read(trader: User, client: Client) -> None:
    theirs = make.make_user()
    notices.tell_security(theirs, "second_factor_on")
    for _number in range(2):
        notices.tell_security(trader, "second_factor_on")
    api = signed_in(trader)
    strange = Notice.objects.get(user=theirs).pk
    first = Notice.objects.filter(user=trader).first()
    assert first is not None
    assert seen(api, {"ids": [first.pk, strange]}) == 1
    client.force_login(trader)
    client.post(f"{LIST}seen/")
    assert not notices.on_page(trader).filter(seen_at=None).exists()
    assert notices.on_page(theirs).filter(seen_at=None).exists()


def seen(api: Api, body: dict[str, Any]) -> int:
    return int(api.post("/api/v1/notices/seen/", body).json()["seen"])


def test_old_news_are_let_go(trader: User, clock: Any) -> None:
    notices.tell_security(trader, "second_factor_on")
    clock.shift(notices.KEPT + timedelta(seconds=1))
    assert notices.prune(datetime.now(UTC)) == 1


@given(count=st.integers(1, 40))
def test_reminders_come_ever_later_and_never_stop(count: int) -> None:
    """I52: at most one in a quarter of an hour, repeated until acknowledged."""
    told: list[datetime] = []
    at: datetime | None = MONDAY
    for _mail in range(count):
        assert at is not None
        told.append(at)
        at = rules.next_reminder(told)
    gaps = [later - earlier for earlier, later in pairwise(told)]
    assert all(rules.REPEAT_FIRST <= gap <= rules.REPEAT_LAST for gap in gaps)
    assert gaps == sorted(gaps)
    assert at is not None


@given(st.dictionaries(st.tuples(st.sampled_from(list(rules.KINDS)), st.sampled_from(rules.CHANNELS)), st.booleans()))
def test_no_choice_silences_what_is_fixed(chosen: dict[tuple[str, str], bool]) -> None:
    for kind in rules.KINDS.values():
        assert kind.fixed <= rules.channels_of(kind.name, chosen)
