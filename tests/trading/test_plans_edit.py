"""Plans on any rule, and what can be changed of one that runs: the rule that decided stays readable (W01, T01)."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from accounts.models import Role
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.types import Interval
from strategies.errors import DocumentInvalid
from strategies.library.shelf import LIBRARY
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING
from strategies.models import Strategy, StrategyVersion
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.errors import NotAllowed, OrderRefused, PlanRefused
from trading.models import SwingPlan
from trading.plan_rules import ChosenRule, library_rule, swing_rule, with_values

pytestmark = pytest.mark.django_db
TODAY = date(2026, 3, 4)


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


@pytest.fixture
def plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return scene.make_plan(account.user, account, instrument)


def terms(plan: SwingPlan, **changed: Any) -> dict[str, Any]:
    kept = ("name", "budget", "first_share", "repeat", "cooldown_bars", "ends_on")
    same = {name: getattr(plan, name) for name in kept} | {"mode": plan.running_mode, "parameters": DEFAULT_SWING}
    return same | changed


def edit(plan: SwingPlan, **changed: Any) -> SwingPlan:
    return services.edit_plan(plan.user, plan.pk, **terms(plan, **changed))


def saved_rule(owner: BrokerAccount) -> ChosenRule:
    document = library_rule("rsi", {"period": 9}).document
    strategy = Strategy.objects.create(user=owner.user, name="나의 RSI", kind="document")
    version = strategy.versions.create(
        number=1, document=document.as_data(), settings={}, version_hash=document.version_hash()
    )
    return ChosenRule("document", document, version_id=version.pk)


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_every_strategy_of_the_library_can_be_a_plan(account: BrokerAccount, instrument: Instrument, key: str) -> None:
    make_plan = {"name": key, "parameters": library_rule(key, {}), "first_share": Decimal(1)}
    plan = scene.make_plan(account.user, account, instrument, **make_plan)
    version = plan.strategy_version
    assert (version.strategy.kind, version.document) == (key, LIBRARY[key].build().as_data())


def test_chosen_values_are_the_new_defaults_and_their_bounds_stay() -> None:
    document = library_rule("basic", {"short": 7, "stop_loss_rate": 0.1}).document
    assert (document.parameters["short"].default, document.parameters["long"].default) == (7, 20)
    assert document.parameters["short"].maximum == 200
    assert document.bind().risk.stop_loss_rate == 0.1
    assert with_values(document, {"short": 5, "stop_loss_rate": 0.05}) == LIBRARY["basic"].build()


@pytest.mark.parametrize("values", [{"short": 1}, {"short": 20, "long": 20}, {"short": 5.5}, {"nothing": 1}])
def test_values_a_strategy_does_not_take_make_no_rule(values: dict[str, float]) -> None:
    with pytest.raises(DocumentInvalid):
        library_rule("basic", values)


def test_a_saved_strategy_is_traded_as_the_version_it_is(account: BrokerAccount, instrument: Instrument) -> None:
    rule = saved_rule(account)
    plan = scene.make_plan(account.user, account, instrument, parameters=rule)
    assert plan.strategy_version_id == rule.version_id
    assert Strategy.objects.count() == 1


def test_another_persons_strategy_is_nobody_elses(account: BrokerAccount, instrument: Instrument) -> None:
    foreign = saved_rule(make.make_account(make.make_user()))
    with pytest.raises(PlanRefused, match="unknown_strategy"):
        scene.make_plan(account.user, account, instrument, parameters=foreign)
    assert not SwingPlan.objects.exists()


def test_another_rule_is_a_new_version_and_the_old_one_stays(plan: SwingPlan) -> None:
    before = plan.strategy_version
    after = edit(plan, parameters=ACTIVE_SWING, name="다른 이름").strategy_version
    assert (after.number, after.strategy_id) == (2, before.strategy_id)
    assert StrategyVersion.objects.get(pk=before.pk).document == before.document
    assert edit(plan).strategy_version == before  # the earlier content is the earlier version


def test_other_terms_alone_are_no_new_version(plan: SwingPlan) -> None:
    changed = edit(plan, name="새 이름", budget=Decimal(9), repeat=False, cooldown_bars=9, ends_on=TODAY, mode="shadow")
    plan.refresh_from_db()
    assert changed.strategy_version_id == plan.strategy_version_id
    assert (plan.name, plan.budget, plan.repeat, plan.cooldown_bars) == ("새 이름", Decimal(9), False, 9)
    assert (plan.ends_on, plan.mode, plan.running_mode) == (TODAY, "shadow", "shadow")
    assert StrategyVersion.objects.count() == 1


def test_an_edit_that_changes_nothing_writes_nothing(plan: SwingPlan) -> None:
    assert edit(plan).version == plan.version


def test_a_plan_can_go_over_to_another_strategy(plan: SwingPlan) -> None:
    after = edit(plan, parameters=library_rule("basic", {})).strategy_version
    assert (after.strategy.kind, after.strategy.name, after.number) == ("basic", plan.name, 1)


def test_a_paused_plan_stays_paused_when_it_is_edited(plan: SwingPlan) -> None:
    services.pause_plan(plan.user, plan.pk)
    edit(plan, parameters=ACTIVE_SWING)
    plan.refresh_from_db()
    assert (plan.mode, plan.running_mode) == ("off", "on")


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"budget": Decimal(0)}, "bad_budget"),
        ({"name": ""}, "name_missing"),
        ({"first_share": Decimal(2)}, "bad_first_share"),
        ({"mode": "off"}, "bad_mode"),
        ({"cooldown_bars": -1}, "bad_cooldown"),
    ],
)
def test_what_no_plan_can_be_no_edit_makes_of_it(plan: SwingPlan, changed: dict[str, Any], code: str) -> None:
    before = SwingPlan.objects.values().get()
    with pytest.raises(PlanRefused, match=code):
        edit(plan, **changed)
    assert SwingPlan.objects.values().get() == before


def test_a_plan_with_an_open_order_is_not_edited(plan: SwingPlan, account: BrokerAccount) -> None:
    make.place(account, plan.instrument, plan=plan, step=1)
    with pytest.raises(PlanRefused, match="plan_has_open_order"):
        edit(plan, parameters=ACTIVE_SWING)


def test_a_budget_never_falls_below_what_the_cycle_has_spent(plan: SwingPlan, account: BrokerAccount) -> None:
    SwingPlan.objects.filter(pk=plan.pk).update(signal=1, cycle_spent=500_000, held_quantity=7, held_cost=500_000)
    with pytest.raises(PlanRefused, match="budget_below_spent"):
        edit(plan, budget=Decimal(499_999))
    assert edit(plan, budget=Decimal(500_000)).budget == 500_000
    with pytest.raises(PlanRefused, match="plan_holds"):
        edit(plan, mode="shadow")


def test_a_plan_on_its_way_out_is_not_edited(plan: SwingPlan) -> None:
    SwingPlan.objects.filter(pk=plan.pk).update(stopping=True)
    with pytest.raises(PlanRefused, match="plan_is_stopping"):
        edit(plan)


def test_only_its_owner_edits_a_plan_and_only_who_may_trade(plan: SwingPlan) -> None:
    with pytest.raises(SwingPlan.DoesNotExist):
        services.edit_plan(make.make_user(), plan.pk, **terms(plan))
    with pytest.raises(NotAllowed):
        services.edit_plan(make.make_user(role=Role.VIEWER), plan.pk, **terms(plan))


def test_a_plan_past_its_last_day_buys_nothing_and_still_sells(account: BrokerAccount, instrument: Instrument) -> None:
    plan = scene.make_plan(account.user, account, instrument, ends_on=TODAY)
    bought = make.accept(make.place(account, instrument, quantity=Decimal(3), plan=plan, step=1))
    services.match_virtual(instrument, make.make_book(instrument, 71_100))
    assert make.fresh(bought).state == "filled"
    plan.refresh_from_db()
    make.put_price(instrument, 71_000, make.NOW + timedelta(days=1))
    with pytest.raises(OrderRefused, match="plan_ended"):
        make.place(account, instrument, plan=plan, step=2)
    sale = make.place(account, instrument, side="sell", quantity=Decimal(3), plan=plan, step=3)
    assert sale.state == "pending"


def test_a_new_plan_does_not_end_before_it_begins(account: BrokerAccount, instrument: Instrument) -> None:
    with pytest.raises(PlanRefused, match="end_date_passed"):
        scene.make_plan(account.user, account, instrument, ends_on=TODAY - timedelta(days=1))
    assert scene.make_plan(account.user, account, instrument, ends_on=TODAY).ends_on == TODAY


def test_the_same_form_twice_is_one_plan_of_any_strategy(account: BrokerAccount, instrument: Instrument) -> None:
    """G06."""
    asked = {"parameters": swing_rule(DEFAULT_SWING), "client_key": "0" * 32, "interval": Interval.D1}
    first, second = (scene.make_plan(account.user, account, instrument, **asked) for _ in range(2))
    assert first.pk == second.pk
