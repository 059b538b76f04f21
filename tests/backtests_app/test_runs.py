"""A run from being asked for to its result: once, whatever dies on the way."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import User
from backtests import services
from backtests.engine import run
from backtests.errors import BacktestRefused, SetupRefused
from backtests.models import Backtest, BacktestResult, Job
from backtests.packing import unpack_data
from backtests.reports import report
from backtests.series import Series
from backtests.services import queue
from backtests.services.asking import MOST_WAITING_RUNS, evaluator_for, series_of
from backtests.services.bars import read_bars
from backtests.services.queue import WorkLost
from backtests.terms import Terms
from markets.models import Instrument
from tests import factories as make
from tests.backtests_app import scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return scene.stock_with_days()


def fresh(run: Backtest) -> Backtest:
    return Backtest.objects.select_related("job", "result").get(pk=run.pk)


def test_a_run_waits_is_computed_and_keeps_what_the_engine_gives(user: User, stock: Instrument) -> None:
    """The stored result is the pure engine's, hash for hash."""
    asked = scene.start(user, stock)
    assert asked.job.state == "queued"
    assert services.work_once()
    kept = fresh(asked)
    bars = read_bars(series_of(kept), before=0)
    told = report(run(evaluator_for(kept), bars, stock.rules, Terms.from_data(kept.terms).setup()))
    assert kept.job.state == "done"
    assert kept.result.result_hash == told.result_hash
    assert kept.result.version_hash == kept.version_hash == told.version_hash
    assert kept.result.trade_count == len(told.trades) > 3
    assert len(unpack_data(kept.result.trades)) == len(told.trades)
    assert Series.unpack(bytes(kept.result.series)).equity.tolist() == told.series.equity.tolist()
    assert not services.work_once()


def test_the_same_key_is_the_same_run(user: User, stock: Instrument) -> None:
    first, again = (services.start_run(user, scene.asked(user, stock), client_key="once") for _ in range(2))
    assert first.pk == again.pk
    assert Job.objects.count() == 1
    other = scene.asked(user, stock, starts_on=scene.day(400))
    with pytest.raises(BacktestRefused, match="same_key_other_request"):
        services.start_run(user, other, client_key="once")


def test_a_run_is_never_given_two_results(user: User, stock: Instrument) -> None:
    asked = scene.start(user, stock)
    services.work_once()
    result = BacktestResult.objects.get(backtest=asked)
    columns = {each.attname: getattr(result, each.attname) for each in BacktestResult._meta.concrete_fields}
    with pytest.raises(IntegrityError), transaction.atomic():
        BacktestResult.objects.create(**columns)


def test_a_period_is_traded_from_its_first_day_with_the_bars_before_it_as_warm_up(
    user: User, stock: Instrument
) -> None:
    asked = scene.start(user, stock, starts_on=scene.day(300), ends_on=scene.day(500))
    services.work_once()
    result = fresh(asked).result
    assert result.first_at.date() == scene.day(299)  # decided on the close before, traded from the first day on
    assert result.last_at.date() == scene.day(500)


def test_what_a_worker_left_behind_is_begun_again_and_its_own_word_refused(user: User, stock: Instrument) -> None:
    """A worker died: another takes over once the lease has lapsed. The dead one, should it come back, ends nothing."""
    scene.start(user, stock)
    lost = queue.claim()
    assert lost is not None
    assert queue.claim() is None  # nobody takes what is held
    _lapse(lost)
    assert services.work_once()
    with pytest.raises(WorkLost):
        queue.finish(lost)
    with pytest.raises(WorkLost):
        queue.go_on(lost, "computing", 500)
    job = Job.objects.get()
    assert (job.state, job.attempt, BacktestResult.objects.count()) == ("done", 2, 1)


def test_work_that_killed_three_workers_is_given_up(user: User, stock: Instrument) -> None:
    scene.start(user, stock)
    for _attempt in range(3):
        lost = queue.claim()
        assert lost is not None
        _lapse(lost)
    assert queue.claim() is None
    assert make.facts(*Job.objects.values_list("state", "code", "attempt").get()) == ("failed", "worker_lost", 3)


def _lapse(job: Job) -> None:
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_run_that_waits_is_called_off_at_once(user: User, stock: Instrument) -> None:
    asked = scene.start(user, stock)
    assert services.cancel_run(user, asked.pk)
    assert not services.work_once()
    assert not services.cancel_run(user, asked.pk)
    assert fresh(asked).job.state == "canceled"


def test_a_run_called_off_while_it_is_computed_keeps_nothing(user: User, stock: Instrument) -> None:
    asked = scene.start(user, stock)
    job = queue.claim()
    assert job is not None
    services.cancel_run(user, asked.pk)
    with pytest.raises(WorkLost), transaction.atomic():
        queue.finish(job)
    assert not BacktestResult.objects.exists()


def test_who_has_least_running_is_served_next(stock: Instrument) -> None:
    """One person's many runs do not keep another's single one waiting."""
    busy, other = make.make_user(), make.make_user()
    for _run in range(3):
        scene.start(busy, stock)
    last = scene.start(other, stock)
    first, second = queue.claim(), queue.claim()
    assert first is not None
    assert first.user_id == busy.pk
    assert second is not None
    assert second.pk == last.job_id


def test_a_person_has_room_for_so_many_runs(user: User, stock: Instrument) -> None:
    for _run in range(MOST_WAITING_RUNS):
        scene.start(user, stock)
    with pytest.raises(BacktestRefused, match="too_many_waiting"):
        scene.start(user, stock)
    assert Backtest.objects.count() == MOST_WAITING_RUNS
    scene.start(make.make_user(), stock)  # another person has room of their own


@dataclass(frozen=True)
class Bad:
    code: str
    changes: dict[str, Any]
    bars: int = 600


BAD = [
    Bad("no_bars", {"starts_on": scene.day(5000)}),
    Bad("no_bars", {}, bars=0),
    Bad("warm_up_longer_than_data", {}, bars=1),
    Bad("warm_up_longer_than_data", {}, bars=200),
    Bad("period_reversed", {"starts_on": scene.day(20), "ends_on": scene.day(10)}),
    Bad("bad_parameters", {"parameters": {"nothing": 1.0}}),
]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: f"{bad.code}-{bad.bars}")
def test_what_can_never_run_is_refused_before_it_is_queued(user: User, bad: Bad) -> None:
    stock = scene.stock_with_days(bad.bars)
    with pytest.raises(BacktestRefused, match=bad.code):
        scene.start(user, stock, **bad.changes)
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"cash": "0"}, "zero_cash"),
        ({"cash": "-5"}, "zero_cash"),
        ({"cash": "NaN"}, "bad_terms"),
        ({"cash": "1e400"}, "bad_terms"),
        ({"cash": "100", "commission": "1.5"}, "bad_terms"),
        ({"cash": "100", "participation": "0"}, "bad_terms"),
        ({"cash": "100", "what": 1}, "bad_terms"),
        ({}, "bad_terms"),
    ],
)
def test_terms_that_cannot_be_are_refused_by_name(terms: dict[str, Any], code: str) -> None:
    with pytest.raises(SetupRefused, match=code):
        Terms.from_data(terms)


def test_terms_come_back_as_they_were_given() -> None:
    terms = Terms(cash=Decimal("1000000.5"), slippage_rate=Decimal("0.0005"), participation=None, seed=7)
    assert Terms.from_data(terms.as_data()) == terms


def test_bars_that_are_no_market_end_the_run_with_a_reason_and_no_result(user: User, stock: Instrument) -> None:
    """A fault in stored bars: a clear answer, no half result, no dead worker."""
    from markets.models import StoredBar

    asked = scene.start(user, stock)
    StoredBar.objects.filter(opened_at=scene.BEGIN + 100 * scene.DAY).update(low=0)
    assert services.work_once()
    job = fresh(asked).job
    assert (job.state, job.code) == ("failed", "not_positive")
    assert job.facts["bar"] == 100
    assert not BacktestResult.objects.exists()
    assert services.work_once() is False


def test_a_deleted_run_leaves_nothing_behind(user: User, stock: Instrument) -> None:
    asked = scene.start(user, stock)
    with pytest.raises(BacktestRefused, match="still_running"):
        services.delete_run(user, asked.pk)
    services.work_once()
    services.delete_run(user, asked.pk)
    assert [each.objects.count() for each in (Backtest, Job, BacktestResult)] == [0, 0, 0]


def test_nobody_sees_cancels_or_deletes_another_persons_run(user: User, stock: Instrument) -> None:
    asked = scene.start(user, stock)
    stranger = make.make_user()
    for act in (services.get_run, services.cancel_run, services.delete_run, services.start_scorecard):
        with pytest.raises(Backtest.DoesNotExist):
            act(stranger, asked.pk)
    assert list(services.list_runs(stranger)) == []
    assert fresh(asked).job.state == "queued"
