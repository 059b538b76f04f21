"""Stop orders that we hold: they wait for their price, go off once, and never on a price from before them (P04, O05)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument
from markets.types import Side, Tick
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.errors import OrderRefused
from trading.models import Order
from trading.services.ledger.audit import check_books

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)
EVENING = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)  # 20:00 in Seoul


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, ask=Decimal(70_100))
    return instrument


def stop(account: BrokerAccount, instrument: Instrument, price: int = 72_000, **asked: Any) -> Order:
    """A stop buy of one unit above the market, unless asked otherwise."""
    return make.place(account, instrument, **{"order_type": OrderType.STOP, "stop_price": Decimal(price)} | asked)


def reach(instrument: Instrument, low: int, high: int, at: datetime = LATER) -> int:
    return services.trigger_stops(instrument, Decimal(low), Decimal(high), at)


def test_a_stop_buy_sets_aside_the_worst_it_may_pay_once_it_goes_off(
    account: BrokerAccount, instrument: Instrument
) -> None:
    order = stop(account, instrument, quantity=Decimal(10))
    assert (order.state, order.waits_for_trigger, order.triggered_at) == ("pending", True, None)
    assert facts(order.worst_price, order.reserved) == (75_600, 756_000 + 113)  # 72,000 × 1.05, and 0.015 %


def test_a_stop_sale_sets_aside_units(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 5, 70_000)
    order = stop(account, instrument, 68_000, side=Side.SELL, quantity=Decimal(5))
    assert facts(order.reserved, order.worst_price) == (5, None)


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"stop_price": None}, "stop_price_missing"),
        ({"limit_price": Decimal(70_000)}, "limit_price_without_limit"),
        ({"order_type": OrderType.MARKET}, "stop_price_without_stop"),
        ({"order_type": OrderType.LIMIT, "limit_price": Decimal(70_000)}, "stop_price_without_stop"),
        ({"stop_price": Decimal(72_050)}, "wrong_tick"),
        ({"stop_price": Decimal("NaN")}, "bad_number"),
        ({"stop_price": Decimal("1e400")}, "bad_number"),
        ({"stop_price": Decimal(-72_000)}, "bad_number"),
        ({"stop_price": Decimal(70_000)}, "stop_already_reached"),
        ({"stop_price": Decimal(69_000)}, "stop_already_reached"),
        ({"side": Side.SELL, "stop_price": Decimal(70_000)}, "stop_already_reached"),
        ({"side": Side.SELL, "stop_price": Decimal(71_000)}, "stop_already_reached"),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused_and_nothing_is_written(
    account: BrokerAccount, instrument: Instrument, asked: dict[str, Any], code: str
) -> None:
    with pytest.raises(OrderRefused) as refused:
        stop(account, instrument, **asked)
    assert refused.value.code == code
    assert not Order.objects.exists()


def test_a_wrong_stop_price_is_blamed_on_its_own_field(account: BrokerAccount, instrument: Instrument) -> None:
    with pytest.raises(OrderRefused) as refused:
        stop(account, instrument, 72_050)
    assert facts(refused.value.facts["field"], refused.value.facts["low"]) == ("stop_price", 72_000)


def test_a_stop_may_wait_for_a_price_beyond_todays_band(account: BrokerAccount, instrument: Instrument) -> None:
    assert stop(account, instrument, 100_000, time_in_force=TimeInForce.GTC).state == "pending"


@pytest.mark.parametrize(
    ("side", "price", "low", "high", "goes_off"),
    [
        (Side.BUY, 72_000, 71_000, 71_900, False),
        (Side.BUY, 72_000, 71_000, 72_000, True),
        (Side.BUY, 72_000, 71_000, 73_000, True),
        (Side.SELL, 68_000, 68_100, 71_000, False),
        (Side.SELL, 68_000, 68_000, 71_000, True),
        (Side.SELL, 68_000, 60_000, 71_000, True),
    ],
)
def test_a_stop_goes_off_when_trades_reached_its_price(
    account: BrokerAccount, instrument: Instrument, side: Side, price: int, low: int, high: int, goes_off: bool
) -> None:
    """A spike that is over by the end of the batch counts too: the range is told, not the last price."""
    make.hold(account, instrument, 1, 70_000)
    order = stop(account, instrument, price, side=side)
    assert reach(instrument, low, high) == goes_off
    order = make.fresh(order)
    assert (order.state, order.triggered_at) == ("pending", LATER if goes_off else None)


def test_a_stop_goes_off_once_however_often_it_is_told(account: BrokerAccount, instrument: Instrument) -> None:
    order = stop(account, instrument)
    assert [reach(instrument, 71_000, 73_000) for _ in range(3)] == [1, 0, 0]
    assert list(order.events.filter(origin="market").values_list("reason", "raw")) == [
        ("stop_reached", {"low": "71000", "high": "73000"})
    ]


def test_trades_from_before_a_stop_was_placed_do_not_set_it_off(account: BrokerAccount, instrument: Instrument) -> None:
    stop(account, instrument)
    assert reach(instrument, 71_000, 73_000, at=make.NOW) == 0


def test_a_stop_that_went_off_is_sent_as_a_market_order_and_pays_no_more_than_reserved(
    account: BrokerAccount, instrument: Instrument
) -> None:
    order = stop(account, instrument)
    reach(instrument, 71_000, 72_000)
    resting = make.accept(order)
    assert resting.as_request().order_type is OrderType.MARKET
    services.match_virtual(instrument, make.make_book(instrument, 72_100, at=LATER + timedelta(seconds=1)))
    done = make.fresh(order)
    assert facts(done.state, done.reserved) == ("filled", 0)
    assert done.average_price is not None
    assert done.worst_price is not None
    assert 72_100 <= done.average_price <= done.worst_price
    assert check_books().differences == ()


def test_a_feed_tells_each_instrument_the_range_of_its_trades(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_instrument("000660")
    make.put_price(other, 70_000)
    here, there = stop(account, instrument), stop(account, other)
    prices = ((instrument, 71_000), (other, 71_900), (instrument, 72_100), (instrument, 70_000))
    ticks = [Tick(each.key, LATER, Decimal(price), Decimal(1)) for each, price in prices]
    ids = {instrument.key: instrument.pk, other.key: other.pk}
    assert services.trigger_by(ticks, ids, LATER) == 1
    assert [make.fresh(each).waits_for_trigger for each in (here, there)] == [False, True]


def test_a_feed_with_nothing_waiting_asks_once(instrument: Instrument) -> None:
    ticks = [Tick(instrument.key, LATER, Decimal(72_000), Decimal(1))] * 100
    with CaptureQueriesContext(connection) as queries:
        assert services.trigger_by(ticks, {instrument.key: instrument.pk}, LATER) == 0
        assert services.trigger_due() == 0
    assert len(queries) == 2


def test_what_a_dead_feed_did_not_tell_the_latest_price_does(account: BrokerAccount, instrument: Instrument) -> None:
    order = stop(account, instrument)
    assert services.trigger_due() == 0
    make.put_price(instrument, 72_500, LATER)
    assert services.trigger_due() == 1
    assert make.fresh(order).triggered_at == LATER
    assert services.trigger_due() == 0


def test_the_price_a_stop_was_placed_on_never_sets_it_off(account: BrokerAccount, instrument: Instrument) -> None:
    """A price of the very moment of placing, or of another source, is not a trade after it."""
    stop(account, instrument)
    make.put_price(instrument, 72_500, make.NOW)
    assert services.trigger_due() == 0


@pytest.mark.parametrize("sweep", ["feed", "dispatch"])
def test_a_day_stop_whose_price_never_came_is_withdrawn_at_the_close(
    account: BrokerAccount, instrument: Instrument, sweep: str
) -> None:
    make.put_price(instrument, 70_000, keeps_sessions=True)
    before = make.balances(account)
    day, for_good = stop(account, instrument), stop(account, instrument, time_in_force=TimeInForce.GTC)
    close = day.expires_at
    assert close is not None
    assert for_good.expires_at is None
    assert services.expire_waiting("simulator", close - timedelta(seconds=1)) == 0
    make.put_price(instrument, 80_000, EVENING, keeps_sessions=True)
    moved = services.expire_waiting("simulator", EVENING) if sweep == "feed" else services.trigger_due()
    assert moved == (1 if sweep == "feed" else 2)  # dispatch sees the other's price as well
    assert facts(make.fresh(day).state, make.fresh(day).reason, make.fresh(day).reserved) == (
        "withdrawn",
        "day_over",
        0,
    )
    services.cancel_order(account.user, for_good.pk)
    assert make.balances(account) == before


def test_another_sources_clock_ends_no_stop(account: BrokerAccount, instrument: Instrument) -> None:
    make.put_price(instrument, 70_000, keeps_sessions=True)
    stop(account, instrument)
    assert services.expire_waiting("replay", EVENING) == 0


def test_a_stop_called_back_does_not_go_off(account: BrokerAccount, instrument: Instrument) -> None:
    before = make.balances(account)
    order = stop(account, instrument)
    services.cancel_order(account.user, order.pk)
    assert reach(instrument, 71_000, 73_000) == 0
    assert make.balances(account) == before
