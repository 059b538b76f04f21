"""`manage.py evaluate [--at ISO]`: what was due by a market time, told decision by decision, and nothing sent late (I26)."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.trading.test_evaluation import Market, market, plan, wave
from trading import services
from trading.models import Order, SwingPlan
from trading.services.planning.evaluation import NotYet

__all__ = ["market", "plan"]  # the fixtures
pytestmark = pytest.mark.django_db


def run(*arguments: str) -> list[str]:
    out = StringIO()
    call_command("evaluate", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_every_decision_is_told(market: Market, plan: SwingPlan) -> None:
    market.close_bars(70_000)
    told, said = run()
    order = Order.objects.get()
    assert told == f"{market.now.isoformat()} plan {plan.pk}: buy_first (first_entry) order {order.pk}"
    assert said == "1 decisions"
    assert run() == ["0 decisions"]


def test_bars_after_the_time_asked_for_stay_undecided(market: Market, plan: SwingPlan) -> None:
    begun = market.now
    market.close_bars(*wave(3, at=market.hours))
    at = begun + timedelta(hours=1)
    *_told, said = run("--at", at.isoformat())
    assert said == "1 decisions"
    assert [look.bar_closed_at for look in plan.evaluations.all()] == [at]
    *_told, said = run("--at", at.astimezone().isoformat())
    assert said == "0 decisions"
    *_told, said = run()
    assert said == "2 decisions"


def test_looking_back_never_sends_an_order(market: Market, plan: SwingPlan) -> None:
    """The same bars, decided in time, buy: looked back at, every one of them is late."""
    begun = market.now
    market.close_bars(*wave(60, at=market.hours))
    for hours in range(1, 60):
        services.evaluate_due(at=begun + timedelta(hours=hours))
    assert set(plan.evaluations.values_list("outcome", flat=True)) == {"skipped"}
    assert not Order.objects.exists()


@pytest.mark.parametrize("at", ["yesterday", "2026-03-04", "2026-03-04T11:00:00", ""])
def test_a_time_that_could_mean_several_is_refused(at: str) -> None:
    with pytest.raises(CommandError, match="--at"):
        run("--at", at)


def test_the_markets_future_is_refused(market: Market, plan: SwingPlan) -> None:
    """I27."""
    market.close_bars(70_000)
    ahead = market.now + timedelta(seconds=1)
    with pytest.raises(CommandError, match="is after"):
        run("--at", ahead.isoformat())
    with pytest.raises(NotYet):
        services.evaluate_due(at=ahead)
    assert not plan.evaluations.exists()
