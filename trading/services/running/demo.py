"""The demo: a market with a past, a person in it, and plans that have been trading for weeks, all by the real code."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

from django.db import transaction

from accounts.models import Role, User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType
from brokers.simulator.events import Batch
from brokers.simulator.market import SimulatedMarket
from brokers.simulator.universe import UNIVERSE
from markets import services as markets
from markets.bars import Bars, fold_bars
from markets.models import Instrument, PriceFeed, StoredBar, WatchlistItem
from markets.types import InstrumentKind, InstrumentRules, Interval, Side, Source
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters
from trading.dispatch import dispatch_once
from trading.models import AliasDefaults
from trading.services.ordering import orders
from trading.services.ordering.matching import instruments_with_resting_orders, match_virtual
from trading.services.ordering.sending import DISPATCH
from trading.services.planning import evaluation
from trading.services.planning.plans import register_plan
from trading.services.running import feeding, leases
from trading.services.valuation.accounts import open_virtual_account

PAST = {  # how much of each interval is there before the demo starts
    Interval.M1: timedelta(hours=6),
    Interval.M5: timedelta(days=1),
    Interval.M15: timedelta(days=3),
    Interval.H1: timedelta(days=45),
}
LONG = (Interval.H4, Interval.D1)  # folded from the hours
TRADED_DAYS = timedelta(days=10)  # how long the demo's plans have been trading already
OPENING_BALANCE = Decimal(10_000_000)
WATCHED = ("KRX:005930", "KRX:000660", "KRX:035420", "KRX:069500", "UPBIT:BTC/KRW", "UPBIT:ETH/KRW")


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """One plan of the demo."""

    instrument: str
    name: str
    parameters: SwingParameters
    budget: Decimal


PLANS = (
    DemoPlan("KRX:005930", "삼성전자 스윙", DEFAULT_SWING, Decimal(2_000_000)),
    DemoPlan("KRX:000660", "하이닉스 활발한 스윙", ACTIVE_SWING, Decimal(2_000_000)),
    DemoPlan("UPBIT:BTC/KRW", "비트코인 활발한 스윙", ACTIVE_SWING, Decimal(2_000_000)),
    DemoPlan("UPBIT:ETH/KRW", "이더리움 활발한 스윙", ACTIVE_SWING, Decimal(1_500_000)),
)


# Quoted in BTC: for replaying a crypto file against an account that holds BTC.
BITCOIN_PAIR = InstrumentRules(
    key="BINANCE:UNITTEST/BTC",
    kind=InstrumentKind.CRYPTO,
    currency="BTC",
    tick_table="btc-8",
    calendar="always",
    price_decimals=8,
    quantity_decimals=8,
    cash_decimals=8,
    lot=Decimal("0.00000001"),
    min_quantity=Decimal("0.00000001"),
    min_amount=Decimal("0.0001"),
    price_limit_rate=None,
)


def seed_instruments() -> list[Instrument]:
    """Every instrument of the simulated market, made once; what a person changed since stays."""
    names = {"name_ko": "비트코인 페어 (시험 자료)", "name_en": "Bitcoin pair (test data)"}
    Instrument.objects.get_or_create(
        venue="BINANCE", symbol="UNITTEST/BTC", defaults=_rules(BITCOIN_PAIR) | names | {"source": Source.HISTORY}
    )
    return [
        Instrument.objects.get_or_create(
            venue=each.venue,
            symbol=each.symbol,
            defaults=_rules(each.rules) | {"name_ko": each.name_ko, "name_en": each.name_en},
        )[0]
        for each in UNIVERSE
    ]


@transaction.atomic
def seed_demo(email: str, password: str, seed: int, keeps_sessions: bool, now: datetime) -> User:
    """Instruments, a past, a person with ₩10,000,000, plans, and two weeks of what those plans did."""
    instruments = {instrument.key: instrument for instrument in seed_instruments()}
    market = feeding.simulated_market(seed, keeps_sessions, now - TRADED_DAYS)
    _store_past(market, instruments, now)
    markets.beat(Source.SIMULATOR, market.clock, keeps_sessions=keeps_sessions, speed=1)
    user = User.objects.create_user(email, password, name="demo", role=Role.TRADER)
    _show_prices(market, instruments)
    account = open_virtual_account(user, "모의 계좌", OPENING_BALANCE, at=market.clock)
    for position, key in enumerate(WATCHED):
        WatchlistItem.objects.create(user=user, instrument=instruments[key], position=position)
    first = instruments[PLANS[0].instrument]
    AliasDefaults.objects.create(user=user, broker_account=account, instrument=first, budget=PLANS[0].budget)
    for plan in PLANS:
        register_plan(
            user,
            broker_account=account,
            instrument=instruments[plan.instrument],
            name=plan.name,
            interval=Interval.H1,
            parameters=plan.parameters,
            budget=plan.budget,
            first_share=Decimal("0.5"),
            cooldown_bars=3,
        )
    _buy_by_hand(user, account, instruments["KRX:069500"])
    _live_through(seed, keeps_sessions, instruments, market.clock, now)
    return user


def _rules(rules: InstrumentRules) -> dict[str, object]:
    return {
        "kind": InstrumentKind(rules.kind),
        "currency": rules.currency,
        "tick_table": rules.tick_table,
        "calendar": rules.calendar,
        "price_decimals": rules.price_decimals,
        "quantity_decimals": rules.quantity_decimals,
        "cash_decimals": rules.cash_decimals,
        "lot": rules.lot,
        "min_quantity": rules.min_quantity,
        "min_amount": rules.min_amount,
        "price_limit_rate": rules.price_limit_rate,
    }


def _store_past(market: SimulatedMarket, instruments: dict[str, Instrument], now: datetime) -> None:
    StoredBar.objects.filter(source=Source.SIMULATOR).delete()
    for each in UNIVERSE:
        instrument_id = instruments[each.key].pk
        series = {interval: market.history(each.key, now - past, now, interval) for interval, past in PAST.items()}
        for interval in LONG:
            bounds = partial(market.bar_bounds, each.key, interval)
            series[interval] = fold_bars(series[Interval.H1], bounds)
        for interval, bars in series.items():
            StoredBar.objects.bulk_create(_rows(bars, instrument_id, interval), batch_size=2000)


def _rows(bars: Bars, instrument_id: int, interval: Interval) -> Iterable[StoredBar]:
    columns = (bars.opened_at, bars.closed_at, bars.open, bars.high, bars.low, bars.close, bars.volume)
    for opened, closed, *numbers in zip(*(column.tolist() for column in columns), strict=True):
        names = ("open", "high", "low", "close", "volume")
        yield StoredBar(
            instrument_id=instrument_id,
            interval=interval,
            source=Source.SIMULATOR,
            opened_at=opened,
            closed_at=closed,
            **dict(zip(names, numbers, strict=True)),
        )


def _show_prices(market: SimulatedMarket, instruments: dict[str, Instrument]) -> None:
    batch = market.advance(market.clock + timedelta(seconds=1))
    _keep(batch, {key: instrument.pk for key, instrument in instruments.items()})


def _keep(batch: Batch, ids: dict[str, int]) -> None:
    markets.store_quotes(batch.quotes, {book.instrument: book for book in batch.books}, ids)
    PriceFeed.objects.filter(source=Source.SIMULATOR).update(market_time=batch.at)


def _buy_by_hand(user: User, account: BrokerAccount, instrument: Instrument) -> None:
    orders.place_order(
        user=user,
        broker_account=account,
        instrument=instrument,
        side=Side.BUY,
        quantity=Decimal(20),
        order_type=OrderType.MARKET,
        client_key="demo:first-order",
    )


def _live_through(
    seed: int, keeps_sessions: bool, instruments: dict[str, Instrument], start: datetime, end: datetime
) -> None:
    """Play the market hour by hour for the instruments somebody trades: decide, send, fill, book."""
    traded = {plan.instrument for plan in PLANS} | {"KRX:069500"}
    market = SimulatedMarket(seed, [each for each in UNIVERSE if each.key in traded], start)
    ids = {key: instruments[key].pk for key in traded}
    holder = leases.holder_name()
    hour = start.replace(minute=0, second=0) + timedelta(hours=1)
    while hour <= end:
        _keep(market.advance(hour), ids)
        evaluation.evaluate_due()
        fence = leases.acquire(DISPATCH, holder)
        if fence is None:
            raise RuntimeError("another dispatch is running on this database")
        dispatch_once(fence)
        _fill_resting(market.advance(hour + timedelta(seconds=1)), instruments)
        hour += timedelta(hours=1)
    _show_prices(feeding.simulated_market(seed, keeps_sessions, end - timedelta(seconds=1)), instruments)
    leases.give_back(DISPATCH, holder)


def _fill_resting(batch: Batch, instruments: dict[str, Instrument]) -> None:
    resting = instruments_with_resting_orders()
    for book in batch.books:
        instrument = instruments[book.instrument]
        if instrument.pk in resting:
            match_virtual(instrument, book)
