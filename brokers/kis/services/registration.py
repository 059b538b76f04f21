"""Registering a KIS account by its key: kept sealed, tried against KIS, replaced, removed with its token given back."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import date

import structlog
from django.utils import timezone

from accounts.models import User
from brokers.errors import BrokerError, BrokerNotConfigured
from brokers.kis.credentials import Credentials
from brokers.kis.inspection import inspect
from brokers.kis.instants import korean_day
from brokers.kis.services import keys
from brokers.kis.services.token_rows import SharedTokens
from brokers.kis.token_memory import TokenMemory
from brokers.kis.tokens import TokenKind, Tokens
from brokers.models import BrokerAccount, Credential, Token
from brokers.protocol import Environment
from brokers.services import credentials
from brokers.services.credentials import KeyRefused, NewKey

logger = structlog.get_logger(__name__)

REVOKED, NO_TOKEN = "revoked", "no_token"


@dataclass(frozen=True, slots=True, repr=False)
class TypedKey:
    """What a person copies from KIS's page. `account_number`: ten digits, with or without a dash before the last two."""

    app_key: str = field(repr=False)
    app_secret: str = field(repr=False)
    account_number: str = field(repr=False)
    hts_id: str = field(default="", repr=False)
    expires_on: date | None = None

    def __repr__(self) -> str:
        return "<typed key>"


def register(user: User, name: str, environment: Environment, typed: TypedKey) -> Credential:
    """A new account, out of use until `check` has worked. Raises KeyRefused, keys.LiveTradingOff."""
    keys.assert_allowed(environment)
    key = _key(environment, typed)
    account = BrokerAccount(user=user, name=name, broker=keys.BROKER, environment=environment)
    return credentials.open_account(account, key)


def replace(row: Credential, typed: TypedKey) -> Credential:
    """Another key of the same account. The token of the one before is given back. Raises KeyRefused, LiveTradingOff."""
    environment = Environment(row.account.environment)
    keys.assert_allowed(environment)
    give_back = _token_returner(row)
    replaced = credentials.replace(row, _key(environment, typed))
    give_back()
    return replaced


def remove(row: Credential) -> None:
    """Forget the key, and give its token back, as far as KIS can be asked."""
    give_back = _token_returner(row)
    credentials.remove(row)
    give_back()


def give_back_tokens(row: Credential) -> str:
    """Forget what was got with a key and give it back at KIS: "revoked", "no_token", or why KIS could not be told.

    Works whatever the server allows: ending a token moves nobody's money. The key stays; who still uses it gets another.
    """
    held = SharedTokens(row).read(TokenKind.ACCESS)
    give_back = _token_returner(row)
    Token.objects.filter(credential=row).update(kek_id="", wrapped_key=b"", ciphertext=b"", expires_at=None)
    return give_back() if held is not None else NO_TOKEN


def check(row: Credential) -> Credential:
    """Ask KIS what the key can do, and keep the answer; the first that works puts the account to use."""
    try:
        who = keys.opened(row)
        found = inspect(keys.client(row), keys.tokens(row, who), who, korean_day(keys.venue_now()))
        credentials.note_check(row, found.failure, found.found)
    except BrokerNotConfigured as e:
        credentials.note_check(row, e.code, {})
    return row


def _key(environment: Environment, typed: TypedKey) -> NewKey:
    """Raises KeyRefused."""
    digits = typed.account_number.replace("-", "").replace(" ", "")
    if len(digits) != 10 or not (digits.isascii() and digits.isdigit()):
        raise KeyRefused("account_number_wrong", "account_number")
    try:
        who = Credentials(environment, typed.app_key, typed.app_secret, digits[:8], digits[8:], typed.hts_id)
    except ValueError:
        raise KeyRefused("key_has_odd_characters", "app_key") from None
    secret = {name: value for name, value in asdict(who).items() if name != "environment"}
    return NewKey(typed.app_key, secret, typed.expires_on)


def _token_returner(row: Credential) -> Callable[[], str]:
    """What gives the key's token back once the rows no longer know it. It ends by itself within a day where that fails."""
    try:
        who = keys.opened(row, only_to_reduce=True)
    except BrokerNotConfigured as e:
        code = e.code
        return lambda: code
    token, memory = SharedTokens(row).read(TokenKind.ACCESS), TokenMemory()
    if token is not None:
        memory.keep(TokenKind.ACCESS, token)

    def give_back() -> str:
        try:
            Tokens(keys.wire(who.environment), who, memory, timezone.now).revoke()
        except BrokerError as e:
            logger.info("token not given back", credential=str(row.pk), why=e.code)
            return e.code
        return REVOKED

    return give_back
