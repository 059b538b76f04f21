"""Orders of many plans placed together: the rows that each would have had by itself, by a few statements (T11, I23, I25)."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone

from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument, LatestQuote
from markets.types import Side
from tests import factories as make
from tests.trading.crowd import make_plans, one_by_one, standing, told
from tests.trading.test_evaluation import HISTORY, Market, market, wave
from tests.trading.test_evaluation_many import counted
from trading import services
from trading.models import IdempotencyKey, Order, PlanEvaluation, Posting, SwingPlan
from trading.services.ledger import books
from trading.services.ledger.audit import check_books
from trading.services.ordering.asked import Asked
from trading.services.ordering.orders import place
from trading.services.ordering.together import KeyTaken, place_together
from trading.services.planning.evaluation.looks import Pending
from trading.services.planning.evaluation.one import Desk
from trading.services.safeguards import halts
from trading.services.safeguards.limit_rows import set_limit

__all__ = ["market"]  # the fixture
pytestmark = pytest.mark.django_db


def close_bar(market: Market) -> None:
    """A bar on which every rule here buys, at a price that stays fresh however slow this machine is."""
    market.close_bars(70_000)
    LatestQuote.objects.update(received_at=timezone.now() + timedelta(hours=1))


def orders_of(plans: list[SwingPlan]) -> list[dict[str, object]]:
    """What was ordered for each, as far as it names no row."""
    columns = (
        "side",
        "quantity",
        "order_type",
        "state",
        "reason",
        "reserved",
        "worst_price",
        "cycle",
        "step",
        "expires_at",
    )
    return [Order.objects.filter(plan=plan).values(*columns).get() for plan in plans]


def test_orders_placed_together_are_those_that_each_plan_places_alone(market: Market) -> None:
    left, right = (make_plans(market.instrument, 6) for _side in range(2))
    close_bar(market)
    SwingPlan.objects.filter(pk__in=[plan.pk for plan in right]).update(mode="off")
    assert services.evaluate_due() == 6
    SwingPlan.objects.filter(pk__in=[plan.pk for plan in right]).update(mode="on")
    assert one_by_one(right) == 6
    for a, b in zip(left, right, strict=True):
        assert (told(a), standing(a)) == (told(b), standing(b))
    assert orders_of(left) == orders_of(right)
    assert IdempotencyKey.objects.count() == Order.objects.count() == 12
    assert Posting.objects.filter(journal__kind="reserve").count() == 24
    assert check_books().differences == ()


def test_the_number_of_statements_does_not_grow_with_the_accounts_that_order(market: Market) -> None:
    few, many = (make_plans(market.instrument, number, owners=number) for number in (2, 20))
    close_bar(market)
    counts = []
    for plans in (few, many):
        keys = [plan.pk for plan in plans]
        SwingPlan.objects.filter(pk__in=keys).update(mode="on")
        SwingPlan.objects.exclude(pk__in=keys).update(mode="off")
        with counted() as said:
            assert services.evaluate_due() == len(plans)
        counts.append(len(said))
    assert Order.objects.count() == 22
    assert counts[1] <= counts[0] + 2


def test_what_is_forbidden_is_denied_and_the_others_are_placed(market: Market) -> None:
    """A halt and a limit each speak for their own account alone."""
    plans = make_plans(market.instrument, 4, owners=4)
    halted, limited, *free = plans
    halts.halt(halted.user, "account", str(halted.broker_account_id), "halted", "테스트")
    set_limit(limited.user, "account", str(limited.broker_account_id), "order_amount", Decimal(1))
    close_bar(market)
    assert services.evaluate_due() == 4
    denied = [(order["state"], order["reason"]) for order in orders_of([halted, limited])]
    assert denied == [("denied", "halted"), ("denied", "order_amount_limit")]
    assert [order["state"] for order in orders_of(free)] == ["pending", "pending"]
    assert check_books().differences == ()


def test_an_account_s_second_plan_waits_for_the_first_that_is_asked_by_itself(market: Market) -> None:
    """The order of turns at an account's money holds, whatever way each plan goes."""
    plans = make_plans(market.instrument, 3, owners=1)
    first = plans[0]
    halts.halt(first.user, "plan", str(first.pk), "halted", "테스트")
    close_bar(market)
    assert services.evaluate_due() == 3
    placed = Order.objects.filter(plan__in=plans).order_by("created_at").values_list("plan", flat=True)
    assert list(placed) == [plan.pk for plan in plans]


def test_a_plan_whose_venue_rules_nobody_knows_is_blocked_and_the_others_order(market: Market) -> None:
    unknown = Market(make.make_instrument("000660"))
    unknown.close_bars(*wave(HISTORY))
    blocked, free = make_plans(unknown.instrument, 2), make_plans(market.instrument, 2)
    for each in (unknown, market):
        close_bar(each)
    Instrument.objects.filter(pk=unknown.instrument.pk).update(tick_table="nowhere")
    assert services.evaluate_due() == 4
    outcomes = [(each.outcome, each.reason) for plan in blocked for each in plan.evaluations.all()]
    assert outcomes == [("blocked", "no_rule_in_force")] * 2
    assert [order["state"] for order in orders_of(free)] == ["pending", "pending"]


class Faulty(Desk):
    """Cannot tell anything about one plan."""

    fails_on: UUID

    def plan(self, plan: SwingPlan, account: BrokerAccount) -> SwingPlan:
        if plan.pk == self.fails_on:
            raise ZeroDivisionError
        return super().plan(plan, account)


def test_one_plan_s_fault_holds_up_nobody_but_its_account(market: Market) -> None:
    """Neither the plans of other accounts behind it, nor does its own account's next one overtake it at the money."""
    plans = make_plans(market.instrument, 6, owners=3)
    close_bar(market)

    def desk_of(pending: Sequence[Pending]) -> Desk:
        desk = Faulty(pending)
        desk.fails_on = plans[0].pk
        return desk

    with pytest.raises(ZeroDivisionError):
        one_by_one(plans, desk_of)
    decided = set(PlanEvaluation.objects.values_list("plan", flat=True))
    assert decided == {plan.pk for plan in plans if plan.broker_account_id != plans[0].broker_account_id}
    assert one_by_one(plans) == 2  # what was left, once the fault is mended
    assert check_books().differences == ()


def test_a_wish_asked_before_keeps_nothing_of_what_is_placed_with_it(market: Market) -> None:
    """I25: whoever comes second is told alone what the first has made."""
    wishes = [_wish(make.make_account(make.make_user()), market) for _owner in range(2)]
    first = place(wishes[0])
    with pytest.raises(KeyTaken):
        _placed_at_once(wishes)
    assert Order.objects.get() == first
    assert IdempotencyKey.objects.count() == 1
    assert check_books().differences == ()


@transaction.atomic
def _placed_at_once(wishes: list[Asked]) -> None:
    books.lock_accounts([wish.broker_account.pk for wish in wishes])
    place_together(wishes)


def _wish(account: BrokerAccount, market: Market) -> Asked:
    return Asked(
        user=account.user,
        broker_account=account,
        instrument=market.instrument,
        side=Side.BUY,
        quantity=Decimal(1),
        order_type=OrderType.MARKET,
        limit_price=None,
        time_in_force=TimeInForce.DAY,
        client_key="the same",
    )
