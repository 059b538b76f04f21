"""Bars and terms that are no test, through the page and through the API: a clear answer, nothing kept, no worker lost."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from backtests import services
from backtests.models import Backtest, BarUpload, Job, UploadedBars
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import Api, signed_in
from tests.backtests_app.test_api_uploads import UPLOADS, sent
from tests.backtests_app.test_pages import form_of, numbers_of, text
from tests.backtests_app.test_pages import upload as brought
from tests.backtests_app.test_uploads import csv_of

pytestmark = pytest.mark.django_db
HEAD = b"date,open,high,low,close,volume\n"
A, B, C = (b"2023-12-%d,10,12,9,11,5\n" % day for day in (20, 21, 22))
FILES = {
    "only a header": (HEAD, "no_rows", "머리글만 있고 봉이 없습니다."),
    "unsorted": (HEAD + A + C + B, "not_ascending", "4번째 줄"),
    "the same time twice": (HEAD + A + B + B, "duplicate_time", "4번째 줄: 바로 앞의 봉과 시각이 같습니다."),
    "not a number": (HEAD + A + B.replace(b"11", b"NaN"), "not_", "3번째 줄: close 값이"),
    "infinite": (HEAD + A + B.replace(b",12,", b",inf,"), "not_", "3번째 줄: high 값이"),
    "a negative price": (HEAD + A + B.replace(b"9,", b"-9,"), "not_positive", "3번째 줄: low 값은 0보다 커야 합니다."),
    "a price of zero": (
        HEAD + A + B.replace(b",10,", b",0,"),
        "not_positive",
        "3번째 줄: open 값은 0보다 커야 합니다.",
    ),
    "a negative volume": (
        HEAD + A + B.replace(b",5", b",-5"),
        "negative",
        "3번째 줄: volume 값은 0 이상이어야 합니다.",
    ),
    "one bar": (HEAD + A, "too_few_bars", "1개"),
}


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return make.make_instrument()


@pytest.fixture
def api(user: User) -> Api:
    return signed_in(user)


@pytest.fixture
def page(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.mark.parametrize(("content", "code", "told"), FILES.values(), ids=FILES)
def test_a_file_that_is_no_market_is_told_by_page_and_program_alike(
    page: Client, api: Api, stock: Instrument, content: bytes, code: str, told: str
) -> None:
    address = brought(page, stock, content)["Location"]
    assert services.work_once()
    shown = text(page.get(address))
    assert told in shown
    asked = sent(api, stock, content).json()
    assert services.work_once()
    answer = api.get(f"{UPLOADS}{asked['id']}/").json()
    assert (answer["job"]["state"], answer["bars"]) == ("failed", 0)
    told_codes = [
        answer["job"]["code"],
        *(row["code"] for row in BarUpload.objects.latest("created_at").told.get("problems", [])),
    ]
    assert any(each.startswith(code) for each in told_codes)
    assert not UploadedBars.objects.exists()


def test_an_empty_file_is_refused_at_once(page: Client, api: Api, stock: Instrument) -> None:
    assert brought(page, stock, b"").status_code == 422
    assert sent(api, stock, b"").json()["code"] == "upload_empty"
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("changes", "typed", "code", "told"),
    [
        ({"cash": "0"}, {"cash": "0"}, "zero_cash", "처음 돈은 0보다 커야 합니다."),
        ({}, {}, "warm_up_longer_than_data", "지표는 적어도"),
    ],
)
def test_terms_and_files_that_cannot_be_tested_are_refused_before_anything_is_queued(
    page: Client, api: Api, stock: Instrument, changes: dict[str, Any], typed: dict[str, Any], code: str, told: str
) -> None:
    few = sent(api, stock, csv_of(30 if code != "zero_cash" else 600)).json()["id"]
    assert services.work_once()
    body = {"strategy": "sma_crossover", "upload": few, "cash": "10000000"} | changes
    refused = api.send("POST", "/api/v1/backtests/", body, {"Idempotency-Key": "one"})
    assert (refused.status_code, refused.json()["code"]) == (422, code)
    answer = page.post(
        reverse("backtests:new"), form_of(stock, **numbers_of("sma_crossover") | {"upload": few} | typed)
    )
    assert answer.status_code == 422
    assert told in text(answer)
    assert not Backtest.objects.exists()
    assert not Job.objects.exclude(kind="upload").exists()
