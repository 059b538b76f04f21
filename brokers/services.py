"""From an account row to the broker behind it: the only place that knows which adapter serves what."""

from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from brokers.protocol import Broker
from brokers.virtual.adapter import VirtualBroker


def open_broker(account: BrokerAccount) -> Broker:
    """The adapter for this account. Raises BrokerNotConfigured where there is none for it."""
    if account.broker == "virtual":
        return VirtualBroker()
    raise BrokerNotConfigured(f"no adapter for {account.broker}")
