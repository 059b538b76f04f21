"""Lives that end at chosen lines, each death in a child of its own, and what the auditor finds when the last has recovered.

Imported once Django is set up.
"""

import gc
import json
import mmap
import struct
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make
from tests.faults import stage
from tests.faults.auditor import audit
from tests.faults.clocks import SharedClock, Traveller, travelling
from tests.faults.forks import run_in_child
from tests.faults.life import Course, Life
from tests.faults.servers import Postgres
from tests.faults.tracing import Point, dying_at, recording, sources
from tests.servers.control import HostileBroker
from tests.servers.faults import Fault, Rule, Verb
from trading.limits import TABLE
from trading.models import SwingPlan
from trading.services.ordering import sending
from trading.services.running import leases

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
COURSES = (
    ("plain", Course.BUY),
    ("plain", Course.SELL),
    ("plain", Course.REGRET),
    ("plainid", Course.BUY),
    ("plainid", Course.SELL),
)
UNITS = {"KRX:005930": 10}  # held from the start
MEMORY = Path("/dev/shm")  # noqa: S108 a file there needs no waiting for the disk: nobody cuts the power here
TEMPLATE = "sweep"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Task:
    """To die at a point of one life: which broker (without or with a client order id), which course of an order."""

    broker: str
    course: Course
    point: Point

    def __str__(self) -> str:
        return f"{self.broker} {self.course} {self.point}"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one task."""

    task: Task
    died: bool
    findings: tuple[str, ...] = ()


class BadLife(Exception):
    """A life that nobody disturbed ended badly: there is nothing to sweep."""


class Note:
    """Which of its tasks a dying process is at, in memory that outlives it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 4)

    def write(self, place: int) -> None:
        self._memory[:4] = struct.pack("i", place)

    def read(self) -> int:
        return int(struct.unpack("i", self._memory[:4])[0])


class Worker:
    """One database, one hostile broker, one clock; lives and deaths happen in its children."""

    def __init__(self, database: str, folder: Path) -> None:
        self._database = database
        self._epoch_file = folder / f"epoch-{database}"
        self._clock = SharedClock()
        self._note = Note()
        self.venue = HostileBroker()
        self.venue.set_costs("KRX:005930")
        self.venue.set_price("KRX:005930", stage.PRICE)
        self.venue.set_policy(parts=0)  # orders rest until the life says what trades

    def tasks(self, rules: Sequence[Rule]) -> list[Task]:
        """Every line of every course, for the first course in which it is executed, as they come. Raises BadLife."""
        found: dict[Point, Task] = {}
        for broker, course in COURSES:
            ended = run_in_child(partial(self._visit, self._traced, broker, course, rules))
            if ended.status or ended.result["findings"]:
                told = ended.result["findings"] if ended.result else f"it ended with {ended.status}"
                raise BadLife(f"{broker} {course}: {told}")
            for file, line in ended.result["points"]:
                point = Point(file, line)
                found.setdefault(point, Task(broker, course, point))
        return list(found.values())

    def work_through(self, rules: Sequence[Rule], tasks: Sequence[Task], deaths: int, *, warm: bool) -> list[Result]:
        """Die at all of these; after one life here, where `warm`, whose caches the lives share.

        A process dies at the first line it comes by that none has died at yet; after `deaths` of them a life may end.
        """
        gc.freeze()  # what is there now stays: children need not copy it to look at it
        if warm:
            self._visit(self._warm_up)
        courses: dict[tuple[str, Course], list[Task]] = defaultdict(list)
        for task in tasks:
            courses[task.broker, task.course].append(task)
        return [result for left in courses.values() for result in self._all_of(rules, left, deaths)]

    def _all_of(self, rules: Sequence[Rule], left: list[Task], deaths: int) -> Iterator[Result]:
        while left:
            results = self._live(rules, left, deaths)
            yield from results
            left = [task for task in left if task not in {result.task for result in results}]
            if not results:
                break
        yield from (Result(task, died=False) for task in left)

    def _live(self, rules: Sequence[Rule], tasks: Sequence[Task], deaths: int) -> list[Result]:
        """One life that is begun again after each death, until it ends; what was died at."""
        name, left = f"life {time.monotonic_ns()}", list(tasks)
        died: list[Task] = []
        while left and len(died) < deaths:
            ended = run_in_child(partial(self._visit, self._dying, rules, name, left))
            if ended.status and not ended.was_killed:
                return [Result(left[0], died=False, findings=(f"a process ended with {ended.status}",))]
            if not ended.was_killed:
                break
            died.append(left.pop(self._note.read()))
        if not died:
            return []
        return self._blame(rules, died, self._recover(name, died[0].course))

    def _recover(self, name: str, course: Course) -> tuple[str, ...]:
        ended = run_in_child(partial(self._visit, self._recovered, name, course))
        return (f"the last process ended with {ended.status}",) if ended.status else tuple(ended.result)

    def _blame(self, rules: Sequence[Rule], died: Sequence[Task], findings: tuple[str, ...]) -> list[Result]:
        """Which death did the harm: each is died alone once more; where none does any alone, it was the last one."""
        if not findings or len(died) < 2:
            return [Result(task, died=True, findings=findings) for task in died]
        alone = [result for task in died for result in self._live(rules, [task], 1)]
        guilty = {result.task: result.findings for result in alone if result.findings}
        if not guilty:
            guilty = {died[-1]: (*findings, f"only after deaths at {', '.join(str(task.point) for task in died[:-1])}")}
        return [Result(task, died=True, findings=guilty.get(task, ())) for task in died]

    def _visit(self, work: Any, *words: Any) -> Any:
        """`work` in this worker's database, at its venue and its time; no connection is left behind."""
        connection.settings_dict["NAME"] = self._database
        settings.EPOCH_FILE = str(self._epoch_file)
        self.venue.serve_this_process()
        try:
            with travelling(self._clock, self.venue) as traveller:
                return work(traveller, *words)
        finally:
            connection.close()

    def _traced(self, traveller: Traveller, broker: str, course: Course, rules: Sequence[Rule]) -> dict[str, Any]:
        self.venue.set_faults(*rules)
        life = self._begin(traveller, broker, course, f"traced {broker} {course}")
        with recording(sources(*TRACED)) as points:
            life.live()
        findings = self._audit(life) + ([] if life.is_fulfilled() else ["it did not come to what it was lived for"])
        return {"points": [(point.file, point.line) for point in points], "findings": findings}

    def _warm_up(self, traveller: Traveller) -> None:
        self.venue.set_faults()
        self._begin(traveller, "plain", Course.BUY, f"warm up {time.monotonic_ns()}").live()
        leases.give_back(sending.DISPATCH, leases.holder_name())  # this process lives on while its children send

    def _dying(self, traveller: Traveller, rules: Sequence[Rule], name: str, tasks: Sequence[Task]) -> None:
        """The fault awaits everybody who begins the life, or begins it again."""
        self.venue.set_faults(*rules)
        account = self._account(name)
        first, points = tasks[0], [task.point for task in tasks]
        if account is None:
            life = self._begin(traveller, first.broker, first.course, name)
        else:
            life = self._life(traveller, account, first.course)
        with dying_at(points, lambda point: self._note.write(points.index(point))):
            life.live()

    def _recovered(self, traveller: Traveller, name: str, course: Course) -> list[str]:
        life = self._life(traveller, self._account(name), course)
        life.live()
        return self._audit(life)

    def _account(self, name: str) -> BrokerAccount | None:
        return BrokerAccount.objects.select_related("user").filter(name=name).first()

    def _begin(self, traveller: Traveller, broker: str, course: Course, name: str) -> Life:
        account = stage.make_account(User.objects.get(), broker, name, self.venue, units=UNITS)
        stage.lift_limits(account, *(limit for limit in TABLE if limit.startswith("orders_per_minute")))
        return self._life(traveller, account, course)

    def _life(self, traveller: Traveller, account: BrokerAccount | None, course: Course) -> Life:
        assert account is not None
        instrument = Instrument.objects.get()
        plan = SwingPlan.objects.filter(broker_account=account).first() or stage.make_plan(account, instrument)
        return Life(course, account, instrument, plan, self.venue, traveller.advance)

    def _audit(self, life: Life) -> list[str]:
        return [str(finding) for finding in audit(life.account, stage.truth_of(self.venue, life.account))]


def prepare() -> None:
    """Tables, one person, one instrument, in the database that the workers' are copies of."""
    connection.settings_dict["NAME"] = TEMPLATE
    call_command("migrate", verbosity=0)
    make.make_user("crash@example.com")
    stage.make_instrument()


@contextmanager
def workers(postgres: Postgres, number: int) -> Iterator[list[Worker]]:
    """Fresh ones, with databases and venues where no time has passed and nothing has happened yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)))
        staff = []
        for _ in range(number):
            name = f"sweep-{next(_numbers)}"
            postgres.create(name, template=TEMPLATE)
            stack.callback(postgres.drop, name)
            staff.append(Worker(name, folder))
            stack.callback(staff[-1].venue.stop)
        yield staff


def rules_of(kind: str) -> list[Rule]:
    """The fault strikes the first order, cancel and question of each sort, wherever it means something there.

    Raises ValueError for a fault nobody knows.
    """
    fault, rules = Fault(kind), []
    for verb in Verb:
        try:
            rules.append(Rule(fault, verb, times=1, seconds=60))
        except ValueError:  # it means nothing there
            continue
    return rules


def write_results(
    worker: Worker, rules: Sequence[Rule], tasks: Sequence[Task], most: int, warm: bool, file: Path
) -> None:
    results = worker.work_through(rules, tasks, most, warm=warm)
    told = [(r.task.broker, r.task.course, r.task.point.file, r.task.point.line, r.died, r.findings) for r in results]
    file.write_text(json.dumps(told))


def read_results(file: Path) -> list[Result]:
    return [
        Result(Task(broker, Course(course), Point(name, line)), died, tuple(findings))
        for broker, course, name, line, died, findings in json.loads(file.read_text())
    ]
