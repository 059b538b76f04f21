"""Another e-mail address: asked for after a proof, confirmed from the new one, taken back from the old."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from accounts.models import AuditEntry, EmailChange, User
from accounts.services import email_change, sign_up
from tests.accounts.conftest import PASSWORD
from tests.api.conftest import signed_in

PAGE = "/sign-in/settings/email/"
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
NEW = "jin.new@example.com"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def entered(trader: User, client: Client, clock: Any) -> Client:
    client.post("/sign-in/", {"email": trader.email, "password": PASSWORD})
    return client


def mailed_to(address: str) -> str:
    """The path of the link in the last mail to this address."""
    text = next(each.body for each in reversed(mail.outbox) if each.to == [address])
    found = re.search(r"https?://[^/]+(/\S+)", str(text))
    assert found
    return found[1]


def ask(client: Client, email: str = NEW, **more: str) -> Any:
    return client.post(PAGE, {"email": email, **more})


def test_it_counts_once_the_new_address_has_answered(trader: User, entered: Client) -> None:
    """I39: and every sign-in ends with it."""
    assert ask(entered).status_code == 302
    trader.refresh_from_db()
    assert trader.email == "jin@example.com"
    link, visitor = mailed_to(NEW), Client()
    assert visitor.get(link).status_code == 200
    trader.refresh_from_db()
    assert trader.email == "jin@example.com"  # opened, not pressed: mail programs look at links, too
    assert visitor.post(link).status_code == 302
    trader.refresh_from_db()
    assert trader.email == NEW
    assert entered.get(PAGE).status_code == 302
    assert visitor.post(link).status_code == 410
    assert set(AuditEntry.objects.filter(action__startswith="email_").values_list("action", flat=True)) == {
        "email_change_asked",
        "email_changed",
    }


def test_links_are_made_where_they_are_mailed_and_mailing_again_voids_the_first(trader: User) -> None:
    """I34: the message to the worker names the change alone."""
    asked = email_change.ask(trader, NEW, "127.0.0.1")
    first, again = email_change.with_links(asked.pk), email_change.with_links(asked.pk)
    assert first
    assert again
    with pytest.raises(email_change.LinkOver):
        email_change.confirm(first.confirm, "127.0.0.1")
    assert email_change.confirm(again.confirm, "127.0.0.1").email == NEW
    assert email_change.with_links(asked.pk + 1) is None


def test_the_old_address_takes_it_back_and_nobody_stays_in(trader: User, entered: Client, clock: Any) -> None:
    ask(entered)
    undo = mailed_to("jin@example.com")
    Client().post(mailed_to(NEW))
    thief = Client()
    thief.force_login(User.objects.get(pk=trader.pk))
    clock.shift(timedelta(days=6))
    mail.outbox.clear()
    assert Client().post(undo).status_code == 302
    trader.refresh_from_db()
    assert (trader.email, trader.has_usable_password()) == ("jin@example.com", False)
    assert thief.get(PAGE).status_code == 302
    assert "/sign-in/password/reset/" in mailed_to("jin@example.com")


def test_undone_before_it_was_confirmed_it_never_counts(trader: User, entered: Client) -> None:
    ask(entered)
    confirm = mailed_to(NEW)
    Client().post(mailed_to("jin@example.com"))
    assert Client().post(confirm).status_code == 410
    trader.refresh_from_db()
    assert trader.email == "jin@example.com"


@pytest.mark.parametrize(("wait", "which"), [(timedelta(hours=1), NEW), (timedelta(days=7), "jin@example.com")])
def test_links_end(trader: User, entered: Client, clock: Any, wait: timedelta, which: str) -> None:
    ask(entered)
    link = mailed_to(which)
    clock.shift(wait)
    assert Client().get(link).status_code == 410
    assert Client().post(link).status_code == 410


def test_the_last_one_asked_for_counts(trader: User, entered: Client) -> None:
    ask(entered)
    first = mailed_to(NEW)
    ask(entered, "jin.other@example.com")
    assert Client().post(first).status_code == 410
    assert Client().post(mailed_to("jin.other@example.com")).status_code == 302


def test_an_address_of_somebody_else_is_answered_alike_and_its_owner_told(
    trader: User, admin: User, entered: Client
) -> None:
    """security.md 6.3.8."""
    free, taken = ask(entered), ask(entered, admin.email)
    assert (free.status_code, free["Location"]) == (taken.status_code, taken["Location"])
    assert "/sign-in/email/" not in mailed_to(admin.email)
    assert EmailChange.objects.filter(confirmed_at=None).count() == 2


def test_an_address_taken_meanwhile_is_not_taken_twice(trader: User, entered: Client) -> None:
    ask(entered)
    link = mailed_to(NEW)
    sign_up(NEW, "a long pass phrase", language="ko")
    assert Client().post(link).status_code == 410
    trader.refresh_from_db()
    assert trader.email == "jin@example.com"


def test_nobody_signs_up_with_an_address_that_may_come_back(trader: User, entered: Client, clock: Any) -> None:
    ask(entered)
    Client().post(mailed_to(NEW))
    assert not sign_up("jin@example.com", "a long pass phrase", language="ko")
    clock.shift(timedelta(days=8))
    assert sign_up("jin@example.com", "a long pass phrase", language="ko")


def test_it_needs_a_fresh_proof_and_keeps_what_was_typed(trader: User, entered: Client, clock: Any) -> None:
    """I39, on the page and through the API."""
    api = signed_in(trader)
    clock.shift(timedelta(minutes=11))
    answer = ask(entered)
    assert answer.status_code == 422
    assert f'value="{NEW}"' in answer.content.decode()
    assert api.post("/api/v1/auth/email", {"email": NEW}).json()["code"] == "step_up_required"
    assert not EmailChange.objects.exists()
    assert ask(entered, password=PASSWORD).status_code == 302


def test_the_api_does_the_same(trader: User, clock: Any) -> None:
    api = signed_in(trader)
    asked = api.post("/api/v1/auth/email", {"email": NEW})
    assert (asked.status_code, asked.json()["waiting_for"]) == (202, NEW)
    undo = mailed_to("jin@example.com").rstrip("/").rpartition("/")[2]
    confirm = mailed_to(NEW).rstrip("/").rpartition("/")[2]
    visitor = signed_in(trader)
    visitor.token = ""
    assert visitor.post("/api/v1/auth/email/confirm", {"link": confirm}).status_code == 204
    assert api.get("/api/v1/auth/me").status_code == 401
    again = visitor.post("/api/v1/auth/email/confirm", {"link": confirm})
    assert (again.status_code, again.json()["code"]) == (422, "link_over")
    assert visitor.post("/api/v1/auth/email/undo", {"link": undo}).status_code == 204
    trader.refresh_from_db()
    assert trader.email == "jin@example.com"


def test_links_are_kept_as_hashes_alone(trader: User, entered: Client) -> None:
    ask(entered)
    row = EmailChange.objects.get()
    kept = {str(value) for value in vars(row).values()}
    for address in (NEW, "jin@example.com"):
        assert mailed_to(address).rstrip("/").rpartition("/")[2] not in kept
