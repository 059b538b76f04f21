"""Where lives are lived: a person, an instrument with a price that stays fresh, and an account at the hostile broker."""

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

from accounts.models import User
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument, LatestQuote
from markets.types import Interval, Source
from strategies.library.swing import DEFAULT_SWING, swing_document
from strategies.models import Strategy
from tests import factories as make
from tests.faults.auditor import Truth, VenueOrder
from tests.servers.control import ControlClient, TrueOrder
from trading.limits import TABLE
from trading.models import RiskLimit, SwingPlan

PRICE = Decimal(70_000)
CASH = Decimal(100_000_000)  # so that the lives' orders are small ones
RICH = Decimal(100_000_000_000)
NOTHING, ANYTHING = Decimal(0), Decimal(10) ** 15
NEVER_OLD = datetime(2200, 1, 1, tzinfo=UTC)


def make_instrument(symbol: str = "005930") -> Instrument:
    """A KRX stock that trades day and night by the wall's clock, quoted at PRICE for ever."""
    instrument = make.make_instrument(symbol, calendar="always", source=Source.HISTORY)
    LatestQuote.objects.create(
        instrument=instrument,
        source=instrument.source,
        at=NEVER_OLD,
        received_at=NEVER_OLD,
        price=PRICE,
        bid=PRICE,
        ask=PRICE,
        base_price=PRICE,
        day_volume=Decimal(1_000_000),
    )
    return instrument


def make_account(
    user: User,
    broker: str,
    name: str,
    venue: ControlClient,
    cash: Decimal = CASH,
    units: Mapping[str, Decimal | int] | None = None,
) -> BrokerAccount:
    account = BrokerAccount.objects.create(user=user, name=name, broker=broker, environment=Environment.PAPER)
    venue.open_account(account.pk, cash, units)
    return account


def make_plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    """A plan nothing evaluates; all plans of a person follow the same rule."""
    document = swing_document(DEFAULT_SWING)
    strategy, _is_new = Strategy.objects.get_or_create(user=account.user, name="rule", kind="swing")
    version, _is_new = strategy.versions.get_or_create(
        number=1,
        defaults={
            "document": document.as_data(),
            "settings": DEFAULT_SWING.as_data(),
            "version_hash": document.version_hash(),
        },
    )
    return SwingPlan.objects.create(
        user=account.user,
        broker_account=account,
        instrument=instrument,
        strategy_version=version,
        name=f"plan {account.pk.hex}",
        client_key=account.pk.hex,
        interval=Interval.H1,
        budget=Decimal(5_000_000),
        watches_from=account.created_at,
    )


def truth_of(venue: ControlClient, account: BrokerAccount) -> Truth:
    """What the venue knows of one account."""
    held = venue.account(account.pk)
    orders = [_as_venue_order(order) for order in venue.orders(account.pk)]
    return Truth(orders, {account.currency: held.cash}, held.units)


def lift_limits(account: BrokerAccount, *names: str) -> None:
    """Let the account trade as often and as much as it likes, as its owner may: it is the sending that is tried here."""
    values = {name: NOTHING if limit.higher_is_stricter else ANYTHING for name, limit in TABLE.items()}
    RiskLimit.objects.bulk_create(
        RiskLimit(scope="account", target=str(account.pk), name=name, value=values[name], since=account.created_at)
        for name in names or values
    )


def _as_venue_order(order: TrueOrder) -> VenueOrder:
    return VenueOrder(
        key=order.key,
        ours=order.our_id.replace("-", ""),  # our client ids are our ids without their hyphens
        instrument=order.instrument,
        side=order.side.value,
        quantity=order.quantity,
        limit_price=order.limit_price,
        filled_quantity=order.filled_quantity,
        filled_amount=order.filled_amount,
        status=order.status,
    )
