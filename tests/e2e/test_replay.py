"""The main job on real input: stored bars played as the live market through the running processes (W03–W06, T11, G02).

feed → bars → worker → evaluation → dispatch → matching → ledger → pages. Two systems run side by side, one for each file; the
plans are registered through the pages, as a person would. Each plan's history must equal the table kept beside this test,
fill by fill and to the last unit of cash: of the file's first bars, or of all of them with REPLAY_WHOLE=1 (`make replay`).
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.e2e.running import ROOT, RunningKairos, manage
from tests.e2e.visitor import Visitor

SHARED = ROOT.parent / "shared" / "data"
TABLES = Path(__file__).parent / "histories"
MOST_SECONDS = 900
IS_WHOLE = os.environ.get("REPLAY_WHOLE") == "1"

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price data is not beside this repository"),
]


@dataclass(frozen=True)
class Case:
    """One file, the account that trades it, and the table its plan's history must equal."""

    key: str
    file: str
    interval: str
    currency: str
    opening: str
    first_bars: int
    table: str

    def lines(self) -> tuple[list[str], list[str]]:
        """The head of the file and the bars to replay; and those left out."""
        lines = (SHARED / self.file).read_text().splitlines(keepends=True)
        end = len(lines) if IS_WHOLE else 1 + self.first_bars
        return lines[:end], lines[end:]

    def expected(self) -> str:
        """The table as far as it is about the bars to replay."""
        head, *rows = (TABLES / self.table).read_text().splitlines(keepends=True)
        _played, left_out = self.lines()
        until = left_out[0].partition(",")[0] if left_out else "9999"
        return head + "".join(row for row in rows if row < until)


CASES = (
    Case("KRX:005930", "krx-daily/005930.csv", "1d", "KRW", "10000000", 2300, "005930-1d.csv"),
    Case("BINANCE:UNITTEST/BTC", "crypto/UNITTEST_BTC-1m.csv", "1m", "BTC", "0.01", 3000, "UNITTEST_BTC-1m.csv"),
)


class Replayed:
    """A running Kairos in which one person's plan watches one instrument while its bars are replayed."""

    def __init__(self, case: Case, var: Path) -> None:
        self.case = case
        self.played, _left_out = case.lines()
        self.file = var.parent / "bars.csv"
        self.file.write_text("".join(self.played))
        self.kairos = RunningKairos(var, "--no-demo").start()
        self.visitor = Visitor(self.kairos.url)

    def register(self) -> None:
        """Instruments and bars by command; the person, their account and their plan through the pages."""
        self.kairos.wait_until_ready()
        self._command("seed_demo", "--instruments-only")
        self._command("import_bars", str(self.file), "--instrument", self.case.key, "--interval", self.case.interval)
        person = {"email": "jin@example.com", "password": "sailing-by-rule-7"}
        self.visitor.submit("/sign-in/new/", **person, password_again=person["password"])
        self.visitor.submit("/sign-in/", **person)
        self.visitor.submit("/accounts/", name="재생", currency=self.case.currency, opening_balance=self.case.opening)
        filters = {f"{step}_use_{name}": "" for step in ("first", "second") for name in ("rsi", "adx", "obv")}
        filters["first_use_adx"] = "on"
        self.visitor.submit(
            "/plans/new/",
            **filters,
            adx_threshold="20",
            name="재생 스윙",
            instrument=self.case.key,
            interval=self.case.interval,
            budget=self.case.opening,
            first_share="50",
        )
        found = re.search(r"/plans/([0-9a-f-]{36})/", self.visitor.address)
        assert found, f"the plan was not registered: {self.visitor.address}"
        self.plan = found[1]

    def play(self) -> None:
        """Replay the whole file at full speed, in a process of its own beside the running ones."""
        arguments = ("feed", "--replay", self.case.key, "--interval", self.case.interval, "--speed", "max")
        self.feed = subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.kairos.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def wait(self, deadline: float) -> None:
        said, _nothing = self.feed.communicate(timeout=deadline - time.monotonic())
        assert self.feed.returncode == 0, said
        assert f"{len(self.played) - 1} bars of {self.case.key} replayed" in said, said

    def history(self) -> str:
        return self._command("plan_history", self.plan)

    def end(self) -> None:
        if hasattr(self, "feed") and self.feed.poll() is None:
            self.feed.kill()
            self.feed.wait()
        self.kairos.end()

    def _command(self, *arguments: str) -> str:
        done = manage(*arguments, environment=self.kairos.environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def replayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Replayed]]:
    runs: list[Replayed] = []
    try:
        for case in CASES:
            runs.append(Replayed(case, tmp_path_factory.mktemp(case.interval) / "var"))
        for run in runs:
            run.register()
        for run in runs:
            run.play()
        deadline = time.monotonic() + MOST_SECONDS
        for run in runs:
            run.wait(deadline)
        yield {run.case.key: run for run in runs}
    finally:
        for run in runs:
            run.end()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_a_replayed_file_gives_the_history_in_the_table(case: Case, replayed: dict[str, Replayed]) -> None:
    expected = case.expected()
    assert len(expected.splitlines()) > 25
    assert replayed[case.key].history() == expected


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_the_plan_bought_in_two_steps_and_sold(case: Case, replayed: dict[str, Replayed]) -> None:
    signals = {line.split(",")[2] for line in replayed[case.key].history().splitlines()[1:]}
    assert {"1", "2", "3"} <= signals


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_the_books_balance_to_the_last_unit(case: Case, replayed: dict[str, Replayed]) -> None:
    """I16, I17: recomputed from postings, orders and fills."""
    done = manage("check_books", environment=replayed[case.key].kairos.environment)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.key)
def test_the_pages_show_what_the_plan_did(case: Case, replayed: dict[str, Replayed]) -> None:
    run = replayed[case.key]
    page = run.visitor.get(f"/plans/{run.plan}/")
    assert "재생 스윙" in page
    assert "SIGNAL" in page
    assert "모의" in page
