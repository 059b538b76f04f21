"""Running programs for tests: each in a folder of its own, each gone afterwards."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, StorageState

from tests.e2e.browser import NoBrowser, Visit, launched_chromium
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


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(launched_chromium())
        except NoBrowser as e:
            if os.environ.get("CI") == "true":
                raise
            pytest.skip(str(e))
        yield browser


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, running_kairos: RunningKairos) -> StorageState:
    """The demo person's cookies."""
    visit = Visit(chromium, running_kairos.url)
    visit.sign_in(*running_kairos.sign_in())
    state = visit.context.storage_state()
    visit.close()
    return state


@pytest.fixture
def stranger(chromium: Browser, running_kairos: RunningKairos) -> Iterator[Visit]:
    """A window in which nobody has signed in yet. Nothing in it may fail, nor look beyond our host."""
    visit = Visit(chromium, running_kairos.url)
    yield visit
    complaints = list(visit.complaints)  # what a window says while it is being closed is of no matter
    visit.close()
    assert complaints == []


@pytest.fixture
def open_as_person(
    chromium: Browser, running_kairos: RunningKairos, signed_in: StorageState
) -> Iterator[Callable[..., Visit]]:
    """Windows of the demo person, each with options of the browser's own."""
    opened: list[Visit] = []

    def open_window(**options: object) -> Visit:
        opened.append(Visit(chromium, running_kairos.url, storage_state=signed_in, **options))
        return opened[-1]

    yield open_window
    complaints = [complaint for visit in opened for complaint in visit.complaints]
    for visit in opened:
        visit.close()
    assert complaints == []


@pytest.fixture
def person(open_as_person: Callable[..., Visit]) -> Visit:
    return open_as_person()
