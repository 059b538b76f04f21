"""The second factor: codes that work once, a way back in, and who cannot do without."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
import time_machine
from django.db import connections
from django.test import Client

from accounts import totp
from accounts.models import RecoveryCode, Role, SecondFactor, User
from accounts.services import second_factor as factors
from accounts.services.sign_in import Place
from tests import factories as make
from tests.api.conftest import PASSWORD, Api, signed_in

HERE = Place("198.51.100.0/24")
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)
SEED = b"12345678901234567890"


@pytest.mark.parametrize(
    ("at", "code"), [(59, "287082"), (1111111109, "081804"), (1234567890, "005924"), (20000000000, "353130")]
)
def test_codes_are_those_of_the_standard(at: int, code: str) -> None:
    """RFC 6238, appendix B (its last six digits)."""
    assert totp.code_at(SEED, totp.step_of(datetime.fromtimestamp(at, UTC))) == code


def seed_of(user: User) -> bytes:
    return factors._seed(SecondFactor.objects.get(user=user))


def code_now(user: User, steps: int = 0) -> str:
    return totp.code_at(seed_of(user), totp.step_of(datetime.now(UTC)) + steps)


def switch_on(user: User) -> list[str]:
    factors.enrol(user)
    return factors.confirm(user, code_now(user), HERE)


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


def test_it_is_switched_on_by_the_first_code_and_asked_for_from_then_on(trader: User, clock: Any) -> None:
    """A09."""
    api = signed_in(trader)
    begun = api.post("/api/v1/auth/second-factor").json()
    assert begun["otpauth_uri"].startswith("otpauth://totp/Kairos:jin%40example.com?secret=")
    assert code_of(api.post("/api/v1/auth/second-factor/confirm", {"code": "000000"})) == (401, "wrong_code")
    clock.shift(timedelta(seconds=2))
    codes = api.post("/api/v1/auth/second-factor/confirm", {"code": code_now(trader)}).json()["recovery_codes"]
    assert len(set(codes)) == 10
    assert code_of(Api().sign_in(trader.email)) == (401, "second_factor_needed")
    clock.shift(timedelta(seconds=30))
    assert Api().sign_in(trader.email, code=code_now(trader)).status_code == 200


def test_what_the_database_keeps_tells_neither_seed_nor_codes(trader: User, clock: Any) -> None:
    """I35: sealed, and bound to its person."""
    codes = switch_on(trader)
    seed, row = seed_of(trader), SecondFactor.objects.get()
    assert seed not in bytes(row.ciphertext) + bytes(row.wrapped_key)
    hashes = set(RecoveryCode.objects.values_list("hash", flat=True))
    assert not hashes & (set(codes) | {code.replace("-", "") for code in codes})
    other = make.make_user()
    stolen = SecondFactor(user=other, kek_id=row.kek_id, wrapped_key=row.wrapped_key, ciphertext=row.ciphertext)
    with pytest.raises(Exception, match="does not open"):
        factors._seed(stolen)


def test_a_code_works_once(trader: User, clock: Any) -> None:
    """I38."""
    switch_on(trader)
    clock.shift(timedelta(seconds=30))
    code = code_now(trader)
    assert Api().sign_in(trader.email, code=code).status_code == 200
    assert code_of(Api().sign_in(trader.email, code=code)) == (401, "wrong_code")


@pytest.mark.parametrize(("steps", "works"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_off_by_one_step(trader: User, clock: Any, steps: int, works: bool) -> None:
    switch_on(trader)
    clock.shift(timedelta(minutes=5))
    assert (Api().sign_in(trader.email, code=code_now(trader, steps)).status_code == 200) is works


def test_a_recovery_code_works_once_however_it_is_typed(trader: User, clock: Any) -> None:
    code = switch_on(trader)[0]
    assert Api().sign_in(trader.email, code=code.upper().replace("-", "")).status_code == 200
    assert code_of(Api().sign_in(trader.email, code=code)) == (401, "wrong_code")


@pytest.mark.django_db(transaction=True)
def test_one_code_sent_many_times_at_once_is_taken_once() -> None:
    """I38: parallel."""
    user = make.make_user()
    switch_on(user)
    SecondFactor.objects.update(last_step=0)
    code, together = code_now(user), Barrier(8)

    def take(_number: int) -> bool:
        together.wait(timeout=30)
        try:
            return factors._takes_app_code(user, code)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(8))) == 1


def test_guessing_codes_costs_waits(trader: User, clock: Any) -> None:
    """I37."""
    switch_on(trader)
    assert code_of(Api().sign_in(trader.email, code="000000")) == (401, "wrong_code")
    refused = Api().sign_in(trader.email, code="000000")
    assert code_of(refused) == (429, "too_many_tries")


def test_staff_get_nowhere_without_it_but_to_where_it_is_set_up(admin: User, clock: Any) -> None:
    """security.md 6.3.3."""
    api = Api()
    api.sign_in(admin.email)
    assert api.get("/api/v1/auth/me").status_code == 200
    assert api.get("/api/v1/auth/second-factor").json() == {"is_on": False, "recovery_codes_left": 0}
    assert api.post("/api/v1/auth/second-factor").status_code == 200
    assert api.post("/api/v1/auth/second-factor/confirm", {"code": code_now(admin)}).status_code == 200
    api.post("/api/v1/auth/step-up", {"password": PASSWORD})
    assert code_of(api.delete("/api/v1/auth/second-factor")) == (422, "second_factor_is_required")


def test_changing_it_needs_a_fresh_proof(trader: User, clock: Any) -> None:
    """I39: ten minutes, and the code itself where it is on."""
    api = signed_in(trader)
    clock.shift(timedelta(minutes=11))
    assert code_of(api.post("/api/v1/auth/second-factor")) == (403, "step_up_required")
    assert api.post("/api/v1/auth/step-up", {"password": PASSWORD}).status_code == 204
    assert api.post("/api/v1/auth/second-factor").status_code == 200
    api.post("/api/v1/auth/second-factor/confirm", {"code": code_now(trader)})
    clock.shift(timedelta(minutes=11))
    assert code_of(api.delete("/api/v1/auth/second-factor")) == (403, "step_up_required")
    assert code_of(api.post("/api/v1/auth/step-up", {"password": PASSWORD})) == (401, "second_factor_needed")
    body = {"password": PASSWORD, "code": code_now(trader)}
    assert api.post("/api/v1/auth/step-up", body).status_code == 204
    assert api.delete("/api/v1/auth/second-factor").status_code == 204
    assert not User.objects.get(pk=trader.pk).is_2fa_enabled


def test_switching_it_on_signs_every_other_device_out(trader: User, clock: Any) -> None:
    api, other = signed_in(trader), signed_in(trader)
    api.post("/api/v1/auth/second-factor")
    api.post("/api/v1/auth/second-factor/confirm", {"code": code_now(trader)})
    assert (other.get("/api/v1/auth/me").status_code, api.get("/api/v1/auth/me").status_code) == (401, 200)


def test_a_viewer_may_have_one_too(clock: Any, db: None) -> None:
    assert signed_in(make.make_user(role=Role.VIEWER)).post("/api/v1/auth/second-factor").status_code == 200


def test_the_pages_ask_for_the_same_code(trader: User, clock: Any) -> None:
    """security.md 6.3.4: no side door."""
    switch_on(trader)
    clock.shift(timedelta(seconds=30))
    client, typed = Client(), {"email": trader.email, "password": PASSWORD}
    asked = client.post("/sign-in/", typed)
    assert "code" in asked.context["form"].fields
    assert asked.context["form"].non_field_errors().as_data()[0].code == "second_factor_needed"
    wrong = client.post("/sign-in/", typed | {"code": "000000"})
    assert wrong.context["form"].non_field_errors().as_data()[0].code == "wrong_code"
    clock.shift(timedelta(seconds=30))
    assert client.post("/sign-in/", typed | {"code": code_now(trader)}).status_code == 302
