"""Keeping a halted scope still: what a halt could not reach at its own moment is asked back, or withdrawn, here.

That is an order just moving under somebody else's lock, one the broker accepted late, a stop that waits for its price.
"""

from uuid import UUID

from django.db import transaction

from markets import services as markets
from markets.types import Side
from trading import latches
from trading.lifecycle import OrderState
from trading.models import Halt, Order
from trading.services.safeguards import halts
from trading.services.settling.reports import finish, locked


def enforce() -> int:
    """Ask back and withdraw whatever is open in halted scopes; how many orders. One small query while nothing is halted."""
    halted = Halt.objects.filter(mode=latches.Mode.HALTED).order_by("pk").values_list("scope", "target")
    return sum(halts.ask_back(scope) + withdraw_waiting(scope) for scope in list(halted))


def withdraw_waiting(scope: halts.Scope) -> int:
    """Call back the orders of one scope that have not been sent, held stops included; how many."""
    waiting = halts.orders_in(scope).filter(state=OrderState.PENDING).order_by("created_at", "pk")
    return sum(_withdraw(order_id) for order_id in list(waiting.values_list("pk", flat=True)))


@transaction.atomic
def _withdraw(order_id: UUID) -> bool:
    order: Order = locked(order_id)
    denial = halts.denial_for(order, reduces=latches.reduces(Side(order.side)))
    if order.state != OrderState.PENDING or denial is None:  # sent meanwhile, or somebody has resumed
        return False
    order.facts = denial.facts
    at = markets.market_now(order.instrument)
    finish(order, OrderState.WITHDRAWN, at, origin="halt", reason=denial.code)
    return True
