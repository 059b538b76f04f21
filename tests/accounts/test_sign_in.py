"""Signing in and out: one answer for every failure, waits that grow, an owner who always gets in (security.md 6.3)."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client

from accounts.models import Role, Throttle, User
from tests.accounts.conftest import PASSWORD
from tests.accounts.hashers import CountingHasher, MeetingHasher

MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
SETTINGS = "/sign-in/settings/"


def sign_in(client: Client, email: str, password: str, *, address: str = "198.51.100.9", after: str = SETTINGS) -> Any:
    return client.post("/sign-in/", {"email": email, "password": password, "next": after}, REMOTE_ADDR=address)


def errors(response: Any) -> list[str]:
    return [str(error) for error in response.context["form"].non_field_errors()]


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def test_a_person_signs_in_by_e_mail_in_any_case_and_lands_where_they_wanted(trader: User, client: Client) -> None:
    response = sign_in(client, "JIN@example.COM", PASSWORD)
    assert (response.status_code, response["Location"]) == (302, SETTINGS)
    assert client.get(SETTINGS).context["user"] == trader


def test_signing_in_starts_a_new_session(trader: User, client: Client) -> None:
    client.get("/sign-in/")
    session = client.session
    session["visitor"] = True
    session.save()
    client.cookies["sessionid"] = session.session_key or ""
    before = session.session_key
    sign_in(client, trader.email, PASSWORD)
    assert client.session.session_key != before


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "https:evil.example", "\\\\evil.example"],
)
def test_next_never_leads_to_another_site(trader: User, client: Client, elsewhere: str, settings: Any) -> None:
    settings.LOGIN_REDIRECT_URL = SETTINGS
    assert sign_in(client, trader.email, PASSWORD, after=elsewhere)["Location"] == SETTINGS


def test_unknown_wrong_and_deactivated_get_the_same_answer(trader: User, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_active=False)
    tries = [("nobody@example.com", PASSWORD), (trader.email, "wrong wrong wrong"), (admin.email, PASSWORD)]
    answers = [sign_in(Client(), email, password, address=f"203.0.{n}.1") for n, (email, password) in enumerate(tries)]
    assert {answer.status_code for answer in answers} == {200}
    assert len({tuple(errors(answer)) for answer in answers}) == 1


def test_an_unknown_e_mail_costs_one_password_hash_too(trader: User, settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.CountingHasher"]
    trader.set_password(PASSWORD)
    trader.save()
    costs: list[int] = []
    for email in (trader.email, "nobody@example.com"):
        CountingHasher.encoded = 0
        sign_in(Client(), email, "wrong wrong wrong", address=f"203.0.{len(costs)}.1")
        costs.append(CountingHasher.encoded)
    assert costs == [1, 1]


def test_each_wrong_password_doubles_the_wait_and_the_right_one_is_not_looked_at(trader: User, clock: Any) -> None:
    for wait in (1, 2, 4, 8):
        assert sign_in(Client(), trader.email, "wrong wrong wrong").status_code == 200
        refused = sign_in(Client(), trader.email, PASSWORD)
        assert (refused.status_code, refused["Retry-After"]) == (429, str(wait))
        clock.shift(timedelta(seconds=wait))
    assert sign_in(Client(), trader.email, PASSWORD).status_code == 302


def test_a_good_sign_in_forgets_the_typing_errors_before_it(trader: User, clock: Any) -> None:
    for wait in (1, 2):
        sign_in(Client(), trader.email, "wrong wrong wrong")
        clock.shift(timedelta(seconds=wait))
    sign_in(Client(), trader.email, PASSWORD)
    sign_in(Client(), trader.email, "wrong wrong wrong")
    assert sign_in(Client(), trader.email, PASSWORD)["Retry-After"] == "1"


def guess_from_two_hundred_networks(email: str, clock: Any, rounds: int = 3) -> int:
    """How many of 600 guesses, 6 s apart, were looked at."""
    looked_at = 0
    for n in range(200 * rounds):
        looked_at += sign_in(Client(), email, "wrong wrong wrong", address=f"10.{n % 200}.0.1").status_code == 200
        clock.shift(timedelta(seconds=6))
    return looked_at


def test_two_hundred_networks_together_get_twenty_tries_an_hour_and_the_owner_still_gets_in(
    trader: User, clock: Any
) -> None:
    at_home = Client()
    sign_in(at_home, trader.email, PASSWORD, address="192.0.2.1")
    at_home.post("/sign-in/out/")
    assert guess_from_two_hundred_networks(trader.email, clock) <= 20
    assert sign_in(Client(), trader.email, PASSWORD, address="10.250.0.1").status_code == 429
    assert sign_in(at_home, trader.email, PASSWORD, address="192.0.2.1").status_code == 302


def test_a_known_device_gets_in_even_from_the_network_of_the_guesser(trader: User, clock: Any) -> None:
    laptop = Client()
    sign_in(laptop, trader.email, PASSWORD)
    laptop.post("/sign-in/out/")
    sign_in(Client(), trader.email, "wrong wrong wrong")
    assert sign_in(laptop, trader.email, PASSWORD).status_code == 302


def test_a_known_device_is_no_free_pass_for_guessing(trader: User, clock: Any) -> None:
    stolen = Client()
    sign_in(stolen, trader.email, PASSWORD)
    stolen.post("/sign-in/out/")
    assert sign_in(stolen, trader.email, "wrong wrong wrong").status_code == 200
    assert sign_in(stolen, trader.email, PASSWORD).status_code == 429


def test_a_device_known_for_one_person_is_a_stranger_to_another(trader: User, admin: User, clock: Any) -> None:
    device = Client()
    sign_in(device, admin.email, PASSWORD)
    device.post("/sign-in/out/")
    sign_in(Client(), trader.email, "wrong wrong wrong")
    assert sign_in(device, trader.email, PASSWORD).status_code == 429


def test_a_forged_device_cookie_is_no_device(trader: User, clock: Any) -> None:
    forger = Client()
    forger.cookies["device"] = "eyJkZXZpY2UiOiJ4In0:1abc:forged"
    sign_in(Client(), trader.email, "wrong wrong wrong")
    assert sign_in(forger, trader.email, PASSWORD).status_code == 429


@pytest.mark.django_db(transaction=True)
def test_a_burst_of_guesses_is_worth_one_and_honest_people_in_a_row_are_not_held_up(settings: Any) -> None:
    """Every guess here is past the first look at the counters before any of them is counted."""
    trader = User.objects.create_user("jin@example.com", PASSWORD)
    settings.PASSWORD_HASHERS = ["tests.accounts.hashers.MeetingHasher"]
    User.objects.filter(pk=trader.pk).update(password=MeetingHasher().encode(PASSWORD, "salt" * 6))

    def together(passwords: list[str]) -> list[int]:
        MeetingHasher.barrier = Barrier(len(passwords))
        with ThreadPoolExecutor(len(passwords)) as pool:
            return sorted(pool.map(one, passwords))

    def one(password: str) -> int:
        try:
            return int(sign_in(Client(), trader.email, password).status_code)
        finally:
            connections.close_all()

    assert together([PASSWORD] * 4) == [302] * 4
    assert together([f"wrong wrong wrong {n}" for n in range(6)]) == [200] + [429] * 5


def test_one_address_cannot_try_everybody(trader: User, clock: Any) -> None:
    looked_at = [sign_in(Client(), f"person{n}@example.com", "wrong wrong wrong").status_code for n in range(40)]
    assert looked_at.count(200) == 31
    assert looked_at[-1] == 429


def test_behind_the_proxy_only_its_own_word_about_the_address_counts(trader: User, clock: Any, settings: Any) -> None:
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    for claimed in ("1.1.1.1", "2.2.2.2"):
        form = {"email": trader.email, "password": "wrong wrong wrong"}
        last = Client().post("/sign-in/", form, headers={"X-Forwarded-For": f"{claimed}, 198.51.100.9"})
    assert last.status_code == 429


def test_nobody_can_read_from_the_counters_who_was_tried(trader: User) -> None:
    sign_in(Client(), trader.email, "wrong wrong wrong")
    assert Throttle.objects.count() == 3
    assert all(len(row.key) == 64 and "jin" not in row.key for row in Throttle.objects.all())


def test_counters_older_than_a_day_are_swept_away(trader: User, clock: Any) -> None:
    sign_in(Client(), trader.email, "wrong wrong wrong", address="203.0.113.1")
    clock.shift(timedelta(hours=25))
    sign_in(Client(), "nobody@example.com", "wrong wrong wrong", address="198.51.100.1")
    assert Throttle.objects.count() == 3


def test_signing_out_takes_a_post_and_ends_the_session(trader: User, client: Client) -> None:
    client.force_login(trader)
    assert client.get("/sign-in/out/").status_code == 405
    assert client.get(SETTINGS).status_code == 200
    response = client.post("/sign-in/out/")
    assert (response.status_code, response["Clear-Site-Data"]) == (302, '"cache", "storage"')
    assert client.get(SETTINGS).status_code == 302


def test_deactivation_and_a_lost_role_act_on_the_next_request(admin: User, client: Client) -> None:
    client.force_login(admin)
    assert client.get("/admin/").status_code == 200
    User.objects.filter(pk=admin.pk).update(role=Role.VIEWER)
    assert client.get("/admin/", follow=True).status_code == 403
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert client.get(SETTINGS).status_code == 302


def test_the_admin_has_no_sign_in_of_its_own(admin: User, client: Client) -> None:
    response = client.get("/admin/", follow=True)
    assert response.redirect_chain[-1][0] == "/sign-in/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": admin.email, "password": PASSWORD}).status_code == 405
    assert sign_in(client, admin.email, PASSWORD, after="/admin/")["Location"] == "/admin/"
    assert client.session.get_expiry_age() == 30 * 60  # idle; a working day in all (test_sessions.py)


def test_a_viewer_may_not_trade(trader: User) -> None:
    assert trader.may_trade
    trader.role = Role.VIEWER
    assert not trader.may_trade
