"""An entry at a level waits inside one bar, goes off once, and unfilled it ends with the bar and uses nothing up (T04, W05)."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from brokers.models import BrokerAccount
from brokers.protocol import Environment, OrderType
from brokers.simulator.events import Batch
from markets import services as markets
from markets.models import Instrument, PriceFeed
from markets.types import Bar, Interval, Source, Tick
from tests import factories as make
from tests.trading.test_entries_live import (
    ABOVE_THE_OPEN,
    AT_THE_HIGH,
    FALLS,
    RISES,
    WARM_UP,
    LiveMarket,
    random_bars,
    register,
    rule,
    send,
)
from trading import services
from trading.models import Order, SwingPlan
from trading.plan_rules import library_rule
from trading.services.ledger.audit import check_books
from trading.services.ordering import stops
from trading.services.running import feeding

pytestmark = pytest.mark.django_db

BAR = timedelta(minutes=30)
ENDS_AT = make.NOW + BAR
ALWAYS_RISES = {"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"number": 0}}


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, ask=Decimal(70_100))
    return instrument


@pytest.fixture
def entry(account: BrokerAccount, instrument: Instrument) -> Order:
    """The first step of a plan, waiting at 72,050 for half an hour: between two ticks, as rules reckon."""
    plan = make.make_plan(account, instrument)
    return waiting(plan)


def waiting(plan: SwingPlan, level: int = 72_050, **asked: Any) -> Order:
    stop = {"order_type": OrderType.STOP, "stop_price": Decimal(level), "ends_at": ENDS_AT, "step": 1}
    return make.place(plan.broker_account, plan.instrument, plan=plan, **stop | asked)


def trade(instrument: Instrument, price: int, seconds: float) -> Tick:
    return Tick(instrument.key, make.NOW + timedelta(seconds=seconds), Decimal(price), Decimal(1))


def tell(instrument: Instrument, *ticks: Tick, at: datetime) -> int:
    return services.trigger_by(ticks, {instrument.key: instrument.pk}, at)


def test_an_entry_ends_with_its_bar_not_with_the_day(entry: Order) -> None:
    assert (entry.state, entry.expires_at, entry.purpose) == ("pending", ENDS_AT, "entry")


def test_a_bar_longer_than_the_day_order_ends_with_the_day(account: BrokerAccount, instrument: Instrument) -> None:
    plan = make.make_plan(account, instrument)
    assert waiting(plan, ends_at=make.NOW + timedelta(days=9)).expires_at == make.NOW + timedelta(days=1)


def test_an_unfilled_entry_is_over_with_its_bar_and_uses_nothing_up(account: BrokerAccount, entry: Order) -> None:
    before = make.balances(account)
    assert tell(entry.instrument, trade(entry.instrument, 72_000, 60), at=ENDS_AT - timedelta(seconds=1)) == 0
    assert tell(entry.instrument, at=ENDS_AT) == 1
    over = make.fresh(entry)
    assert (over.state, over.reason) == ("withdrawn", "bar_over")
    assert make.balances(account) != before
    assert check_books().differences == ()
    assert (over.plan and over.plan.signal, over.reserved) == (0, Decimal(0))


def test_what_a_dead_feed_did_not_end_dispatch_ends(entry: Order) -> None:
    make.set_clock(ENDS_AT)
    assert services.trigger_due() == 1
    assert make.fresh(entry).reason == "bar_over"


def test_a_price_of_the_next_bar_never_sets_it_off_though_it_comes_in_the_same_batch(entry: Order) -> None:
    after = trade(entry.instrument, 80_000, BAR.total_seconds())
    assert tell(entry.instrument, after, at=after.at) == 1
    assert make.fresh(entry).state == "withdrawn"


def test_a_price_of_its_bar_sets_it_off_though_the_batch_reaches_beyond(entry: Order) -> None:
    inside, after = trade(entry.instrument, 72_100, 1799), trade(entry.instrument, 70_000, 1801)
    tell(entry.instrument, inside, after, at=after.at)
    assert make.fresh(entry).triggered_at == inside.at


@pytest.mark.parametrize(("speed", "seconds"), [(1, 5), (60, 300)])
def test_what_is_set_off_in_the_last_second_still_has_time_to_get_out(entry: Order, speed: int, seconds: int) -> None:
    """Seconds by the wall: at ×60 a bar of a minute is one of them."""
    PriceFeed.objects.update(speed=speed)
    last = trade(entry.instrument, 72_100, 1800 - 1)
    tell(entry.instrument, last, at=last.at)
    assert make.fresh(entry).expires_at == last.at + timedelta(seconds=seconds)


def test_what_is_set_off_early_ends_with_its_bar(entry: Order) -> None:
    early = trade(entry.instrument, 72_100, 60)
    tell(entry.instrument, early, at=early.at)
    assert make.fresh(entry).expires_at == ENDS_AT


def test_what_a_bar_left_of_an_entry_says_that_the_bar_is_over(entry: Order) -> None:
    early = trade(entry.instrument, 72_100, 60)
    tell(entry.instrument, early, at=early.at)
    make.accept(entry)
    assert services.expire_day_orders("simulator", ENDS_AT) == 1
    assert (make.fresh(entry).state, make.fresh(entry).reason) == ("expired", "bar_over")


def test_the_first_trade_of_the_bar_counts_though_it_carries_the_instant_of_the_decision(entry: Order) -> None:
    """In a market without pauses a bar opens at the very moment the one before closed; a person's stop looks later."""
    theirs = make.place(entry.broker_account, entry.instrument, order_type=OrderType.STOP, stop_price=Decimal(72_000))
    opening = trade(entry.instrument, 73_000, 0)
    assert tell(entry.instrument, opening, at=opening.at) == 1
    assert [make.fresh(each).waits_for_trigger for each in (entry, theirs)] == [False, True]


def test_an_entry_whose_level_the_price_has_passed_is_not_refused(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """A person's stop would be: the rule buys at its level or above."""
    assert waiting(make.make_plan(account, instrument), 69_000).state == "pending"


def test_of_many_that_wait_only_those_whose_price_has_come_or_time_is_over_move(
    account: BrokerAccount, entry: Order
) -> None:
    far, over = (make.make_instrument(f"00020{n}") for n in range(2))
    for other in (far, over):
        make.put_price(other, 70_000)
    still = waiting(make.make_plan(account, far))
    late = waiting(make.make_plan(account, over), ends_at=make.NOW + timedelta(seconds=30))
    make.put_price(entry.instrument, 72_100, make.NOW + timedelta(seconds=60))
    assert services.trigger_due() == 2
    assert make.fresh(entry).triggered_at is not None
    assert make.fresh(late).reason == "bar_over"
    assert make.fresh(still).waits_for_trigger
    assert services.trigger_due() == 0


def test_what_rests_at_a_real_venue_after_its_bar_is_asked_back_once(entry: Order) -> None:
    reached = trade(entry.instrument, 72_100, 60)
    tell(entry.instrument, reached, at=reached.at)
    resting = make.accept(entry)
    assert stops.ask_back_overdue() == 0
    make.set_clock(ENDS_AT)
    assert stops.ask_back_overdue() == 0  # our own venue ends it by itself
    BrokerAccount.objects.filter(pk=resting.broker_account_id).update(broker="kis", environment=Environment.PAPER)
    assert [stops.ask_back_overdue() for _again in range(2)] == [1, 0]
    assert make.fresh(entry).cancel_requested


def test_a_paused_plan_no_longer_waits_at_its_level(entry: Order) -> None:
    services.pause_plan(entry.user, entry.plan_id)  # type: ignore[arg-type]
    assert make.fresh(entry).state == "withdrawn"
    assert check_books().differences == ()


def test_a_paused_plan_leaves_what_has_gone_off_to_its_course(entry: Order) -> None:
    reached = trade(entry.instrument, 72_100, 60)
    tell(entry.instrument, reached, at=reached.at)
    services.pause_plan(entry.user, entry.plan_id)  # type: ignore[arg-type]
    assert make.fresh(entry).state == "pending"


def test_other_terms_call_the_entry_back(entry: Order) -> None:
    """A rule that waits on nearly every bar can be edited all the same."""
    plan = SwingPlan.objects.get(orders=entry)
    terms = {"budget": Decimal(2_000_000), "first_share": Decimal(1), "repeat": True, "cooldown_bars": 1, "mode": "on"}
    services.edit_plan(entry.user, plan.pk, name="새 이름", parameters=library_rule("breakout", {}), **terms)  # type: ignore[arg-type]
    assert make.fresh(entry).state == "withdrawn"
    assert SwingPlan.objects.get().budget == 2_000_000
    assert check_books().differences == ()


def test_a_plan_that_is_being_stopped_waits_no_more(entry: Order) -> None:
    services.stop_plan(entry.user, entry.plan_id, sell=False)  # type: ignore[arg-type]
    assert make.fresh(entry).state == "withdrawn"


class TestAboveTheOpen:
    """A distance above the next bar's open is no price before that bar has opened."""

    @pytest.fixture
    def coin(self) -> Instrument:
        return make.make_instrument(
            "COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always", price_limit_rate=None
        )

    @pytest.fixture
    def market(self, coin: Instrument) -> LiveMarket:
        market = LiveMarket(coin, random_bars(9, WARM_UP + 3))
        market.history(WARM_UP)
        return market

    @pytest.fixture
    def plan(self, market: LiveMarket, coin: Instrument) -> SwingPlan:
        account = make.make_account(make.make_user())
        return register(account, coin, rule((ALWAYS_RISES, ABOVE_THE_OPEN), time_stop_bars=1))

    def close(self, market: LiveMarket) -> datetime:
        """The next bar closes; nobody has traded in the one after it."""
        bar = market._bar(WARM_UP)
        market._take(bar.closed_at, [bar], bar.close)
        return bar.closed_at

    def test_the_bar_is_undecided_until_the_next_has_opened(self, market: LiveMarket, plan: SwingPlan) -> None:
        closed_at = self.close(market)
        assert [services.evaluate_due() for _ring in range(2)] == [0, 0]
        plan.refresh_from_db()
        assert (plan.waits_for_open, plan.evaluations.count(), Order.objects.count()) == (closed_at, 0, 0)
        assert feeding.is_worked_through(plan.instrument, closed_at)
        assert feeding.waits_inside_the_bar(plan.instrument)
        market._trade(closed_at, Decimal(1000), market._bar(WARM_UP + 1), [market._bar(WARM_UP + 1)])
        assert plan.evaluations.get().outcome == "buy_first"
        assert not SwingPlan.objects.waiting_for_open().exists()
        entry = Order.objects.get()
        assert (entry.order_type, entry.expires_at) == ("stop", closed_at + timedelta(hours=1))

    def test_an_open_that_never_comes_is_told_as_too_late(self, market: LiveMarket, plan: SwingPlan) -> None:
        """I26: late bars are recorded, never traded."""
        closed_at = self.close(market)
        assert services.evaluate_due() == 0
        markets.beat(Source.SIMULATOR, closed_at + timedelta(minutes=6))
        assert services.evaluate_due() == 1
        look = plan.evaluations.get()
        assert (look.outcome, look.reason) == ("skipped", "late")

    def test_the_feed_rings_for_who_waits_for_an_open(self, market: LiveMarket, plan: SwingPlan) -> None:
        closed_at = self.close(market)
        services.evaluate_due()
        bar = market._bar(WARM_UP + 1)
        tick = Tick(plan.instrument.key, closed_at, bar.open, Decimal(1))
        told = market._feeding.take(Batch(closed_at, (tick,)), [], 1, [bar])
        assert told == [plan.instrument_id]

    def test_a_shadow_plan_decides_at_once_for_it_sends_nothing(self, market: LiveMarket, plan: SwingPlan) -> None:
        SwingPlan.objects.update(mode="shadow")
        self.close(market)
        assert services.evaluate_due() == 1
        assert plan.evaluations.get().outcome == "buy_first"


class TestTheBarItIsMeantFor:
    def test_a_decision_that_comes_after_that_bar_buys_nothing(self) -> None:
        """Minutes: the next one is over before anybody looks."""
        coin = make.make_instrument(
            "COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always", price_limit_rate=None
        )
        market = LiveMarket(coin, random_bars(9, WARM_UP + 2))
        account = make.make_account(make.make_user())
        start = market._bar(0).opened_at
        bars = [minute(coin, start, n) for n in range(WARM_UP + 1)]
        markets.store_bars(bars[:-1], Source.SIMULATOR, {coin.key: coin.pk})
        make.put_price(coin, 1000, bars[-2].closed_at)
        terms = {"interval": Interval.M1, "budget": Decimal(100_000)}
        plan = register(account, coin, rule((ALWAYS_RISES, AT_THE_HIGH), leaves=FALLS), **terms)
        markets.store_bars(bars[-1:], Source.SIMULATOR, {coin.key: coin.pk})
        make.put_price(coin, 1000, bars[-1].closed_at + timedelta(seconds=61))
        assert services.evaluate_due() == 1
        look = plan.evaluations.get()
        assert (look.outcome, look.reason, Order.objects.count()) == ("blocked", "entry_bar_over", 0)

    def test_several_plans_wait_each_for_itself(self) -> None:
        """G18: two plans on one account and symbol, one level, each its own units."""
        coin = make.make_instrument(
            "COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always", price_limit_rate=None
        )
        market = LiveMarket(coin, random_bars(2, WARM_UP + 25))
        market.history(WARM_UP)
        account = make.make_account(make.make_user(), Decimal(2_000_000))
        document = rule((RISES, AT_THE_HIGH))
        small, large = (
            register(account, coin, document, name=name, budget=budget)
            for name, budget in (("가", Decimal(100_000)), ("나", Decimal(300_000)))
        )
        for place in range(WARM_UP, WARM_UP + 25):
            market.play(place)
        spent = {plan.pk: Decimal(0) for plan in (small, large)}
        for order in Order.objects.filter(order_type="stop"):
            spent[order.plan_id] += order.filled_amount  # type: ignore[index]
        assert spent[large.pk] > spent[small.pk] > 0
        assert check_books().differences == ()


def minute(instrument: Instrument, start: datetime, n: int) -> Bar:
    at, price = start + timedelta(minutes=n), Decimal(1000)
    return Bar(instrument.key, Interval.M1, at, at + timedelta(minutes=1), price, price, price, price, Decimal(1))


def test_a_triggered_entry_is_sent_as_a_market_order(entry: Order) -> None:
    reached = trade(entry.instrument, 72_100, 60)
    tell(entry.instrument, reached, at=reached.at)
    make.put_price(entry.instrument, 72_100, reached.at)
    send()
    assert make.fresh(entry).state == "accepted"
    assert make.fresh(entry).as_request().order_type is OrderType.MARKET
