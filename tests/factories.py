"""Builders for tests: people, instruments with prices, accounts with money, orders on their way. Each does one visible thing."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from django.utils import timezone

from accounts.models import Role, User
from brokers.models import BrokerAccount
from brokers.protocol import Environment, FillReport, OrderReport, OrderType, ReportStatus
from brokers.virtual.terms import source_terms
from markets.models import Instrument, LatestQuote, PriceFeed
from markets.types import Interval, Level, OrderBook, Side, Source
from strategies.library.swing import DEFAULT_SWING, swing_document
from strategies.models import Strategy
from trading import services
from trading.models import Balance, Order, SwingPlan
from trading.services.ordering import sending
from trading.services.running import leases

NOW = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)  # a Wednesday, 11:00 in Seoul
CASH = Decimal(10_000_000)
HOLDER = "this process"  # who holds the lease for sending
_numbers = count(1)


def make_user(email: str = "", role: Role = Role.TRADER) -> User:
    return User.objects.create_user(email or f"person{next(_numbers)}@example.com", "pass phrase for tests", role=role)


def make_instrument(symbol: str = "005930", **fields: Any) -> Instrument:
    """A KRX stock; nothing is known of its price yet."""
    stock: dict[str, Any] = {
        "venue": "KRX",
        "name_ko": "삼성전자",
        "name_en": "Samsung Electronics",
        "kind": "stock",
        "currency": "KRW",
        "tick_table": "krx-stock",
        "calendar": "krx",
        "price_limit_rate": Decimal("0.3"),
    }
    return Instrument.objects.create(symbol=symbol, **stock | fields)


def make_btc_pair(symbol: str = "ETH/BTC") -> Instrument:
    """A coin quoted in bitcoin: prices, quantities and money have eight decimals."""
    eight = {"price_decimals": 8, "quantity_decimals": 8, "cash_decimals": 8}
    smallest = {"lot": Decimal("1e-8"), "min_quantity": Decimal("1e-8"), "price_limit_rate": None}
    words = {"venue": "UPBIT", "name_ko": "이더리움", "name_en": "Ethereum", "kind": "crypto", "currency": "BTC"}
    return make_instrument(symbol, **words, tick_table="btc-8", calendar="always", **eight, **smallest)


def set_clock(at: datetime, *, keeps_sessions: bool = False, source: Source = Source.SIMULATOR) -> None:
    """What time it is in the market."""
    PriceFeed.objects.update_or_create(
        source=source,
        defaults={"market_time": at, "heartbeat_at": timezone.now(), "keeps_sessions": keeps_sessions},
    )


def put_price(
    instrument: Instrument,
    price: Decimal | int | str,
    at: datetime = NOW,
    *,
    bid: Decimal | None = None,
    ask: Decimal | None = None,
    base: Decimal | int | None = None,
    age: timedelta = timedelta(0),
    keeps_sessions: bool = False,
) -> LatestQuote:
    """The instrument's latest quote, and with it the market's clock. `age` is how long ago, by the wall, it came in."""
    set_clock(at, keeps_sessions=keeps_sessions, source=Source(instrument.source))
    price = Decimal(price)
    quote, _is_new = LatestQuote.objects.update_or_create(
        instrument=instrument,
        defaults={
            "source": instrument.source,
            "at": at,
            "received_at": timezone.now() - age,
            "price": price,
            "bid": bid or price,
            "ask": ask or price,
            "base_price": price if base is None else Decimal(base),
            "day_volume": Decimal(1000),
        },
    )
    return quote


def make_account(user: User, cash: Decimal | int | str = CASH, currency: str = "KRW", name: str = "") -> BrokerAccount:
    return services.open_virtual_account(user, name or f"모의 {next(_numbers)}", Decimal(cash), currency, at=NOW)


def make_live_account(user: User) -> BrokerAccount:
    return BrokerAccount.objects.create(user=user, name="실전", broker="kis", environment=Environment.LIVE)


def place(account: BrokerAccount, instrument: Instrument, **asked: Any) -> Order:
    """A market buy of one unit by the account's owner, unless asked otherwise."""
    order: dict[str, Any] = {
        "user": account.user,
        "side": Side.BUY,
        "quantity": Decimal(1),
        "order_type": OrderType.LIMIT if asked.get("limit_price") is not None else OrderType.MARKET,
        "client_key": f"key-{next(_numbers)}",
    }
    return services.place_order(broker_account=account, instrument=instrument, **order | asked)


def accept(order: Order) -> Order:
    """Let the order rest at the venue, as dispatch would."""
    fence = leases.acquire(sending.DISPATCH, HOLDER)
    assert fence is not None
    claimed = sending.claim(order.pk, fence)
    assert claimed is not None, f"order {order.pk} cannot be sent"
    sending.record(claimed, OrderReport(ReportStatus.ACCEPTED, broker_order_key=f"V-{order.client_id}"))
    return fresh(order)


def fresh(order: Order) -> Order:
    return Order.objects.select_related("instrument", "broker_account", "user").get(pk=order.pk)


def make_book(
    instrument: Instrument,
    price: Decimal | int | str,
    quantity: Decimal | int | str = 1_000_000,
    at: datetime = NOW + timedelta(seconds=1),
    *,
    bid: Decimal | int | str | None = None,
) -> OrderBook:
    """One level on either side, at `price` and at `bid` (the same unless given): so much that `quantity` is ours to take."""
    ask, wanted = Decimal(price), Decimal(price if bid is None else bid)
    ours, of_all = source_terms(instrument.source).participation
    size = Decimal(quantity) * of_all / ours
    return OrderBook(instrument.key, at, (Level(wanted, size),), (Level(ask, size),))


def hold(account: BrokerAccount, instrument: Instrument, quantity: Decimal | int | str, price: Decimal | int) -> Order:
    """Buy `quantity` at `price`, to the last won, and let it fill."""
    order = accept(place(account, instrument, quantity=Decimal(quantity), limit_price=Decimal(price)))
    services.match_virtual(instrument, make_book(instrument, price))
    order = fresh(order)
    assert order.state == "filled", order.state
    return order


def make_fill(order: Order, key: str, quantity: int | str, price: int | str, fee: int | str = 0) -> FillReport:
    """One execution as a broker would tell it."""
    size, each = Decimal(quantity), Decimal(price)
    return FillReport(key, size, each, size * each, Decimal(fee), Decimal(0), order.market_at + timedelta(seconds=1))


def make_plan(account: BrokerAccount, instrument: Instrument, **fields: Any) -> SwingPlan:
    """A plan on its own, straight from its rows: nothing evaluates it."""
    document = swing_document(DEFAULT_SWING)
    strategy = Strategy.objects.create(user=account.user, name=f"rule {next(_numbers)}", kind="swing")
    version = strategy.versions.create(
        number=1, document=document.as_data(), settings=DEFAULT_SWING.as_data(), version_hash=document.version_hash()
    )
    plan: dict[str, Any] = {
        "name": f"plan {next(_numbers)}",
        "client_key": f"key-{next(_numbers)}",
        "interval": Interval.H1,
        "budget": Decimal(5_000_000),
        "watches_from": NOW,
    }
    return SwingPlan.objects.create(
        user=account.user,
        broker_account=account,
        instrument=instrument,
        strategy_version=version,
        **plan | fields,
    )


def balances(account: BrokerAccount | UUID) -> dict[str, Decimal]:
    """Every bucket that is not empty: {"available KRW": …, "position:KRX:005930 KRW": …}."""
    rows = Balance.objects.filter(broker_account=account)
    return {f"{row.bucket} {row.asset}": row.amount for row in rows if row.amount}


def facts(*values: Any) -> tuple[Any, ...]:
    """Several figures at once, to be compared with what they should be: 10 and Decimal(10) are the same."""
    return values
