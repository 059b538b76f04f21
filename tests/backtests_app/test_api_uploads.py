"""`/api/v1/backtests/uploads/…`: a file sent as it is, its check followed, its bad rows told, refused by code."""

from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client

from accounts.models import User
from backtests import services
from backtests.models import BarUpload
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import Api, signed_in
from tests.backtests_app.test_uploads import csv_of

pytestmark = pytest.mark.django_db
UPLOADS = "/api/v1/backtests/uploads/"


@pytest.fixture
def api() -> Api:
    return signed_in(make.make_user())


@pytest.fixture
def stock() -> Instrument:
    return make.make_instrument()


def sent(api: Api, stock: Instrument, content: bytes, media_type: str = "text/csv", **query: str) -> Any:
    asked = urlencode({"name": "내 봉.csv", "instrument": stock.key} | query)
    signed = {"Authorization": f"Bearer {api.token}"}
    return Client().generic("POST", f"{UPLOADS}?{asked}", content, content_type=media_type, headers=signed)


def test_a_file_is_sent_followed_tested_on_and_forgotten(api: Api, stock: Instrument) -> None:
    """K02: the same file as on the page, CP949 with Korean names, by a program."""
    content = csv_of(600)
    answer = sent(api, stock, content)
    assert (answer.status_code, answer.json()["size"]) == (202, len(content))
    assert (answer.json()["job"]["state"], answer.json()["bars"]) == ("queued", 0)
    assert services.work_once()
    address = f"{UPLOADS}{answer.json()['id']}/"
    told = api.get(address).json()
    assert (told["job"]["state"], told["bars"], told["interval"], told["bad_rows"]) == ("done", 600, "1d", 0)
    assert [each["id"] for each in api.get(UPLOADS).json()["results"]] == [told["id"]]
    asked = {"strategy": "sma_crossover", "upload": told["id"], "cash": "10000000"}
    assert api.send("POST", "/api/v1/backtests/", asked, {"Idempotency-Key": "one"}).status_code == 202
    refused = api.delete(address)
    assert (refused.status_code, refused.json()["code"]) == (422, "upload_in_use")
    assert refused.json()["message"] == "이 파일로 계산하고 있습니다. 끝난 뒤 지워 주세요."
    while services.work_once():
        pass
    assert (api.delete(address).status_code, api.get(address).status_code) == (204, 404)


def test_bad_rows_are_told_in_sentences_and_nothing_is_kept(api: Api, stock: Instrument) -> None:
    content = csv_of(5).replace(b",", b",-", 1) + b"2018-01-01,1,2,3\n"
    address = f"{UPLOADS}{sent(api, stock, content).json()['id']}/"
    assert services.work_once()
    told = api.get(address).json()
    assert (told["job"]["state"], told["job"]["code"], told["bars"]) == ("failed", "bar_file_invalid", 0)
    assert told["bad_rows"] == len(told["problems"]) >= 1


@pytest.mark.parametrize(
    ("query", "media_type", "status", "code"),
    [
        ({}, "application/json", 415, "not_csv"),
        ({}, "multipart/form-data; boundary=x", 415, "not_csv"),
        ({"name": "../../etc/passwd"}, "text/csv", 422, "bad_upload_name"),
        ({"name": "=1+1.csv"}, "text/csv", 422, "bad_upload_name"),
        ({"zone": "Nowhere/Never"}, "text/csv", 422, "bad_zone"),
        ({"instrument": "KRX:999999"}, "text/csv", 422, "unknown_instrument"),
        ({"interval": "7m"}, "text/csv", 400, "invalid_request"),
    ],
)
def test_what_is_no_file_of_bars_is_refused_by_code(
    api: Api, stock: Instrument, query: dict[str, str], media_type: str, status: int, code: str
) -> None:
    answer = sent(api, stock, csv_of(5), media_type, **query)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not BarUpload.objects.exists()


def test_too_long_a_body_is_refused_by_its_own_word_before_anything_is_read(api: Api, stock: Instrument) -> None:
    asked = urlencode({"name": "a.csv", "instrument": stock.key})
    signed = {"Authorization": f"Bearer {api.token}", "Content-Length": str(200 * 1024 * 1024)}
    answer = Client().generic("POST", f"{UPLOADS}?{asked}", b"x", content_type="text/csv", headers=signed)
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


def test_nobody_sees_another_persons_file(api: Api, stock: Instrument) -> None:
    address = f"{UPLOADS}{sent(api, stock, csv_of(5)).json()['id']}/"
    stranger: User = make.make_user("other@example.com")
    other = signed_in(stranger)
    assert other.get(address).status_code == other.delete(address).status_code == 404
    assert other.get(UPLOADS).json()["results"] == []
