"""What two may do at the same moment: one of them does it. On SQLite and PostgreSQL alike."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connections

from accounts.models import Device, Scope, User
from accounts.services import api_tokens, email_change, notices
from accounts.services.email_change import LinkOver

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 8


def all_at_once(act: Callable[[], Any]) -> list[Any]:
    """What each of eight threads got that begin together."""
    together = Barrier(AT_ONCE)

    def once(_number: int) -> Any:
        together.wait(timeout=60)
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(once, range(AT_ONCE)))


def make_person() -> User:
    return User.objects.create_user("jin@example.com", None)


def test_a_mail_is_sent_by_one_worker() -> None:
    notices.tell_security(make_person(), "second_factor_on")
    sent = all_at_once(lambda: notices.send_due(datetime.now(UTC)))
    assert (sum(sent), len(mail.outbox)) == (1, 1)


def test_a_mailed_link_is_followed_once() -> None:
    mailed = email_change.with_links(email_change.ask(make_person(), "new@example.com", "127.0.0.1").pk)
    assert mailed

    def confirm() -> bool:
        try:
            email_change.confirm(mailed.confirm, "127.0.0.1")
        except LinkOver:
            return False
        return True

    assert sum(all_at_once(confirm)) == 1
    assert User.objects.get().email == "new@example.com"


def test_nobody_gets_one_token_more_than_there_may_be() -> None:
    user = make_person()
    wanted: dict[str, Any] = {"name": "bot", "scope": Scope.READ, "days": 7, "second_factor": False, "address": ""}
    for _number in range(api_tokens.MOST - 1):
        api_tokens.create(user, **wanted)

    def create() -> bool:
        try:
            api_tokens.create(user, **wanted)
        except api_tokens.TooManyTokens:
            return False
        return True

    assert sum(all_at_once(create)) == 1
    assert Device.objects.count() == api_tokens.MOST


def test_one_thing_found_by_several_is_told_once() -> None:
    news = notices.News(make_person().pk, "security", "second_factor_on", "one key")
    all_at_once(lambda: notices.tell([news]))
    assert notices.on_page(User.objects.get()).count() == 1
