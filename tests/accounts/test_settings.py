"""Each person's language, time zone and name; and the language of a visitor."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from accounts.models import User

SETTINGS = "/sign-in/settings/"


def save(client: Client, **changed: str) -> Any:
    return client.post(SETTINGS, {"name": "jin", "language": "ko", "time_zone": "Asia/Seoul"} | changed)


def test_settings_are_for_people_who_signed_in(client: Client) -> None:
    assert client.get(SETTINGS)["Location"] == f"/sign-in/?next={SETTINGS}"


def test_language_time_zone_and_name_are_kept(trader: User, client: Client) -> None:
    client.force_login(trader)
    assert save(client, name="Jin Park", language="en", time_zone="Europe/Berlin").status_code == 302
    trader.refresh_from_db()
    assert (trader.name, trader.language, trader.time_zone) == ("Jin Park", "en", "Europe/Berlin")
    assert client.get(SETTINGS)["Content-Language"] == "en"


def test_the_form_changes_nothing_else(trader: User, client: Client) -> None:
    client.force_login(trader)
    save(client, role="admin", email="other@example.com", is_superuser="on")
    trader.refresh_from_db()
    assert (trader.role, trader.email) == ("trader", "jin@example.com")


@pytest.mark.parametrize("changed", [{"time_zone": "Mars/Base"}, {"language": "xx"}, {"name": "a@b"}, {"name": "ROOT"}])
def test_what_cannot_be_is_refused_beside_its_field(
    trader: User, admin: User, client: Client, changed: dict[str, str]
) -> None:
    User.objects.filter(pk=admin.pk).update(name="root")
    client.force_login(trader)
    page = save(client, **changed)
    assert list(page.context["form"].errors) == list(changed)
    assert b'aria-invalid="true"' in page.content


def test_a_visitor_switches_the_language_by_cookie(client: Client, db: None) -> None:
    assert client.get("/sign-in/")["Content-Language"] == "ko"
    client.post("/i18n/setlang/", {"language": "en", "next": "/sign-in/"})
    assert client.get("/sign-in/")["Content-Language"] == "en"


def test_the_switch_is_remembered_on_the_person(trader: User, client: Client) -> None:
    client.force_login(trader)
    client.post("/i18n/setlang/", {"language": "en", "next": SETTINGS})
    trader.refresh_from_db()
    assert trader.language == "en"
    client.post("/i18n/setlang/", {"language": "klingon", "next": SETTINGS})
    trader.refresh_from_db()
    assert trader.language == "en"


@pytest.mark.parametrize("twin", [{"email": "JIN@EXAMPLE.COM"}, {"email": "other@example.com", "name": "JIN"}])
def test_two_people_cannot_share_an_e_mail_or_a_name_in_any_case(trader: User, twin: dict[str, str]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user(password=None, **twin)
