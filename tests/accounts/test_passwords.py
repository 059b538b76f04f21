"""New people, forgotten and changed passwords: no answer tells who is a member, a link works once, for 20 minutes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.test import Client

from accounts.models import User
from tests.accounts.conftest import PASSWORD

NEW = "a sentence nobody guesses"


def sign_up(client: Client, email: str, password: str = PASSWORD, again: str | None = None) -> Any:
    form = {"email": email, "password": password, "password_again": password if again is None else again}
    return client.post("/sign-in/new/", form)


def mailed_link() -> str:
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found[1]


def open_link(client: Client, link: str) -> Any:
    return client.get(link, follow=True)


def choose(client: Client, page: Any, password: str) -> Any:
    return client.post(page.request["PATH_INFO"], {"new_password1": password, "new_password2": password})


@pytest.mark.django_db
def test_signing_up_makes_a_trader_who_can_sign_in(client: Client) -> None:
    assert sign_up(client, "New@Example.com")["Location"] == "/sign-in/"
    user = User.objects.get(email="new@example.com")
    assert (user.role, user.check_password(PASSWORD), user.is_staff) == ("trader", True, False)


def test_signing_up_with_a_taken_e_mail_looks_the_same_and_only_tells_the_owner(trader: User) -> None:
    taken, fresh = sign_up(Client(), trader.email, NEW), sign_up(Client(), "fresh@example.com", NEW)
    assert (taken.status_code, taken["Location"]) == (fresh.status_code, fresh["Location"])
    trader.refresh_from_db()
    assert trader.check_password(PASSWORD)
    assert [message.to for message in mail.outbox] == [[trader.email], ["fresh@example.com"]]
    assert "이미" in mail.outbox[0].subject


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("password", "again"),
    [
        ("short", None),
        ("password1234", None),
        ("kairos for ever and ever", None),
        ("qwertyqwerty", None),
        (PASSWORD, NEW),
    ],
)
def test_weak_or_mistyped_passwords_are_refused(client: Client, password: str, again: str | None) -> None:
    page = sign_up(client, "new@example.com", password, again)
    assert page.status_code == 200
    assert page.context["form"].errors
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_closed_registration_is_closed_for_get_and_post(client: Client, settings: Any) -> None:
    settings.REGISTRATION_OPEN = False
    assert client.get("/sign-in/new/").status_code == 403
    assert sign_up(client, "new@example.com").status_code == 403
    assert not User.objects.exists()


@pytest.mark.django_db
def test_one_address_cannot_sign_up_a_crowd(client: Client) -> None:
    with time_machine.travel(datetime(2026, 1, 5, tzinfo=UTC), tick=False):
        answers = [sign_up(client, f"person{n}@example.com").status_code for n in range(22)]
    assert answers.count(302) == 21
    assert answers[-1] == 429


def test_a_forgotten_password_is_replaced_through_a_mailed_link_that_works_once(trader: User, client: Client) -> None:
    client.post("/sign-in/password/reset/", {"email": "JIN@example.com"})
    link = mailed_link()
    assert choose(client, open_link(client, link), NEW).status_code == 302
    trader.refresh_from_db()
    assert trader.check_password(NEW)
    page = open_link(Client(), link)
    assert page.context["validlink"] is False


def test_a_mailed_link_dies_after_twenty_minutes(trader: User, client: Client) -> None:
    start = datetime(2026, 1, 5, tzinfo=UTC)
    with time_machine.travel(start, tick=False) as clock:
        client.post("/sign-in/password/reset/", {"email": trader.email})
        clock.shift(timedelta(minutes=19))
        assert open_link(Client(), mailed_link()).context["validlink"] is True
        clock.shift(timedelta(minutes=2))
        assert open_link(Client(), mailed_link()).context["validlink"] is False


def test_asking_for_a_link_answers_alike_for_member_and_stranger(trader: User) -> None:
    answers = [Client().post("/sign-in/password/reset/", {"email": e}) for e in (trader.email, "nobody@example.com")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/sign-in/password/reset/sent/")}
    assert len(mail.outbox) == 1


def test_nobody_is_buried_in_reset_mails(trader: User) -> None:
    with time_machine.travel(datetime(2026, 1, 5, tzinfo=UTC), tick=False):
        for n in range(10):
            Client().post("/sign-in/password/reset/", {"email": trader.email}, REMOTE_ADDR=f"10.{n}.0.1")
    assert len(mail.outbox) == 4


def test_mails_speak_the_language_of_their_reader(trader: User, client: Client) -> None:
    User.objects.filter(pk=trader.pk).update(language="en")
    client.post("/sign-in/password/reset/", {"email": trader.email}, headers={"Accept-Language": "ko"})
    assert mail.outbox[-1].subject == "Reset your Kairos password"


def test_changing_the_password_ends_the_other_sessions_and_keeps_this_one(trader: User) -> None:
    here, elsewhere = Client(), Client()
    here.force_login(trader)
    elsewhere.force_login(trader)
    form = {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW}
    assert here.post("/sign-in/password/", form).status_code == 302
    assert here.get("/sign-in/settings/").status_code == 200
    assert elsewhere.get("/sign-in/settings/").status_code == 302


def test_changing_the_password_needs_the_old_one(trader: User, client: Client) -> None:
    client.force_login(trader)
    form = {"old_password": "not it at all", "new_password1": NEW, "new_password2": NEW}
    assert client.post("/sign-in/password/", form).status_code == 200
    trader.refresh_from_db()
    assert trader.check_password(PASSWORD)


def test_passwords_are_kept_as_scrypt_and_older_hashes_still_open(settings: Any) -> None:
    """C04: PBKDF2 and bcrypt stay readable for imported people."""
    from config import settings as production

    names = [name.rpartition(".")[2] for name in production.PASSWORD_HASHERS]
    assert names == ["ScryptPasswordHasher", "PBKDF2PasswordHasher", "BCryptSHA256PasswordHasher"]
