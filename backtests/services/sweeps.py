"""Asking for a sweep or a walk-forward: its combinations, split into parts that workers take one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from random import Random
from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import User
from backtests import guided
from backtests.errors import BacktestRefused
from backtests.models import ENDED, Job, Sweep, SweepPart
from backtests.models.sweeps import KINDS
from backtests.results import Parameters
from backtests.services import queue
from backtests.services.asking import Asked, check, check_same, checked_key, checked_name, columns, lock_person
from backtests.services.bars import count_bars
from backtests.services.rules import keep
from backtests.sweeps import grid

MOST_COMBINATIONS = 1000
MOST_WAITING_SWEEPS = 3
MOST_SWEEPS = 100  # of one person, kept
MOST_STEPS = 200_000_000  # bars times combinations
PARTS = 16  # so that the last one does not keep the other workers waiting
LEAST_POINTS = 4  # of a part: reading the bars costs too
WINDOWS = range(2, 21)
GOALS = ("sharpe", "total_return", "cagr", "sortino", "calmar", "profit_factor", "win_rate", "max_drawdown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Searched:
    """How the values are searched: `axes` lists what each parameter may be; `draws` of a random sweep and of
    Optuna's, `windows` of a walk-forward. `goal` is the figure of `results.Point` of which more is better."""

    kind: str
    axes: Mapping[str, Sequence[float]]
    goal: str = "sharpe"
    draws: int = 100
    windows: int = 5


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a sweep is. `state` is that of the whole."""

    parts: int
    done: int
    failed: int
    canceled: int
    progress: int  # thousandths

    @property
    def has_ended(self) -> bool:
        return self.done + self.failed + self.canceled == self.parts

    @property
    def state(self) -> str:
        if not self.has_ended:
            return "running" if self.progress else "queued"
        return "canceled" if self.canceled else "failed" if self.failed else "done"

    @property
    def percent(self) -> int:
        return self.progress // 10


def start_sweep(user: User, asked: Asked, searched: Searched, *, name: str = "", client_key: str = "") -> Sweep:
    """A sweep whose parts wait for workers; the same key again gives the same sweep. The caller rings once for each part.

    Raises BacktestRefused, and nothing is written then.
    """
    client_key = checked_key(client_key or uuid4().hex)
    if asked.beside:
        raise BacktestRefused("sweep_of_one_instrument")
    _evaluator, (series,) = check(user, asked)
    count, shares = _planned(asked, searched)
    steps = count_bars(series) * count
    if steps > MOST_STEPS:
        raise BacktestRefused("too_many_steps", steps=steps, most=MOST_STEPS)
    searching = {
        "kind": searched.kind,
        "axes": {name: list(values) for name, values in searched.axes.items()},
        "goal": searched.goal,
        "combinations": count,
        "windows": searched.windows if searched.kind == "walk_forward" else 0,
    }
    name = checked_name(name, f"{asked.rule.name} · {asked.instrument.name}")
    with transaction.atomic():
        lock_person(user)
        earlier = Sweep.objects.for_user(user).filter(client_key=client_key).first()
        asked_for = columns(asked, series)
        if earlier is not None:
            check_same(earlier, asked_for | searching)
            return earlier
        _check_room(user)
        sweep = Sweep.objects.create(
            user=user,
            client_key=client_key,
            name=name,
            strategy_version=keep(user, asked.rule),
            **searching,
            **asked_for,
        )
        for number, share in enumerate(shares):
            SweepPart.objects.create(sweep=sweep, job=queue.new_job(user, "part"), number=number, asked=share)
        return sweep


def _planned(asked: Asked, searched: Searched) -> tuple[int, list[list[dict[str, Any]]]]:
    """How many combinations are tried at most, and what each part tries. Raises BacktestRefused."""
    axes = _checked_axes(searched)
    if searched.kind == "optuna":
        count = _guided_count(asked, axes, searched.draws)
        return count, [[{"draws": count}]]
    points = _points(asked, searched, axes)
    return len(points), _shares(points, searched)


def _checked_axes(searched: Searched) -> dict[str, Sequence[float]]:
    axes = {name: values for name, values in searched.axes.items() if len(values) > 1}
    if not axes:
        raise BacktestRefused("nothing_to_sweep")
    if searched.goal not in GOALS:
        raise BacktestRefused("unknown_goal", goal=searched.goal)
    if searched.kind not in KINDS:
        raise BacktestRefused("unknown_kind", kind=searched.kind)
    return axes


def _points(asked: Asked, searched: Searched, axes: Mapping[str, Sequence[float]]) -> tuple[Parameters, ...]:
    """Every combination that is tried, the parameters that stay in each; a random sweep draws from the whole grid."""
    found = grid(asked.rule.document, axes)
    if searched.kind == "random" and searched.draws < len(found):
        found = tuple(Random(asked.terms.seed).sample(found, max(1, searched.draws)))  # noqa: S311 the same seed, the same
    if searched.kind == "walk_forward" and searched.windows not in WINDOWS:
        raise BacktestRefused("bad_windows")
    if len(found) > MOST_COMBINATIONS:
        raise BacktestRefused("too_many_combinations", count=len(found), most=MOST_COMBINATIONS)
    return tuple({**asked.parameters, **point} for point in found)


def _guided_count(asked: Asked, axes: Mapping[str, Sequence[float]], draws: int) -> int:
    """How many points a search that learns may try. The values may hold many more than a grid could be tried of."""
    if not guided.is_installed():
        raise BacktestRefused("optuna_not_installed")
    if not 0 < draws <= guided.MOST_DRAWS:
        raise BacktestRefused("too_many_draws", count=draws, most=guided.MOST_DRAWS)
    grid(asked.rule.document, {name: (min(values), max(values)) for name, values in axes.items()})
    return min(draws, prod(len(values) for values in axes.values()))


def get_sweep(user: User, sweep_id: UUID) -> Sweep:
    """Raises Sweep.DoesNotExist, for somebody else's too."""
    shown = Sweep.objects.for_user(user).select_related("instrument", "strategy_version__strategy", "upload")
    return shown.get(pk=sweep_id)


def list_sweeps(user: User) -> "QuerySet[Sweep, Sweep]":
    """The person's sweeps, newest first."""
    shown = Sweep.objects.for_user(user).select_related("instrument", "strategy_version__strategy")
    return shown.defer("strategy_version__document", "strategy_version__settings").order_by("-created_at")


def standing(sweeps: Sequence[Sweep]) -> dict[UUID, Standing]:
    """How far each sweep is, in one statement."""
    count: dict[str, Any] = {state: Count("pk", filter=Q(job__state=state)) for state in ENDED}
    told: Any = SweepPart.objects.filter(sweep__in=[sweep.pk for sweep in sweeps]).order_by().values("sweep_id")
    rows: list[dict[str, Any]] = told.annotate(parts=Count("pk"), progress=Sum("job__progress"), **count)
    return {
        row["sweep_id"]: Standing(
            row["parts"], row["done"], row["failed"], row["canceled"], int(row["progress"] or 0) // row["parts"]
        )
        for row in rows
    }


def why_failed(sweep: Sweep) -> Job | None:
    """The first part that could not be done."""
    part = SweepPart.objects.filter(sweep=sweep, job__state="failed").select_related("job").order_by("number").first()
    return part.job if part else None


def results_of(sweep: Sweep) -> list[dict[str, Any]]:
    """What has been found, in order: points as `results.Point`, or windows as `results.Window`.

    A part tells it when it is done; a search by Optuna as it goes on, so that one that was ended has what it had found.
    """
    parts = SweepPart.objects.filter(sweep=sweep).order_by("number")
    return [row for results in parts.values_list("results", flat=True) for row in results or []]


def cancel_sweep(user: User, sweep_id: UUID) -> bool:
    """Whether there was a part still to be canceled; what is done stays. Raises Sweep.DoesNotExist."""
    sweep = get_sweep(user, sweep_id)
    parts = SweepPart.objects.filter(sweep=sweep).exclude(job__state__in=ENDED).select_related("job")
    return sum(queue.cancel(part.job) for part in parts) > 0


@transaction.atomic
def delete_sweep(user: User, sweep_id: UUID) -> None:
    """Forget a sweep that has ended. Raises Sweep.DoesNotExist, and BacktestRefused while it goes on."""
    sweep = get_sweep(user, sweep_id)
    if SweepPart.objects.filter(sweep=sweep).exclude(job__state__in=ENDED).exists():
        raise BacktestRefused("still_running")
    Job.objects.filter(part__sweep=sweep).delete()
    sweep.delete()


def _shares(points: Sequence[Parameters], searched: Searched) -> list[list[dict[str, Any]]]:
    """What each part tries: some of the points, or one window over all of them."""
    if searched.kind == "walk_forward":
        return [[{"window": number}] for number in range(1, searched.windows + 1)]
    size = max(LEAST_POINTS, -(-len(points) // PARTS))
    return [[dict(point) for point in points[start : start + size]] for start in range(0, len(points), size)]


def _check_room(user: User) -> None:
    waiting = Sweep.objects.for_user(user).filter(parts__job__state__in=("queued", "running")).distinct().count()
    if waiting >= MOST_WAITING_SWEEPS:
        raise BacktestRefused("too_many_sweeps", most=MOST_WAITING_SWEEPS)
    if Sweep.objects.for_user(user).count() >= MOST_SWEEPS:
        raise BacktestRefused("too_many_kept", most=MOST_SWEEPS)
