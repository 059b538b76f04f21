"""The limits as people set them, per scope: what counts now, what will count after the cool-down, and setting one.

An account's own value replaces its start value; any other scope can only tighten. Tightening counts at once. Loosening
counts at once where no real money moves, and on a live account an hour later, so that nobody talks a limit away in haste.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Statements
from markets.models.fields import exact
from trading import limits
from trading.errors import NotAllowed, TradingError
from trading.limits import TABLE, Unit
from trading.models import RiskLimit, SwingPlan
from trading.services.ordering.asked import Asked
from trading.services.running.timing import scaled
from trading.services.safeguards.halts import check_rights, known_scope, of_scopes, scopes_of

COOL_DOWN = timedelta(hours=1)
NEVER_LOOSER = {"self_cross"}  # trading with oneself is against the law, not against a preference

Scope = tuple[str, str]
LIMITS = Statements(RiskLimit)


class LimitRefused(TradingError):
    """The limit cannot be set like this; nothing is written."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code, **facts)
        self.code = code


@dataclass(frozen=True, slots=True)
class LimitView:
    """One limit of one account. `value` None: no limit. `scope` and `target` say who set it; `scope` "start": nobody.

    `coming` is a looser value of the account's own that counts from `coming_at`.
    """

    name: str
    unit: Unit
    value: Decimal | None
    scope: str
    target: str
    start: Decimal | None
    coming: Decimal | None = None
    coming_at: datetime | None = None


def values_for(account: BrokerAccount, scopes: Sequence[Scope]) -> dict[str, Decimal]:
    """The limits that count for an order of these scopes now, in one query."""
    return _effective(account, rows_in_force(scopes))


def unlimited(wishes: Sequence[Asked]) -> list[bool]:
    """Of each wish whether no limit at all stands before it, in one statement: never of an order on a real account."""
    scopes = [scopes_of(wish) for wish in wishes]
    found: dict[Scope, list[RiskLimit]] = {}
    for row in rows_in_force(sorted({scope for each in scopes for scope in each})):
        found.setdefault((row.scope, row.target), []).append(row)
    return [
        wish.broker_account.environment == Environment.VIRTUAL
        and not limits.guards_orders(_effective(wish.broker_account, [r for s in each for r in found.get(s, [])]))
        for wish, each in zip(wishes, scopes, strict=True)
    ]


def _effective(account: BrokerAccount, rows: Sequence[RiskLimit]) -> dict[str, Decimal]:
    return limits.effective(start_of(account), ((row.scope, row.name, row.value) for row in rows))


def start_of(account: BrokerAccount) -> dict[str, Decimal]:
    """What limits the account before anybody has set anything."""
    return limits.start_values(Environment(account.environment), account.currency)


def rows_in_force(scopes: Sequence[Scope]) -> list[RiskLimit]:
    """Of each scope's limits the newest that counts already; one query."""
    condition, values = of_scopes(scopes)
    rows = LIMITS.read(f"{condition} AND since <= %s ORDER BY since, id", [*values, timezone.now()])
    return list({(row.scope, row.target, row.name): row for row in rows if row.name in TABLE}.values())


def limits_of(account: BrokerAccount) -> list[LimitView]:
    """Every limit as it stands for the account's orders, in the order of the table."""
    scopes = [("site", ""), ("user", str(account.user_id)), ("account", str(account.pk))]
    start, rows = start_of(account), rows_in_force(scopes)
    values = limits.effective(start, ((row.scope, row.name, row.value) for row in rows))
    coming = {row.name: row for row in _coming("account", str(account.pk)).order_by("since")}
    return [_view(name, values.get(name), start.get(name), rows, coming.get(name)) for name in TABLE]


@transaction.atomic
def set_limit(user: User, scope: str, target: str, name: str, value: Decimal | None) -> RiskLimit | None:
    """Set one limit of one scope; None takes it back to where it starts. The row, or None where there is none any more.

    Its `since` says from when it counts. A wish set earlier that does not count yet is dropped.
    Raises NotAllowed, UnknownScope and LimitRefused.
    """
    if not user.may_trade:
        raise NotAllowed
    check_rights(user, scope, target)
    scope, target = known_scope(scope, target)
    wanted = None if value is None else _checked(name, value)
    _lock(scope, target)
    start = _start(scope, target).get(_known(name))
    own = _own(scope, target, name)
    now = start if own is None else own
    looser = limits.loosens(name, now, start if wanted is None else wanted)
    real, live = (
        _touches(scope, target, [Environment.PAPER, Environment.LIVE]),
        _touches(scope, target, [Environment.LIVE]),
    )
    if looser and real and name in NEVER_LOOSER:
        raise LimitRefused("limit_never_looser", limit=name)
    _coming(scope, target).filter(name=name).delete()
    row = None
    if wanted is None and looser and live:
        if start is None:
            raise LimitRefused("limit_needs_value", limit=name)
        wanted = start
    if wanted is None:
        RiskLimit.objects.filter(scope=scope, target=target, name=name).delete()
    else:
        since = timezone.now() + (scaled(COOL_DOWN) if looser and live else timedelta(0))
        row = RiskLimit.objects.create(scope=scope, target=target, name=name, value=wanted, since=since)
    after = {name: _text(wanted), "since": row.since.isoformat() if row else ""}
    audit.record(user, "set_limit", f"{scope}:{target}", {name: _text(now)}, after)
    return row


def _checked(name: str, value: Decimal) -> Decimal:
    unit = TABLE[_known(name)].unit
    try:
        number = exact(value)
    except ValidationError as e:
        raise LimitRefused("bad_limit", limit=name) from e
    most = Decimal(1) if unit in {Unit.RATE, Unit.SWITCH} else None
    whole = unit in {Unit.COUNT, Unit.SWITCH, Unit.SECONDS}
    if number < 0 or (most is not None and number > most) or (whole and number % 1):
        raise LimitRefused("bad_limit", limit=name)
    return number


def _known(name: str) -> str:
    if name not in TABLE:
        raise LimitRefused("unknown_limit", limit=name)
    return name


def _lock(scope: str, target: str) -> None:
    """Two settings of one account's limits come one after the other; of wider scopes only people set any."""
    if scope == "account":
        BrokerAccount.objects.select_for_update(no_key=True).get(pk=target)


def _start(scope: str, target: str) -> dict[str, Decimal]:
    """Only an account has values to start from: the other scopes begin without any of their own."""
    return start_of(BrokerAccount.objects.get(pk=target)) if scope == "account" else {}


def _own(scope: str, target: str, name: str) -> Decimal | None:
    return next((row.value for row in rows_in_force([(scope, target)]) if row.name == name), None)


def _coming(scope: str, target: str) -> QuerySet[RiskLimit]:
    return RiskLimit.objects.filter(scope=scope, target=target, since__gt=timezone.now())


def _touches(scope: str, target: str, environments: list[Environment]) -> bool:
    """Whether an account of one of these environments stands under this scope."""
    accounts = BrokerAccount.objects.filter(environment__in=[each.value for each in environments])
    if scope == "user":
        accounts = accounts.filter(user_id=target)
    elif scope == "account":
        accounts = accounts.filter(pk=target)
    elif scope == "plan":
        accounts = accounts.filter(pk__in=SwingPlan.objects.filter(pk=target).values("broker_account"))
    return accounts.exists()


def _view(
    name: str, value: Decimal | None, start: Decimal | None, rows: list[RiskLimit], coming: RiskLimit | None
) -> LimitView:
    setters = [row for row in rows if row.name == name and row.value == value]
    by = next((row for row in setters if row.scope == "account"), setters[0] if setters else None)
    scope, target = (by.scope, by.target) if by else ("start", "")
    view = LimitView(name, TABLE[name].unit, value, scope, target, start)
    return view if coming is None else replace(view, coming=coming.value, coming_at=coming.since)


def _text(value: Decimal | None) -> str:
    return "" if value is None else format(value, "f")
