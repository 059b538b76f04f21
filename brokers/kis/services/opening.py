"""Named in the settings: from an account's row to the adapter that serves it, wholly or only to reduce."""

from brokers.kis.adapter import KisBroker
from brokers.kis.services import keys
from brokers.models import BrokerAccount
from brokers.reducing import Reducing


def open_account(account: BrokerAccount) -> KisBroker:
    """The adapter with the account's own key. Raises keys.NoKey, keys.LiveTradingOff."""
    row = keys.credential_of(account)
    return KisBroker(keys.client(row), keys.opened(row), keys.venue_now)


def open_to_reduce(account: BrokerAccount) -> Reducing:
    """The same adapter without new orders, whatever the server's setting about real accounts. Raises keys.NoKey."""
    row = keys.credential_of(account)
    who = keys.opened(row, only_to_reduce=True)
    return Reducing(KisBroker(keys.client(row, only_to_reduce=True), who, keys.venue_now))
