"""The kill switch: latches per scope, read in the transaction that claims an order. Strictest wins; time opens none.

A claim reads its latches under a share lock and a halt writes its own under an exclusive one: an order is either claimed
before the halt commits, and then asked back by it, or its claim sees the halt. No order's lock is ever waited for while a
latch is held, so nothing that is stuck elsewhere can keep a halt from committing.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID

import structlog
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.services import audit
from brokers.models import BrokerAccount
from markets import services as markets
from markets.models import Instrument, Statements
from trading import latches, lifecycle
from trading.errors import NotAllowed, TradingError
from trading.events import publish_account_changed, publish_order_changed
from trading.latches import Latch, Mode
from trading.models import Halt, Order, OrderEvent, SwingPlan
from trading.risk import Denial
from trading.services.ordering.asked import Asked
from trading.services.settling import unlinked

logger = structlog.get_logger(__name__)

Scope = tuple[str, str]  # ("account", its primary key); ("site", "")
SITE: Scope = ("site", "")
HALTS = Statements(Halt)
ORDER_FIELDS = {
    "user": "user_id",
    "account": "broker_account_id",
    "plan": "plan_id",
    "instrument": "instrument_id",
}
AT_THE_VENUE = lifecycle.UNRESOLVED | lifecycle.WORKING


class UnknownScope(TradingError):
    """There is nothing of this kind with this key, or not for this person."""

    code = "unknown_scope"


class HaltRefused(TradingError):
    """The latch cannot be moved like this."""

    def __init__(self, code: str, **facts: str) -> None:
        super().__init__(code, **facts)
        self.code = code


def denial_for(order: Order, *, reduces: bool) -> Denial | None:
    """Why a latch forbids sending this order now, or None. Call inside the claim's transaction: the latches stay as read.

    `reduces`: the order only makes a position smaller, which reduce-only latches let through.
    """
    scopes = _scopes(order.user_id, order.broker_account_id, order.plan_id, order.instrument_id)
    return latches.denial(_latches(_read_locked(scopes)), is_reducing=reduces)


def denial_at_place(asked: Asked) -> Denial | None:
    """Why a latch forbids this wish, or None; nothing is locked, for the claim looks again."""
    return latches.denial(_latches(_rows(scopes_of(asked))), is_reducing=latches.reduces(asked.side))


def free_at_place(wishes: Sequence[Asked]) -> list[bool]:
    """Of each wish whether no latch forbids it, in one statement; nothing is locked, for the claim looks again."""
    scopes = [scopes_of(wish) for wish in wishes]
    rows = {(row.scope, row.target): row for row in _rows(sorted({scope for each in scopes for scope in each}))}
    return [
        latches.denial(_latches(rows[scope] for scope in each if scope in rows), is_reducing=latches.reduces(w.side))
        is None
        for w, each in zip(wishes, scopes, strict=True)
    ]


def latch(scope: str, target: str, mode: str, reason: str, *, by: User | None = None, **facts: str) -> Halt:
    """Close a latch at least as far as `mode`; one that is closed further stays. `by` is None for what happens by itself.

    HALTED asks every order of the scope back that may rest at a venue. `reason` is a stable code, or a person's own words.
    Raises UnknownScope.
    """
    return tighten((scope, target), Mode(mode), reason, facts, by=by)[0]


@transaction.atomic
def tighten(
    scope: Scope, mode: Mode, reason: str, facts: Mapping[str, str], *, by: User | str | None = None
) -> tuple[Halt, bool]:
    """`latch`, and whether it moved. `by`: a person, or the name of what acted, for the audit."""
    scope = known_scope(*scope)
    row = _locked(scope)
    moves = latches.tightens(Mode(row.mode), mode)
    if moves:
        before = _state(row)
        row.mode, row.reason, row.facts, row.at = mode, reason[:64], dict(facts), timezone.now()
        row.by = by if isinstance(by, User) else None
        _save(row)
    if row.mode == Mode.HALTED:
        ask_back(scope)
    if moves:
        _leave_a_record(row, before, "halt", by)
    return row, moves


def halt(user: User, scope: str, target: str, mode: str, reason: str) -> Halt:
    """A person stops something of their own; an admin anything. Needs no second factor, and nothing but the database.

    Raises NotAllowed, and UnknownScope for what is not there or not theirs.
    """
    if Mode(mode) is Mode.ACTIVE:
        raise HaltRefused("not_a_halt")
    check_rights(user, scope, target)
    return latch(scope, target, mode, reason or "stopped_by_person", by=user)


@transaction.atomic
def release(user: User, scope: str, target: str) -> Halt:
    """A person lets orders out again. What was canceled stays canceled.

    Raises NotAllowed for who may not trade, UnknownScope, and HaltRefused for what an admin has latched: only admins open
    that.
    """
    if not user.may_trade:
        raise NotAllowed
    check_rights(user, scope, target)
    row = Halt.objects.filter(scope=scope, target=target).first()
    if row is not None and row.by_id not in {None, user.pk} and not user.is_staff:
        raise HaltRefused("latched_by_other")
    return open_latch(scope, target, by=user)


@transaction.atomic
def open_latch(scope: str, target: str, *, by: User | None) -> Halt:
    """Open a latch without asking for rights: for `release`, and for who has the server's own command line (`by` None).

    Nothing else may call this: no restart, deploy or clock opens a latch (G04).
    """
    scope, target = known_scope(scope, target)
    if (scope, target) == SITE:
        from trading.services.running import system

        system.rearm(by)  # before the latch: claims lock in this order
    row = _locked((scope, target))
    if row.mode != Mode.ACTIVE:
        before = _state(row)
        row.mode, row.reason, row.facts, row.by, row.at = Mode.ACTIVE, "", {}, by, timezone.now()
        _save(row)
        _leave_a_record(row, before, "resume", by or "command")
    return row


def check_rights(user: User, scope: str, target: str) -> None:
    """Raise NotAllowed unless the person may move this latch, UnknownScope for what is not there or somebody else's."""
    scope, target = known_scope(scope, target)
    if not user.is_active:
        raise NotAllowed
    if user.is_staff:
        return
    if scope in {"site", "instrument"}:
        raise NotAllowed
    own = {
        "user": lambda: target == str(user.pk),
        "account": lambda: BrokerAccount.objects.for_user(user).filter(pk=target).exists(),
        "plan": lambda: SwingPlan.objects.for_user(user).filter(pk=target).exists(),
    }
    if not own[scope]():
        raise UnknownScope(scope=scope, target=target)


def known_scope(scope: str, target: str) -> Scope:
    """The scope as latches spell it. Raises UnknownScope where there is no such thing."""
    if (scope, target) == SITE:
        return SITE
    tables: dict[str, QuerySet[Any]] = {
        "user": User.objects.all(),
        "account": BrokerAccount.objects.all(),
        "plan": SwingPlan.objects.all(),
        "instrument": Instrument.objects.all(),
    }
    try:
        key = int(target) if scope == "instrument" else UUID(target)
        found = tables[scope].filter(pk=key).exists()
    except (KeyError, ValueError, OverflowError):
        found = False
    if not found:
        raise UnknownScope(scope=scope, target=target)
    return scope, str(key)


def unconfirmed(scope: str, target: str) -> int:
    """How many orders of the scope are to be canceled, or in doubt, without the venue's word that nothing of them is left."""
    orders = orders_in((scope, target)).filter(state__in=sorted(AT_THE_VENUE))
    if Halt.objects.filter(scope=scope, target=target, mode=Mode.HALTED).exists():
        return orders.count() + unlinked.resting([(scope, target)])
    return orders.filter(Q(cancel_requested=True) | Q(state__in=sorted(lifecycle.UNRESOLVED))).count()


def orders_in(scope: Scope) -> QuerySet[Order]:
    """The orders a latch is about."""
    name, target = scope
    return Order.objects.all() if scope == SITE else Order.objects.filter(**{ORDER_FIELDS[name]: target})


@transaction.atomic
def ask_back(scope: Scope) -> int:
    """Request the cancel of every order of a halted scope that may be at a venue, conditional ones included; how many.

    An order that somebody else is just moving is not waited for: the sweep comes again within seconds.
    """
    lying = orders_in(scope).filter(state__in=sorted(AT_THE_VENUE), cancel_requested=False)
    orders = list(lying.select_for_update(skip_locked=True, of=("self",), no_key=True).select_related("instrument"))
    if not orders:
        return 0
    Order.objects.filter(pk__in=[order.pk for order in orders]).update(cancel_requested=True, version=F("version") + 1)
    now = {source: markets.market_time(source) for source in {order.instrument.source for order in orders}}
    OrderEvent.objects.bulk_create(
        OrderEvent(
            order=order,
            state=order.state,
            origin="halt",
            reason="cancel_requested_by_halt",
            market_at=now[order.instrument.source],
        )
        for order in orders
    )
    for order in orders:
        transaction.on_commit(partial(publish_order_changed, order.pk, order.user_id, order.version + 1))
    ring()
    return len(orders)


def ring() -> None:
    """Wake dispatch once this has committed."""
    from trading.services.ordering.orders import ring_dispatch  # placing an order asks the latches

    ring_dispatch()


def scopes_of(asked: Asked) -> list[Scope]:
    """Everything that a latch or a limit for this wish could be set on."""
    plan = asked.plan.pk if asked.plan else None
    return _scopes(asked.user.pk, asked.broker_account.pk, plan, asked.instrument.pk)


def _scopes(user_id: UUID, account_id: UUID, plan_id: UUID | None, instrument_id: int) -> list[Scope]:
    own = [SITE, ("user", str(user_id)), ("account", str(account_id)), ("instrument", str(instrument_id))]
    return [*own, ("plan", str(plan_id))] if plan_id else own


def of_scopes(scopes: Sequence[Scope]) -> tuple[str, list[str]]:
    """The SQL that picks the rows of these scopes, and its values."""
    pairs = ", ".join(["(%s, %s)"] * len(scopes))
    return f"(scope, target) IN ({pairs})", [word for scope in scopes for word in scope]


def _rows(scopes: Sequence[Scope], lock: str = "") -> list[Halt]:
    condition, values = of_scopes(scopes)
    return HALTS.read(f"{condition} ORDER BY id", values, lock)


def _read_locked(scopes: Sequence[Scope]) -> list[Halt]:
    """The latches of all these scopes, share-locked until the transaction ends.

    A latch that was never closed has no row, and what is not there cannot be locked: it is written first. Should a halt be
    writing the same row, this waits until it has committed, and the second reading sees it.
    """
    rows = _shared(scopes)
    if len(rows) < len(scopes):
        known = {(row.scope, row.target) for row in rows}
        _write_missing([scope for scope in scopes if scope not in known])
        rows = _shared(scopes)
    if len(rows) < len(scopes):
        raise LookupError("a latch cannot be read: nothing is sent")
    return rows


def _shared(scopes: Sequence[Scope]) -> list[Halt]:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("latches are read inside the claim's transaction")
    return _rows(scopes, "FOR SHARE")


def _write_missing(scopes: Sequence[Scope]) -> None:
    Halt.objects.bulk_create([Halt(scope=scope, target=target) for scope, target in scopes], ignore_conflicts=True)


def _locked(scope: Scope) -> Halt:
    _write_missing([scope])
    return Halt.objects.select_for_update().get(scope=scope[0], target=scope[1])


def _latches(rows: Any) -> list[Latch]:
    return [Latch(row.scope, row.target, Mode(row.mode), row.reason) for row in rows]


def _state(row: Halt) -> dict[str, str]:
    return {"mode": str(row.mode), "reason": row.reason}


def _save(row: Halt) -> None:
    row.version += 1
    row.save()
    ring()
    if row.scope == "account":
        account = BrokerAccount.objects.get(pk=row.target)
        transaction.on_commit(partial(publish_account_changed, account.pk, account.user_id))


def subject_of(scope: Scope) -> str:
    """What the audit calls this latch."""
    return ":".join(scope)


def _leave_a_record(row: Halt, before: dict[str, str], act: str, by: User | str | None) -> None:
    """Last in the transaction: everybody else who writes the audit waits from here until it has committed."""
    subject = subject_of((row.scope, row.target))
    logger.warning("latch", act=act, subject=subject, mode=str(row.mode), reason=row.reason)
    audit.record(by, act, subject, before, _state(row))
