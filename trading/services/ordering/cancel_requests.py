"""Asking a venue for the rest of an order back: three times a minute at most and ten in all, then a person looks (I12)."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from brokers.protocol import OrderReport, ReportStatus
from trading import lifecycle
from trading.models import Order, OrderEvent
from trading.services.ordering.sending import market_time
from trading.services.running.timing import scaled
from trading.services.safeguards.alerts import raise_alert
from trading.services.settling.reports import fold, locked

CANCEL_AGAIN_AFTER = timedelta(seconds=20)
MOST_CANCELS = 10  # of one order
CANCEL_SENT, CANCEL_REFUSED = "cancel_sent", "cancel_refused"


def accounts_with_cancels() -> list[UUID]:
    """The accounts with a resting order that is to be canceled."""
    wanted = Order.objects.working().filter(cancel_requested=True).order_by()
    return list(wanted.values_list("broker_account_id", flat=True).distinct())


def due(account_id: UUID, now: datetime | None = None) -> list[Order]:
    """The account's resting orders whose venue is to be asked now. One that was asked for too often becomes an alert."""
    wanted = Order.objects.working().filter(broker_account=account_id, cancel_requested=True)
    orders = wanted.select_related("broker_account", "instrument").order_by("created_at", "pk")
    return [order for order in orders if _may_ask(order, now or timezone.now())]


def _may_ask(order: Order, now: datetime) -> bool:
    asked = list(order.events.filter(reason=CANCEL_SENT).values_list("created_at", flat=True))
    if asked and now - max(asked) <= scaled(CANCEL_AGAIN_AFTER):
        return False
    if len(asked) >= MOST_CANCELS:
        _leave_to_a_person(order)
        return False
    return True


def _leave_to_a_person(order: Order) -> None:
    _event, is_new = OrderEvent.objects.get_or_create(
        order=order,
        origin="claim",
        source_key=CANCEL_REFUSED,
        defaults={"state": order.state, "reason": CANCEL_REFUSED, "market_at": market_time(order)},
    )
    if is_new:
        raise_alert(CANCEL_REFUSED, f"order:{order.pk}", order.user_id, asked=str(MOST_CANCELS))


def begin(order: Order) -> None:
    """Write down that the broker is about to be asked, before it is."""
    OrderEvent.objects.create(
        order=order, state=order.state, origin="claim", reason=CANCEL_SENT, market_at=market_time(order)
    )


@transaction.atomic
def confirm(order_id: UUID) -> bool:
    """The venue's word that the rest is withdrawn; False where the order has ended already."""
    order = locked(order_id)
    if order.state not in lifecycle.WORKING:
        return False
    reason = "canceled_by_halt" if order.events.filter(origin="halt").exists() else "canceled_by_person"
    report = OrderReport(ReportStatus.CANCELED, order.broker_order_key, reason=reason)
    fold(order, report, market_time(order))
    return True
