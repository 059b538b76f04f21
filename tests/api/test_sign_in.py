"""Signing in through the API: tokens that end when they should, guesses that cost, one answer for every failure."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import uuid4

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connections
from django.test import override_settings

from accounts import access_tokens
from accounts.access_tokens import Access
from accounts.models import AuditEntry, Device, RefreshToken, Role, User
from tests.api.conftest import PASSWORD, Api, signed_in

ME = "/api/v1/auth/me"
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def refresh(api: Api, token: str = "") -> Any:
    return Api().post("/api/v1/auth/refresh", {"refresh_token": token or api.refresh_token})


def test_a_person_signs_in_and_is_told_who_they_are(trader: User, visitor: Api) -> None:
    """A02, A04: the literal keys access_token and token_type, plus what rotation needs."""
    answer = visitor.sign_in("JIN@example.com").json()
    assert answer["token_type"] == "Bearer"
    assert set(answer) == {
        *("access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_at", "device_id"),
        "device_token",
    }
    assert visitor.get(ME).json()["email"] == "jin@example.com"


def test_an_access_token_lives_half_an_hour_and_a_device_a_week(trader: User, visitor: Api) -> None:
    """A05."""
    with time_machine.travel(MONDAY, tick=False) as clock:
        visitor.sign_in(trader.email)
        clock.shift(timedelta(minutes=29))
        assert visitor.get(ME).status_code == 200
        clock.shift(timedelta(minutes=2))
        assert code_of(visitor.get(ME)) == (401, "token_expired")
        visitor.keep(refresh(visitor).json())
        assert visitor.get(ME).status_code == 200
        clock.shift(timedelta(days=7))
        assert code_of(refresh(visitor)) == (401, "refresh_token_invalid")


def test_staff_devices_live_a_working_day(admin: User, visitor: Api) -> None:
    with time_machine.travel(MONDAY, tick=False) as clock:
        visitor.sign_in(admin.email)
        clock.shift(timedelta(hours=8, seconds=1))
        assert code_of(refresh(visitor)) == (401, "refresh_token_invalid")


def test_every_failure_is_answered_alike(trader: User) -> None:
    User.objects.create_user("gone@example.com", PASSWORD, is_active=False)
    tries = [("nobody@example.com", PASSWORD), (trader.email, "wrong wrong wrong"), ("gone@example.com", PASSWORD)]
    answers = [Api(address=f"198.51.{n}.1").sign_in(email, password) for n, (email, password) in enumerate(tries)]
    told = [{k: v for k, v in each.json().items() if k != "request_id"} for each in answers]
    assert told[0] == told[1] == told[2]
    assert {each.status_code for each in answers} == {401}


def test_guessing_costs_waits_and_the_owners_device_is_not_shut_out(trader: User, visitor: Api) -> None:
    """I37."""
    visitor.sign_in(trader.email)
    stranger = Api(address="203.0.113.7")
    assert code_of(stranger.sign_in(trader.email, "a wrong password")) == (401, "wrong_password")
    refused = stranger.sign_in(trader.email, "a wrong password")
    assert code_of(refused) == (429, "too_many_tries")
    assert int(refused["Retry-After"]) >= 1
    for number in range(12):
        Api(address=f"203.{number}.113.7").sign_in(trader.email, "a wrong password")
    elsewhere = Api(address="192.0.2.1")
    assert code_of(elsewhere.sign_in(trader.email)) == (429, "too_many_tries")
    elsewhere.device_token = visitor.device_token
    assert elsewhere.sign_in(trader.email).status_code == 200


def test_a_refresh_token_is_used_once_and_its_second_use_ends_the_device(trader: User, visitor: Api) -> None:
    """I40."""
    visitor.sign_in(trader.email)
    stolen = visitor.refresh_token
    visitor.keep(refresh(visitor).json())
    assert code_of(refresh(visitor, stolen)) == (401, "refresh_token_invalid")
    assert code_of(visitor.get(ME)) == (401, "token_invalid")
    assert code_of(refresh(visitor)) == (401, "refresh_token_invalid")
    assert AuditEntry.objects.filter(action="device_ended", result="refused").exists()


def test_refresh_tokens_are_kept_as_hashes_alone(trader: User, visitor: Api) -> None:
    visitor.sign_in(trader.email)
    kept = RefreshToken.objects.get()
    assert visitor.refresh_token not in {str(value) for value in vars(kept).values()}
    assert len(kept.hash) == 64


@pytest.mark.django_db(transaction=True)
def test_of_fifty_refreshes_at_once_one_succeeds_and_the_device_ends() -> None:
    """I40: 1 success, the family dead on re-use, no 5xx."""
    user = User.objects.create_user("jin@example.com", PASSWORD)
    device = signed_in(user)
    together = Barrier(10)

    def once(_number: int) -> int:
        together.wait(timeout=30)
        try:
            return int(refresh(device).status_code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(10) as pool:
        codes = [code for _round in range(5) for code in pool.map(once, range(10))]
    assert sorted(set(codes)) == [200, 401]
    assert codes.count(200) == 1
    assert Device.objects.get().ended_by == "token_used_again"


def test_signing_out_ends_both_tokens_at_once(api: Api) -> None:
    answer = api.post("/api/v1/auth/logout")
    assert (answer.status_code, answer["Clear-Site-Data"]) == (204, '"cache", "storage"')
    assert code_of(api.get(ME)) == (401, "token_invalid")
    assert code_of(refresh(api)) == (401, "refresh_token_invalid")


def test_a_changed_password_ends_every_other_device_however_it_was_changed(trader: User, api: Api) -> None:
    other = signed_in(trader)
    answer = api.post("/api/v1/auth/password", {"old_password": PASSWORD, "new_password": "another long pass phrase"})
    assert answer.status_code == 200
    assert code_of(other.get(ME)) == (401, "token_invalid")
    assert code_of(refresh(other)) == (401, "refresh_token_invalid")
    api.keep(answer.json())
    assert api.get(ME).status_code == 200
    trader.set_password("changed behind the API's back")
    trader.save()
    assert code_of(api.get(ME)) == (401, "token_invalid")


def test_a_deactivated_person_is_out_at_once(trader: User, api: Api) -> None:
    trader.is_active = False
    trader.save()
    assert code_of(api.get(ME)) == (401, "token_invalid")
    assert code_of(refresh(api)) == (401, "refresh_token_invalid")


def test_a_role_taken_away_acts_at_once(trader: User, api: Api) -> None:
    """security.md 8.3.2: the role is read from the database, not from the token."""
    User.objects.filter(pk=trader.pk).update(role=Role.VIEWER)
    assert api.get(ME).json()["role"] == "viewer"


def test_a_person_sees_their_devices_and_ends_any(trader: User, api: Api) -> None:
    """A17."""
    other = signed_in(trader)
    listed = api.get("/api/v1/auth/devices").json()["results"]
    assert {(each["id"], each["is_this_one"]) for each in listed} == {(api.device_id, True), (other.device_id, False)}
    assert api.delete(f"/api/v1/auth/devices/{other.device_id}").status_code == 204
    assert other.get(ME).status_code == 401
    third = signed_in(trader)
    assert api.delete("/api/v1/auth/devices").json() == {"ended": 1}
    assert (third.get(ME).status_code, api.get(ME).status_code) == (401, 200)


def test_nobody_ends_anothers_device(viewer: User, api: Api) -> None:
    other = signed_in(viewer)
    assert api.delete(f"/api/v1/auth/devices/{other.device_id}").status_code == 404
    assert other.get(ME).status_code == 200


def forged(user: User, api: Api, key: str = "", algorithm: str = "HS256", **claims: Any) -> str:
    good = access_tokens.issue(
        settings.JWT_SECRET, Access(user.pk, Device.objects.get(pk=api.device_id).pk), uuid4(), datetime.now(UTC)
    )
    content = jwt.decode(good, options={"verify_signature": False}) | claims
    signs: Any = None if algorithm == "none" else key or settings.JWT_SECRET
    return jwt.encode({k: v for k, v in content.items() if v is not None}, signs, algorithm)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "somebody-else"},
        {"iss": "somebody-else"},
        {"typ": "refresh"},
        {"exp": None},
        {"sid": None},
        {"sid": "not-a-key"},
        {"sid": 5},
        {"sub": "00000000-0000-0000-0000-000000000000"},
        {"nbf": 4_000_000_000},
    ],
)
def test_a_token_with_another_claim_is_none(trader: User, api: Api, claims: dict[str, Any]) -> None:
    """security.md 9.1–9.2."""
    api.token = forged(trader, api, **claims)
    assert code_of(api.get(ME)) == (401, "token_invalid")


@pytest.mark.parametrize("algorithm", ["none", "HS384", "HS512"])
def test_only_one_algorithm_is_read(trader: User, api: Api, algorithm: str) -> None:
    api.token = forged(trader, api, algorithm=algorithm)
    assert code_of(api.get(ME)) == (401, "token_invalid")


def test_no_other_key_signs(trader: User, api: Api) -> None:
    api.token = forged(trader, api, key=settings.SECRET_KEY)
    assert code_of(api.get(ME)) == (401, "token_invalid")


def test_a_new_key_voids_tokens_that_were_found_good_before(trader: User, api: Api) -> None:
    """What is remembered of a token is remembered under the key that signed it."""
    assert api.get(ME).status_code == 200
    with override_settings(JWT_SECRET="another key, as long as it has to be for HS256"):
        assert code_of(api.get(ME)) == (401, "token_invalid")
    assert api.get(ME).status_code == 200


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic abc", "Bearer a.b.c", "bearer é", "Bearer " + "x" * 5000]
)
def test_a_broken_header_is_refused_and_told_how(api: Api, header: str) -> None:
    answer = api.send("GET", ME, headers={"Authorization": header})
    assert code_of(answer) == (401, "token_invalid")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_a_refresh_token_opens_nothing_by_itself(api: Api) -> None:
    api.token = api.refresh_token
    assert code_of(api.get(ME)) == (401, "token_invalid")


def test_a_cookie_opens_nothing(trader: User, visitor: Api) -> None:
    """I41: no request that another page could forge."""
    visitor._client.force_login(trader)
    assert code_of(visitor.get(ME)) == (401, "not_signed_in")


def test_signing_up_says_the_same_whether_or_not_the_address_was_taken(trader: User, visitor: Api) -> None:
    """A01, security.md 6.3.8."""
    new = visitor.post("/api/v1/auth/register", {"email": "new@example.com", "password": "a long pass phrase"})
    taken = visitor.post("/api/v1/auth/register", {"email": trader.email, "password": "a long pass phrase"})
    assert (new.status_code, new.json()) == (taken.status_code, taken.json()) == (201, {"message": "회원가입 성공"})
    assert User.objects.count() == 2


def test_a_weak_password_is_refused_with_the_reason(visitor: Api) -> None:
    answer = visitor.post("/api/v1/auth/register", {"email": "new@example.com", "password": "password1234"})
    assert code_of(answer) == (400, "invalid_request")
    assert answer.json()["detail"]["fields"]["password"][0]["code"] == "password_too_common"


def test_registration_can_be_closed(visitor: Api, settings: Any) -> None:
    settings.REGISTRATION_OPEN = False
    answer = visitor.post("/api/v1/auth/register", {"email": "new@example.com", "password": "a long pass phrase"})
    assert code_of(answer) == (403, "registration_closed")
