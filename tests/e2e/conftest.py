"""Running programs for tests: each in a folder of its own, each gone afterwards."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.running import RunningKairos, wait_until


@pytest.fixture
def start_kairos(tmp_path: Path) -> Iterator[Callable[..., RunningKairos]]:
    """Start `manage.py up` with options (`--no-demo`, `--replay` …) and settings; it is not waited for."""
    started: list[RunningKairos] = []

    def start(*options: str, **environment: str) -> RunningKairos:
        kairos = RunningKairos(tmp_path / "var", *options, environment=environment).start()
        started.append(kairos)
        return kairos

    yield start
    for kairos in started:
        kairos.end()


@pytest.fixture(scope="module")
def running_kairos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningKairos]:
    """The demo, freshly seeded and ready, for one module's tests; afterwards Ctrl-C must leave nothing behind."""
    kairos = RunningKairos(tmp_path_factory.mktemp("kairos") / "var").start()
    try:
        kairos.wait_until_ready()
        yield kairos
        seconds = kairos.stop()
        wait_until(lambda: not kairos.left_over(), 2, f"still there: {kairos.left_over()}")
        assert seconds < 10
    finally:
        kairos.end()
