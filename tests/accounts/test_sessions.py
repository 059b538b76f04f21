"""Browsers' sign-ins: how long they last, what is listed of them, what ends them, and what staff must have shown."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.sessions.models import Session
from django.test import Client

from accounts.models import AuditEntry, Device, Notice, Role, User
from accounts.services import api_devices
from tests import factories as make
from tests.accounts.conftest import PASSWORD

MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
DEVICES = "/sign-in/settings/devices/"
CHROME = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def is_in(client: Client) -> bool:
    return bool(client.get(DEVICES).status_code == 200)


def test_a_session_is_forgotten_after_twelve_idle_hours(trader: User, client: Client, clock: Any) -> None:
    """security.md 7.3.1."""
    client.force_login(trader)
    clock.shift(timedelta(hours=11, minutes=59))
    assert is_in(client)
    clock.shift(timedelta(hours=12, seconds=1))
    assert not is_in(client)


def test_a_session_lasts_a_week_however_busy(trader: User, client: Client, clock: Any) -> None:
    """security.md 7.3.2."""
    client.force_login(trader)
    for _half_day in range(15):
        assert is_in(client)
        clock.shift(timedelta(hours=11))
    assert is_in(client)
    clock.shift(timedelta(hours=4))
    assert not is_in(client)


@pytest.mark.parametrize(("quiet", "stays"), [(timedelta(minutes=29), True), (timedelta(minutes=31), False)])
def test_staff_sessions_lie_idle_for_half_an_hour_at_most(
    admin: User, client: Client, clock: Any, quiet: timedelta, stays: bool
) -> None:
    client.force_login(admin)
    clock.shift(quiet)
    assert is_in(client) is stays


def test_staff_sessions_last_a_working_day_however_busy(admin: User, client: Client, clock: Any) -> None:
    client.force_login(admin)
    for _quarter in range(8 * 4):
        assert is_in(client)
        clock.shift(timedelta(minutes=15))
    assert not is_in(client)


def test_what_a_page_fetches_by_itself_keeps_nobody_signed_in(admin: User, client: Client, clock: Any) -> None:
    client.force_login(admin)
    for _fetch in range(4):
        client.get(DEVICES, headers={"HX-Request": "true"})
        clock.shift(timedelta(minutes=10))
    assert not is_in(client)


def test_an_idle_session_is_over_for_sockets_too(admin: User, client: Client, clock: Any) -> None:
    """They read the session table: nothing there is good past its time (I30)."""
    client.force_login(admin)
    assert Session.objects.get().expire_date == MONDAY + timedelta(minutes=30)


def test_a_role_given_meanwhile_shortens_the_session(trader: User, client: Client, clock: Any) -> None:
    client.force_login(trader)
    User.objects.filter(pk=trader.pk).update(role=Role.ADMIN)
    clock.shift(timedelta(minutes=31))
    assert not is_in(client)


def test_a_browser_is_listed_with_its_name_address_and_last_use(trader: User, client: Client, clock: Any) -> None:
    """A17."""
    client.post("/sign-in/", {"email": trader.email, "password": PASSWORD}, headers={"User-Agent": CHROME})
    clock.shift(timedelta(minutes=5))
    page = client.get(DEVICES, REMOTE_ADDR="198.51.100.7")
    row = Device.objects.get()
    assert (row.name, row.address, row.seen_at) == ("Chrome · Windows", "198.51.100.7", MONDAY + timedelta(minutes=5))
    assert "이 기기" in page.content.decode()


def test_a_person_ends_another_browser_at_once(trader: User, client: Client) -> None:
    other = Client()
    client.force_login(trader)
    other.force_login(trader)
    there = Device.objects.exclude(session_key=client.session.session_key).get()
    assert client.post(f"{DEVICES}{there.pk}/").status_code == 302
    assert (is_in(other), is_in(client)) == (False, True)


def test_all_others_end_together_apps_and_browsers_alike(trader: User, client: Client) -> None:
    other = Client()
    client.force_login(trader)
    other.force_login(trader)
    app = api_devices.sign_in_device(trader, name="phone", address="", second_factor=False)
    client.post(f"{DEVICES}others/")
    assert (is_in(other), is_in(client)) == (False, True)
    assert Device.objects.get(pk=app.device.pk).ended_by == "another_device"


def test_nobody_ends_anothers_device(trader: User, admin: User, client: Client) -> None:
    other = Client()
    client.force_login(trader)
    other.force_login(admin)
    theirs = Device.objects.get(user=admin)
    assert client.post(f"{DEVICES}{theirs.pk}/").status_code == 404
    assert is_in(other)


def test_signing_out_ends_the_row(trader: User, client: Client) -> None:
    client.force_login(trader)
    client.post("/sign-in/out/")
    assert Device.objects.get().ended_by == "sign_out"


def test_a_changed_password_leaves_this_browser_alone_signed_in(trader: User, client: Client) -> None:
    """security.md 7.4.3."""
    other = Client()
    client.force_login(trader)
    other.force_login(trader)
    new = {
        "old_password": PASSWORD,
        "new_password1": "another long pass phrase",
        "new_password2": "another long pass phrase",
    }
    assert client.post("/sign-in/password/", new).status_code == 302
    assert (is_in(other), is_in(client)) == (False, True)
    assert [row.session_key for row in api_devices.live_devices(trader_now(trader))] == [client.session.session_key]


def test_a_sign_in_of_a_device_never_seen_is_told(trader: User, client: Client) -> None:
    """I52, security.md 6.3.5: not the first one of all, and not one of a browser that is known."""
    typed = {"email": trader.email, "password": PASSWORD}
    client.post("/sign-in/", typed)
    client.post("/sign-in/out/")
    client.post("/sign-in/", typed)
    assert not Notice.objects.exists()
    Client(REMOTE_ADDR="203.0.113.9").post("/sign-in/", typed, headers={"User-Agent": CHROME})
    told = Notice.objects.get()
    assert (told.cause, told.facts) == ("new_device", {"device": "Chrome · Windows", "address": "203.0.113.9"})
    assert told.mail_due is not None


@pytest.mark.parametrize("path", ["/admin/", "/operations/", "/dashboard/", DEVICES])
def test_staff_get_nowhere_without_their_second_factor(admin: User, client: Client, path: str) -> None:
    """security.md 6.3.3: the password alone leads to where it is set up."""
    client.post("/sign-in/", {"email": admin.email, "password": PASSWORD})
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/settings/second-factor/")
    assert client.get(answer["Location"]).status_code == 200


def test_a_viewer_has_settings_too(client: Client, db: None) -> None:
    client.force_login(make.make_user(role=Role.VIEWER))
    assert is_in(client)


def trader_now(trader: User) -> User:
    return User.objects.get(pk=trader.pk)


@pytest.mark.parametrize("path", ["/portfolio/history.csv"])
def test_taking_books_away_needs_a_fresh_proof(trader: User, client: Client, clock: Any, path: str) -> None:
    """I39: export. Where the person came from is where they are led back to, if that is a page of ours."""
    client.force_login(trader)
    assert client.get(path).status_code == 200
    clock.shift(timedelta(minutes=11))
    asked = client.get(path, headers={"Referer": "http://testserver/portfolio/"})
    assert (asked.status_code, asked["Location"]) == (302, "/sign-in/confirm/?next=%2Fportfolio%2F")
    assert client.post(asked["Location"], {"password": "not this one", "next": "/portfolio/"}).status_code == 422
    assert client.get(path).status_code == 302
    clock.shift(timedelta(minutes=1))
    proved = client.post(asked["Location"], {"password": PASSWORD, "next": "/portfolio/"})
    assert proved["Location"] == "/portfolio/"
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("after", ["//evil.example/", "https://evil.example/", "javascript:alert(1)", "1", "\ufffd"])
def test_the_proof_leads_nowhere_else(trader: User, client: Client, after: str) -> None:
    """security.md 3.7.2."""
    client.force_login(trader)
    assert client.post("/sign-in/confirm/", {"password": PASSWORD, "next": after})["Location"] == "/sign-in/settings/"


def test_an_admin_ends_all_sign_ins_of_a_person(trader: User, admin: User, client: Client) -> None:
    """security.md 7.4.5."""
    theirs = Client()
    theirs.force_login(trader)
    app = api_devices.sign_in_device(trader, name="phone", address="", second_factor=False)
    client.force_login(admin)
    wanted = {"action": "end_sign_ins", "_selected_action": [str(trader.pk)]}
    assert client.post("/admin/accounts/user/", wanted).status_code == 302
    assert (is_in(theirs), is_in(client)) == (False, True)
    assert Device.objects.get(pk=app.device.pk).ended_by == "by_admin"
    assert AuditEntry.objects.filter(action="admin_ended_sign_ins", subject=f"user:{trader.pk}").exists()
