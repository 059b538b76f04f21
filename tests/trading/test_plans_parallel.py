"""A plan told two things at once: one sale, one rule, and never a purchase that was told to stop (I18, G06, G18)."""

import threading
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from queue import SimpleQueue

import pytest
from django.db import connections, transaction

from markets.types import Side
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.errors import OrderRefused, PlanRefused
from trading.models import Order, SwingPlan
from trading.services.ledger import books
from trading.services.ledger.audit import check_books

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def plan() -> SwingPlan:
    """A plan that holds five."""
    instrument = scene.make_stock()
    make.put_price(instrument, 71_000, age=timedelta(seconds=-60))  # stays fresh however slow the machine is
    account = make.make_account(make.make_user())
    plan = scene.make_plan(account.user, account, instrument)
    order = make.accept(make.place(account, instrument, quantity=Decimal(5), plan=plan, step=1))
    services.match_virtual(instrument, make.make_book(instrument, 71_100))
    assert make.fresh(order).state == "filled"
    plan.refresh_from_db()
    return plan


def at_once(*calls: Callable[[], object]) -> list[object]:
    """What each call returned or raised, all begun at the same moment, each on its own connection."""
    start, answers = threading.Barrier(len(calls)), SimpleQueue[object]()

    def run(call: Callable[[], object]) -> None:
        try:
            start.wait(30)
            answers.put(call())
        except Exception as e:
            answers.put(e)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "a deadlock"
    return [answers.get_nowait() for _ in calls]


def test_eight_presses_at_once_are_one_sale(plan: SwingPlan) -> None:
    def press() -> object:
        return services.stop_plan(plan.user, plan.pk, sell=True).sale

    answers = at_once(*[press] * 8)
    assert Order.objects.filter(plan=plan, side=Side.SELL).count() == 1
    assert {getattr(answer, "pk", answer) for answer in answers} == {Order.objects.get(side=Side.SELL).pk}
    assert check_books().differences == ()


def test_a_buy_and_a_stop_at_once_leave_nothing_that_still_buys(plan: SwingPlan) -> None:
    @transaction.atomic
    def buy() -> object:
        """As a look at a bar does: the account's lock first, then the plan as it is now."""
        account = books.lock_account(plan.broker_account_id)
        return make.place(account, plan.instrument, plan=SwingPlan.objects.get(pk=plan.pk), step=2)

    def stop() -> object:
        return services.stop_plan(plan.user, plan.pk, sell=True)

    answers = at_once(buy, stop)
    assert all(isinstance(each, Order | services.Stopped | OrderRefused) for each in answers), answers
    buys = Order.objects.filter(plan=plan, side=Side.BUY, step=2)
    assert {order.state for order in buys} <= {"withdrawn"}
    assert Order.objects.filter(plan=plan, side=Side.SELL).count() == 1


def test_an_edit_and_an_order_at_once_never_change_the_rule_under_the_order(plan: SwingPlan) -> None:
    def order() -> object:
        return make.place(plan.broker_account, plan.instrument, side=Side.SELL, quantity=Decimal(5), plan=plan, step=3)

    def edit() -> object:
        return services.edit_plan(
            plan.user,
            plan.pk,
            name=plan.name,
            parameters=ACTIVE_SWING,
            budget=plan.budget,
            first_share=plan.first_share,
            repeat=True,
            cooldown_bars=5,
            mode="on",
        )

    placed, changed = sorted(at_once(order, edit), key=lambda each: not isinstance(each, Order))
    assert isinstance(placed, Order)
    assert isinstance(changed, SwingPlan | PlanRefused)


def test_the_same_registration_from_everywhere_is_one_plan_and_one_rule(plan: SwingPlan) -> None:
    """G06."""

    def register() -> object:
        asked = {"client_key": "a" * 32, "name": "같은 것", "parameters": DEFAULT_SWING}
        return scene.make_plan(plan.user, plan.broker_account, plan.instrument, **asked).pk

    assert len(set(at_once(*[register] * 6))) == 1
