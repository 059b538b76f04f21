"""What brokers tell us becomes books: each fill once, to the last won, in whatever order the news arrives (I6, I7, I16-I18)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from brokers.models import BrokerAccount
from brokers.protocol import FillReport, OrderReport, OrderType, ReportStatus, TimeInForce
from brokers.simulator.events import Batch
from brokers.simulator.replay import Replay
from markets.events import MarketClock
from markets.models import Instrument
from markets.types import Bar, Interval, OrderBook, Quote, Side
from tests import factories as make
from tests.factories import facts
from trading import ledger, services
from trading.dispatch import dispatch_once
from trading.models import Fill, Journal, Order, OrderEvent
from trading.services.ordering import sending
from trading.services.ordering.matching import expire_day_orders, fold_if_unmoved
from trading.services.running import leases
from trading.services.running.feeding import Feeding

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)


@pytest.fixture
def rich(instrument: Instrument) -> BrokerAccount:
    """Cash for any number of examples."""
    return make.make_account(make.make_user(), 10**12)


@pytest.fixture
def resting(account: BrokerAccount, instrument: Instrument) -> Order:
    """A buy of ten at 70,000, accepted."""
    return make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))


def told(order: Order, *fills: FillReport, status: ReportStatus = ReportStatus.ACCEPTED, **said: Any) -> Order:
    services.apply_report(order.pk, OrderReport(status, fills=fills, **said), LATER)
    return make.fresh(order)


def test_a_market_buy_fills_against_the_book_with_its_fee(account: BrokerAccount, instrument: Instrument) -> None:
    """P05, G13: one tick dearer than quoted; what was set aside and not needed comes back."""
    order = make.accept(make.place(account, instrument, quantity=Decimal(10)))
    assert services.match_virtual(instrument, make.make_book(instrument, 70_000)) == 1
    order = make.fresh(order)
    assert facts(order.state, order.filled_quantity, order.filled_amount, order.fee, order.tax, order.reserved) == (
        "filled",
        10,
        701_000,
        105,
        0,
        0,
    )
    assert order.average_price == 70_100
    assert make.balances(account) == {
        "external KRW": -make.CASH,
        "available KRW": make.CASH - 701_105,
        "position:KRX:005930 KRW": Decimal(701_000),
        "fees KRW": Decimal(105),
        "external KRX:005930": Decimal(-10),
        "available KRX:005930": Decimal(10),
    }
    fill = Fill.objects.get()
    priced = (70_100, "ask 70,000 + 100 slippage", make.NOW + timedelta(seconds=1))
    assert facts(fill.price, fill.pricing, fill.at) == priced


def test_several_thin_books_fill_an_order_in_parts_and_cost_no_more(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """P06: the fee is that of the order as a whole, however many pieces it came in."""
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    states = []
    for second, offered in enumerate((3, 3, 3, 3), start=1):
        at = make.NOW + timedelta(seconds=second)
        services.match_virtual(instrument, make.make_book(instrument, 70_000, offered, at))
        states.append(make.fresh(order).state)
    order = make.fresh(order)
    assert states == ["partially_filled"] * 3 + ["filled"]
    assert list(order.fills.values_list("quantity", flat=True)) == [3, 3, 3, 1]
    assert facts(order.filled_amount, order.fee, order.reserved) == (700_000, 105, 0)
    assert make.balances(account)["available KRW"] == make.CASH - 700_105


def test_a_limit_buy_waits_for_its_price(instrument: Instrument, resting: Order) -> None:
    assert services.match_virtual(instrument, make.make_book(instrument, 70_100)) == 0
    assert make.fresh(resting).state == "accepted"
    services.match_virtual(instrument, make.make_book(instrument, 69_900, at=LATER))
    assert facts(make.fresh(resting).state, make.fresh(resting).average_price) == ("filled", 69_900)


def test_a_limit_sell_waits_for_its_price(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 10, 70_000)
    sale = make.accept(
        make.place(account, instrument, side=Side.SELL, quantity=Decimal(10), limit_price=Decimal(71_000))
    )
    services.match_virtual(instrument, make.make_book(instrument, 71_000, bid=70_900))
    assert make.fresh(sale).state == "accepted"
    services.match_virtual(instrument, make.make_book(instrument, 71_500, at=LATER, bid=71_400))
    assert facts(make.fresh(sale).state, make.fresh(sale).average_price) == ("filled", 71_400)


def test_an_order_never_trades_on_a_book_from_before_it(instrument: Instrument, resting: Order) -> None:
    """I27."""
    assert services.match_virtual(instrument, make.make_book(instrument, 60_000, at=make.NOW)) == 0
    assert make.fresh(resting).state == "accepted"


def test_a_market_buy_does_not_chase_a_price_that_ran_away(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.accept(make.place(account, instrument))
    services.match_virtual(instrument, make.make_book(instrument, 73_600))
    assert make.fresh(order).state == "accepted"
    services.match_virtual(instrument, make.make_book(instrument, 73_500, at=LATER))
    assert make.fresh(order).state == "filled"


@pytest.mark.parametrize(("year", "tax"), [(2019, 2100), (2021, 1610), (2023, 1400), (2025, 1050), (2026, 1400)])
def test_a_sale_pays_the_tax_of_its_day(account: BrokerAccount, instrument: Instrument, year: int, tax: int) -> None:
    """Dated tax: 0.30, 0.23, 0.20, 0.15 and 0.20 % of 700,000."""
    at = datetime(year, 3, 6, 2, 0, tzinfo=UTC)
    make.hold(account, instrument, 10, 70_000)
    make.put_price(instrument, 70_000, at)
    sale = make.accept(
        make.place(account, instrument, side=Side.SELL, quantity=Decimal(10), limit_price=Decimal(70_000))
    )
    services.match_virtual(instrument, make.make_book(instrument, 70_000, at=at + timedelta(seconds=1)))
    sale = make.fresh(sale)
    assert facts(sale.state, sale.fee, sale.tax) == ("filled", 105, tax)
    assert make.balances(account) == {
        "external KRW": -make.CASH,
        "available KRW": make.CASH - 105 - 105 - tax,
        "fees KRW": Decimal(210),
        "tax KRW": Decimal(tax),
    }


def test_cost_and_profit_are_exact_to_the_won(account: BrokerAccount, instrument: Instrument) -> None:
    """Three buys at different prices; a part sold takes its share of the cost, the last part the rest."""
    for quantity, price in ((3, 70_000), (3, 70_100), (1, 70_300)):
        make.hold(account, instrument, quantity, price)
    cost = 3 * 70_000 + 3 * 70_100 + 70_300
    assert make.balances(account)["position:KRX:005930 KRW"] == cost == 490_600
    sell(account, instrument, 4, 71_000)
    share = 490_600 * 4 // 7  # 280,342.86, cut
    left = make.balances(account)
    assert left["position:KRX:005930 KRW"] == cost - share
    assert left["realised KRW"] == -(284_000 - share)  # profit stands as a negative sum
    sell(account, instrument, 3, 69_000)
    portfolio = services.portfolio(account)
    fees, tax = 31 + 31 + 10 + 42 + 31, 568 + 414
    assert portfolio.positions == ()
    assert portfolio.realised == 284_000 + 207_000 - 490_600 - fees - tax
    assert portfolio.total_value == make.CASH + portfolio.realised == portfolio.cash_available
    assert portfolio.profit == portfolio.realised


def sell(account: BrokerAccount, instrument: Instrument, quantity: int, price: int) -> Order:
    limit = Decimal(price)
    sale = make.accept(make.place(account, instrument, side=Side.SELL, quantity=Decimal(quantity), limit_price=limit))
    services.match_virtual(instrument, make.make_book(instrument, price))
    assert make.fresh(sale).state == "filled"
    return sale


def test_a_pair_quoted_in_bitcoin_is_exact_to_its_last_digit() -> None:
    """Prices, quantities and money have eight decimals: a buy's amount is rounded up, a sell's down, fees are cut."""
    pair = make.make_btc_pair()
    make.put_price(pair, "0.03456789")
    account = make.make_account(make.make_user(), "1.00000001", "BTC")
    make.hold(account, pair, "1.23456789", Decimal("0.03456789"))  # 0.0426764071…
    after = make.balances(account)
    assert after["position:UPBIT:ETH/BTC BTC"] == Decimal("0.04267641")
    assert after["fees BTC"] == Decimal("0.00004267")
    assert after["available BTC"] == Decimal("1.00000001") - Decimal("0.04267641") - Decimal("0.00004267")
    make.put_price(pair, "0.04")
    sale = make.accept(make.place(account, pair, side=Side.SELL, quantity=Decimal("0.00000003")))
    services.match_virtual(pair, make.make_book(pair, "0.04"))
    sale = make.fresh(sale)
    assert facts(sale.state, sale.filled_amount) == ("filled", 0)  # 0.0000000012 is less than money's last digit
    rest = make.balances(account)
    assert rest["available UPBIT:ETH/BTC"] == Decimal("1.23456786")
    assert rest["position:UPBIT:ETH/BTC BTC"] == Decimal("0.04267641")  # a share of 0.0000000010, cut
    assert sum(v for k, v in rest.items() if k.endswith(" BTC")) == 0


def test_large_numbers_keep_every_digit() -> None:
    """Python's own 28 digits would round the product of cost and quantity."""
    cost = ledger.cost_of_sold(
        Decimal("123456789012345678.12345678"), Decimal("123456789012345678.12345679"),
        Decimal("98765432109876543.21098765"), 8,
    )  # fmt: skip
    exact = 9876543210987654321098765 * 12345678901234567812345678 // 12345678901234567812345679
    assert cost == Decimal(exact).scaleb(-8)


def test_a_day_order_expires_and_gives_its_cash_back(account: BrokerAccount, instrument: Instrument) -> None:
    make.put_price(instrument, 70_000, keeps_sessions=True)
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(69_000)))
    close = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
    services.match_virtual(instrument, make.make_book(instrument, 69_000, 4, close - timedelta(seconds=1)))
    services.match_virtual(instrument, make.make_book(instrument, 60_000, 100, close))
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.filled_quantity, order.reserved) == ("expired", "day_over", 4, 0)
    assert order.finished_at == close
    assert make.balances(account)["available KRW"] == make.CASH - 4 * 69_000 - 41


def test_a_day_order_expires_with_its_session_though_no_book_comes_after_it(
    account: BrokerAccount, instrument: Instrument
) -> None:
    make.put_price(instrument, 70_000, keeps_sessions=True)
    order = make.accept(make.place(account, instrument, limit_price=Decimal(69_000)))
    for_good = make.accept(make.place(account, instrument, limit_price=Decimal(69_000), time_in_force=TimeInForce.GTC))
    close = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
    assert expire_day_orders(instrument.source, close - timedelta(seconds=1)) == 0
    assert expire_day_orders("replay", close) == 0
    assert expire_day_orders(instrument.source, close) == 1
    assert (make.fresh(order).state, make.fresh(for_good).state) == ("expired", "accepted")


def test_a_resting_order_is_canceled_and_its_fills_stand(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    services.match_virtual(instrument, make.make_book(instrument, 70_000, 4))
    services.cancel_order(account.user, order.pk)
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    assert services.match_virtual(instrument, make.make_book(instrument, 69_000, at=LATER)) == 0
    assert dispatch_once(fence) == 1
    order = make.fresh(order)
    assert facts(order.state, order.filled_quantity, order.reserved) == ("canceled", 4, 0)
    assert make.balances(account)["available KRW"] == make.CASH - 280_000 - 42


def test_the_same_report_twice_is_the_same_as_once(account: BrokerAccount, resting: Order) -> None:
    """I6."""
    fill = make.make_fill(resting, "a", 4, 70_000, 42)
    version = told(resting, fill).version
    once = make.balances(account)
    order = told(resting, fill)
    assert facts(make.balances(account), order.version) == (once, version), "no page need be told"
    assert facts(order.state, order.filled_quantity, Fill.objects.count()) == ("partially_filled", 4, 1)


def test_an_old_acceptance_told_again_moves_nothing(account: BrokerAccount, resting: Order) -> None:
    filled = told(resting, make.make_fill(resting, "a", 10, 70_000))
    again = told(resting)
    assert (filled.state, again.state) == ("filled", "filled")
    assert not resting.events.filter(reason="contradiction").exists()


def test_a_fill_that_comes_after_the_cancel_is_booked(account: BrokerAccount, resting: Order) -> None:
    """The cash was given back when the order ended; a fill is a fact, so it is taken from what is free."""
    told(resting, status=ReportStatus.CANCELED)
    assert make.balances(account)["available KRW"] == make.CASH
    order = told(resting, make.make_fill(resting, "late", 4, 70_000, 42), status=ReportStatus.CANCELED)
    assert facts(order.state, order.filled_quantity, order.reserved) == ("canceled", 4, 0)
    after = make.balances(account)
    assert facts(after["available KRW"], after["position:KRX:005930 KRW"]) == (make.CASH - 280_042, 280_000)
    assert "reserved KRW" not in after


def test_a_sale_that_comes_after_the_cancel_is_booked(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 10, 70_000)
    sale = make.accept(make.place(account, instrument, side=Side.SELL, quantity=Decimal(10)))
    told(sale, status=ReportStatus.CANCELED)
    told(sale, make.make_fill(sale, "late", 4, 70_000))
    after = make.balances(account)
    assert facts(after["available KRX:005930"], after.get("reserved KRX:005930", 0)) == (6, 0)


def test_a_dearer_fill_takes_nothing_from_other_orders(account: BrokerAccount, resting: Order) -> None:
    """A broker that fills above the limit: the difference comes from free cash, never from another order's."""
    other = make.place(account, resting.instrument, quantity=Decimal(10), limit_price=Decimal(60_000))
    order = told(resting, make.make_fill(resting, "a", 10, 71_000))
    assert facts(order.state, order.reserved) == ("filled", 0)
    assert make.balances(account)["reserved KRW"] == make.fresh(other).reserved


def test_a_fill_there_is_no_money_for_is_kept_for_a_person(instrument: Instrument) -> None:
    """It cannot be booked without a balance below zero: it is kept as told, and the rest of the report counts."""
    account = make.make_account(make.make_user(), 700_105)
    order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    order = told(order, make.make_fill(order, "a", 5, 60_000), make.make_fill(order, "b", 5, 99_000))
    assert facts(order.filled_quantity, order.state, Fill.objects.count()) == (5, "partially_filled", 1)
    event = order.events.get(reason="fill_not_booked")
    assert (event.raw["key"], event.raw["quantity"], event.raw["price"]) == ("b", "5", "99000")
    assert "reserved KRW" in make.balances(account)


def test_more_than_was_ordered_is_kept_for_a_person(resting: Order) -> None:
    """I6: filled never exceeds ordered in our books, and the news is not lost."""
    order = told(resting, make.make_fill(resting, "a", 8, 70_000), make.make_fill(resting, "b", 8, 70_000))
    assert facts(order.filled_quantity, order.state) == (8, "partially_filled")
    assert order.events.get(reason="fill_not_booked").raw["key"] == "b"


@pytest.mark.parametrize("last", [ReportStatus.REJECTED, ReportStatus.EXPIRED])
def test_a_state_that_contradicts_ours_is_logged_not_lost(resting: Order, last: ReportStatus) -> None:
    """I5: terminal is final."""
    told(resting, status=ReportStatus.CANCELED)
    order = told(resting, status=last, raw={"answer": "as it came"})
    assert order.state == "canceled"
    event = order.events.get(reason="contradiction")
    assert (event.state, event.raw["answer"]) == (last.value, "as it came")


def test_an_acceptance_of_an_order_never_sent_is_a_contradiction(
    account: BrokerAccount, instrument: Instrument
) -> None:
    order = make.place(account, instrument)
    services.cancel_order(account.user, order.pk)
    order = told(order, broker_order_key="B-1")
    assert order.state == "withdrawn"
    assert order.events.filter(reason="contradiction").exists()


def test_a_fill_told_again_with_other_numbers_is_a_contradiction(account: BrokerAccount, resting: Order) -> None:
    told(resting, make.make_fill(resting, "a", 4, 70_000))
    before = make.balances(account)
    order = told(resting, make.make_fill(resting, "a", 5, 70_000))
    assert facts(order.filled_quantity, make.balances(account)) == (4, before)
    assert order.events.get(reason="fill_contradicts").raw["quantity"] == "5"


def test_a_fill_of_one_order_told_for_another_is_a_contradiction(
    account: BrokerAccount, instrument: Instrument, resting: Order
) -> None:
    told(resting, make.make_fill(resting, "a", 4, 70_000))
    other = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    other = told(other, make.make_fill(other, "a", 4, 70_000))
    assert other.filled_quantity == 0
    assert other.events.filter(reason="fill_contradicts").exists()


def test_a_second_key_for_one_order_is_a_contradiction(resting: Order) -> None:
    first = resting.broker_order_key
    order = told(resting, broker_order_key="another")
    assert order.broker_order_key == first
    assert order.events.filter(reason="contradiction").exists()


def test_a_key_another_order_has_is_a_contradiction(
    account: BrokerAccount, instrument: Instrument, resting: Order
) -> None:
    other = make.accept(make.place(account, instrument))
    Order.objects.filter(pk=other.pk).update(broker_order_key="")
    order = told(other, broker_order_key=resting.broker_order_key)
    assert order.broker_order_key == ""
    assert order.events.filter(reason="contradiction").exists()


def test_an_order_canceled_while_the_book_was_matched_does_not_fill(
    account: BrokerAccount, instrument: Instrument, resting: Order
) -> None:
    """The feed saw it resting; by the time it holds the account's lock the cancel has won."""
    stale = Order.objects.get(pk=resting.pk)
    told(resting, status=ReportStatus.CANCELED)
    fill = make.make_fill(stale, "x", 10, 70_000)
    assert not fold_if_unmoved(stale, OrderReport(ReportStatus.ACCEPTED, fills=(fill,)), LATER)
    assert make.balances(account) == {"external KRW": -make.CASH, "available KRW": make.CASH}


def test_a_report_costs_few_queries(resting: Order) -> None:
    with CaptureQueriesContext(connection) as queries:
        told_once = OrderReport(ReportStatus.ACCEPTED, fills=(make.make_fill(resting, "a", 4, 70_000),))
        services.apply_report(resting.pk, told_once, LATER)
    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 11, "\n".join(statements)


def test_a_broker_report_is_kept_as_it_came(resting: Order) -> None:
    told(resting, status=ReportStatus.CANCELED, reason="by_venue", raw={"code": "0000", "text": "취소"})
    event = OrderEvent.objects.get(order=resting, state="canceled")
    assert (event.origin, event.reason, event.raw) == ("broker", "by_venue", {"code": "0000", "text": "취소"})


Parts = list[tuple[int, int]]  # quantity, price


@st.composite
def streams(draw: st.DrawFn) -> tuple[Parts, list[int], ReportStatus]:
    """Fills of one order of ten, the order their news arrives in (with repetitions, all of them at least once), its end."""
    parts: Parts = []
    while (left := 10 - sum(quantity for quantity, _price in parts)) and (not parts or draw(st.booleans())):
        parts.append((draw(st.integers(1, left)), 100 * draw(st.integers(650, 700))))
    news = draw(st.permutations(list(range(len(parts))) * 2)) + draw(st.lists(st.sampled_from(range(len(parts)))))
    return parts, news, draw(st.sampled_from([ReportStatus.CANCELED, ReportStatus.EXPIRED]))


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(stream=streams(), end_at=st.integers(0, 30))
def test_shuffled_and_repeated_news_book_the_same(
    rich: BrokerAccount, instrument: Instrument, stream: tuple[Parts, list[int], ReportStatus], end_at: int
) -> None:
    """I6: whatever the order, repetition or batching, also when the order's end is told before its fills."""
    parts, news, end = stream
    make.put_price(instrument, 70_000)  # of this moment, however long the examples before took
    before = make.balances(rich)
    order = make.accept(make.place(rich, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
    fills = [make.make_fill(order, f"{order.pk}:{i}", *part, fee=1) for i, part in enumerate(parts)]
    for position, index in enumerate(news):
        if position == end_at % len(news):
            told(order, status=end)
        told(order, fills[index])
    order = told(order, *fills, status=end)
    amount = sum(quantity * price for quantity, price in parts)
    assert facts(order.filled_quantity, order.filled_amount, order.fee) == (
        sum(quantity for quantity, _price in parts),
        amount,
        len(parts),
    )
    assert order.reserved == 0
    assert order.state in {"filled", end.value}
    after = make.balances(rich)
    assert after["available KRW"] == before["available KRW"] - amount - len(parts)
    assert after["position:KRX:005930 KRW"] - before.get("position:KRX:005930 KRW", Decimal(0)) == amount
    assert_journals_balance(order)


def assert_journals_balance(order: Order) -> None:
    """I16."""
    for journal in Journal.objects.filter(broker_account=order.broker_account).prefetch_related("postings"):
        lines = [ledger.Line(p.bucket, p.asset, p.amount) for p in journal.postings.all()]
        assert ledger.imbalance(lines) == {}, journal


def in_turn(orders: Sequence[Order]) -> list[str]:
    return [make.fresh(order).state for order in orders]


def test_market_orders_come_first_then_better_limits_then_the_earlier(instrument: Instrument) -> None:
    account = make.make_account(make.make_user())
    asked: list[dict[str, Any]] = [
        {"limit_price": Decimal(70_000)},
        {"limit_price": Decimal(70_100)},
        {"order_type": OrderType.MARKET},
    ]
    orders = [make.accept(make.place(account, instrument, **each)) for each in asked]
    services.match_virtual(instrument, make.make_book(instrument, 70_000, 1))
    assert in_turn(orders) == ["accepted", "accepted", "filled"]
    services.match_virtual(instrument, make.make_book(instrument, 70_000, 1, LATER))
    assert in_turn(orders) == ["accepted", "filled", "filled"]


class NobodyWatches:
    """A publisher to whom prices mean nothing."""

    def publish(self, quotes: Sequence[Quote], books: Sequence[OrderBook], clock: MarketClock) -> bool:
        return True


def test_the_feed_ends_day_orders_when_the_session_does(account: BrokerAccount, instrument: Instrument) -> None:
    """A batch after the close brings no book of this instrument: its cash is free all the same."""
    make.put_price(instrument, 70_000, keeps_sessions=True)
    order = make.accept(make.place(account, instrument, limit_price=Decimal(69_000)))
    close = datetime(2026, 3, 4, 6, 30, tzinfo=UTC)
    feeding = Feeding(Replay(instrument.rules, [a_bar(instrument)]), [instrument], NobodyWatches())
    feeding.take(Batch(at=close, ticks=(), quotes=(), books=()), [], speed=1)
    assert make.fresh(order).state == "accepted", "another source's clock is not this instrument's"
    Instrument.objects.update(source="replay")
    feeding.take(Batch(at=close, ticks=(), quotes=(), books=()), [], speed=1)
    assert make.fresh(order).state == "expired"


def a_bar(instrument: Instrument) -> Bar:
    price = Decimal(70_000)
    return Bar(instrument.key, Interval.M1, make.NOW, LATER, price, price, price, price, Decimal(100))
