"""A refused, missing or broken page says so in the reader's language, and shows nothing of what lies behind (A15)."""

from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.urls import get_resolver
from django.utils import translation

from accounts.models import User


@pytest.mark.django_db
@pytest.mark.parametrize(("language", "sentence"), [("ko", "없는 화면입니다"), ("en", "There is no such page")])
def test_a_missing_page_says_so(client: Client, language: str, sentence: str) -> None:
    answer = client.get("/no/such/page/", headers={"Accept-Language": language})
    assert answer.status_code == 404
    assert sentence in answer.content.decode()


def test_a_page_without_the_right_says_so(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("jin@example.com", None))
    answer = client.get("/admin/", follow=True)
    assert answer.status_code == 403
    assert "볼 수 없는 화면입니다" in answer.content.decode()


@pytest.mark.django_db
def test_a_form_from_another_page_says_so() -> None:
    answer = Client(enforce_csrf_checks=True).post("/sign-in/", {"email": "a@example.com", "password": "x"})
    assert answer.status_code == 403
    assert "양식이 오래되었습니다" in answer.content.decode()


def test_a_broken_page_says_so_without_database_session_or_details() -> None:
    handler: Any = get_resolver().resolve_error_handler(500)
    with translation.override("en"):
        answer = handler(RequestFactory().get("/"))
    assert answer.status_code == 500
    assert "check the list of orders before you send it again" in answer.content.decode()
