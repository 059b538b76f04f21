"""What a worker does for one part of a sweep: some of its points, or one window of a walk-forward."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from backtests import guided
from backtests.errors import BacktestRefused
from backtests.family import Family
from backtests.ground import Ground
from backtests.models import Job, Sweep, SweepPart
from backtests.results import Parameters, Point, Window, plain
from backtests.services import queue
from backtests.services.asking import series_of
from backtests.services.bars import read_bars
from backtests.services.heart import Heart
from backtests.services.queue import WorkLost
from backtests.setup import Setup
from backtests.sweeps import SweepRefused, grid, run_point, run_points
from backtests.terms import Terms
from backtests.walk_forward import spans, walk_one
from strategies.compiler import compile_document
from strategies.document import RuleDocument

READ, COMPUTED = 100, 950  # thousandths
KEPT_EVERY = 5.0  # seconds: what a long search has found is shown as it goes on, and stays when it is ended
SHARED = 4_000_000  # bars times points that share indicators: so much of them is kept in memory
_kept: dict[UUID, Ground] = {}  # the bars and indicators of the sweep this process worked on last


def work_on_part(job: Job, heart: Heart) -> None:
    """Compute the part of this job and keep what it found. Raises BacktestRefused, WorkLost."""
    part = SweepPart.objects.select_related("sweep__instrument", "sweep__strategy_version", "sweep__upload").get(
        job=job
    )
    part.job = job  # this attempt's: what is written of it is refused once it is somebody else's
    sweep, document = part.sweep, RuleDocument.from_data(part.sweep.strategy_version.document)
    warm_up = slowest_warm_up(sweep, document)
    ground = _ground(sweep, warm_up)
    heart.tell("computing", READ)
    # All decide from the same bar on: a rule with a long warm-up would else be judged on other days.
    setup = replace(Terms.from_data(sweep.terms).setup(), warm_up=warm_up)
    if sweep.kind == "walk_forward":
        found: list[Any] = [_window(part, document, ground, setup)]
    elif sweep.kind == "optuna":
        found = _guided(part, document, ground, setup, heart)
    else:
        found = _points(part, document, ground, setup, heart)
    with transaction.atomic():
        queue.finish(job)
        SweepPart.objects.filter(job=job).update(results=plain(found))


def slowest_warm_up(sweep: Sweep, document: RuleDocument) -> int:
    """The bars that the slowest combination needs: one of those at the ends of the axes."""
    try:
        corners = _all_points(sweep, document, {name: (min(each), max(each)) for name, each in sweep.axes.items()})
    except SweepRefused:  # the rule allows no corner
        corners = _all_points(sweep, document, sweep.axes)
    return max(compile_document(document, point).warm_up for point in corners)


def _points(part: SweepPart, document: RuleDocument, ground: Ground, setup: Setup, heart: Heart) -> list[Any]:
    bars, rules, asked = ground.bars, part.sweep.instrument.rules, part.asked
    told = heart.share("computing", READ, COMPUTED)
    at_once = max(1, SHARED // len(bars))
    found: list[Any] = []
    for start in range(0, len(asked), at_once):
        shared = ground if at_once >= len(asked) else Ground(bars)
        some = asked[start : start + at_once]

        def progress(done: int, _of: int, before: int = start) -> None:
            told(before + done, len(asked))

        found += run_points(document, some, bars, rules, setup, ground=shared, progress=progress)
    return found


def _guided(part: SweepPart, document: RuleDocument, ground: Ground, setup: Setup, heart: Heart) -> list[Point]:
    """The whole search, one point after the other; what it has found is kept as it goes on, whatever ends it.

    Raises BacktestRefused where this worker has no Optuna.
    """
    if not guided.is_installed():
        raise BacktestRefused("optuna_not_installed")
    sweep, draws, at_once = part.sweep, part.asked[0]["draws"], max(1, SHARED // len(ground.bars))
    shared, family = ground if draws <= at_once else Ground(ground.bars), Family(document)
    found: list[Point] = []
    kept_at = time.monotonic()

    def compute(point: Parameters) -> Point:
        nonlocal shared, kept_at
        if found and len(found) % at_once == 0:
            shared = Ground(ground.bars)
        found.append(run_point(family, {**sweep.parameters, **point}, shared, sweep.instrument.rules, setup))
        if time.monotonic() - kept_at >= KEPT_EVERY:
            _keep(part, found)
            kept_at = time.monotonic()
        return found[-1]

    told = heart.share("computing", READ, COMPUTED)
    try:
        guided.search(
            document, sweep.axes, draws=draws, goal=sweep.goal, seed=setup.seed, compute=compute, progress=told
        )
    except WorkLost:
        raise
    except Exception:  # the worker's time is up, or worse: what was found stands beside the reason
        _keep(part, found)
        raise
    return found


def _keep(part: SweepPart, found: Sequence[Point]) -> None:
    """What was found so far, in place of what was kept before. Raises WorkLost, and keeps nothing then."""
    with transaction.atomic():
        queue.go_on(part.job)
        SweepPart.objects.filter(job=part.job).update(results=plain(found))


def _window(part: SweepPart, document: RuleDocument, ground: Ground, setup: Setup) -> Window:
    sweep, bars = part.sweep, ground.bars
    points = _all_points(sweep, document, sweep.axes)
    span = spans(document, points, bars, setup, windows=sweep.windows)[part.asked[0]["window"] - 1]
    return walk_one(document, points, bars, sweep.instrument.rules, setup, span, figure=sweep.goal)


def _all_points(sweep: Sweep, document: RuleDocument, axes: Mapping[str, Sequence[float]]) -> tuple[Parameters, ...]:
    """Every combination of these values, the parameters that stay in each. Raises SweepRefused."""
    return tuple({**sweep.parameters, **point} for point in grid(document, axes))


def _ground(sweep: Sweep, warm_up: int) -> Ground:
    """The bars of the sweep, read once by each process that works on it; of one sweep at a time, so that memory is bounded."""
    if sweep.pk not in _kept:
        _kept.clear()
        _kept[sweep.pk] = Ground(read_bars(series_of(sweep), before=warm_up))
    return _kept[sweep.pk]
