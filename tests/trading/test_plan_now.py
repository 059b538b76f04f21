"""What the plan's page says of the next buy is what placing it would say (G01)."""

from decimal import Decimal
from typing import Any

import pytest

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from strategies.document import RuleDocument
from strategies.library.basic import basic_document
from strategies.library.breakout import breakout_document
from tests import factories as make
from tests.trading import scene
from trading.models import SwingPlan
from trading.plan_rules import ChosenRule
from trading.services.planning.plan_now import plan_now
from trading.services.safeguards.limit_rows import set_limit

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def account(user: User) -> BrokerAccount:
    return make.make_account(user)


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


def plan_on(user: User, account: BrokerAccount, instrument: Instrument, document: RuleDocument) -> SwingPlan:
    return scene.make_plan(user, account, instrument, parameters=ChosenRule("document", document, {}))


def told(plan: SwingPlan) -> str:
    obstacle = plan_now(plan).buy_obstacle
    return obstacle.code if obstacle else ""


def with_risk(**risk: Any) -> RuleDocument:
    return RuleDocument.from_data(basic_document().as_data() | {"risk": risk})


def test_a_rule_s_largest_position_is_told(user: User, account: BrokerAccount, instrument: Instrument) -> None:
    assert told(plan_on(user, account, instrument, with_risk(max_position_rate=0.9))) == ""
    poor = make.make_account(user, 1_000_000)  # a thousandth of it pays for no share
    tight = plan_on(user, poor, instrument, with_risk(max_position_rate=0.001))
    assert told(tight) == "position_full"


def test_a_buy_that_waits_at_a_level_is_not_judged_by_the_present_price(
    user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    """A collar is asked when the level has been reached, of the price there is then."""
    plan = plan_on(user, account, instrument, breakout_document())
    assert told(plan) == ""
    set_limit(user, "account", str(account.pk), "order_amount", Decimal(1))
    assert told(plan) == "order_amount_limit"
