"""A person's own things by what a body or an address names; anything else is as if it were not there."""

from uuid import UUID

from accounts.api.problems import Problem
from accounts.api.view import ApiRequest
from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument
from markets.models.statements import Statements
from trading.errors import OrderRefused

ACCOUNTS, INSTRUMENTS = Statements(BrokerAccount), Statements(Instrument)  # what every placed order names


def own_account(user: User, account_id: UUID) -> BrokerAccount:
    """Of an address. Raises BrokerAccount.DoesNotExist."""
    account = BrokerAccount.objects.for_user(user).get(pk=account_id)
    account.user = user
    return account


def named_account(request: ApiRequest, account_id: UUID) -> BrokerAccount:
    """Of a body: an account to trade on. Raises OrderRefused, and Problem for a live one without a second factor."""
    account = ACCOUNTS.first("id = %s AND user_id = %s", [account_id, request.user.pk])
    if account is None:
        raise OrderRefused("unknown_account")
    account.user = request.user
    require_factor_for(request, account)
    return account


def require_factor_for(request: ApiRequest, account: BrokerAccount) -> None:
    """Real money moves only for those who signed in with a second factor (security.md 6.3.3)."""
    if account.environment == Environment.LIVE and not (
        request.user.is_2fa_enabled and request.auth.used_second_factor
    ):
        raise Problem("second_factor_required", 403)


def named_instrument(key: str) -> Instrument:
    """Of a body. Raises OrderRefused."""
    venue, _colon, symbol = key.partition(":")
    instrument = INSTRUMENTS.first("venue = %s AND symbol = %s", [venue, symbol])
    if instrument is None:
        raise OrderRefused("unknown_instrument")
    return instrument
