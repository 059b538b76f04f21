"""Reading real accounts: which are due, what is asked, and what is known of the last time (I15).

An account is read whole when somebody new begins to send on it, every two seconds while an order of it is in doubt or being
canceled, every five while one rests at the venue, at once when the broker's stream rings, and once a minute besides.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import structlog
from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from brokers.errors import BrokerError, ReadIncomplete
from brokers.models import BrokerAccount
from brokers.protocol import Abilities, Environment, Holdings, OrderRequest
from trading import lifecycle
from trading.lifecycle import OrderState
from trading.models import AccountReading, BrokerOrder, Order
from trading.services.running.timing import scaled
from trading.services.settling.openings import open_books

__all__ = ["Question", "begin", "complete", "due", "fail", "is_read", "latest", "open_books", "readable"]

logger = structlog.get_logger(__name__)

IN_DOUBT_AGAIN = timedelta(seconds=2)
WORKING_AGAIN = timedelta(seconds=5)
AGAIN = timedelta(seconds=60)
RUNG_AGAIN = timedelta(seconds=0.3)  # notices of one order come in a row
OVERLAP = timedelta(
    hours=1
)  # a list may leave out an order for a while, and somebody else's is asked after by nothing else
LATE_FOR = timedelta(days=1)  # how long an order taken for never placed may still turn up
SENT_NOW = Q(state__in=[OrderState.SUBMITTED, OrderState.UNKNOWN]) | Q(cancel_requested=True)


@dataclass(frozen=True, slots=True)
class Question:
    """What one reading asks: everything since `since`, and each of `doubts` by our id where the venue keeps it."""

    asked_at: datetime
    since: datetime
    doubts: tuple[OrderRequest, ...]


def latest(account_id: UUID) -> AccountReading | None:
    """The last complete reading, with the fence it was made under, or what is known instead."""
    return AccountReading.objects.filter(broker_account=account_id).first()


def is_read(account_id: UUID, fence: int) -> bool:
    """Whether the account has been read whole since this fence may act (I15)."""
    return AccountReading.objects.filter(broker_account=account_id, fence=fence).exists()


def due(fence: int, tried: Mapping[UUID, datetime]) -> list[BrokerAccount]:
    """The accounts to be read now; `tried`: when this process last tried each.

    An account of our own book-keeping is never read; it appears where its sender died, to be looked up.
    """
    now = timezone.now()
    return [account for account in _read_at_all() if _is_due(account, fence, tried.get(account.pk), now)]


def readable() -> list[BrokerAccount]:
    """Every account with books of its broker's, and whichever else has an order in doubt."""
    return list(_read_at_all())


def _read_at_all() -> Any:
    orders = Order.objects.filter(broker_account=OuterRef("pk")).order_by()
    unsettled = orders.filter(SENT_NOW, state__in=sorted(lifecycle.UNRESOLVED | lifecycle.WORKING))
    in_doubt = orders.filter(state__in=[OrderState.SUBMITTED, OrderState.UNKNOWN])
    working = orders.filter(state__in=sorted(lifecycle.WORKING | lifecycle.UNRESOLVED))
    has_wire = ~Q(environment=Environment.VIRTUAL)
    accounts = BrokerAccount.objects.select_related("reading", "user").annotate(
        unsettled=Exists(unsettled), working=Exists(working)
    )
    return accounts.filter((has_wire & (Q(is_active=True) | Q(working=True))) | Exists(in_doubt))


def _is_due(account: Any, fence: int, tried_at: datetime | None, now: datetime) -> bool:
    reading: AccountReading | None = getattr(account, "reading", None)
    if tried_at is None and (reading is None or reading.fence != fence):
        return True
    last = max((at for at in (tried_at, reading and reading.asked_at) if at), default=None)
    if last is None:
        return True
    if reading is not None and reading.rung_at is not None and reading.rung_at > last:
        return now - last >= scaled(RUNG_AGAIN)
    is_behind = reading is None or reading.fence != fence or reading.failed_since is not None
    wait = IN_DOUBT_AGAIN if account.unsettled else WORKING_AGAIN if account.working or is_behind else AGAIN
    return now - last >= scaled(wait)


def begin(account_id: UUID, venue: Abilities) -> Question:
    """What to ask now. It reaches back past the last reading, to the oldest order that may have moved, and to one that is
    known to be there."""
    now = timezone.now()
    orders = Order.objects.filter(broker_account=account_id, sent_at__isnull=False)
    moving = orders.filter(state__in=sorted(lifecycle.UNRESOLVED | lifecycle.WORKING))
    absent = orders.filter(state=OrderState.NOT_PLACED, sent_at__gt=now - LATE_FOR)
    ages = [*moving.values_list("sent_at", flat=True), *absent.values_list("sent_at", flat=True)]
    last = AccountReading.objects.filter(broker_account=account_id).values_list("asked_at", flat=True).first()
    starts = [now - LATE_FOR if last is None else last - scaled(OVERLAP), *(at for at in ages if at is not None)]
    if control := _newest_known(account_id, before=min(starts)):
        starts.append(control)
    doubts = moving.filter(state=OrderState.UNKNOWN).select_related("instrument") if venue.client_order_id else []
    return Question(now, min(starts) - venue.clock_skew, tuple(order.as_request() for order in doubts))


def _newest_known(account_id: UUID, before: datetime) -> datetime | None:
    """When the last order before `before` that the broker has shown was made: the list must show it again."""
    known = BrokerOrder.objects.filter(
        broker_account=account_id, ordered_at__lte=before, ordered_at__gt=before - LATE_FOR
    )
    return known.order_by("-ordered_at").values_list("ordered_at", flat=True).first()


def complete(account_id: UUID, fence: int, asked_at: datetime, holdings: Holdings) -> None:
    """Write down that the account was read whole. An older reader, woken late, does not undo what a newer one wrote."""
    told = {"cash": _texts(holdings.cash), "units": _texts(holdings.units), "spendable": _texts(holdings.spendable)}
    fields: dict[str, Any] = {**told, "fence": fence, "asked_at": asked_at, "failed_since": None, "failure": ""}
    with transaction.atomic():
        AccountReading.objects.get_or_create(broker_account_id=account_id, defaults=fields)
        older = AccountReading.objects.filter(broker_account=account_id, asked_at__lt=asked_at, fence__lte=fence)
        older.update(**fields)


def fail(account_id: UUID, error: Exception) -> None:
    """Write down that a reading failed: it proves nothing, and what was known before stands."""
    now = timezone.now()
    code = error.code if isinstance(error, BrokerError) else ReadIncomplete.code
    reading, _is_new = AccountReading.objects.get_or_create(
        broker_account_id=account_id, defaults={"fence": 0, "asked_at": now - LATE_FOR}
    )
    if reading.failed_since is None:
        logger.warning("account cannot be read", account=str(account_id), why=code)
    since = reading.failed_since or now
    AccountReading.objects.filter(pk=reading.pk).update(failed_since=since, failure=code[:64])


def _texts(amounts: Mapping[str, Decimal]) -> dict[str, str]:
    return {name: format(amount, "f") for name, amount in amounts.items()}
