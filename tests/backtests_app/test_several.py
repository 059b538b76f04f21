"""Several instruments on one cash account (K01, K05): asked for by form and API, computed once, each told apart."""

import csv
import json
import re
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from backtests import services
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BacktestResult, BarUpload, Job
from backtests.packing import unpack_data
from backtests.reports import report_together
from backtests.services import Beside
from backtests.services.asking import MOST_INSTRUMENTS, all_series_of, evaluator_for
from backtests.services.bars import read_bars
from backtests.terms import Terms
from backtests.together import part_of, run_together
from markets.models import Instrument
from markets.services.clock import ALWAYS
from markets.types import Interval
from tests import factories as make
from tests.api.conftest import signed_in
from tests.backtests_app import scene
from tests.backtests_app.test_pages import form_of, numbers_of, text

pytestmark = pytest.mark.django_db
TERMS = Terms(cash=scene.CASH, budget=Decimal(4_000_000))


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stocks() -> list[Instrument]:
    """Three stocks that trade the same days."""
    return [stock(0), stock(1), stock(2, days=500)]


def stock(number: int, days: int = 600, **changes: Any) -> Instrument:
    named = {"symbol": f"{5930 + number:06}", "name_ko": f"종목{number}"}
    return scene.stock_with_days(days, **named | changes)


def start(user: User, stocks: list[Instrument], **changes: Any) -> Backtest:
    first, *others = stocks
    beside = tuple(Beside(each) for each in others)
    return services.start_run(user, scene.asked(user, first, beside=beside, terms=TERMS, **changes))


@pytest.fixture
def done(user: User, stocks: list[Instrument]) -> Backtest:
    run = start(user, stocks)
    assert services.work_once()
    return services.get_run(user, run.pk)


def test_the_stored_result_is_the_engines_hash_for_hash(done: Backtest, stocks: list[Instrument]) -> None:
    evaluator, setup = evaluator_for(done), TERMS.setup()
    parts = [part_of(evaluator, read_bars(series), series.instrument.rules, setup) for series in all_series_of(done)]
    told = report_together(run_together(parts, setup))
    assert done.job.state == "done"
    assert (done.result.result_hash, done.result.version_hash) == (told.result_hash, done.version_hash)
    assert done.result.trade_count == len(told.trades) > 9
    assert [part.instrument for part in done.result.parts.all()] == stocks
    assert done.result.bars == 600 + 600 + 500


def test_what_the_parts_brought_is_what_the_account_made(done: Backtest) -> None:
    brought = sum(Decimal(part.figures["profit"]) for part in done.result.parts.all())
    assert float(brought) == pytest.approx(done.result.figures["strategy"]["final_equity"] - float(scene.CASH))
    fills = unpack_data(done.result.fills)
    assert {fill["instrument"] for fill in fills} == {member.instrument.key for member in done.members}
    assert [fill["at"] for fill in fills] == sorted(fill["at"] for fill in fills)
    assert all(Decimal(fill["cash_after"]) >= 0 for fill in fills)


def test_the_same_key_must_mean_the_same_instruments(user: User, stocks: list[Instrument]) -> None:
    asked = scene.asked(user, stocks[0], beside=(Beside(stocks[1]),))
    first, again = (services.start_run(user, asked, client_key="once") for _ in range(2))
    assert first.pk == again.pk
    for beside in ((Beside(stocks[2]),), (Beside(stocks[1]), Beside(stocks[2])), ()):
        with pytest.raises(BacktestRefused, match="same_key_other_request"):
            services.start_run(user, scene.asked(user, stocks[0], beside=beside), client_key="once")
    assert Job.objects.count() == 1


def test_what_cannot_share_an_account_is_refused_and_nothing_is_queued(user: User, stocks: list[Instrument]) -> None:
    dollar = stock(3, currency="USDT", cash_decimals=6)
    bare, short = stock(4, days=0), stock(5, days=100)
    many = [stock(6 + number, days=1) for number in range(MOST_INSTRUMENTS)]
    for others, code in (
        ([dollar], "currencies_differ"),
        ([stocks[0]], "same_instrument_twice"),
        ([bare], "no_bars"),
        ([short], "warm_up_longer_than_data"),
        (many, "too_many_instruments"),
    ):
        with pytest.raises(BacktestRefused, match=code):
            start(user, [stocks[0], *others])
    assert not Job.objects.exists()


def test_a_sweep_and_a_scorecard_are_of_one_instrument(user: User, done: Backtest, stocks: list[Instrument]) -> None:
    with pytest.raises(BacktestRefused, match="scorecard_of_one_instrument"):
        services.start_scorecard(user, done.pk)
    searched = services.Searched(kind="grid", axes={"fast": [3, 5]})
    with pytest.raises(BacktestRefused, match="sweep_of_one_instrument"):
        services.start_sweep(user, scene.asked(user, stocks[0], beside=(Beside(stocks[1]),)), searched)


def uploaded(user: User, instrument: Instrument, count: int = 400) -> BarUpload:
    rows = [f"{scene.day(n)},{o},{h},{low},{c},{v}" for n, (o, h, low, c, v) in enumerate(scene.waves(count, 10_000))]
    content = "\n".join(["date,open,high,low,close,volume", *(row for row in rows)]).encode()
    upload = services.receive(user, [content], name="mine.csv", instrument=instrument, interval=Interval.D1)
    assert services.work_once()
    upload.refresh_from_db()
    assert upload.job is not None
    assert upload.job.state == "done", upload.told
    return upload


def test_a_file_trades_beside_stored_bars_and_cannot_be_deleted_meanwhile(user: User, stocks: list[Instrument]) -> None:
    upload = uploaded(user, stock(3, days=0, calendar=ALWAYS))
    asked = scene.asked(user, stocks[0], beside=(Beside(upload.instrument, upload),), terms=TERMS)
    run = services.start_run(user, asked)
    with pytest.raises(BacktestRefused, match="upload_in_use"):
        services.delete_upload(user, upload.pk)
    assert services.work_once()
    assert BacktestResult.objects.get(pk=run.pk).parts.count() == 2
    services.delete_upload(user, upload.pk)
    assert services.get_run(user, run.pk).members[1].upload_name == "mine.csv"
    stranger = make.make_user()
    with pytest.raises(BacktestRefused, match="unknown_upload"):
        services.start_run(stranger, scene.asked(stranger, stocks[0], beside=asked.beside))


@pytest.fixture
def page(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def test_the_form_takes_several_and_the_page_tells_them_apart(page: Client, stocks: list[Instrument]) -> None:
    typed = form_of(stocks[0], **numbers_of("sma_crossover"), budget="3,000,000")
    typed["beside"] = [stocks[1].key, stocks[2].key]
    answer = page.post(reverse("backtests:new"), typed)
    run = Backtest.objects.get()
    assert answer["Location"] == reverse("backtests:run", args=[run.pk])
    services.work_once()
    with CaptureQueriesContext(connection) as asked:
        shown = text(page.get(answer["Location"]))
    assert len(asked) <= 30
    assert "손익을 모두 더하면 계좌가 번 돈입니다" in shown
    assert all(f"{stock.name}만 시험하기" in shown for stock in stocks)
    assert "외 2종목" in text(page.get(reverse("backtests:list")))
    again = text(page.get(reverse("backtests:again", args=[run.pk])))
    assert len(re.findall(r'name="beside"[^>]* checked', again)) == 2
    alone = text(page.get(reverse("backtests:again", args=[run.pk]), {"only": "1"}))
    assert not re.search(r'name="beside"[^>]* checked', alone)
    assert re.search(rf'value="{stocks[1].key}" selected', alone)


def test_what_is_chosen_twice_is_told_beside_its_field(page: Client, stocks: list[Instrument]) -> None:
    typed = form_of(stocks[0], **numbers_of("sma_crossover")) | {"beside": [stocks[0].key]}
    answer = page.post(reverse("backtests:new"), typed)
    assert answer.status_code == 422
    assert "같은 종목을 두 번 골랐습니다" in text(answer)
    assert not Job.objects.exists()


def test_another_strategy_keeps_what_was_chosen(page: Client, stocks: list[Instrument]) -> None:
    typed = form_of(stocks[0], strategy="rsi", choose="1") | {"beside": [stocks[1].key, stocks[2].key]}
    assert len(re.findall(r'name="beside"[^>]* checked', text(page.post(reverse("backtests:new"), typed)))) == 2


def test_candles_and_trades_of_each_instrument_can_be_chosen(page: Client, done: Backtest) -> None:
    chart = reverse("backtests:chart", args=[done.pk])
    charts = [page.get(chart, {"of": str(number)}).json() for number in range(3)]
    assert [len(each["candles"]) for each in charts] == [351, 351, 251]
    assert page.get(chart).json() == page.get(chart, {"of": "99"}).json() == charts[0]
    assert sum(len(each["markers"]) for each in charts) == done.result.fill_count
    for each in charts:
        assert {marker["time"] for marker in each["markers"]} <= {candle["time"] for candle in each["candles"]}
    address = reverse("backtests:run", args=[done.pk])
    counts = [
        int(re.findall(r"(\d+)번", text(page.get(address, {"of": of, "page": "1"}, headers={"HX-Request": "true"})))[0])
        for of in ("", "0", "1", "2")
    ]
    assert counts[0] == sum(counts[1:]) == done.result.trade_count


def test_files_name_the_instrument_of_each_row(page: Client, done: Backtest) -> None:
    keys = {member.instrument.key for member in done.members}
    for name, column in (("trades_csv", 1), ("fills_csv", 1)):
        content = page.get(reverse(f"backtests:{name}", args=[done.pk])).content.decode("utf-8-sig")
        assert {row[column] for row in list(csv.reader(StringIO(content)))[1:]} == keys
    data = json.loads(page.get(reverse("backtests:result_json", args=[done.pk])).content)
    assert set(data["instruments"]) == {part["instrument"] for part in data["parts"]} == keys
    report = page.get(reverse("backtests:report", args=[done.pk])).content.decode()
    assert not re.search(r"(src|href|url\(|@import|<script|<link)", report)
    assert all(key in report for key in keys)


def test_a_run_of_several_is_compared_with_one_of_one(page: Client, user: User, done: Backtest) -> None:
    other = scene.start(user, done.instrument)
    services.work_once()
    assert "외 2종목" in text(page.get(reverse("backtests:compare"), {"run": [str(done.pk), str(other.pk)]}))


def body(**changes: Any) -> dict[str, Any]:
    return {"strategy": "sma_crossover", "interval": "1d", "cash": "10000000", "budget": "3000000"} | changes


def test_the_api_takes_a_list_and_answers_with_it(user: User, stocks: list[Instrument]) -> None:
    api, keys = signed_in(user), [stock.key for stock in stocks]
    key = {"Idempotency-Key": uuid4().hex}
    answer = api.send("POST", "/api/v1/backtests/", body(instruments=keys), key)
    assert (answer.status_code, answer.json()["instruments"]) == (202, keys)
    other = api.send("POST", "/api/v1/backtests/", body(instruments=keys[:2]), key)
    assert (other.status_code, other.json()["code"]) == (422, "same_key_other_request")
    while services.work_once():
        pass
    told = api.send("GET", f"/api/v1/backtests/{answer.json()['id']}/").json()
    assert [part["instrument"] for part in told["result"]["parts"]] == keys
    assert {trade["instrument"] for trade in told["result"]["trades"]} == set(keys)


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"instruments": ["KRX:999999"]}, 422, "unknown_instrument"),
        ({"instruments": []}, 422, "unknown_instrument"),
        ({"uploads": [str(uuid4())]}, 422, "unknown_upload"),
        ({"instrument": "KRX:005930", "instruments": ["KRX:005930"]}, 422, "one_or_several"),
        ({"instruments": ["KRX:005930"] * (MOST_INSTRUMENTS + 1)}, 400, ""),
        ({"instruments": "KRX:005930"}, 400, ""),
        ({"instruments": [5]}, 400, ""),
    ],
    ids=["unknown", "none", "no-such-file", "both", "too-many", "text", "number"],
)
def test_the_api_refuses_lists_by_code(user: User, changes: dict[str, Any], status: int, code: str) -> None:
    answer = signed_in(user).send("POST", "/api/v1/backtests/", body(**changes), {"Idempotency-Key": uuid4().hex})
    assert answer.status_code == status
    assert not code or answer.json()["code"] == code
    assert not Job.objects.exists()
