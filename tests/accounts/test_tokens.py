"""Tokens for programs (A17): shown once, kept as a hash, reading or trading, and never able to look after people."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts.models import AuditEntry, Device, Role, Scope, User
from accounts.services import api_tokens, socket_rights
from accounts.services.api_tokens import NewToken, TooManyTokens
from tests import factories as make
from tests.accounts.conftest import PASSWORD
from tests.api.conftest import Api, signed_in

PAGE = "/sign-in/settings/tokens/"
ME, TOKENS = "/api/v1/auth/me", "/api/v1/auth/tokens"
BODY = {"name": "bot", "scope": "read", "days": 30}
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def made(user: User, scope: str = "trade", days: int = 30) -> NewToken:
    return api_tokens.create(user, name="bot", scope=Scope(scope), days=days, second_factor=False, address="127.0.0.1")


def with_token(user: User, scope: str = "trade", days: int = 30) -> Api:
    return Api(made(user, scope, days).text)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_a_token_is_made_on_the_page_and_shown_once(trader: User, client: Client) -> None:
    client.force_login(trader)
    answer = client.post(PAGE, {"name": "집 서버", "scope": "trade", "days": "90"})
    text = re.findall(r"kairos_[\w-]{43}", answer.content.decode())[0]
    assert Api(text).get(ME).json()["email"] == trader.email
    assert text not in client.get(PAGE).content.decode()
    assert AuditEntry.objects.filter(action="token_made").count() == 1


def test_what_the_database_keeps_opens_nothing(trader: User) -> None:
    token = made(trader)
    row = Device.objects.get(pk=token.device.pk)
    assert token.text not in {str(value) for value in vars(row).values()}
    assert (len(row.token_hash or ""), token.text[-4:]) == (64, row.token_hint)
    assert Api(row.token_hash or "").get(ME).status_code == 401


def test_a_token_that_reads_changes_nothing(trader: User) -> None:
    api = with_token(trader, "read")
    assert api.get("/api/v1/orders/").status_code == 200
    answer = api.post("/api/v1/orders/", {}, Idempotency_Key="one")
    assert code_of(answer) == (403, "token_reads_only")


def test_a_token_that_trades_gets_to_the_order_form(trader: User) -> None:
    answer = with_token(trader).post("/api/v1/orders/", {}, Idempotency_Key="one")
    assert code_of(answer) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/auth/step-up", {"password": PASSWORD}),
        ("POST", "/api/v1/auth/password", {"old_password": PASSWORD, "new_password": "another long pass phrase"}),
        ("POST", "/api/v1/auth/second-factor", None),
        ("POST", TOKENS, BODY),
        ("GET", TOKENS, None),
        ("POST", "/api/v1/auth/email", {"email": "new@example.com"}),
        ("PUT", "/api/v1/auth/notifications", {"kind": "fills", "channel": "email", "is_on": True}),
        ("DELETE", "/api/v1/auth/devices", None),
        ("PATCH", ME, {"name": "other"}),
    ],
)
def test_no_token_looks_after_people(trader: User, method: str, path: str, body: Any) -> None:
    answer = with_token(trader).send(method, path, body, {"If-Match": "*"})
    assert code_of(answer) == (403, "not_with_a_token")


def test_no_token_does_what_needs_a_step_up(trader: User) -> None:
    """I39: it has no password to prove."""
    answer = with_token(trader).post(
        "/api/v1/halts/release/", {"scope": "user", "target": str(trader.pk), "version": 0}
    )
    assert code_of(answer) == (403, "step_up_required")


def test_a_token_ends_with_its_time(trader: User, clock: Any) -> None:
    api = with_token(trader, days=7)
    clock.shift(timedelta(days=6, hours=23))
    assert api.get(ME).status_code == 200
    clock.shift(timedelta(hours=1))
    assert code_of(api.get(ME)) == (401, "token_invalid")


def test_a_token_ends_with_its_persons_password_and_with_its_person(trader: User) -> None:
    api = with_token(trader)
    User.objects.filter(pk=trader.pk).update(is_active=False)
    assert api.get(ME).status_code == 401
    User.objects.filter(pk=trader.pk).update(is_active=True)
    assert api.get(ME).status_code == 200
    trader.set_password("another long pass phrase")
    trader.save()
    assert api.get(ME).status_code == 401


def test_a_token_ends_on_the_page_and_through_the_api(trader: User, client: Client) -> None:
    client.force_login(trader)
    first, second = made(trader), made(trader)
    assert client.post(f"{PAGE}{first.device.pk}/").status_code == 302
    assert Api(first.text).get(ME).status_code == 401
    assert signed_in(trader).delete(f"{TOKENS}/{second.device.pk}").status_code == 204
    assert Api(second.text).get(ME).status_code == 401


def test_nobody_ends_anothers_token(trader: User, client: Client) -> None:
    other = make.make_user()
    token = made(other)
    client.force_login(trader)
    assert client.post(f"{PAGE}{token.device.pk}/").status_code == 404
    assert signed_in(trader).delete(f"{TOKENS}/{token.device.pk}").status_code == 404
    assert Api(token.text).get(ME).status_code == 200


def test_last_use_is_known_to_the_minute(trader: User, clock: Any) -> None:
    api, mine = with_token(trader), signed_in(trader)
    assert mine.get(TOKENS).json()["results"][0]["used_at"] is None
    clock.shift(timedelta(minutes=3))
    api.get(ME)
    row = mine.get(TOKENS).json()["results"][0]
    assert (row["used_at"], row["used_from"]) == ("2026-01-05T00:03:00Z", api.address)


def test_making_one_needs_a_fresh_proof(trader: User, client: Client, clock: Any) -> None:
    """I39, on the page and through the API; what was typed stays."""
    client.force_login(trader)
    api = signed_in(trader)
    clock.shift(timedelta(minutes=11))
    answer = client.post(PAGE, {"name": "집 서버", "scope": "read", "days": "30"})
    assert answer.status_code == 422
    assert 'value="집 서버"' in answer.content.decode()
    assert code_of(api.post(TOKENS, BODY)) == (403, "step_up_required")
    assert not Device.objects.filter(kind="token").exists()
    typed = {"name": "집 서버", "scope": "read", "days": "30", "password": PASSWORD}
    assert "kairos_" in client.post(PAGE, typed).content.decode()


def test_a_person_has_twenty_at_most(trader: User) -> None:
    for _number in range(api_tokens.MOST):
        made(trader)
    with pytest.raises(TooManyTokens):
        made(trader)
    assert code_of(signed_in(trader).post(TOKENS, BODY)) == (422, "too_many_tokens")


def test_staff_lend_no_program_what_they_may_do(admin: User) -> None:
    assert code_of(signed_in(admin).post(TOKENS, BODY)) == (403, "not_permitted")


def test_a_viewers_token_trades_no_more_than_its_person(db: None) -> None:
    """A07: the role is read from the database each time."""
    viewer = make.make_user(role=Role.VIEWER)
    answer = with_token(viewer).post("/api/v1/orders/", {}, Idempotency_Key="one")
    assert code_of(answer) == (403, "not_allowed")


def test_signing_every_other_device_out_leaves_tokens(trader: User) -> None:
    token, api = with_token(trader), signed_in(trader)
    assert api.delete("/api/v1/auth/devices").json() == {"ended": 0}
    assert token.get(ME).status_code == 200


def test_a_token_opens_sockets_until_it_ends(trader: User) -> None:
    token = made(trader)
    right = socket_rights.right_of_token(token.text)
    assert (right.user_id, right.device_id, right.until) == (trader.pk, token.device.pk, token.device.expires_at)
