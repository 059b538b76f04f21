"""The broker behind an account, for sending and settling: while live trading is off, only to call back what rests there.

A server that may do nothing real still owes its owners this: an order that rests at a real broker can be canceled, and what
became of it is read. Nothing new goes out, and an account without such an order is not touched at all.
"""

from uuid import UUID

from brokers import services as brokers
from brokers.errors import LiveTradingOff
from brokers.models import BrokerAccount
from brokers.protocol import Broker
from trading import lifecycle
from trading.models import Order


def open_for_orders(account: BrokerAccount) -> Broker:
    """Raises brokers.errors.BrokerNotConfigured, and LiveTradingOff where nothing of ours can be at that broker."""
    try:
        return brokers.open_broker(account)
    except LiveTradingOff:
        if not _may_have_orders_there(account.pk):
            raise
        return brokers.open_to_reduce(account)


def _may_have_orders_there(account_id: UUID) -> bool:
    at_broker = sorted(lifecycle.WORKING | lifecycle.UNRESOLVED)
    return Order.objects.filter(broker_account=account_id, state__in=at_broker).exists()
