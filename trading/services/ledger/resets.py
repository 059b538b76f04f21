"""Beginning a virtual account anew: nothing open, nothing held, fresh play money. What happened before stays on record.

One transaction, under the account's lock: a reset happens whole or not at all.
"""

from datetime import datetime
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, ReportStatus
from markets import services as markets
from markets.types import Source
from trading import ledger, lifecycle
from trading.errors import OrderRefused
from trading.events import publish_account_changed, publish_plan_changed
from trading.lifecycle import OrderState
from trading.models import Journal, Order, OrderChange, SwingPlan
from trading.services.ledger import books, transfers
from trading.services.ordering import idempotency
from trading.services.settling.reports import finish, fold, locked

REASON = "account_reset"


@transaction.atomic
def reset_account(user: User, account: BrokerAccount, opening_balance: Decimal, key: str) -> Journal:
    """Withdraw every open order, book everything out and `opening_balance` in; the journal of the reset, once per `key`.

    The account's paused plans begin a new cycle with nothing held. Raises NotAllowed, SameKeyOtherRequest, and
    OrderRefused: plan_running while a plan uses the account, order_unresolved while the fate of an order is not known,
    or for a bad amount or account.
    """
    idempotency.check_key(key)
    transfers.check_owner(user, account)
    transfers.check_amount(account, opening_balance)
    account = books.lock_account(account.pk)
    source = transfers.source_of(account, key)
    wish = idempotency.fingerprint("reset", str(account.pk), format(opening_balance.normalize(), "f"))
    if idempotency.claim_key(user, key, wish, {"reset": source}) is None:
        _reset(account, opening_balance, source, markets.market_time(Source.SIMULATOR))
    return Journal.objects.get(kind="reset", source=source)


def _reset(account: BrokerAccount, opening_balance: Decimal, source: str, at: datetime) -> None:
    _require_quiet(account)
    OrderChange.objects.filter(order__broker_account=account, outcome="waiting").update(
        outcome="refused", reason=REASON
    )
    open_orders = Order.objects.open().filter(broker_account=account).order_by("created_at", "pk")
    for order_id in list(open_orders.values_list("pk", flat=True)):
        _call_back(order_id)
    for plan in SwingPlan.objects.select_for_update().filter(broker_account=account):
        _begin_anew(plan)
    before = books.held(account)
    books.book(account, "reset", source, at, ledger.emptied(before), before)
    transfers.deposit(account, opening_balance, source, at)
    transaction.on_commit(partial(publish_account_changed, account.pk, account.user_id))


def _require_quiet(account: BrokerAccount) -> None:
    running = SwingPlan.objects.running().filter(broker_account=account).values_list("name", flat=True).first()
    if running is not None:
        raise OrderRefused("plan_running", plan=running)
    in_doubt = Order.objects.filter(broker_account=account, state__in=[each.value for each in lifecycle.UNRESOLVED])
    if count := in_doubt.count():
        raise OrderRefused("order_unresolved", orders=count)


def _call_back(order_id: UUID) -> None:
    """End one open order. Ours is the venue, so a resting one is canceled by saying so."""
    order = locked(order_id)
    at = markets.market_now(order.instrument)
    if order.state == OrderState.PENDING:
        finish(order, OrderState.WITHDRAWN, at, origin="person", reason=REASON)
    else:
        fold(order, OrderReport(ReportStatus.CANCELED, order.broker_order_key, reason=REASON), at)


def _begin_anew(plan: SwingPlan) -> None:
    """What a paused plan held is gone: its next cycle begins, and its profit counts from here as the account's does."""
    plan.signal = 0
    plan.cycle += 1
    plan.held_quantity = plan.held_cost = plan.cycle_spent = plan.realised = Decimal(0)
    plan.exiting, plan.peak_close, plan.cooldown_left = False, None, 0
    plan.version += 1
    plan.save()
    transaction.on_commit(partial(publish_plan_changed, plan.pk, plan.user_id, plan.version))
