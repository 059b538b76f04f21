"""From the row of a KIS key to what it opens: the one place that knows hosts and unseals keys.

Whoever streams asks `socket_key(row)`; whoever asks questions, `client(row)`, `market(row)`.
"""

from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.utils import timezone

from brokers.errors import BrokerNotConfigured, LiveTradingOff
from brokers.kis.client import KisClient
from brokers.kis.credentials import ENDPOINTS, Credentials, Endpoints
from brokers.kis.market import KisMarket
from brokers.kis.services.budget_rows import SharedBudget
from brokers.kis.services.token_rows import SharedTokens
from brokers.kis.tokens import TokenKind, Tokens
from brokers.models import BrokerAccount, Credential
from brokers.protocol import Environment
from brokers.sealing import Unopenable
from brokers.services import secrets
from brokers.wire.client import WireClient
from markets import services as markets
from markets.types import Source

BROKER = "kis"


class NoKey(BrokerNotConfigured):
    """The account has no key, or one that does not open."""

    code = "broker_key_missing"


@dataclass(frozen=True, slots=True)
class SocketKey:
    """What opens the stream of one key: one session each, quotes and own notices of this environment."""

    environment: Environment
    url: str  # "ws://ops.koreainvestment.com:31000"
    approval_key: str = field(repr=False)
    hts_id: str = field(repr=False)  # "": its owner gave none, so no notices of own executions
    owner: str = field(repr=False)  # the ten digits by which notices name the account


def credential_of(account: BrokerAccount) -> Credential:
    """The account's key. Raises NoKey."""
    try:
        return Credential.objects.select_related("account").get(account=account)
    except Credential.DoesNotExist:
        raise NoKey("no key") from None


def usable() -> list[Credential]:
    """The keys of KIS accounts in use whose environment this server may enter, oldest first."""
    rows = Credential.objects.kept().select_related("account")
    rows = rows.filter(account__broker=BROKER, account__is_active=True)
    if not settings.LIVE_TRADING:
        rows = rows.exclude(account__environment=Environment.LIVE)
    return list(rows.order_by("created_at"))


def endpoints(environment: Environment) -> Endpoints:
    """KIS's own hosts; others where a test's settings name them."""
    own, name = ENDPOINTS[environment], environment.value.upper()
    urls: dict[str, str] = settings.KIS_URLS
    return Endpoints(urls.get(f"KAIROS_KIS_{name}_REST") or own.rest, urls.get(f"KAIROS_KIS_{name}_WS") or own.ws)


def venue_now() -> datetime:
    """What time it is at KIS: ours. A sandbox, which only a test's settings name, may live on another day: as its feed says."""
    return markets.market_time(Source.KIS) if settings.KIS_URLS else timezone.now()


def assert_allowed(environment: Environment) -> None:
    """Nothing real is touched before the server allows it. Raises LiveTradingOff."""
    if environment is Environment.LIVE and not settings.LIVE_TRADING:
        raise LiveTradingOff("LIVE_TRADING is off")


def opened(row: Credential, *, only_to_reduce: bool = False) -> Credentials:
    """The keys in clear. Raises NoKey and, unless it is only to call back what rests there, LiveTradingOff."""
    environment = Environment(row.account.environment)
    if not only_to_reduce:
        assert_allowed(environment)
    try:
        return Credentials(environment, **secrets.reveal(row))
    except (Unopenable, ValueError, TypeError):
        raise NoKey("the key does not open") from None


def wire(environment: Environment) -> WireClient:
    return WireClient(endpoints(environment).rest)


def tokens(row: Credential, who: Credentials) -> Tokens:
    return Tokens(wire(who.environment), who, SharedTokens(row), timezone.now)


def client(row: Credential, *, only_to_reduce: bool = False) -> KisClient:
    """Questions and orders by this key, within its budget. Raises as `opened`."""
    who = opened(row, only_to_reduce=only_to_reduce)
    return KisClient(wire(who.environment), who, tokens(row, who), SharedBudget(row.pk, who.environment))


def socket_key(row: Credential) -> SocketKey:
    """Raises NoKey, LiveTradingOff, and brokers.kis.tokens.TokenUnavailable where there is none to be had now."""
    who = opened(row)
    approval = tokens(row, who).current(TokenKind.APPROVAL)
    return SocketKey(who.environment, endpoints(who.environment).ws, approval.value, who.hts_id, who.owner)


def market(row: Credential) -> KisMarket:
    """Quotations by this key: prices, books, bars to fill gaps. Raises NoKey, LiveTradingOff."""
    return KisMarket(client(row), Environment(row.account.environment), venue_now, Source.KIS)
