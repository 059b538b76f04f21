"""`make crash-sweep`: the process dies at every line the order path executes, with a healthy venue and each kind of fault.

Of each life a first run records the lines; then for each line a child lives it and dies there, a second child begins it again
and lives it to its end, and the auditor compares. A clock that is moved stands for waiting.
"""

import argparse
import gc
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from tests.faults.forks import Ended, run_in_child, start_child
from tests.faults.servers import Postgres, own_postgres
from tests.faults.tracing import Point, dying_at, recording, sources

TRACED = (
    "trading/services/**/*.py",
    "trading/dispatch.py",
    "trading/reconcile.py",
    "trading/settlement.py",
    "trading/ledger.py",
    "trading/lifecycle.py",
    "trading/epoch.py",
    "brokers/**/*.py",
    "tests/servers/plain.py",
)
HEALTHY = "healthy"
COURSES = (("plain", "buy"), ("plain", "sell"), ("plain", "regret"), ("plainid", "buy"), ("plainid", "sell"))
WORKERS = 2
UNITS = {"KRX:005930": 10}  # held from the start
MEMORY = Path("/dev/shm")  # noqa: S108 a file there needs no waiting for the disk: nobody cuts the power here
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Task:
    """To die at a point of one life: which broker (without or with a client order id), which course of an order."""

    broker: str
    course: str
    point: Point

    def __str__(self) -> str:
        return f"{self.broker} {self.course} {self.point}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task."""

    task: Task
    died: bool
    findings: tuple[str, ...]


@dataclass(slots=True)
class Figures:
    points: int = 0
    unreached: int = 0
    bad: list[Result] = field(default_factory=list)

    def take(self, results: Sequence[Result]) -> None:
        self.points += sum(each.died for each in results)
        self.unreached += sum(not each.died for each in results)
        self.bad += [each for each in results if each.findings]

    def add(self, other: "Figures") -> None:
        self.points += other.points
        self.unreached += other.unreached
        self.bad += other.bad


class Worker:
    """One database, one hostile broker, one clock; lives and deaths happen in its children."""

    def __init__(self, database: str, folder: Path) -> None:
        from tests.faults.clocks import SharedClock
        from tests.servers.control import HostileBroker

        self.database = database
        self.epoch_file = folder / f"epoch-{database}"
        self.venue = HostileBroker()
        self.venue.set_costs("KRX:005930")
        self.venue.set_policy(parts=0)  # orders rest until the life says what trades
        self.clock = SharedClock()

    def tasks(self, kind: str) -> list[Task]:
        """Every line of every course, for the first course in which it is executed.

        Raises RuntimeError where an undisturbed life ends badly.
        """
        found: dict[Point, Task] = {}
        for broker, course in COURSES:
            ended = run_in_child(partial(self.visit, self._traced, broker, course, kind))
            if ended.status or ended.result["findings"]:
                told = ended.result["findings"] if ended.result else f"it ended with {ended.status}"
                raise RuntimeError(f"{broker} {course}, {kind}: the undisturbed life is bad: {told}")
            for file, line in ended.result["points"]:
                point = Point(file, line)
                found.setdefault(point, Task(broker, course, point))
        return list(found.values())

    def work_through(self, kind: str, tasks: Sequence[Task], *, warm: bool) -> list[Result]:
        """Die at each point in a child and recover in another; after one life here, where `warm`, whose caches they share."""
        if warm:
            self.visit(self._warm_up)
        return [self._die_and_recover(kind, task) for task in tasks]

    def _die_and_recover(self, kind: str, task: Task) -> Result:
        name = f"life {time.monotonic_ns()}"
        first = run_in_child(partial(self.visit, self._dying, kind, name, task))
        if first.status and not first.was_killed:
            return Result(task, died=False, findings=(f"the first process ended with {first.status}",))
        second = run_in_child(partial(self.visit, self._recovered, name, task))
        return Result(task, died=first.was_killed, findings=_findings(second))

    def visit(self, work: Any, *words: Any) -> Any:
        """`work` in this worker's database, at its venue and its time; no connection is left behind."""
        from django.conf import settings
        from django.db import connection

        from tests.faults.clocks import travelling

        connection.settings_dict["NAME"] = self.database
        settings.EPOCH_FILE = str(self.epoch_file)
        self.venue.serve_this_process()
        try:
            with travelling(self.clock, self.venue) as traveller:
                return work(traveller, *words)
        finally:
            connection.close()

    def _traced(self, traveller: Any, broker: str, course: str, kind: str) -> dict[str, Any]:
        life = self._begin(traveller, broker, course, kind, f"traced {broker} {course}")
        with recording(sources(*TRACED)) as points:
            life.live()
        return {"points": [(point.file, point.line) for point in points], "findings": self._audit(life)}

    def _warm_up(self, traveller: Any) -> None:
        from trading.services import leases, sending

        self._begin(traveller, "plain", "buy", HEALTHY, "warm up").live()
        leases.give_back(sending.DISPATCH, leases.holder_name())  # this process lives on while its children send

    def _dying(self, traveller: Any, kind: str, name: str, task: Task) -> None:
        life = self._begin(traveller, task.broker, task.course, kind, name)
        with dying_at(task.point):
            life.live()

    def _recovered(self, traveller: Any, name: str, task: Task) -> list[str]:
        from brokers.models import BrokerAccount

        account = BrokerAccount.objects.select_related("user").get(name=name)
        life = self._life(traveller, account, task.course)
        life.live()
        return self._audit(life)

    def _begin(self, traveller: Any, broker: str, course: str, kind: str, name: str) -> Any:
        """A new account and plan, and the fault that awaits them."""
        from accounts.models import User
        from tests.faults import stage
        from trading.limits import TABLE

        self.venue.set_faults(*_rules(kind))
        account = stage.make_account(User.objects.get(), broker, name, self.venue, units=UNITS)
        stage.lift_limits(account, *(name for name in TABLE if name.startswith("orders_per_minute")))
        return self._life(traveller, account, course)

    def _life(self, traveller: Any, account: Any, course: str) -> Any:
        from markets.models import Instrument
        from tests.faults import stage
        from tests.faults.life import Course, Life
        from trading.models import SwingPlan

        instrument = Instrument.objects.get()
        plan = SwingPlan.objects.filter(broker_account=account).first() or stage.make_plan(account, instrument)
        return Life(Course(course), account, instrument, plan, self.venue, traveller.advance)

    def _audit(self, life: Any) -> list[str]:
        from tests.faults.auditor import audit
        from tests.faults.stage import truth_of

        return [str(finding) for finding in audit(life.account, truth_of(self.venue, life.account))]


def kinds() -> list[str]:
    from tests.servers.faults import ORDER_FAULTS

    return [HEALTHY, *(fault.value for fault in ORDER_FAULTS)]


def _rules(kind: str) -> list[Any]:
    """The fault strikes the first order, the first cancel and the first look at the list, wherever it means something there."""
    from tests.servers.faults import Fault, Rule, Verb

    rules = []
    for verb in (Verb.SUBMIT, Verb.CANCEL, Verb.LIST, Verb.FIND, Verb.HOLDINGS) if kind != HEALTHY else ():
        try:
            rules.append(Rule(Fault(kind), verb, times=1, seconds=60))
        except ValueError:
            continue
    return rules


def _findings(ended: Ended) -> tuple[str, ...]:
    if ended.status:
        return (f"the second process ended with {ended.status}",)
    return tuple(ended.result)


def sweep(postgres: Postgres, wanted: Sequence[str], every: int) -> Figures:
    """Every `every`-th point of each kind, shared out among the workers. `postgres` has a prepared database "sweep"."""
    total = Figures()
    for kind in wanted:
        started, figures = time.monotonic(), Figures()
        with workers(postgres) as staff:
            results = _side_by_side(staff, kind, staff[0].tasks(kind)[::every], warm=True)
            # A line that fills a cache is executed once in a process' life: those are died at by processes that are cold.
            cold = [each.task for each in results if not each.died and not each.findings]
            figures.take([each for each in results if each.died or each.findings])
            figures.take(_side_by_side(staff, kind, cold, warm=False))
        _say(kind, figures, time.monotonic() - started)
        total.add(figures)
    return total


@contextmanager
def workers(postgres: Postgres) -> Iterator[list[Worker]]:
    """Fresh ones for each kind, with a database and a venue where no time has passed and nothing has happened yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        staff = []
        for _ in range(WORKERS):
            name = f"sweep-{next(_numbers)}"
            postgres.create(name, template="sweep")
            stack.callback(postgres.drop, name)
            staff.append(Worker(name, folder))
            stack.callback(staff[-1].venue.stop)
        yield staff


def _side_by_side(staff: Sequence[Worker], kind: str, tasks: Sequence[Task], *, warm: bool) -> list[Result]:
    shares = [tasks[number :: len(staff)] for number in range(len(staff))]
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(len(staff))]
        children = [
            start_child(partial(_write_results, worker, kind, share, warm, file))
            for worker, share, file in zip(staff, shares, files, strict=True)
        ]
        for child, share, file in zip(children, shares, files, strict=True):
            _pid, status = os.waitpid(child, 0)
            if status:
                raise RuntimeError(f"{kind}: a worker ended with {os.waitstatus_to_exitcode(status)}")
            told = json.loads(file.read_text())
            results += [Result(task, died, tuple(found)) for task, (died, found) in zip(share, told, strict=True)]
    return results


def _write_results(worker: Worker, kind: str, tasks: Sequence[Task], warm: bool, file: Path) -> None:
    gc.freeze()  # what is there now stays: children need not copy it to look at it
    results = worker.work_through(kind, tasks, warm=warm)
    file.write_text(json.dumps([(each.died, each.findings) for each in results]))


def _say(kind: str, figures: Figures, seconds: float) -> None:
    print(
        f"{kind:24} points={figures.points} bad={len(figures.bad)} unreached={figures.unreached}"
        f" seconds={seconds:.0f} each={seconds / max(1, figures.points):.2f}"
    )
    for result in figures.bad[:20]:
        print(f"    {result.task}: {'; '.join(result.findings)}")
    sys.stdout.flush()


def prepare(database: str) -> None:
    """Tables, one person, one instrument."""
    from django.core.management import call_command
    from django.db import connection

    from tests import factories as make
    from tests.faults import stage

    connection.settings_dict["NAME"] = database
    call_command("migrate", verbosity=0)
    make.make_user("crash@example.com")
    stage.make_instrument()


def set_up(url: str) -> None:
    """Django with this database server, quiet, and without Redis: hints have nowhere to go."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", TEST_DATABASE_URL=url)
    import django
    from django.conf import settings

    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    django.setup()
    import logging

    logging.disable(logging.CRITICAL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every n-th point")
    parser.add_argument("--kind", action="append", help="only these kinds of fault")
    words = parser.parse_args()
    with own_postgres() as postgres:
        set_up(postgres.create("sweep"))
        prepared = run_in_child(partial(prepare, "sweep"))
        if prepared.status:
            return 1
        figures = sweep(postgres, words.kind or kinds(), words.every)
    by_file = Counter(result.task.point.file for result in figures.bad)
    for file, number in by_file.most_common():
        print(f"bad in {file}: {number}")
    print(f"crash-sweep: points={figures.points} bad={len(figures.bad)}")
    return 1 if figures.bad or not figures.points else 0


if __name__ == "__main__":
    sys.exit(main())
