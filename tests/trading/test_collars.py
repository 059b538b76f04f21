"""On a real account a market order leaves as a limit at the collar: no fill far from the last good quote (G12)."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.protocol import OrderType
from markets.rules import on_tick
from markets.types import Side, market_day
from tests import factories as make
from tests.markets.test_rules import SAMSUNG
from tests.trading.wired import Wired, make_wired
from trading import risk
from trading.models import RiskLimit

pytestmark = pytest.mark.django_db


def collared(*reply: str, rate: str = "0.03", **venue: Any) -> Wired:
    wired = make_wired(*reply, **venue)
    RiskLimit.objects.filter(target=str(wired.account.pk), name="price_collar_stock").update(value=Decimal(rate))
    return wired


def test_a_market_buy_leaves_as_a_limit_three_percent_above_the_quote() -> None:
    wired = collared()
    order = wired.send(limit_price=None)
    (row,) = wired.venue.rows.values()
    assert (row.order_type, row.limit_price) == (OrderType.LIMIT, Decimal(72_100))
    assert (order.order_type, order.limit_price, order.collar_price) == ("market", None, Decimal(72_100))


def test_a_market_sale_leaves_as_a_limit_three_percent_below_on_the_tick_above() -> None:
    wired = collared(units={"KRX:005930": 10})
    make.put_price(wired.instrument, 70_100)
    wired.send(side=Side.SELL, limit_price=None)
    (row,) = wired.venue.rows.values()
    assert (row.order_type, row.limit_price) == (OrderType.LIMIT, Decimal(68_000))  # 67,997 is between two ticks


def test_a_buy_never_pays_more_than_was_reserved_however_far_the_price_ran() -> None:
    wired = collared()
    order = wired.place(limit_price=None)
    make.put_price(wired.instrument, 80_000, base=70_000)
    wired.dispatch()
    assert make.fresh(order).collar_price == order.worst_price == Decimal(73_500)


def test_a_limit_order_and_an_account_without_a_collar_send_what_was_asked() -> None:
    wired = collared()
    limited = wired.send()
    assert limited.collar_price is None
    virtual = make.place(make.make_account(make.make_user()), wired.instrument)
    make.accept(virtual)
    assert make.fresh(virtual).as_request().order_type is OrderType.MARKET


def test_a_lost_reply_is_recognised_by_the_limit_that_was_sent() -> None:
    """I5: where the venue keeps no id of ours, the shape on its list is the one that left us."""
    wired = collared("lost")
    order = wired.send(limit_price=None)
    assert order.state == "unknown"
    wired.wait(timedelta(seconds=30))
    wired.read()
    assert (wired.state(order), make.fresh(order).broker_order_key) == ("accepted", next(iter(wired.venue.rows)))


@given(
    quote=st.integers(1, 2_000_000),
    rate=st.decimals("0", "2", places=3),
    most=st.none() | st.integers(1, 2_000_000),
    side=st.sampled_from(Side),
)
def test_a_collar_is_a_valid_price_within_its_rate_band_and_reservation(
    quote: int, rate: Decimal, most: int | None, side: Side
) -> None:
    on = market_day(make.NOW)
    reserved = None if most is None else risk.worst_buy_price(SAMSUNG, Decimal(most), on)
    price = risk.collar_price(SAMSUNG, side, Decimal(quote), Decimal(quote), rate, reserved, on)
    assert price > 0
    assert on_tick(SAMSUNG.tick_table, price, on)
    if side is Side.BUY:
        assert price <= max(quote * (1 + rate), Decimal(1))
        assert reserved is None or price <= reserved
    else:
        assert price >= quote * (1 - rate)
