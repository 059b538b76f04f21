"""What loosens a safeguard asks again who it is: the password, and a code where the second factor is on (I39)."""

import pytest
from django.test import Client

from accounts.models import Throttle, User
from tests import factories as make
from tests.api.test_second_factor import code_now, switch_on
from trading.models import Halt
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db
PASSWORD = "pass phrase for tests"


@pytest.fixture
def user(client: Client) -> User:
    user = make.make_user()
    halts.halt(user, "user", str(user.pk), "halted", "test")
    client.force_login(user)
    return user


def release(client: Client, user: User, **typed: str) -> str:
    address = f"/safety/release/user/{user.pk}/"
    version = Halt.objects.get(scope="user").version
    client.post(address, {"version": str(version), "password": PASSWORD, **typed})
    return Halt.objects.get(scope="user").mode


def test_without_a_second_factor_the_password_is_enough(client: Client, user: User) -> None:
    assert "인증 코드" not in client.get(f"/safety/release/user/{user.pk}/").content.decode()
    assert release(client, user) == "active"


def test_with_one_the_page_asks_for_a_code_and_takes_it_once(client: Client, user: User) -> None:
    switch_on(user)
    assert "인증 코드" in client.get(f"/safety/release/user/{user.pk}/").content.decode()
    assert release(client, user) == "halted"
    code = code_now(user, steps=1)
    assert release(client, user, code=code) == "active"
    halts.halt(user, "user", str(user.pk), "halted", "test")
    assert release(client, user, code=code) == "halted"


def test_a_wrong_code_opens_nothing_and_a_wrong_password_uses_no_code_up(client: Client, user: User) -> None:
    switch_on(user)
    code = code_now(user, steps=1)
    assert release(client, user, password="wrong", code=code) == "halted"
    Throttle.objects.all().delete()  # the wait that a wrong guess costs
    assert release(client, user, code=code) == "active"
    halts.halt(user, "user", str(user.pk), "halted", "test")
    assert release(client, user, code="000000") == "halted"
