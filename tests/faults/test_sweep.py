"""A sample of `make crash-sweep` in every test run: a healthy life, and one whose first replies are lost (I1-I3, I7)."""

import os
import re
import subprocess
import sys

import pytest

from tests.faults.servers import NoPostgres, binaries
from tests.faults.tracing import ROOT

pytestmark = pytest.mark.processes


def sweep(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    try:
        binaries()
    except NoPostgres as e:
        pytest.skip(str(e))
    return subprocess.run(
        [sys.executable, "-m", "tests.faults.sweep", *words],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )


def test_dying_at_any_of_some_lines_harms_nothing() -> None:
    done = sweep("--every", "40", "--kind", "healthy", "--kind", "drop-after-accepting")
    told = re.search(r"^crash-sweep: points=(\d+) bad=(\d+)$", done.stdout, re.MULTILINE)
    assert told is not None, done.stdout + done.stderr
    assert int(told[1]) > 40
    assert (told[2], done.returncode) == ("0", 0), done.stdout + done.stderr


def test_a_blunder_is_found() -> None:
    """The sweep is not blind: an adapter that takes HTTP 500 for "not placed" is caught at once."""
    words = ("--every", "25", "--kind", "500-after-accepting")
    done = sweep(*words, KAIROS_TEST_MUTANT="500-is-refusal")
    assert done.returncode != 0
    assert "lost" in done.stdout + done.stderr
