"""The KIS sandbox as its own tests use it: a Friday morning whose clock stands, with nobody counting calls."""

import pytest

from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import Probe


@pytest.fixture
def sandbox(kis_process: KisSandbox) -> KisSandbox:
    kis_process.tell("reset", at="2026-11-20T10:00:00", speed=0)
    kis_process.tell("limits", live=1000, paper=1000)
    return kis_process


@pytest.fixture
def live(sandbox: KisSandbox) -> Probe:
    return Probe(sandbox).log_in()
