"""One decision per (plan, bar) whatever beat and Redis do: rings lost, doubled, flushed away, taken up by a worker that dies
(T11, W06, I25). The queue is a real Redis; a worker here is a loop that takes what waits there."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
import redis
from django.db import OperationalError
from kombu import Connection

from config.celery import app
from config.supervision.embedded_redis import EmbeddedRedis
from strategies.library.swing import SwingParameters
from tests.trading.crowd import make_plans, standing
from tests.trading.test_evaluation import CROSSES_ONLY, Market, market
from tests.trading.test_evaluation_many import dying_at
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.tasks import evaluate_plans

__all__ = ["market"]  # the fixture
pytestmark = pytest.mark.django_db


class Rings:
    """What beat says and workers hear, in a Redis of its own."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    @contextmanager
    def line(self) -> Iterator[Connection]:
        with app.connection_for_write(f"redis+socket://{self._socket}") as line:
            yield line

    def beat(self, times: int) -> None:
        with self.line() as line:
            for _ring in range(times):
                app.send_task(evaluate_plans.name, connection=line, retry=False)

    def flush(self) -> None:
        redis.Redis(unix_socket_path=str(self._socket)).flushall()

    def work(self) -> int:
        """Do what waits, as a worker does: a ring is struck off once its work is done. How many there were."""
        done = 0
        with self.line() as line, line.SimpleQueue("celery") as waiting:
            while (message := _next(waiting)) is not None:
                app.tasks[message.headers["task"]](*message.payload[0])
                message.ack()
                done += 1
        return done


def _next(waiting: Any) -> Any:
    try:
        return waiting.get(block=False)
    except Empty:
        return None


@pytest.fixture
def rings(tmp_path: Path) -> Iterator[Rings]:
    socket = tmp_path / "r" / "s"
    server = EmbeddedRedis(socket)
    server.start()
    try:
        yield Rings(socket)
    finally:
        server.stop()


@pytest.fixture
def plans(market: Market) -> list[SwingPlan]:
    plans = make_plans(market.instrument, 6, (CROSSES_ONLY, SwingParameters()))
    market.close_bars(70_000)
    return plans


def check_once_each(plans: list[SwingPlan]) -> None:
    """Each plan has decided once on its bar, and each order is one decision's."""
    looks = PlanEvaluation.objects.values_list("plan", "outcome", "order")
    assert sorted(plan for plan, _outcome, _order in looks) == sorted(plan.pk for plan in plans)
    bought = [order for _plan, outcome, order in looks if outcome == "buy_first"]
    assert sorted(bought) == sorted(Order.objects.values_list("pk", flat=True)) != []
    assert {standing(plan)["version"] - plan.version for plan in plans} == {1}


@pytest.mark.parametrize("times", [1, 5])
def test_however_often_beat_rings_each_plan_decides_once(rings: Rings, plans: list[SwingPlan], times: int) -> None:
    rings.beat(times)
    assert rings.work() == times
    check_once_each(plans)


def test_a_ring_that_never_came_is_made_up_by_the_next(rings: Rings, plans: list[SwingPlan]) -> None:
    assert rings.work() == 0
    assert not PlanEvaluation.objects.exists()
    rings.beat(1)
    assert rings.work() == 1
    check_once_each(plans)


def test_a_flushed_redis_loses_rings_and_no_decision(rings: Rings, plans: list[SwingPlan]) -> None:
    rings.beat(2)
    rings.flush()
    assert rings.work() == 0
    rings.beat(1)
    assert rings.work() == 1
    rings.flush()
    rings.beat(1)
    assert rings.work() == 1
    check_once_each(plans)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_at_its_work_leaves_the_ring_to_another(rings: Rings, plans: list[SwingPlan]) -> None:
    rings.beat(1)
    for fatal in (3, 12, 25):
        with pytest.raises(OperationalError), dying_at(fatal):
            rings.work()
    assert rings.work() == 1
    check_once_each(plans)
