"""Sweeps and walk-forwards in parts: laid together they are what one process would have found."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from backtests import guided, services
from backtests.errors import BacktestRefused
from backtests.models import Backtest, Job, Scorecard, Sweep, SweepPart
from backtests.results import plain
from backtests.services import Searched, queue
from backtests.services.asking import series_of
from backtests.services.bars import read_bars
from backtests.services.heart import Heart
from backtests.services.queue import WorkLost
from backtests.services.sweeping import slowest_warm_up, work_on_part
from backtests.services.sweeps import MOST_WAITING_SWEEPS
from backtests.sweeps import grid, run_points
from backtests.templatetags.backtest_words import sentence
from backtests.terms import Terms
from backtests.walk_forward import walk
from markets.models import Instrument
from strategies.document import RuleDocument
from tests import factories as make
from tests.backtests_app import scene

pytestmark = pytest.mark.django_db
AXES = {"fast": [3, 5, 8], "slow": [15, 20, 30, 40]}


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return scene.stock_with_days(700)


def start(user: User, stock: Instrument, **searched: Any) -> Sweep:
    given: dict[str, Any] = {"kind": "grid", "axes": AXES_OF(user)}
    return services.start_sweep(user, scene.asked(user, stock), Searched(**given | searched))


def AXES_OF(user: User) -> dict[str, list[float]]:  # noqa: N802
    """Two of the rule's own parameters, at values it allows."""
    document = services.pick(user, "sma_crossover").document
    names = [name for name, spec in document.parameters.items() if spec.kind == "int"][:2]
    return dict(zip(names, AXES.values(), strict=True))  # type: ignore[arg-type]


def finish() -> int:
    count = 0
    while services.work_once():
        count += 1
    return count


def document_of(sweep: Sweep) -> RuleDocument:
    return RuleDocument.from_data(sweep.strategy_version.document)


def test_the_parts_of_a_sweep_laid_together_are_the_sweep(user: User, stock: Instrument) -> None:
    sweep = start(user, stock)
    assert finish() == 3  # twelve combinations, four to a part
    told = services.standing([sweep])[sweep.pk]
    assert (told.state, told.parts, told.percent) == ("done", 3, 100)
    document, warm_up = document_of(sweep), slowest_warm_up(sweep, document_of(sweep))
    setup = scene.asked(user, stock).terms.setup()
    whole = run_points(
        document,
        grid(document, AXES_OF(user)),
        read_bars(series_of(sweep)),
        stock.rules,
        replace(setup, warm_up=warm_up),
    )
    found = services.results_of(sweep)
    assert found == plain(whole)
    assert len(found) == 12
    assert len({row["total_return"] for row in found}) > 3


def test_the_windows_of_a_walk_forward_are_walked_one_by_one(user: User, stock: Instrument) -> None:
    sweep = start(user, stock, kind="walk_forward", windows=3)
    assert finish() == 3
    document, warm_up = document_of(sweep), slowest_warm_up(sweep, document_of(sweep))
    walked = walk(
        document,
        grid(document, AXES_OF(user)),
        read_bars(series_of(sweep)),
        stock.rules,
        replace(scene.asked(user, stock).terms.setup(), warm_up=warm_up),
        windows=3,
    )
    assert services.results_of(sweep) == plain(walked.windows)


def test_a_random_sweep_draws_the_same_with_the_same_seed(user: User, stock: Instrument) -> None:
    first, again = (start(user, stock, kind="random", draws=5) for _ in range(2))
    finish()
    assert first.combinations == 5
    assert services.results_of(first) == services.results_of(again)


def test_a_canceled_sweep_stops_where_it_is_and_keeps_what_it_found(user: User, stock: Instrument) -> None:
    sweep = start(user, stock)
    services.work_once()
    assert services.cancel_sweep(user, sweep.pk)
    assert finish() == 0
    assert len(services.results_of(sweep)) == 4
    assert services.standing([sweep])[sweep.pk].state == "canceled"


@pytest.mark.parametrize(
    ("searched", "code"),
    [
        ({"axes": {}}, "nothing_to_sweep"),
        ({"axes": {"nothing": [1, 2]}}, "unknown_parameter"),
        ({"kind": "walk_forward", "windows": 1}, "bad_windows"),
        ({"goal": "luck"}, "unknown_goal"),
        ({"kind": "guess"}, "unknown_kind"),
    ],
)
def test_what_cannot_be_searched_is_refused_and_nothing_is_queued(
    user: User, stock: Instrument, searched: dict[str, Any], code: str
) -> None:
    with pytest.raises(BacktestRefused, match=code):
        start(user, stock, **searched)
    assert not Job.objects.exists()


def test_a_person_has_room_for_so_many_sweeps(user: User, stock: Instrument) -> None:
    for _sweep in range(MOST_WAITING_SWEEPS):
        start(user, stock)
    with pytest.raises(BacktestRefused, match="too_many_sweeps"):
        start(user, stock)


def test_a_deleted_sweep_leaves_nothing_behind(user: User, stock: Instrument) -> None:
    sweep = start(user, stock)
    with pytest.raises(BacktestRefused, match="still_running"):
        services.delete_sweep(user, sweep.pk)
    finish()
    services.delete_sweep(user, sweep.pk)
    assert [each.objects.count() for each in (Sweep, Job)] == [0, 0]


def test_nobody_reaches_another_persons_sweep(user: User, stock: Instrument) -> None:
    sweep = start(user, stock)
    stranger = make.make_user()
    for act in (services.get_sweep, services.cancel_sweep, services.delete_sweep):
        with pytest.raises(Sweep.DoesNotExist):
            act(stranger, sweep.pk)
    assert list(services.list_sweeps(stranger)) == []


def test_a_scorecard_is_made_for_a_finished_run_and_once(user: User, stock: Instrument) -> None:
    run = scene.start(user, stock)
    with pytest.raises(BacktestRefused, match="no_result_yet"):
        services.start_scorecard(user, run.pk)
    finish()
    first, again = (services.start_scorecard(user, run.pk) for _ in range(2))
    assert first.job_id == again.job_id
    assert finish() == 1
    card = Scorecard.objects.get(backtest=run)
    assert card.grade in "ABCDF"
    assert {check["code"] for check in card.checks} >= {"trade_count", "look_ahead", "costs_doubled", "walk_forward"}
    assert next(check for check in card.checks if check["code"] == "look_ahead")["verdict"] == "pass"
    assert Backtest.objects.count() == 1


needs_optuna = pytest.mark.skipif(not guided.is_installed(), reason="Optuna, an optional extra, is not installed")


@needs_optuna
def test_a_search_that_learns_keeps_each_point_once_and_the_same_with_the_same_seed(
    user: User, stock: Instrument
) -> None:
    first, again = (start(user, stock, kind="optuna", draws=8) for _ in range(2))
    other = services.start_sweep(
        user,
        scene.asked(user, stock, terms=Terms(cash=scene.CASH, seed=9)),
        Searched(kind="optuna", axes=AXES_OF(user), draws=8),
    )
    assert finish() == 3  # one part each: a point is chosen by those before it
    found = services.results_of(first)
    assert len(found) == first.combinations == 8
    assert len({tuple(row["parameters"].values()) for row in found}) == 8
    assert found == services.results_of(again)
    assert [row["parameters"] for row in found] != [row["parameters"] for row in services.results_of(other)]
    whole = start(user, stock)
    finish()
    assert all(row in services.results_of(whole) for row in found)  # the same figures as the grid's


@needs_optuna
def test_a_search_that_learns_ends_when_nothing_is_left_to_try(user: User, stock: Instrument) -> None:
    sweep = start(user, stock, kind="optuna", draws=200)
    finish()
    assert sweep.combinations == 12
    assert 8 <= len(services.results_of(sweep)) <= 12  # or when nothing new came for long
    with pytest.raises(BacktestRefused, match="too_many_draws"):
        start(user, stock, kind="optuna", draws=301)


@needs_optuna
def test_a_search_begun_again_after_its_worker_died_finds_the_same(user: User, stock: Instrument) -> None:
    sweep, other = (start(user, stock, kind="optuna", draws=5) for _ in range(2))
    lost = queue.claim()
    assert lost is not None
    Job.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert finish() == 2
    assert services.results_of(sweep) == services.results_of(other)


class Impatient(Heart):
    """Lets three points be tried; then the worker's time is up. It does not notice that the work is somebody else's."""

    def tell(self, stage: str, progress: int) -> None:
        pass

    def share(self, stage: str, start: int, stop: int) -> Callable[[int, int], None]:
        def progress(done: int, of: int) -> None:
            if done == 3:
                raise TimeoutError

        return progress


@needs_optuna
def test_a_search_whose_time_is_up_keeps_what_it_found(user: User, stock: Instrument, client: Client) -> None:
    sweep, whole = (start(user, stock, kind="optuna", draws=8) for _ in range(2))
    job = queue.claim()
    assert job is not None
    with pytest.raises(TimeoutError):
        work_on_part(job, Impatient(job))
    queue.fail(job, BacktestRefused("took_too_long"))
    finish()
    assert services.results_of(sweep) == services.results_of(whole)[:3]
    client.force_login(user)
    page = client.get(reverse("backtests:sweep", args=[sweep.pk])).content.decode()
    assert sentence("took_too_long") in page
    assert "3가지 가운데" in page


@needs_optuna
def test_a_worker_that_was_taken_for_dead_cannot_write_over_a_search(user: User, stock: Instrument) -> None:
    sweep = start(user, stock, kind="optuna", draws=8)
    lost = queue.claim()
    assert lost is not None
    Job.objects.filter(pk=lost.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    finish()
    found = services.results_of(sweep)
    with pytest.raises(WorkLost):
        work_on_part(lost, Impatient(lost))
    assert services.results_of(sweep) == found
    assert len(found) == 8


@pytest.fixture
def without_optuna() -> Iterator[None]:
    """Python finds no module whose place is taken by None."""
    kept = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "optuna"}
    nothing: dict[str, Any] = dict.fromkeys({"optuna", *kept})
    sys.modules.update(nothing)
    yield
    for name in {"optuna", *kept}:
        del sys.modules[name]
    sys.modules.update(kept)


@pytest.mark.usefixtures("without_optuna")
def test_without_optuna_the_form_offers_no_such_search_and_says_why(user: User, client: Client) -> None:
    client.force_login(user)
    page = client.get(reverse("backtests:sweep_new")).content.decode()
    assert 'value="optuna"' not in page
    assert sentence("optuna_not_installed") in page


@pytest.mark.usefixtures("without_optuna")
def test_without_optuna_a_search_is_refused_and_one_already_asked_for_ends_with_the_reason(
    user: User, stock: Instrument
) -> None:
    with pytest.raises(BacktestRefused, match="optuna_not_installed"):
        start(user, stock, kind="optuna", draws=8)
    sweep = start(user, stock)
    SweepPart.objects.filter(sweep=sweep, number__gt=0).delete()
    SweepPart.objects.filter(sweep=sweep).update(asked=[{"draws": 8}])
    Sweep.objects.filter(pk=sweep.pk).update(kind="optuna")  # asked for where it was installed
    finish()
    failed = services.why_failed(sweep)
    assert failed is not None
    assert failed.code == "optuna_not_installed"


def test_the_same_key_must_mean_the_same_values(user: User, stock: Instrument) -> None:
    asked, axes = scene.asked(user, stock), AXES_OF(user)
    first = services.start_sweep(user, asked, Searched(kind="grid", axes=axes), client_key="once")
    assert services.start_sweep(user, asked, Searched(kind="grid", axes=axes), client_key="once").pk == first.pk
    fewer = {name: values[:2] for name, values in axes.items()}
    with pytest.raises(BacktestRefused, match="same_key_other_request"):
        services.start_sweep(user, asked, Searched(kind="grid", axes=fewer), client_key="once")
