"""Where the broker holds another number of units than our books: found, shown, and left to a person (I22).

Nothing is ever bought or sold to make the two equal. Until a person has adopted or ignored the difference, nothing new is
bought of that instrument on that account.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Holdings
from trading import adjustments, ledger, lifecycle
from trading.errors import NotAllowed, TradingError
from trading.events import publish_account_changed
from trading.models import Fill, Order, PositionDifference
from trading.services.ledger import books
from trading.services.running.timing import scaled
from trading.services.safeguards.alerts import raise_alert
from trading.services.settling import openings
from trading.services.settling.doubts import settle_by_person

__all__ = ["adopt_difference", "blocks_entry", "compare", "ignore_difference", "settle_by_person", "unexplained"]

MISMATCH = "position_mismatch"
ADOPTED, IGNORED, GONE = "adopted", "ignored", "gone"
BOOKED_LATELY = timedelta(seconds=5)  # a broker's holdings may follow its order list by a moment
AT_THE_VENUE = sorted(lifecycle.UNRESOLVED | lifecycle.WORKING)
OWN_BUCKETS = {ledger.AVAILABLE, ledger.RESERVED}
ZERO = Decimal(0)


class DifferenceMoved(TradingError):
    """Our books, or the broker's, are no longer what the person has seen, or somebody has decided already."""

    code = "difference_moved"


def blocks_entry(account_id: UUID, instrument_key: str) -> bool:
    """Whether nothing new may be bought: a difference waits for a person."""
    open_ones = PositionDifference.objects.filter(broker_account=account_id, instrument=instrument_key, closed_at=None)
    return open_ones.exists()


def compare(account: BrokerAccount, holdings: Holdings, asked_at: datetime) -> int:
    """Hold our units against what was read, instrument by instrument; how many differences are open now.

    An instrument is left for the next reading while an order of it is at the venue or has just filled: the two sides were
    not read at one moment.
    """
    moving = _moving(account, asked_at)
    with transaction.atomic():
        books.lock_account(account.pk)
        ours = _our_units(account)
        known = {row.instrument: row for row in _kept(account).select_for_update()}
        for key in sorted((ours.keys() | holdings.units.keys() | known.keys()) - moving):
            mine, theirs = ours.get(key, ZERO), holdings.units.get(key, ZERO)
            _keep(account, known.get(key), key, mine, theirs, holdings.average_price.get(key))
    return PositionDifference.objects.filter(broker_account=account, closed_at=None).count()


def unexplained(account: BrokerAccount, units: Mapping[str, Decimal]) -> frozenset[str]:
    """The instruments of which the broker holds another number than our books and the differences known so far say."""
    ours = _our_units(account)
    known = {row.instrument: row.theirs - row.ours for row in _kept(account)}
    return frozenset(
        key
        for key in ours.keys() | units.keys() | known.keys()
        if units.get(key, ZERO) - ours.get(key, ZERO) != known.get(key, ZERO)
    )


@transaction.atomic
def adopt_difference(user: User, difference_id: int) -> PositionDifference:
    """Take the broker's number over into our books, at its average price. Raises what `_decided` does and CostUnknown."""
    row = _decided(user, difference_id)
    account = books.lock_account(row.broker_account_id)
    currency, decimals = openings.money_of(account, row.instrument)
    held = books.held(account, [row.instrument, currency])
    free = held.get((ledger.AVAILABLE, row.instrument), ZERO)
    ours = free + held.get((ledger.RESERVED, row.instrument), ZERO)
    lacking = row.theirs - row.ours
    if ours != row.ours or -lacking > free:
        raise DifferenceMoved(instrument=row.instrument, ours=ours)
    if lacking > 0:
        lines = openings.units_in(account, row.instrument, lacking, row.average_price)
    else:
        cost = held.get((ledger.position_bucket(row.instrument), currency), ZERO)
        gone = ledger.cost_of_sold(-lacking, ours, cost, decimals)
        lines = adjustments.units_out(row.instrument, -lacking, currency, gone)
    books.book(account, "adjustment", f"difference:{row.pk}:{_seconds(row.opened_at)}", timezone.now(), lines, held)
    return _close(row, ADOPTED)


@transaction.atomic
def ignore_difference(user: User, difference_id: int) -> PositionDifference:
    """Leave our books as they are: what the broker has more or less there is not ours to trade. Raises as `_decided`."""
    return _close(_decided(user, difference_id), IGNORED)


def _decided(user: User, difference_id: int) -> PositionDifference:
    """The open difference, locked. Raises NotAllowed, PositionDifference.DoesNotExist and DifferenceMoved."""
    if not user.may_trade:
        raise NotAllowed
    own = PositionDifference.objects.filter(broker_account__user=user)
    account_id = own.values_list("broker_account_id", flat=True).get(pk=difference_id)
    books.lock_account(account_id)
    row = own.select_for_update(of=("self",)).get(pk=difference_id)
    if row.closed_at is not None:
        raise DifferenceMoved(instrument=row.instrument, ours=row.ours)
    return row


def _moving(account: BrokerAccount, asked_at: datetime) -> set[str]:
    orders = Order.objects.filter(broker_account=account, state__in=AT_THE_VENUE).select_related("instrument")
    since = asked_at - scaled(BOOKED_LATELY)
    fills = Fill.objects.filter(broker_account=account, created_at__gte=since).select_related("order__instrument")
    return {order.instrument.key for order in orders} | {fill.order.instrument.key for fill in fills}


def _our_units(account: BrokerAccount) -> dict[str, Decimal]:
    units: dict[str, Decimal] = {}
    for (bucket, asset), amount in books.held(account).items():
        if bucket in OWN_BUCKETS and ":" in asset:
            units[asset] = units.get(asset, ZERO) + amount
    return units


def _kept(account: BrokerAccount) -> QuerySet[PositionDifference]:
    """One row at most of each instrument: open, or ignored by a person."""
    rows = PositionDifference.objects.filter(broker_account=account)
    return rows.filter(Q(closed_at=None) | Q(resolution=IGNORED))


def _keep(
    account: BrokerAccount,
    row: PositionDifference | None,
    key: str,
    ours: Decimal,
    theirs: Decimal,
    average_price: Decimal | None,
) -> None:
    if ours == theirs:
        if row is not None:
            _close(row, GONE)
        return
    if row is not None and (row.ours, row.theirs) == (ours, theirs):
        return
    if row is not None and row.resolution == IGNORED and row.theirs - row.ours == theirs - ours:
        return  # what a person leaves alone is the distance, whatever is traded on top of it
    is_new = row is None or row.closed_at is not None
    row = row or PositionDifference(broker_account=account, instrument=key)
    row.ours, row.theirs, row.average_price = ours, theirs, average_price
    row.opened_at = timezone.now() if is_new else row.opened_at
    row.closed_at, row.resolution = None, ""
    row.save()
    if not is_new:
        return
    numbers = {"ours": format(ours, "f"), "theirs": format(theirs, "f")}
    raise_alert(MISMATCH, f"difference:{row.pk}", account.user_id, instrument=key, **numbers)
    transaction.on_commit(partial(publish_account_changed, account.pk, account.user_id))


def _close(row: PositionDifference, resolution: str) -> PositionDifference:
    row.closed_at, row.resolution = timezone.now(), resolution
    row.save(update_fields=["closed_at", "resolution"])
    account = row.broker_account
    transaction.on_commit(partial(publish_account_changed, account.pk, account.user_id))
    return row


def _seconds(at: datetime) -> str:
    """The same row may be decided on again when it differs anew."""
    return format(at.timestamp(), ".6f")
