"""`make crash-sweep`: the process dies at every line the order path executes, with a healthy venue and each kind of fault.

Of each life a first run records the lines. Then it is lived again by processes each of which dies at the first line that none
has died at yet; the next begins it again, the last one lives it to its end, and the auditor compares. A clock that is moved
stands for waiting. A life of several deaths whose end is bad is taken apart: each death is died alone.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tests.faults.forks import run_in_child, start_child
from tests.faults.servers import Postgres, own_postgres

if TYPE_CHECKING:
    from tests.faults.deaths import Result, Task, Worker
    from tests.servers.faults import Rule

HEALTHY = "healthy"
FAULTS = (
    *("drop-before-accepting", "drop-after-accepting", "accept-late", "500-without-accepting", "500-after-accepting"),
    *("hidden-from-lists", "rate-limited"),
)
WORKERS = 2
DEATHS = 8  # of one life
MOST_UNREACHED = 0.01  # of the points: lines that only chance, such as a slow moment, leads to


@dataclass(slots=True)
class Figures:
    points: int = 0
    unreached: int = 0
    bad: "list[Result]" = field(default_factory=list)

    def take(self, results: "Sequence[Result]") -> None:
        self.points += sum(each.died for each in results)
        self.unreached += sum(not each.died for each in results)
        self.bad += [each for each in results if each.findings]

    def add(self, other: "Figures") -> None:
        self.points += other.points
        self.unreached += other.unreached
        self.bad += other.bad


def sweep(postgres: Postgres, wanted: Sequence[str], every: int, most_deaths: int) -> Figures:
    """Every `every`-th point of each kind, shared out among the workers."""
    from tests.faults import deaths

    total = Figures()
    for kind in wanted:
        started, figures = time.monotonic(), Figures()
        rules = [] if kind == HEALTHY else deaths.rules_of(kind)
        with deaths.workers(postgres, WORKERS) as staff:
            tasks = staff[0].tasks(rules)[::every]
            # A line that fills a cache is executed once in a process' life: only processes that are cold come by it.
            for warm in (True, False):
                results = _side_by_side(staff, rules, tasks, most_deaths, warm=warm)
                figures.take([each for each in results if each.died or each.findings])
                tasks = [each.task for each in results if not each.died and not each.findings]
            figures.unreached += len(tasks)
        _say(kind, figures, time.monotonic() - started)
        total.add(figures)
    return total


def _side_by_side(
    staff: "Sequence[Worker]", rules: "Sequence[Rule]", tasks: "Sequence[Task]", most: int, *, warm: bool
) -> "list[Result]":
    from tests.faults import deaths

    results: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / str(number) for number in range(len(staff))]
        children = [
            start_child(
                partial(deaths.write_results, worker, rules, tasks[number :: len(staff)], most, warm, files[number])
            )
            for number, worker in enumerate(staff)
        ]
        for child, file in zip(children, files, strict=True):
            _pid, status = os.waitpid(child, 0)
            if status:
                raise RuntimeError(f"a worker ended with {os.waitstatus_to_exitcode(status)}")
            results += deaths.read_results(file)
    return results


def _say(kind: str, figures: Figures, seconds: float) -> None:
    print(
        f"{kind:24} points={figures.points} bad={len(figures.bad)} unreached={figures.unreached}"
        f" seconds={seconds:.0f} each={seconds / max(1, figures.points):.2f}"
    )
    for result in figures.bad[:20]:
        print(f"    {result.task}: {'; '.join(result.findings)}")
    sys.stdout.flush()


def set_up(url: str) -> None:
    """Django with this database, quiet, and without Redis: hints have nowhere to go."""
    os.environ.update(DJANGO_SETTINGS_MODULE="tests.settings", TEST_DATABASE_URL=url)
    import django
    from django.conf import settings

    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    django.setup()
    logging.disable(logging.CRITICAL)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1, help="only every n-th point")
    parser.add_argument("--kind", action="append", help="only these kinds of fault")
    parser.add_argument("--deaths", type=int, default=DEATHS, help="of one life; 1: a life for each")
    words = parser.parse_args()
    with own_postgres() as postgres:
        set_up(postgres.create("sweep"))
        from tests.faults import deaths

        if run_in_child(deaths.prepare).status:
            return 1
        figures = sweep(postgres, words.kind or (HEALTHY, *FAULTS), words.every, words.deaths)
    by_file = Counter(result.task.point.file for result in figures.bad)
    for file, number in by_file.most_common():
        print(f"bad in {file}: {number}")
    print(f"crash-sweep: points={figures.points} bad={len(figures.bad)}")
    return 1 if figures.bad or figures.unreached > MOST_UNREACHED * figures.points or not figures.points else 0


if __name__ == "__main__":
    sys.exit(main())
