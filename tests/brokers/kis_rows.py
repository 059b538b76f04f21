"""KIS accounts in our database: an account row with a sealed key of nobody's."""

from itertools import count
from typing import Any

from accounts.models import User
from brokers.models import BrokerAccount, Credential
from brokers.protocol import Environment
from brokers.services import secrets
from tests.brokers.kis_account import KEY, SECRET
from tests.factories import make_user

_numbers = count(1)
ACCOUNT = {"app_key": KEY, "app_secret": SECRET, "account": "50123456", "product": "01", "hts_id": "demo1"}


def make_kis_account(
    user: User | None = None, environment: Environment = Environment.PAPER, **secret: str
) -> BrokerAccount:
    """An account of KIS in use, with a key."""
    number = next(_numbers)
    account = BrokerAccount.objects.create(
        user=user or make_user(), name=f"한국투자 {number}", broker="kis", environment=environment
    )
    give_key(account, **secret)
    return account


def give_key(account: BrokerAccount, **secret: Any) -> Credential:
    row = Credential(
        account=account, fingerprint=f"{next(_numbers):064}", key_hint=KEY[-4:], account_hint="****3456-01"
    )
    secrets.seal(row, ACCOUNT | secret)
    row.save(force_insert=True)
    return row
