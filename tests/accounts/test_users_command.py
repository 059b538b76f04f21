"""`manage.py users` (A10, C05)."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Role, User
from brokers.models import BrokerAccount
from tests.accounts.conftest import PASSWORD


@pytest.fixture
def type_lines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Give the command these lines as its standard input, as a pipe would."""
    return lambda *lines: monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def users(*arguments: str) -> str:
    out = io.StringIO()
    call_command("users", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_create_by_e_mail_makes_a_trader(type_lines: Any) -> None:
    type_lines(PASSWORD, PASSWORD)
    assert "ann@example.com can sign in now, as trader." in users("create", "-u", "Ann@Example.com")
    user = User.objects.get(email="ann@example.com")
    assert (user.role, user.check_password(PASSWORD)) == (Role.TRADER, True)


@pytest.mark.django_db
@pytest.mark.parametrize(("flag", "role"), [("--admin", Role.ADMIN), ("--viewer", Role.VIEWER)])
def test_create_by_name_with_a_role(type_lines: Any, flag: str, role: Role) -> None:
    type_lines(PASSWORD, PASSWORD)
    users("create", "-u", "ann", "--email", "ann@example.com", flag)
    assert User.objects.by_login("ANN").role == role


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("lines", "arguments", "sentence"),
    [
        ((PASSWORD, PASSWORD + "!"), ("-u", "a@example.com"), "The two passwords differ"),
        ((PASSWORD,), ("-u", "a@example.com"), "read twice"),
        (("short", "short"), ("-u", "a@example.com"), "too short"),
        ((PASSWORD, PASSWORD), ("-u", "ann"), "add --email"),
        ((PASSWORD, PASSWORD), ("-u", "not@an@address"), "valid email"),
    ],
)
def test_create_refuses_in_one_sentence_and_makes_nobody(
    type_lines: Any, lines: tuple[str, ...], arguments: tuple[str, ...], sentence: str
) -> None:
    type_lines(*lines)
    with pytest.raises(CommandError, match=sentence):
        users("create", *arguments)
    assert not User.objects.exists()


def test_create_refuses_a_taken_e_mail(trader: User, type_lines: Any) -> None:
    type_lines(PASSWORD, PASSWORD)
    with pytest.raises(CommandError, match="already exists"):
        users("create", "-u", "JIN@example.com")


@pytest.mark.parametrize("login", ["jin@example.com", "Jin"])
def test_passwd_takes_an_e_mail_or_a_name(trader: User, type_lines: Any, login: str) -> None:
    type_lines("another long sentence", "another long sentence")
    users("passwd", "-u", login)
    trader.refresh_from_db()
    assert trader.check_password("another long sentence")


@pytest.mark.django_db
def test_nobody_by_that_name_is_said_so() -> None:
    with pytest.raises(CommandError, match="no person with the e-mail or name 'ghost'"):
        users("passwd", "-u", "ghost")


def test_delete_removes_a_person_who_never_traded(trader: User) -> None:
    assert users("delete", "-u", "jin") == "jin@example.com is deleted.\n"
    assert not User.objects.exists()


def test_delete_keeps_a_person_with_books_and_offers_deactivation(trader: User) -> None:
    BrokerAccount.objects.create(user=trader, name="모의", broker="virtual", environment="virtual")
    with pytest.raises(CommandError, match="--deactivate"):
        users("delete", "-u", "jin")
    users("delete", "-u", "jin", "--deactivate")
    trader.refresh_from_db()
    assert not trader.is_active


def test_list_shows_everyone_with_role_and_state(trader: User, admin: User) -> None:
    User.objects.filter(pk=admin.pk).update(is_active=False)
    assert [line.split() for line in users("list").splitlines()] == [
        ["jin@example.com", "trader", "active", "jin"],
        ["root@example.com", "admin", "deactivated"],
    ]


@pytest.mark.parametrize("arguments", [["--help"], ["create", "--help"], ["passwd", "--help"], ["delete", "--help"]])
def test_every_verb_explains_itself(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        users(*arguments)
    assert ended.value.code == 0
    assert "usage:" in capsys.readouterr().out


@pytest.mark.parametrize("verb", ["create", "passwd"])
def test_a_password_is_never_an_argument(verb: str) -> None:
    with pytest.raises((CommandError, SystemExit)):
        users(verb, "-u", "a@example.com", "--password", PASSWORD)
