"""After a leak: everything stops, what was got with the keys ends, and who must revoke what at which broker is told.

First the site is halted, so that what rests is asked back while the keys still work; then every token ends, here and at the
broker. Keys are taken out too where that is asked: an account with an open order keeps its key, or nobody could cancel it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.services import audit
from brokers.kis.services import registration
from brokers.models import Credential
from trading import lifecycle
from trading.latches import Mode
from trading.models import Order
from trading.services.safeguards import halts

LEAKED = "secrets_leaked"
OPEN = sorted(lifecycle.OPEN)


@dataclass(frozen=True, slots=True)
class Ended:
    """What became of one key. `token`: "revoked", "no_token", or a code of why the broker could not be told."""

    owner: str
    account: str  # its name
    number: str  # masked
    environment: str
    key: str  # its last four characters
    token: str
    open_orders: int
    is_removed: bool


def revoke_all(*, remove_keys: bool = False) -> Iterator[Ended]:
    """Halt the site and end every token, key by key; each as soon as it is done. May be run again at any time."""
    halts.tighten(halts.SITE, Mode.HALTED, LEAKED, {}, by="command")
    for row in Credential.objects.kept().select_related("account__user").order_by("created_at"):
        yield _end(row, remove_keys=remove_keys)


def _end(row: Credential, *, remove_keys: bool) -> Ended:
    account = row.account
    key, subject = str(row), f"account:{account.pk}"
    token = registration.give_back_tokens(row)
    open_orders = Order.objects.filter(broker_account=account, state__in=OPEN).count()
    is_removed = remove_keys and not open_orders
    if is_removed:
        registration.remove(row)
    audit.record("command", "revoke_broker_tokens", subject, {"key": key}, {"told": token, "key_removed": is_removed})
    login = account.user.get_username()
    return Ended(login, account.name, row.account_hint, account.environment, key, token, open_orders, is_removed)
