"""The pages of backtests: what a person sees, may do, and never sees of others."""

import csv
import json
import re
from io import BytesIO, StringIO
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from backtests import services
from backtests.models import Backtest, BarUpload, Job
from backtests.series import Series
from config.environment import BASE_DIR
from markets.models import Instrument
from tests import factories as make
from tests.backtests_app import scene

pytestmark = pytest.mark.django_db
MOST_QUERIES = 30


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return scene.stock_with_days()


@pytest.fixture
def page(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


@pytest.fixture
def done(user: User, stock: Instrument) -> Backtest:
    run = scene.start(user, stock)
    services.work_once()
    return services.get_run(user, run.pk)


def text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def form_of(stock: Instrument, **typed: Any) -> dict[str, Any]:
    blank = {
        "client_key": uuid4().hex,
        "strategy": "sma_crossover",
        "instrument": stock.key,
        "interval": "1d",
        "cash": "10,000,000",
        "first_share": "50",
        "cooldown_bars": "5",
        "repeat": "on",
        "exits": "inside_bar",
        "spread_ticks": "1",
        "slippage_rate": "0",
        "participation": "10",
        "seed": "0",
        "p_fast": "5",
        "p_slow": "20",
    }
    return blank | typed


def numbers_of(strategy: str) -> dict[str, str]:
    document = services.pick(make.make_user(), strategy).document
    return {
        f"p_{name}": f"{spec.default * 100:g}" if name.endswith("_rate") else str(spec.default)
        for name, spec in document.parameters.items()
    }


def test_a_run_is_asked_for_by_a_form_and_shown_when_it_is_done(page: Client, stock: Instrument) -> None:
    asked = form_of(stock, **numbers_of("sma_crossover"), name="첫 시험")
    answer = page.post(reverse("backtests:new"), asked)
    run = Backtest.objects.get()
    assert answer["Location"] == reverse("backtests:run", args=[run.pk])
    assert "차례를 기다립니다" in text(page.get(answer["Location"]))
    assert page.post(reverse("backtests:new"), asked)["Location"] == answer["Location"]  # sent twice, one run
    services.work_once()
    shown = text(page.get(answer["Location"]))
    assert "첫 시험" in shown
    assert "최대 낙폭" in shown
    assert run.pk.hex not in shown or "결과" in shown
    assert Backtest.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"cash": "0"}, "처음 돈은 0보다 커야 합니다."),
        ({"cash": "만원"}, "숫자로 적어 주세요."),
        ({"interval": "1m"}, "저장된 봉이 없습니다."),
        ({"starts_on": "2019-05-01", "ends_on": "2019-04-01"}, "시작일이 끝일보다 늦습니다."),
        ({"ends_on": "2018-02-01"}, "지표는 적어도"),
        ({"commission": "-1"}, "0 이상이어야 합니다."),
        ({"strategy": "nobody"}, "올바르게 선택해"),
        ({"upload": str(uuid4())}, "올바르게 선택해"),
    ],
)
def test_what_cannot_run_is_told_beside_its_field_and_nothing_is_queued(
    page: Client, stock: Instrument, typed: dict[str, str], told: str
) -> None:
    answer = page.post(reverse("backtests:new"), form_of(stock, **numbers_of("sma_crossover")) | typed)
    assert answer.status_code == 422
    assert told in text(answer)
    assert not Job.objects.exists()


PAGES = ["run", "chart", "report", "trades_csv", "fills_csv", "equity_csv", "result_json", "again"]


@pytest.mark.parametrize("name", [*PAGES, "cancel", "delete", "scorecard"])
def test_nobody_reaches_another_persons_run(client: Client, done: Backtest, name: str) -> None:
    address = reverse(f"backtests:{name}", args=[done.pk])
    ask = client.get if name in PAGES else client.post
    assert ask(address).status_code == 302  # a stranger signs in first
    client.force_login(make.make_user())
    assert ask(address).status_code == 404
    assert Backtest.objects.filter(pk=done.pk).exists()


def test_lists_hold_ones_own_rows_alone(client: Client, done: Backtest) -> None:
    stranger = make.make_user()
    client.force_login(stranger)
    assert str(done.pk) not in text(client.get(reverse("backtests:list")))
    other = [str(done.pk), str(uuid4())]
    assert client.get(reverse("backtests:compare"), {"run": other}).status_code == 302


@pytest.mark.parametrize("name", ["run", "report"])
def test_a_result_is_shown_with_few_queries(page: Client, done: Backtest, name: str) -> None:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert page.get(reverse(f"backtests:{name}", args=[done.pk])).status_code == 200
    assert len(asked) <= MOST_QUERIES


def test_the_list_asks_as_much_for_many_runs_as_for_one(
    page: Client, user: User, done: Backtest, stock: Instrument
) -> None:
    with CaptureQueriesContext(connection) as one:
        page.get(reverse("backtests:list"))
    for _run in range(5):
        scene.start(user, stock)
    with CaptureQueriesContext(connection) as six:
        page.get(reverse("backtests:list"))
    assert len(six) == len(one) <= MOST_QUERIES


def test_the_list_looks_again_by_itself_while_a_run_goes_on_and_keeps_what_was_picked(
    page: Client, user: User, done: Backtest, stock: Instrument
) -> None:
    """I29: the tiding that a run has ended may come before the page's stream is open."""
    still = text(page.get(reverse("backtests:list")))
    assert "every 5s" not in still
    assert f'id="pick-{done.pk}" hx-preserve' in still
    scene.start(user, stock)
    assert "every 5s" in text(page.get(reverse("backtests:list")))


def test_the_chart_has_a_candle_and_a_worth_for_each_tradable_bar_and_a_marker_for_each_fill(
    page: Client, done: Backtest
) -> None:
    chart = page.get(reverse("backtests:chart", args=[done.pk])).json()
    assert len(chart["candles"]) == len(chart["equity"]) == len(chart["drawdown"]) == 600 - 249
    times = {candle["time"] for candle in chart["candles"]}
    assert len(times) == len(chart["candles"])
    assert {marker["time"] for marker in chart["markers"]} <= times
    assert {marker["side"] for marker in chart["markers"]} == {"buy", "sell"}
    result = done.result
    assert len(chart["markers"]) == result.fill_count
    assert min(point["value"] for point in chart["drawdown"]) == pytest.approx(
        result.figures["strategy"]["max_drawdown"]
    )


def test_files_of_a_result_hold_what_the_page_shows(page: Client, done: Backtest) -> None:
    result = done.result
    for name, rows in (("trades_csv", result.trade_count), ("fills_csv", result.fill_count), ("equity_csv", 600 - 249)):
        answer = page.get(reverse(f"backtests:{name}", args=[done.pk]))
        assert answer["Content-Disposition"].startswith("attachment")
        assert len(list(csv.reader(StringIO(answer.getvalue().decode("utf-8-sig"))))) == rows + 1
    data = json.loads(page.get(reverse("backtests:result_json", args=[done.pk])).content)
    assert data["result_hash"] == result.result_hash
    assert len(data["trades"]) == result.trade_count
    assert len(data["series"]["equity"]) == 600 - 249


def test_the_curve_of_a_million_bars_is_sent_as_it_is_made(page: Client, done: Backtest) -> None:
    answer = page.get(reverse("backtests:equity_csv", args=[done.pk]))
    assert answer.streaming
    told = Series.unpack(bytes(done.result.series))
    rows = list(csv.reader(StringIO(answer.getvalue().decode("utf-8-sig"))))[1:]
    assert [float(row[1]) for row in rows] == told.equity.tolist()
    assert [float(row[3]) for row in rows] == told.drawdown.tolist()


def test_each_fill_says_how_it_was_priced(page: Client, done: Backtest) -> None:
    """G13: a buy pays a tick above the traded price, a sale gets a tick less; fees and tax beside it."""
    content = page.get(reverse("backtests:fills_csv", args=[done.pk])).content.decode("utf-8-sig")
    head, *rows = csv.reader(StringIO(content))
    worse, fee = head.index("시세보다 불리하게"), head.index("수수료")
    assert all(
        50 <= float(row[worse]) <= 200 for row in rows
    )  # spread of one tick at 40,000 to 60,000, and its rounding
    assert all(int(row[fee]) > 0 for row in rows)


def test_text_that_a_spreadsheet_takes_for_a_formula_is_quoted(page: Client, user: User, stock: Instrument) -> None:
    """Security 1.2.10."""
    from backtests.views.exports import _cell

    assert [_cell(each) for each in ("=1+1", "@x", "+x", "-x", "\tx", "-5.2", "5", -5, None)] == [
        "'=1+1", "'@x", "'+x", "'-x", "'\tx", "-5.2", "5", "-5", "",
    ]  # fmt: skip


def test_a_report_is_one_file_that_asks_nothing_of_the_network(page: Client, done: Backtest) -> None:
    answer = page.get(reverse("backtests:report", args=[done.pk]))
    report = answer.content.decode()
    assert answer["Content-Disposition"].startswith("attachment")
    assert not re.search(r"(src|href|url\(|@import|<script|<link)", report)
    assert done.result.result_hash in report
    assert "<path" in report
    style = (BASE_DIR / "static/css/backtest-report.css").read_text()
    assert not set(style) & set("<>&\"'")  # escaping would change them


def test_results_are_compared_side_by_side(page: Client, user: User, stock: Instrument, done: Backtest) -> None:
    other = scene.start(user, stock, starts_on=scene.day(400))
    services.work_once()
    shown = text(page.get(reverse("backtests:compare"), {"run": [str(done.pk), str(other.pk), "nothing"]}))
    assert shown.count('class="overlay ') == 2
    assert page.get(reverse("backtests:compare"), {"run": [str(done.pk)]})["Location"] == reverse("backtests:list")


def test_a_name_that_is_markup_is_shown_as_text(page: Client, user: User, stock: Instrument) -> None:
    run = services.start_run(user, scene.asked(user, stock), name='"><svg onload=alert(1)>')
    services.work_once()
    for name in ("run", "report"):
        assert "<svg onload" not in page.get(reverse(f"backtests:{name}", args=[run.pk])).content.decode()
    assert "<svg onload" not in page.get(reverse("backtests:list")).content.decode()


def test_a_run_is_called_off_and_deleted_by_its_person(page: Client, user: User, stock: Instrument) -> None:
    run = scene.start(user, stock)
    page.post(reverse("backtests:delete", args=[run.pk]))
    assert Backtest.objects.exists()  # not while it waits
    page.post(reverse("backtests:cancel", args=[run.pk]))
    assert "취소한 백테스트" in text(page.get(reverse("backtests:run", args=[run.pk])))
    page.post(reverse("backtests:delete", args=[run.pk]))
    assert not Backtest.objects.exists()


def test_a_failed_run_says_why(page: Client, user: User, stock: Instrument) -> None:
    run = scene.start(user, stock)
    stock.storedbar_set.filter(opened_at=scene.BEGIN + 100 * scene.DAY).update(close=0, low=0)
    services.work_once()
    shown = text(page.get(reverse("backtests:run", args=[run.pk])))
    assert "가격이 0 이하인 봉이 있습니다. (2018-04-11" in shown


def test_the_progress_of_a_run_asks_for_the_page_anew_when_it_has_ended(
    page: Client, user: User, stock: Instrument
) -> None:
    run = scene.start(user, stock)
    address = reverse("backtests:run", args=[run.pk]) + "?part=progress"
    by_htmx = {"HX-Request": "true"}
    assert "progress" in text(page.get(address, headers=by_htmx))
    services.work_once()
    assert page.get(address, headers=by_htmx)["HX-Refresh"] == "true"


def file_of(content: bytes, name: str = "bars.csv") -> BytesIO:
    file = BytesIO(content)
    file.name = name
    return file


def upload(page: Client, stock: Instrument, content: bytes, name: str = "bars.csv") -> Any:
    return page.post(
        reverse("backtests:uploads"),
        {"file": file_of(content, name), "instrument": stock.key, "interval": "", "zone": "Asia/Seoul"},
    )


def test_a_file_is_brought_checked_and_its_bad_rows_told(page: Client, stock: Instrument) -> None:
    answer = upload(page, stock, b"date,open,high,low,close,volume\n2023-12-21,1,2,1,2,5\n2023-12-22,1,x,1,2,5\n")
    services.work_once()
    shown = text(page.get(answer["Location"]))
    assert "3번째 줄: high 값이 숫자가 아닙니다. [x]" in shown
    assert "아무것도 저장하지 않았습니다" in shown


def test_a_file_that_says_to_be_too_long_is_refused_unread(page: Client, stock: Instrument) -> None:
    answer = page.post(
        reverse("backtests:uploads"),
        {"file": file_of(b"x"), "instrument": stock.key, "zone": "UTC"},
        CONTENT_LENGTH=200 * 1024 * 1024,
    )
    assert answer.status_code == 413
    assert not BarUpload.objects.exists()


def test_a_file_needs_the_token_of_its_form(user: User, stock: Instrument) -> None:
    checked = Client(enforce_csrf_checks=True)
    checked.force_login(user)
    assert upload(checked, stock, b"x").status_code == 403


@pytest.mark.parametrize("name", ["list", "new", "uploads"])
def test_every_page_opens(page: Client, stock: Instrument, name: str) -> None:
    assert page.get(reverse(f"backtests:{name}")).status_code == 200


def test_the_fields_of_another_strategy_come_without_the_page(page: Client, stock: Instrument) -> None:
    shown = text(page.get(reverse("backtests:parameters"), {"strategy": "rsi"}))
    assert 'id="rule-fields"' in shown
    assert "<html" not in shown
    assert 'name="p_period"' in shown


def sweep_form(stock: Instrument, **typed: Any) -> dict[str, Any]:
    numbers = numbers_of("sma_crossover")
    first, second = list(numbers)[:2]
    tried = {first: "3, 5", second: "20~40:10"}
    return (
        form_of(stock, **numbers, **{"kind": "grid", "goal": "sharpe", "draws": "10", "windows": "3"}) | tried | typed
    )


def test_a_sweep_is_asked_for_watched_and_mapped(page: Client, stock: Instrument) -> None:
    answer = page.post(reverse("backtests:sweep_new"), sweep_form(stock))
    assert "조각을 마쳤습니다" in text(page.get(answer["Location"]))
    while services.work_once():
        pass
    shown = text(page.get(answer["Location"]))
    assert "heat--best" in shown
    assert "6가지 가운데" in shown
    with CaptureQueriesContext(connection) as asked:
        page.get(answer["Location"])
    assert len(asked) <= MOST_QUERIES
    assert "끝남" in text(page.get(reverse("backtests:sweeps")))


def test_a_walk_forward_shows_its_windows(page: Client, stock: Instrument) -> None:
    answer = page.post(reverse("backtests:sweep_new"), sweep_form(stock, kind="walk_forward"))
    while services.work_once():
        pass
    assert "이어 붙인 수익률" in text(page.get(answer["Location"]))


def test_a_sweep_without_anything_to_try_says_so(page: Client, stock: Instrument) -> None:
    answer = page.post(reverse("backtests:sweep_new"), sweep_form(stock, **numbers_of("sma_crossover")))
    assert answer.status_code == 422
    assert "값을 둘 이상 적은 칸이 있어야" in text(answer)
    assert "꼴로 적어 주세요" in text(
        page.post(
            reverse("backtests:sweep_new"),
            sweep_form(stock, **dict.fromkeys(list(numbers_of("sma_crossover"))[:1], "=1")),
        )
    )


def test_nobody_sees_another_persons_sweep(page: Client, stock: Instrument) -> None:
    address = page.post(reverse("backtests:sweep_new"), sweep_form(stock))["Location"]
    page.force_login(make.make_user())
    assert page.get(address).status_code == 404
    assert page.post(f"{address}cancel/").status_code == 404
    assert page.post(f"{address}delete/").status_code == 404
    assert page.get(reverse("backtests:sweep_new"), {"from": str(uuid4())}).status_code == 404


def test_a_scorecard_is_asked_for_and_told_in_sentences(page: Client, done: Backtest) -> None:
    page.post(reverse("backtests:scorecard", args=[done.pk]))
    services.work_once()
    shown = text(page.get(reverse("backtests:run", args=[done.pk])))
    assert "grade--" in shown
    assert "미래를 본 흔적" in shown
    assert "0건이 달라졌습니다" in shown


def test_another_strategy_begins_with_its_own_numbers_and_what_was_typed_beside_them(
    page: Client, stock: Instrument
) -> None:
    typed = form_of(stock, strategy="rsi", cash="3,000,000", choose="1", p_stop_loss_rate="12")
    shown = text(page.post(reverse("backtests:new"), typed))
    assert 'value="3,000,000"' in shown
    found = re.search(r'name="p_stop_loss_rate" value="([^"]*)"', shown)
    assert found is not None
    assert found[1] == numbers_of("rsi")["p_stop_loss_rate"]
    assert not Job.objects.exists()
