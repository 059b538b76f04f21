"""`/api/v1/backtests/…`: asked for once, read by its person alone, refused by code."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from accounts.models import User
from backtests import services
from backtests.models import Backtest, Job
from config.celery import app
from markets.models import Instrument
from tests import factories as make
from tests.api.conftest import Api, signed_in
from tests.backtests_app import scene

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def tasks_run_at_once() -> Iterator[None]:
    app.conf.task_always_eager = True
    yield
    app.conf.task_always_eager = False


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return scene.stock_with_days()


@pytest.fixture
def api(user: User) -> Api:
    return signed_in(user)


def body(stock: Instrument, **changes: Any) -> dict[str, Any]:
    return {"strategy": "sma_crossover", "instrument": stock.key, "interval": "1d", "cash": "10000000"} | changes


def start(api: Api, path: str, asked: dict[str, Any], key: str = "") -> Any:
    return api.send("POST", path, asked, {"Idempotency-Key": key or uuid4().hex})


def finish() -> None:
    while services.work_once():
        pass


def test_a_backtest_is_started_once_by_its_key_and_read_when_it_is_done(api: Api, stock: Instrument) -> None:
    first = start(api, "/api/v1/backtests/", body(stock), "k1")
    again = start(api, "/api/v1/backtests/", body(stock), "k1")
    assert (first.status_code, first.json()["id"]) == (202, again.json()["id"])
    other = start(api, "/api/v1/backtests/", body(stock, cash="5"), "k1")
    assert (other.status_code, other.json()["code"]) == (422, "same_key_other_request")
    assert Backtest.objects.count() == 1
    finish()
    run = api.send("GET", f"/api/v1/backtests/{first.json()['id']}/").json()
    assert run["job"]["state"] == "done"
    assert run["result"]["figures"]["trades"]["count"] > 0
    assert len(run["result"]["result_hash"]) == 64
    assert [row["id"] for row in api.send("GET", "/api/v1/backtests/").json()["results"]] == [run["id"]]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"cash": "0"}, 422, "zero_cash"),
        ({"strategy": "nobody"}, 422, "unknown_strategy"),
        ({"instrument": "KRX:999999"}, 422, "unknown_instrument"),
        ({"interval": "1m"}, 422, "no_bars"),
        ({"parameters": {"nothing": 1}}, 422, "bad_parameters"),
        ({"upload": str(uuid4())}, 422, "unknown_upload"),
        ({"cash": 5}, 400, ""),
        ({"cash": "NaN"}, 400, ""),
        ({"what": 1}, 400, ""),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_run_is_refused_by_code(
    api: Api, stock: Instrument, changes: dict[str, Any], status: int, code: str
) -> None:
    answer = start(api, "/api/v1/backtests/", body(stock, **changes))
    assert answer.status_code == status
    assert not code or answer.json()["code"] == code
    assert not Job.objects.exists()


def test_a_sweep_is_started_and_what_it_found_read(api: Api, stock: Instrument, user: User) -> None:
    names = [
        name for name, spec in services.pick(user, "sma_crossover").document.parameters.items() if spec.kind == "int"
    ]
    asked = body(stock, kind="grid", axes={names[0]: [3, 5], names[1]: [20, 30]})
    sweep = start(api, "/api/v1/backtests/sweeps/", asked).json()
    finish()
    told = api.send("GET", f"/api/v1/backtests/sweeps/{sweep['id']}/").json()
    assert (told["state"], len(told["found"])) == ("done", 4)


def test_nobody_reads_cancels_or_forgets_another_persons(api: Api, stock: Instrument) -> None:
    run_id = start(api, "/api/v1/backtests/", body(stock)).json()["id"]
    stranger = signed_in(make.make_user())
    assert stranger.send("GET", f"/api/v1/backtests/{run_id}/").status_code == 404
    assert stranger.send("POST", f"/api/v1/backtests/{run_id}/cancel/").status_code == 404
    assert stranger.send("DELETE", f"/api/v1/backtests/{run_id}/").status_code == 404
    assert stranger.send("GET", "/api/v1/backtests/").json()["results"] == []
