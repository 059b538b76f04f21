"""The hostile broker for tests of adapters: one process for them all, healthy again before each."""

import os
from collections.abc import Iterator

import pytest

from tests.servers.control import URL_NAME, HostileBroker


@pytest.fixture(scope="session")
def hostile_process() -> Iterator[HostileBroker]:
    with HostileBroker(seed=1) as broker:
        yield broker


@pytest.fixture
def hostile(hostile_process: HostileBroker) -> Iterator[HostileBroker]:
    """Healthy, orders rest; the adapters opened meanwhile come here."""
    hostile_process.set_faults()
    hostile_process.set_policy(parts=0)
    before = os.environ.get(URL_NAME)
    hostile_process.serve_this_process()
    yield hostile_process
    if before is None:
        del os.environ[URL_NAME]
    else:
        os.environ[URL_NAME] = before
