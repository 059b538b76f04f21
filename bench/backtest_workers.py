"""`python -m bench.backtest_workers`: a sweep by one Celery process, then by two; a scorecard whose worker is killed.

A database of its own (SQLite in a temporary folder), a Redis of its own, the project's own Celery app. Both times are from
the first bell to the last part done, with workers that are up; the machine should have two cores free.
"""

import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
BARS, AXES = 20_000, {"short": list(range(3, 19, 2)), "long": list(range(20, 100, 10))}
PATIENCE = 600.0  # seconds


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        keys = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")}
        os.environ.update(
            keys,
            KAIROS_ENV_FILE="",
            KAIROS_ENV="test",
            KAIROS_VAR=folder,
            DATABASE_URL="",
            REDIS_URL="",
            LOG_LEVEL="ERROR",
        )
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        import django

        django.setup()
        _measure()


def _measure() -> None:
    from django.core.management import call_command

    from config.environment import read_environment
    from config.supervision.embedded_redis import EmbeddedRedis

    redis = EmbeddedRedis(read_environment().redis_socket)
    redis.start()
    try:
        call_command("migrate", verbosity=0)
        user, coin = _seed()
        seconds: dict[int, list[float]] = {}
        for processes in (1, 2):
            with _worker(processes):
                seconds.setdefault(processes, []).append(_sweep(user, coin))
        one, two = min(seconds[1]), min(seconds[2])
        attempts, state, results = _killed(user, coin)
        print(
            f"bench-backtest-workers: combinations={len(AXES['short']) * len(AXES['long'])} bars={BARS} one_s={one:.1f}"
            f" two_s={two:.1f} two_workers={one / two:.2f} killed_worker_attempts={attempts} state={state} scorecards={results}"
        )
    finally:
        redis.stop()


def _seed() -> tuple[Any, Any]:
    import numpy as np

    from accounts.models import User
    from markets.models import Instrument, StoredBar
    from markets.types import Interval, Source

    user = User.objects.create_user("bench@example.com", "pass phrase of a bench")
    coin = Instrument.objects.create(
        venue="BENCH", symbol="X/KRW", name_ko="X", name_en="X", kind="crypto", currency="KRW", tick_table="upbit-krw",
        calendar="always", quantity_decimals=8, lot=Decimal("0.00000001"), min_quantity=Decimal("0.00000001"),
    )  # fmt: skip
    closes = 50_000 * np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.004, BARS)))
    closes = np.round(closes / 100) * 100 + 1000
    StoredBar.objects.bulk_create(
        (
            StoredBar(
                instrument=coin, interval=Interval.H1, source=Source.HISTORY, opened_at=1_500_001_200 + 3600 * n,
                closed_at=1_500_004_800 + 3600 * n, open=close, high=close * 1.004, low=close * 0.996, close=close, volume=1e6,
            )
            for n, close in enumerate(closes.tolist())
        ),
        batch_size=2000,
    )  # fmt: skip
    return user, coin


@contextmanager
def _worker(processes: int) -> Iterator[subprocess.Popen[bytes]]:
    """A Celery worker with so many processes, up and idle."""
    command = [sys.executable, "-m", "celery", "--quiet", "--skip-checks", "--app=config", "worker", "--pool=prefork"]
    started = subprocess.Popen(  # noqa: S603
        [*command, f"--concurrency={processes}", "--queues=backtests", "--without-gossip", "--without-mingle"],
        cwd=ROOT,
        start_new_session=True,
    )
    try:
        _wait_for_its_answer()
        yield started
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(60)


def _wait_for_its_answer() -> None:
    from config.celery import app

    until = time.monotonic() + 120
    while not app.control.ping(timeout=1.0):
        if time.monotonic() > until:
            raise SystemExit("the worker did not come up")


def _asked(user: Any, coin: Any) -> Any:
    from backtests import services
    from backtests.terms import Terms
    from markets.types import Interval

    rule = services.pick(user, "sma_crossover")
    return services.Asked(rule=rule, instrument=coin, interval=Interval.H1, terms=Terms(cash=Decimal(10_000_000)))


def _sweep(user: Any, coin: Any) -> float:
    from backtests import services, tasks

    asked = _asked(user, coin)
    names = [name for name, spec in asked.rule.document.parameters.items() if spec.kind == "int"][:2]
    searched = services.Searched(kind="grid", axes=dict(zip(names, AXES.values(), strict=True)))
    sweep = services.start_sweep(user, asked, searched)
    started = time.monotonic()
    tasks.ring(64)
    while not (told := services.standing([sweep])[sweep.pk]).has_ended:
        if time.monotonic() - started > PATIENCE:
            raise SystemExit("the sweep did not end")
        time.sleep(0.05)
    if told.state != "done":
        raise SystemExit(f"the sweep ended {told.state}")
    return time.monotonic() - started


def _killed(user: Any, coin: Any) -> tuple[int, str, int]:
    """A scorecard whose worker is killed while it is made, and another worker that comes later: (attempts, state, cards)."""
    from django.utils import timezone

    from backtests import services, tasks
    from backtests.models import Job, Scorecard

    run = services.start_run(user, _asked(user, coin))
    services.work_once()
    card = services.start_scorecard(user, run.pk)
    with _worker(1) as worker:
        tasks.ring()
        while Job.objects.get(pk=card.job_id).state == "queued":
            time.sleep(0.002)
        os.killpg(worker.pid, signal.SIGKILL)
    # Half a minute passes.
    Job.objects.filter(pk=card.job_id, state="running").update(lease_until=timezone.now())
    with _worker(1):
        tasks.sweep_up()
        until = time.monotonic() + 120
        while not Job.objects.get(pk=card.job_id).has_ended and time.monotonic() < until:
            time.sleep(0.1)
    job = Job.objects.get(pk=card.job_id)
    return job.attempt, job.state, Scorecard.objects.filter(pk=run.pk).exclude(grade="").count()


if __name__ == "__main__":
    main()
