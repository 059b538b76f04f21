"""Registering, pausing and resuming a plan: what is refused leaves nothing behind."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Role
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Interval
from strategies.library.swing import DEFAULT_SWING
from strategies.models import Strategy
from tests import factories as make
from trading import services
from trading.errors import NotAllowed, PlanRefused
from trading.models import SwingPlan

pytestmark = pytest.mark.django_db


def register(account: BrokerAccount, instrument: Instrument, **fields: Any) -> SwingPlan:
    asked: dict[str, Any] = {
        "user": account.user,
        "broker_account": account,
        "instrument": instrument,
        "name": "첫 스윙",
        "interval": Interval.H1,
        "parameters": DEFAULT_SWING,
        "budget": Decimal(1_000_000),
        "first_share": Decimal("0.5"),
    }
    return services.register_plan(**asked | fields)


def test_a_plan_watches_from_the_markets_now(account: BrokerAccount, instrument: Instrument) -> None:
    plan = register(account, instrument)
    assert (plan.signal, plan.cycle, plan.mode, plan.watches_from) == (0, 1, "on", make.NOW)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"budget": Decimal("NaN")}, "bad_budget"),
        ({"budget": Decimal(0)}, "bad_budget"),
        ({"budget": Decimal(-1)}, "bad_budget"),
        ({"budget": Decimal("1e400")}, "bad_budget"),
        ({"budget": Decimal("1e-30")}, "bad_budget"),
        ({"first_share": Decimal("1.01")}, "bad_first_share"),
        ({"first_share": Decimal(0)}, "bad_first_share"),
        ({"first_share": Decimal("Infinity")}, "bad_first_share"),
        ({"name": "  "}, "name_missing"),
        ({"name": "n" * 65}, "name_missing"),
        ({"mode": "off"}, "bad_mode"),
        ({"mode": "live"}, "bad_mode"),
        ({"cooldown_bars": -1}, "bad_cooldown"),
    ],
)
def test_what_cannot_be_a_plan_leaves_nothing_behind(
    account: BrokerAccount, instrument: Instrument, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(PlanRefused, match=code):
        register(account, instrument, **given)
    assert not SwingPlan.objects.exists()
    assert not Strategy.objects.exists()


def test_an_account_that_takes_no_orders_takes_no_plans(account: BrokerAccount, instrument: Instrument) -> None:
    with pytest.raises(PlanRefused, match="live_trading_off"):
        register(make.make_live_account(account.user), instrument)
    with pytest.raises(PlanRefused, match="unknown_account"):
        register(account, instrument, user=make.make_user())


def test_a_viewer_registers_none(account: BrokerAccount, instrument: Instrument) -> None:
    with pytest.raises(NotAllowed):
        register(account, instrument, user=make.make_user(role=Role.VIEWER))


@pytest.mark.parametrize("mode", ["on", "shadow"])
def test_a_paused_plan_comes_back_as_it_was(account: BrokerAccount, instrument: Instrument, mode: str) -> None:
    """A shadow plan that came back switched on would trade."""
    plan = register(account, instrument, mode=mode)
    assert services.pause_plan(account.user, plan.pk).mode == "off"
    assert services.resume_plan(account.user, plan.pk).mode == mode


def test_another_persons_plan_can_be_neither_paused_nor_resumed(account: BrokerAccount, instrument: Instrument) -> None:
    plan = register(account, instrument)
    for switch in (services.pause_plan, services.resume_plan, services.evaluate_plan_now):
        with pytest.raises(SwingPlan.DoesNotExist):
            switch(make.make_user(), plan.pk)


def test_the_same_rule_twice_is_one_version(account: BrokerAccount, instrument: Instrument) -> None:
    first, second = register(account, instrument), register(account, instrument)
    assert first.strategy_version == second.strategy_version
