"""The virtual venue: queue and shares, price limits, sessions, orders that take what is there at once (P06, G12, G13, I9)."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument, LatestQuote
from markets.types import Level, OrderBook, Side, Source
from tests import factories as make
from tests.factories import facts
from trading import services
from trading.models import Fill, Order

pytestmark = pytest.mark.django_db
SOON, LATER = make.NOW + timedelta(seconds=1), make.NOW + timedelta(minutes=1)
CLOSE = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)


def resting(account: BrokerAccount, instrument: Instrument, quantity: int, limit: int | None, **asked: Any) -> Order:
    limit_price = None if limit is None else Decimal(limit)
    return make.accept(make.place(account, instrument, quantity=Decimal(quantity), limit_price=limit_price, **asked))


def quoted(instrument: Instrument, *asks: tuple[int, int], at: datetime = SOON) -> OrderBook:
    """Exactly these offers, (price, quantity) each, and nobody who buys."""
    return OrderBook(instrument.key, at, (), tuple(Level(Decimal(price), Decimal(size)) for price, size in asks))


def show(instrument: Instrument, *asks: tuple[int, int], at: datetime = SOON) -> list[tuple[Any, ...]]:
    """Match one book; the (quantity, price) of all fills so far."""
    services.match_virtual(instrument, quoted(instrument, *asks, at=at))
    return list(Fill.objects.order_by("pk").values_list("quantity", "price"))


def test_a_quarter_of_what_is_quoted_is_ours(account: BrokerAccount, instrument: Instrument) -> None:
    """G13: the participation cap, level by level and in whole shares."""
    resting(account, instrument, 10, 70_100)
    assert show(instrument, (70_000, 9), (70_100, 7), (70_200, 400)) == [(2, 70_000), (1, 70_100)]


def test_a_market_order_pays_a_tick_more_and_a_limit_order_never(
    account: BrokerAccount, instrument: Instrument
) -> None:
    resting(account, instrument, 1, None)
    resting(account, instrument, 1, 70_000)
    assert show(instrument, (70_000, 8)) == [(1, 70_100), (1, 70_000)]
    assert list(Fill.objects.order_by("pk").values_list("pricing", flat=True)) == [
        "ask 70,000 + 100 slippage",
        "ask 70,000",
    ]


def test_a_replayed_book_is_already_our_share(account: BrokerAccount, instrument: Instrument) -> None:
    """Its depth is a tenth of the volume, a tick away: taken as it stands, also outside a limit of adjusted prices."""
    instrument.source = Source.REPLAY
    instrument.save(update_fields=["source"])
    make.put_price(instrument, 70_000, base=1_000)
    resting(account, instrument, 3, None)
    assert show(instrument, (70_000, 3)) == [(3, 70_000)]


def test_nothing_fills_outside_the_price_limits_of_the_day(account: BrokerAccount, instrument: Instrument) -> None:
    """G12, I9: from a base of 53,000, 68,900 is the highest price there is; a market order is not slipped beyond it."""
    make.put_price(instrument, 68_900, base=53_000)
    order = resting(account, instrument, 9, None)
    assert show(instrument, (68_900, 4), (69_000, 400)) == [(1, 68_900)]
    assert make.fresh(order).state == "partially_filled"


def test_the_price_limits_follow_the_base_price_of_the_batch(account: BrokerAccount, instrument: Instrument) -> None:
    """The stored quote is a beat behind its book; on a new day it still has yesterday's base."""
    resting(account, instrument, 1, None)
    book = quoted(instrument, (70_000, 4))
    assert services.match_virtual(instrument, book, Decimal(50_000)) == 0
    assert services.match_virtual(instrument, book, Decimal(60_000)) == 1


def test_yesterdays_base_price_limits_nobody(account: BrokerAccount, instrument: Instrument) -> None:
    resting(account, instrument, 1, 70_000, time_in_force=TimeInForce.GTC)
    LatestQuote.objects.update(base_price=Decimal(50_000))
    assert show(instrument, (70_000, 4)) == []
    assert show(instrument, (70_000, 4), at=make.NOW + timedelta(days=1)) == [(1, 70_000)]


def test_nothing_fills_while_the_venue_is_closed(account: BrokerAccount, instrument: Instrument) -> None:
    """G12: not in the evening, not on a holiday; the order waits for the next session."""
    make.put_price(instrument, 70_000, keeps_sessions=True)
    order = resting(account, instrument, 1, 70_000, time_in_force=TimeInForce.GTC)
    assert show(instrument, (70_000, 4), at=CLOSE) == []
    assert show(instrument, (70_000, 4), at=datetime(2026, 3, 7, 2, 0, tzinfo=UTC)) == [], "a Saturday"
    assert make.fresh(order).state == "accepted"
    assert show(instrument, (70_000, 4), at=datetime(2026, 3, 9, 0, 0, tzinfo=UTC)) == [(1, 70_000)]


def test_what_is_not_there_at_once_is_canceled(account: BrokerAccount, instrument: Instrument) -> None:
    """IOC: one book decides, and the cash of the rest is free again."""
    order = resting(account, instrument, 10, 70_000, time_in_force=TimeInForce.IOC)
    assert show(instrument, (70_000, 12), (70_100, 400)) == [(3, 70_000)]
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.filled_quantity, order.reserved) == ("canceled", "ioc_rest", 3, 0)
    assert make.balances(account)["available KRW"] == make.CASH - 210_031
    assert services.match_virtual(instrument, quoted(instrument, (70_000, 400), at=LATER)) == 0


def test_an_order_for_now_finds_nothing_and_ends(account: BrokerAccount, instrument: Instrument) -> None:
    order = resting(account, instrument, 10, None, time_in_force=TimeInForce.IOC)
    assert show(instrument) == []
    assert facts(make.fresh(order).state, make.fresh(order).reason) == ("canceled", "ioc_rest")
    assert make.balances(account)["available KRW"] == make.CASH


def test_an_order_for_now_that_fills_whole_is_simply_filled(account: BrokerAccount, instrument: Instrument) -> None:
    order = resting(account, instrument, 2, 70_000, time_in_force=TimeInForce.IOC)
    show(instrument, (70_000, 8))
    assert facts(make.fresh(order).state, make.fresh(order).reason) == ("filled", "")


def test_an_order_for_now_waits_for_the_first_book_after_it(account: BrokerAccount, instrument: Instrument) -> None:
    """A book from before it says nothing about it, nor does one that comes while the venue is closed."""
    make.put_price(instrument, 70_000, keeps_sessions=True)
    order = resting(account, instrument, 1, 70_000, time_in_force=TimeInForce.IOC)
    Order.objects.update(expires_at=None)
    show(instrument, at=make.NOW)
    show(instrument, at=CLOSE)
    assert make.fresh(order).state == "accepted"


def test_one_queue_for_everybody(instrument: Instrument) -> None:
    """P06: price, then time, whoever's the order is; our own orders never trade with each other."""
    accounts = [make.make_account(make.make_user()) for _ in range(4)]
    make.hold(accounts[3], instrument, 1, 60_000)
    late = resting(accounts[0], instrument, 4, 70_000)
    early = resting(accounts[1], instrument, 4, 70_000)
    better = resting(accounts[2], instrument, 4, 70_100)
    Order.objects.filter(pk=early.pk).update(market_at=make.NOW - timedelta(seconds=9))
    selling = resting(accounts[3], instrument, 1, 60_000, side=Side.SELL)
    services.match_virtual(instrument, quoted(instrument, (70_000, 24), at=LATER))
    assert [make.fresh(order).filled_quantity for order in (better, early, late, selling)] == [4, 2, 0, 0]


@pytest.fixture
def stop(account: BrokerAccount, instrument: Instrument) -> Order:
    """A stop buy that rests at our venue, as one is stored whose price has not come."""
    order = resting(account, instrument, 1, None)
    stop = {"order_type": OrderType.STOP, "stop_price": Decimal(71_000), "worst_price": Decimal(74_000)}
    Order.objects.filter(pk=order.pk).update(**stop)
    return make.fresh(order)


def test_a_stop_waits_for_its_price_and_the_book_after(instrument: Instrument, stop: Order) -> None:
    """The book that triggers it is not the book it trades on."""
    assert show(instrument, (70_000, 4)) == []
    Order.objects.filter(pk=stop.pk).update(triggered_at=LATER)
    assert show(instrument, (71_000, 4), at=LATER) == []
    assert show(instrument, (71_200, 4), at=LATER + timedelta(seconds=1)) == [(1, 71_300)]


def test_a_triggered_stop_never_pays_more_than_was_reserved(instrument: Instrument, stop: Order) -> None:
    Order.objects.filter(pk=stop.pk).update(triggered_at=SOON)
    assert show(instrument, (74_100, 4), at=LATER) == []
    assert show(instrument, (74_000, 4), at=LATER + timedelta(seconds=1)) == [(1, 74_000)]


def test_a_stop_joins_the_queue_when_its_price_has_come(
    account: BrokerAccount, instrument: Instrument, stop: Order
) -> None:
    market = resting(account, instrument, 1, None)
    Order.objects.filter(pk=stop.pk).update(triggered_at=SOON)
    assert show(instrument, (70_000, 4), at=LATER) == [(1, 70_100)]
    assert (make.fresh(market).state, make.fresh(stop).state) == ("filled", "accepted")
