"""What rests at a broker and is no order of ours, while its account is halted: it is asked back too (reliability.md §3.11).

A person's own order, another program's, or one of ours that we have lost sight of: a halt leaves nothing of it to fill. It is
asked for again until the broker's list shows it gone; plans' latches are about our own orders alone.
"""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID, uuid5

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from brokers.protocol import Division, OrderRequest, OrderType, ReportStatus, TimeInForce
from markets.models import Instrument
from markets.types import Side
from trading.latches import Mode
from trading.models import BrokerOrder, Halt
from trading.services.running.timing import scaled

AGAIN_AFTER = timedelta(seconds=20)


def accounts_with_rows() -> list[UUID]:
    """The accounts with something to ask back now. One small query while nothing is halted."""
    return list(_due().order_by().values_list("broker_account_id", flat=True).distinct())


def due(account_id: UUID) -> list[BrokerOrder]:
    """The account's rows to ask back now, the oldest first."""
    return list(_due().filter(broker_account=account_id).order_by("ordered_at", "pk"))


def resting(scopes: Iterable[tuple[str, str]]) -> int:
    """How many rows of these scopes are at their brokers, as far as the last lists say."""
    return _resting().filter(_in(scopes)).count()


def begin(row: BrokerOrder) -> None:
    """Write down that the broker is about to be asked, before it is."""
    BrokerOrder.objects.filter(pk=row.pk).update(cancel_asked_at=timezone.now())


def as_request(row: BrokerOrder) -> OrderRequest:
    """The row as its venue knows it."""
    return OrderRequest(
        id=uuid5(row.broker_account_id, row.key),
        client_id=row.client_id,
        instrument=row.instrument,
        side=Side(row.side),
        quantity=row.quantity,
        order_type=OrderType(row.order_type),
        limit_price=row.limit_price,
        time_in_force=TimeInForce.DAY,
        claimed_at=row.ordered_at,
        division=_division(row),
    )


def _division(row: BrokerOrder) -> Division:
    """A cancel names the division of what is left; one that we do not know is called plain, as most are."""
    told = Division(row.division)
    return Division.PLAIN if told is Division.OTHER else told


def _due() -> QuerySet[BrokerOrder]:
    halted = list(Halt.objects.filter(mode=Mode.HALTED).values_list("scope", "target"))
    since = timezone.now() - scaled(AGAIN_AFTER)
    not_just_asked = Q(cancel_asked_at=None) | Q(cancel_asked_at__lt=since)
    return _resting().filter(_in(halted), not_just_asked) if halted else BrokerOrder.objects.none()


def _resting() -> QuerySet[BrokerOrder]:
    return BrokerOrder.objects.filter(order=None, status=ReportStatus.ACCEPTED, filled_quantity__lt=F("quantity"))


def _in(scopes: Iterable[tuple[str, str]]) -> Q:
    chosen = Q(pk__in=[])
    for scope, target in scopes:
        match scope:
            case "site":
                return Q()
            case "user":
                chosen |= Q(broker_account__user=target)
            case "account":
                chosen |= Q(broker_account=target)
            case "instrument":
                instrument = Instrument.objects.filter(pk=target).first()
                chosen |= Q(instrument=instrument.key) if instrument else Q()
    return chosen
