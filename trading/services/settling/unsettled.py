"""Orders whose outcome nobody has told us yet."""

from uuid import UUID

from django.utils import timezone

from trading.lifecycle import OrderState
from trading.models import Order
from trading.services.ordering.sending import give_up


def give_up_lapsed(account_id: UUID) -> int:
    """Put in doubt what was being sent by somebody who is gone; how many orders."""
    lapsed = Order.objects.filter(broker_account=account_id, state=OrderState.SUBMITTED, lease_until__lt=timezone.now())
    return sum(give_up(order_id) for order_id in list(lapsed.values_list("pk", flat=True)))


def unknown(account_id: UUID) -> list[Order]:
    """The account's orders in doubt, the oldest first."""
    in_doubt = Order.objects.filter(broker_account=account_id, state=OrderState.UNKNOWN)
    return list(in_doubt.select_related("instrument").order_by("created_at", "pk"))
