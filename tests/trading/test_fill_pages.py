"""The list of executions: one's own alone, newest first, by instrument."""

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from markets.models import Instrument
from tests import factories as make

pytestmark = pytest.mark.django_db


@pytest.fixture
def instruments() -> list[Instrument]:
    found = [make.make_instrument(), make.make_instrument("000660", name_ko="SK하이닉스")]
    for instrument in found:
        make.put_price(instrument, 70_000)
    return found


def test_every_execution_is_listed_and_narrowed_by_instrument(client: Client, instruments: list[Instrument]) -> None:
    account = make.make_account(make.make_user())
    for instrument in instruments:
        make.hold(account, instrument, 1, 70_000)
    client.force_login(account.user)
    page = client.get("/fills/").content.decode()
    assert page.count("<tr>") == 1 + len(instruments)
    narrowed = client.get("/fills/", {"instrument": "KRX:000660"}).content.decode()
    assert narrowed.count("<tr>") == 2
    assert client.get("/fills/", {"instrument": "KRX:none", "page": "99"}).status_code == 200


def test_nobody_sees_anothers_executions(client: Client, instruments: list[Instrument]) -> None:
    make.hold(make.make_account(make.make_user()), instruments[0], 1, 70_000)
    client.force_login(make.make_user())
    assert "아직 체결이 없습니다" in client.get("/fills/").content.decode()
    client.logout()
    assert client.get("/fills/").status_code == 302


def test_many_executions_cost_as_few_queries_as_one(
    client: Client, instruments: list[Instrument], django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    user = make.make_user()
    for number in range(6):
        make.hold(make.make_account(user, name=f"계좌 {number}"), instruments[0], 1, 70_000)
    client.force_login(user)
    with django_assert_max_num_queries(12):
        client.get("/fills/")
