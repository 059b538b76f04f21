"""Named in the settings: from an account's row to the adapter that serves it."""

from django.utils import timezone

from brokers.kis.adapter import KisBroker
from brokers.kis.services import keys
from brokers.models import BrokerAccount


def open_account(account: BrokerAccount) -> KisBroker:
    """The adapter with the account's own key. Raises keys.NoKey, keys.LiveTradingOff."""
    row = keys.credential_of(account)
    return KisBroker(keys.client(row), keys.opened(row), timezone.now)
