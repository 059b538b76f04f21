"""Many plans in one go: the same rows as one by one, once each, whatever dies in between (I25, I26, T11)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import OperationalError, connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from markets.services.series import Series
from strategies.library.swing import ACTIVE_SWING, SwingParameters
from tests import factories as make
from tests.trading.crowd import make_plans, one_by_one, standing, together, told
from tests.trading.test_evaluation import CROSSES_ONLY, Market, market, wave
from tests.trading.test_events import eventually
from trading import services, tasks
from trading.events import Hint, HintPublisher
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services.planning import evaluation
from trading.services.planning.evaluation import due
from trading.services.planning.evaluation.among import among
from trading.services.planning.evaluation.many import decide_many
from trading.services.planning.evaluation.rules import rules_of

__all__ = ["market"]  # the fixture
pytestmark = pytest.mark.django_db

RULES = (CROSSES_ONLY, ACTIVE_SWING, SwingParameters(trailing_stop_rate=0.02, take_profit_rate=0.05))
SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}

prices = st.integers(55_000, 85_000).map(lambda price: Decimal(price).quantize(Decimal(100)))
idle = st.fixed_dictionaries({"signal": st.just(0)})
holding = st.fixed_dictionaries(
    {
        "signal": st.sampled_from([1, 2]),
        "held_quantity": st.integers(1, 9).map(Decimal),
        "held_cost": st.integers(60_000, 700_000).map(Decimal),
        "peak_close": st.none() | prices,
        "exiting": st.booleans(),
    }
)
sold = st.fixed_dictionaries(
    {"signal": st.just(3), "cooldown_left": st.integers(0, 3), "repeat": st.booleans(), "cycle": st.integers(1, 4)}
)
contradiction = st.just({"signal": 2, "held_quantity": Decimal(0)})
states = st.tuples(idle | holding | sold | contradiction, st.sampled_from(["shadow", "on"]), st.integers(0, 2))


@settings(max_examples=12, **SHARED)  # type: ignore[arg-type]
@given(drawn=st.lists(states, min_size=1, max_size=6), missed=st.integers(0, 10))
def test_together_or_one_by_one_plans_decide_the_same(
    market: Market, drawn: list[tuple[dict[str, Any], str, int]], missed: int
) -> None:
    """Every evaluation, and everything a plan remembers, to the last byte."""
    rules = [RULES[rule] for _state, _mode, rule in drawn]
    left, right = (make_plans(market.instrument, len(drawn), rules) for _side in range(2))
    for plans in (left, right):
        for plan, (state, mode, _rule) in zip(plans, drawn, strict=True):
            SwingPlan.objects.filter(pk=plan.pk).update(mode=mode, **state)
    market.close_bars(*wave(missed + 1, at=market.hours))
    together(left)
    assert evaluation.evaluate_due() >= 0  # those that asked for orders, and all of the other side, too
    for a, b in zip(left, right, strict=True):
        assert (told(a), standing(a)) == (told(b), standing(b))
        assert [each["outcome"] for each in told(a)][:missed] == ["skipped"] * missed


@settings(max_examples=8, **SHARED)  # type: ignore[arg-type]
@given(drawn=st.lists(states, min_size=1, max_size=4), missed=st.integers(0, 3))
def test_the_way_of_orders_writes_what_the_other_would(
    market: Market, drawn: list[tuple[dict[str, Any], str, int]], missed: int
) -> None:
    rules = [RULES[rule] for _state, _mode, rule in drawn]
    left, right = (make_plans(market.instrument, len(drawn), rules) for _side in range(2))
    for plans in (left, right):
        for plan, (state, _mode, _rule) in zip(plans, drawn, strict=True):
            SwingPlan.objects.filter(pk=plan.pk).update(mode="shadow", **state)  # no orders: both can do all of it
    market.close_bars(*wave(missed + 1, at=market.hours))
    assert together(left) == one_by_one(right) == len(drawn) * (missed + 1)
    for a, b in zip(left, right, strict=True):
        assert (told(a), standing(a)) == (told(b), standing(b))


def test_a_crowd_is_decided_once_each_however_often_it_is_rung(market: Market) -> None:
    plans = make_plans(market.instrument, 20, RULES)
    market.close_bars(*wave(1, at=market.hours))
    assert [services.evaluate_due() for _ring in range(5)] == [20, 0, 0, 0, 0]
    assert PlanEvaluation.objects.count() == len(plans)


def test_the_number_of_queries_does_not_grow_with_the_plans(market: Market) -> None:
    """Plans without an order: what is read and written for one is read and written for hundreds."""
    counts = []
    for number in (1, 30):
        make_plans(market.instrument, number, [SwingParameters()])
        market.close_bars(70_000)
        with counted() as queries:
            assert services.evaluate_due() >= number
        counts.append(len(queries))
    assert counts[1] <= counts[0] + 1


@contextmanager
def counted() -> Iterator[list[str]]:
    said: list[str] = []

    def keep(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(keep):
        yield said


@pytest.mark.django_db(transaction=True)
def test_dying_before_any_statement_loses_and_doubles_nothing(market: Market) -> None:
    """I25, with orders: whatever was not committed is decided by the next who looks."""
    make.make_account(make.make_user())
    plans = make_plans(market.instrument, 12, (CROSSES_ONLY, SwingParameters()))
    market.close_bars(70_000)
    deaths = 0
    for fatal in range(400):
        try:
            with dying_at(fatal):
                services.evaluate_due()
        except OperationalError:
            deaths += 1
            continue
        break
    assert deaths > 10
    assert services.evaluate_due() == 0
    looks = PlanEvaluation.objects.values_list("plan", "outcome", "order")
    assert sorted(plan for plan, _outcome, _order in looks) == sorted(plan.pk for plan in plans)
    bought = [order for _plan, outcome, order in looks if outcome == "buy_first"]
    assert len(bought) == 6
    assert set(bought) == set(Order.objects.values_list("pk", flat=True))
    for plan in plans:
        assert standing(plan)["version"] == plan.version + 1


@contextmanager
def dying_at(number: int) -> Iterator[None]:
    """The connection is gone just before statement `number`."""
    count = 0

    def die(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        nonlocal count
        count += 1
        if count > number:
            raise OperationalError("gone")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(die):
        yield


def test_a_bar_decided_on_in_an_earlier_run_is_not_decided_again_and_stops_nobody_else(market: Market) -> None:
    """A replay begun anew: one plan has looked at these bars before, the others have not."""
    plans = make_plans(market.instrument, 10, [SwingParameters()])
    market.close_bars(70_000)
    one_by_one(plans[:1])
    before = told(plans[0])
    SwingPlan.objects.filter(pk=plans[0].pk).update(decided_until=None)
    assert services.evaluate_due() == 9
    assert told(plans[0]) == before
    assert PlanEvaluation.objects.count() == 10
    assert services.evaluate_due() == 0


def test_a_plan_that_was_given_another_rule_meanwhile_is_left_to_the_next_look(market: Market) -> None:
    plans = make_plans(market.instrument, 2, RULES)
    market.close_bars(70_000)
    chosen = SwingPlan.objects.running()
    found = due.due(chosen, due.Market())
    pending = due.pending_plans(chosen, found)
    SwingPlan.objects.filter(pk=plans[0].pk).update(strategy_version=plans[1].strategy_version)
    rules = rules_of({plan.rule: plan.version_id for plan in pending})
    views = due.views_for(found, pending, rules, due.Market())
    done = decide_many(pending, views, rules)
    assert [each.plan_id for each in done.held] == [plans[0].pk]
    assert not told(plans[0])


def test_one_person_is_told_of_many_plans_in_one_message() -> None:
    """I29: hints, by the dozen each hour, as one message to each person."""
    sent: list[tuple[str, Any]] = []

    class Layer:
        async def group_send(self, group: str, message: Any) -> None:
            sent.append((group, message))

    def hint(name: str, kind: str = "plan.changed", version: int = 1) -> Hint:
        return Hint(type=kind, id=name, version=version)

    publisher = HintPublisher(Layer())
    publisher.publish_all(
        [
            ("user_a", hint("1")),
            ("user_b", hint("2")),
            ("user_a", hint("o", "order.changed")),
            ("user_a", hint("3")),
            ("user_a", hint("1", version=2)),
        ]
    )
    assert eventually(lambda: len(sent) == 3)
    assert sent == [
        ("user_b", hint("2")),
        ("user_a", hint("o", "order.changed")),
        ("user_a", {"type": "plans.changed", "changed": [("3", 1), ("1", 2)]}),
    ]


def test_chunks_hold_whole_instruments_and_about_a_thousand_plans() -> None:
    """One task for each chunk: an instrument's bars are read and its rules asked by one worker."""
    instrument = make.make_instrument()

    def found(key: int, interval: str, plans: int) -> due.Due:
        return due.Due(Series(key, "simulator", interval), instrument, make.NOW, plans)

    watched = [found(1, "1h", 600), found(1, "1d", 600), found(2, "1h", 10), found(3, "1h", 2_700), found(4, "1h", 1)]
    assert [[each.series.instrument_id for each in chunk] for chunk in due.chunks(watched)] == [[1, 1], [2], [3], [4]]
    many_small = [found(key, "1h", 2) for key in range(250)]
    assert [len(chunk) for chunk in due.chunks(many_small)] == [100, 100, 50]
    assert list(due.chunks([])) == []


def test_the_ring_for_all_leaves_chunks_to_whoever_is_free(market: Market) -> None:
    make_plans(market.instrument, 3, RULES)
    market.close_bars(70_000)
    assert evaluation.instruments_due() == [[market.instrument.pk]]
    tasks.evaluate_plans()
    assert PlanEvaluation.objects.count() == 3
    assert evaluation.instruments_due() == []
    market.close_bars(70_000)
    tasks.evaluate_chunk([market.instrument.pk])
    assert PlanEvaluation.objects.count() == 6


def test_plans_are_found_among_any_number_of_keys(market: Market) -> None:
    first, second, third = make_plans(market.instrument, 3)
    assert set(SwingPlan.objects.filter(among("pk", [first.pk, third.pk, uuid4()]))) == {first, third}
    assert not SwingPlan.objects.filter(among("pk", [])).exists()
    assert SwingPlan.objects.filter(among("pk", [second.pk])).update(mode="off") == 1
