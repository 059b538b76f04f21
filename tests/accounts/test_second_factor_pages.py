"""Switching the second factor on and off on the pages: begun after a proof, in force by its first code."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from accounts import totp
from accounts.drawn_codes import QUIET, qr_code
from accounts.models import Device, Notice, RecoveryCode, User
from accounts.services import api_devices, second_factor
from tests.accounts.conftest import PASSWORD

PAGE = "/sign-in/settings/second-factor/"
MONDAY = datetime(2026, 1, 5, 0, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(MONDAY, tick=False) as traveller:
        yield traveller


@pytest.fixture
def entered(trader: User, client: Client, clock: Any) -> Client:
    client.post("/sign-in/", {"email": trader.email, "password": PASSWORD})
    return client


def code_now(user: User) -> str:
    begun = second_factor.begun(user) or second_factor.Enrolment("", "")
    seed = second_factor._seed(user.second_factor) if not begun.secret else bytes_of(begun.secret)
    return totp.code_at(seed, totp.step_of(datetime.now(UTC)))


def bytes_of(secret: str) -> bytes:
    from base64 import b32decode

    return b32decode(secret + "=" * (-len(secret) % 8))


def test_it_is_begun_shown_and_switched_on_without_a_script(trader: User, entered: Client) -> None:
    """A09: the picture, the same as text, and ten codes that are shown once."""
    entered.post(PAGE)
    shown = entered.get(PAGE).content.decode()
    begun = second_factor.begun(trader)
    assert begun is not None
    assert qr_code(begun.address).path in shown
    assert begun.secret in re.sub(r"\s", "", shown)
    answer = entered.post(PAGE, {"app_code": code_now(trader)})
    codes = re.findall(r"<code>([a-z0-9]{5}-[a-z0-9]{5})</code>", answer.content.decode())
    assert len(set(codes)) == 10
    assert not re.search(r"[a-z0-9]{5}-[a-z0-9]{5}</code>", entered.get(PAGE).content.decode())
    trader.refresh_from_db()
    assert trader.is_2fa_enabled
    assert Notice.objects.filter(cause="second_factor_on", mail_due__isnull=False).count() == 1


def test_a_wrong_code_switches_nothing_on_and_leaves_the_picture(trader: User, entered: Client) -> None:
    entered.post(PAGE)
    answer = entered.post(PAGE, {"app_code": "000000"})
    assert (answer.status_code, answer.context["qr"] is not None) == (422, True)
    trader.refresh_from_db()
    assert not trader.is_2fa_enabled


def test_switching_it_on_leaves_nobody_else_signed_in(trader: User, entered: Client) -> None:
    """security.md 7.4.3; and the session goes on under a new key."""
    other, before = Client(), entered.session.session_key
    other.force_login(trader)
    app = api_devices.sign_in_device(trader, name="phone", address="", second_factor=False)
    entered.post(PAGE)
    entered.post(PAGE, {"app_code": code_now(trader)})
    assert other.get(PAGE).status_code == 302
    assert Device.objects.get(pk=app.device.pk).ended_by == "second_factor_on"
    assert entered.get(PAGE).status_code == 200
    assert entered.session.session_key != before


@pytest.mark.parametrize("path", [PAGE, f"{PAGE}off/", f"{PAGE}codes/"])
def test_an_old_proof_is_asked_for_again(trader: User, entered: Client, clock: Any, path: str) -> None:
    """I39: ten minutes."""
    if path != PAGE:
        entered.post(PAGE)
        entered.post(PAGE, {"app_code": code_now(trader)})
    had = RecoveryCode.objects.count()
    clock.shift(timedelta(minutes=11))
    answer = entered.post(path)
    assert (answer.status_code, "password" in answer.context["form"].errors) == (422, True)
    trader.refresh_from_db()
    assert (trader.is_2fa_enabled, RecoveryCode.objects.count()) == (path != PAGE, had)
    wrong = entered.post(path, {"password": "not this one", "code": "000000"})
    assert wrong.status_code == 422
    assert RecoveryCode.objects.count() == had


def test_nobody_sees_the_seed_without_a_fresh_proof(entered: Client, clock: Any) -> None:
    entered.post(PAGE)
    clock.shift(timedelta(minutes=11))
    assert "qr" not in (entered.get(PAGE).context or {})
    assert entered.post(PAGE, {"app_code": "000000"}).context.get("qr") is None


def test_it_is_switched_off_with_the_proof(trader: User, entered: Client, clock: Any) -> None:
    entered.post(PAGE)
    entered.post(PAGE, {"app_code": code_now(trader)})
    clock.shift(timedelta(minutes=11))
    trader.refresh_from_db()
    answer = entered.post(f"{PAGE}off/", {"password": PASSWORD, "code": code_now(trader)})
    assert answer.status_code == 302
    trader.refresh_from_db()
    assert not trader.is_2fa_enabled
    assert Notice.objects.filter(cause="second_factor_off").exists()


def test_staff_set_theirs_up_and_are_in(admin: User, client: Client, clock: Any) -> None:
    """security.md 6.3.3: and cannot be without it again."""
    client.post("/sign-in/", {"email": admin.email, "password": PASSWORD})
    assert client.get("/operations/").status_code == 302
    client.post(PAGE)
    client.post(PAGE, {"app_code": code_now(admin)})
    assert client.get("/operations/").status_code == 200
    client.post(f"{PAGE}off/")
    admin.refresh_from_db()
    assert admin.is_2fa_enabled


def test_the_drawn_code_is_the_text() -> None:
    """Its dark squares are segno's, square for square, with four light ones around."""
    import segno

    text = "otpauth://totp/Kairos:jin%40example.com?secret=ABCDEFGH"
    drawn, matrix = qr_code(text), [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    dark = set()
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", drawn.path):
        dark |= {(int(x) + step, int(y)) for step in range(int(length))}
    assert dark == {(x + QUIET, y + QUIET) for y, row in enumerate(matrix) for x, cell in enumerate(row) if cell}
    assert drawn.size == len(matrix) + 2 * QUIET


def test_it_can_be_begun_again(trader: User, entered: Client) -> None:
    """As when the picture was lost: the earlier seed is void."""
    entered.post(PAGE)
    first = second_factor.begun(trader)
    assert entered.post(PAGE).status_code == 302
    second = second_factor.begun(trader)
    assert first is not None
    assert second is not None
    assert first.secret != second.secret
