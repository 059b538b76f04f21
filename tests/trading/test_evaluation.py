"""Looking at plans on closed bars: once per bar, only on time, and never past what the books say (I25, I26, T11, W05)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from math import sin

import pytest
from django.db import transaction
from django.utils import timezone

from markets.models import Instrument, LatestQuote, PriceFeed
from markets.services import beat, store_bars, store_quotes
from markets.types import Bar, Interval, Level, OrderBook, Quote, Source
from strategies.library.swing import SwingParameters
from tests.factories import make_account, make_instrument, make_user
from trading import services
from trading.dispatch import dispatch_once
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.services.running import leases

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 5, tzinfo=UTC)
HISTORY = 945  # bars: more than the rule warms up on, and just past a trough
CROSSES_ONLY = SwingParameters(
    first_use_rsi=False,
    first_use_adx=False,
    first_use_obv=False,
    second_use_rsi=False,
    second_use_adx=False,
    second_use_obv=False,
)


@dataclass
class Market:
    """One instrument on an hourly market that a test moves bar by bar."""

    instrument: Instrument
    hours: int = 0

    @property
    def now(self) -> datetime:
        return START + timedelta(hours=self.hours)

    def close_bars(self, *closes: float) -> None:
        """Close one bar an hour, quote its close, and fill what rests at it."""
        bars = []
        for close in closes:
            price = Decimal(round(close / 100) * 100)
            bars.append(
                Bar(
                    self.instrument.key,
                    Interval.H1,
                    self.now,
                    self.now + timedelta(hours=1),
                    price,
                    price,
                    price,
                    price,
                    Decimal(1000),
                )
            )
            self.hours += 1
        store_bars(bars, Source.SIMULATOR, {self.instrument.key: self.instrument.pk})
        beat(Source.SIMULATOR, self.now, speed=1)
        last = bars[-1].close
        quote = Quote(self.instrument.key, self.now, Source.SIMULATOR, last, last, last + 100, last, Decimal(1))
        store_quotes([quote], {}, {self.instrument.key: self.instrument.pk})

    def trade(self, seconds: int = 1) -> None:
        """Send what waits and let it fill at the last price, a moment later."""
        fence = leases.acquire("dispatch", "test")
        assert fence is not None
        dispatch_once(fence)
        price = LatestQuote.objects.get(instrument=self.instrument).price
        level = Level(price, Decimal(100_000))
        book = OrderBook(
            self.instrument.key, self.now + timedelta(seconds=seconds), (level,), (replace(level, price=price + 100),)
        )
        services.match_virtual(self.instrument, book)


def wave(count: int, at: int = 0) -> Iterator[float]:
    """Prices that swing slowly between 60,000 and 80,000: crosses of every pair of averages come by the dozen."""
    return (70_000 + 10_000 * sin((at + i) / 40) for i in range(count))


@pytest.fixture
def market() -> Market:
    market = Market(make_instrument())
    market.close_bars(*wave(HISTORY))
    return market


@pytest.fixture
def plan(market: Market) -> SwingPlan:
    user = make_user()
    return services.register_plan(
        user,
        broker_account=make_account(user),
        instrument=market.instrument,
        name="파도",
        interval=Interval.H1,
        parameters=CROSSES_ONLY,
        budget=Decimal(4_000_000),
        first_share=Decimal("0.5"),
        cooldown_bars=2,
    )


def live(market: Market, plan: SwingPlan, bars: int) -> list[tuple[str, int]]:
    """Let `bars` hours pass; each bar's outcome with the SIGNAL after it."""
    told = []
    for close in wave(bars, at=market.hours):
        market.close_bars(close)
        services.evaluate_due()
        market.trade()
        plan.refresh_from_db()
        told.append((plan.evaluations.first().outcome, plan.signal))  # type: ignore[union-attr]
    return told


def test_a_plan_buys_in_two_steps_sells_and_begins_again(market: Market, plan: SwingPlan) -> None:
    """W04, W05: 0 → 1 → 2 → 3, and after the cool-down 0 of the next cycle."""
    told = live(market, plan, 290)
    moves = [outcome for outcome, _signal in told if outcome not in {"hold", "wait"}]
    assert moves[:5] == ["buy_first", "buy_second", "sell", "restart", "buy_first"]
    steps = list(plan.steps.values_list("cycle", "from_signal", "to_signal"))
    assert steps[:4] == [(1, 0, 1), (1, 1, 2), (1, 2, 3), (2, 0, 1)]
    sold = told.index(("sell", 3))
    assert [outcome for outcome, _signal in told[sold + 1 : sold + 4]] == ["hold", "hold", "restart"]


def test_a_cycle_never_spends_more_than_the_budget(market: Market, plan: SwingPlan) -> None:
    live(market, plan, 60)
    bought = Order.objects.filter(plan=plan, cycle=1, side="buy")
    spent = sum((order.filled_amount + order.fee for order in bought), Decimal(0))
    assert bought.count() == 2
    assert 0 < spent <= plan.budget
    assert bought[0].filled_amount <= plan.budget * plan.first_share


def test_one_bar_is_decided_once_however_often_it_is_rung(market: Market, plan: SwingPlan) -> None:
    """W06, T11: whether the hour is rung five times or not at all (see below), one decision per plan and bar."""
    market.close_bars(70_000)
    assert [services.evaluate_due() for _ring in range(5)] == [1, 0, 0, 0, 0]
    assert plan.evaluations.count() == 1


def test_an_evaluator_killed_before_it_commits_leaves_the_bar_to_the_next(market: Market, plan: SwingPlan) -> None:
    """T11: with its order, too: nothing half done stays."""
    for close in wave(200, at=market.hours):
        market.close_bars(close)
        with transaction.atomic():  # killed: none of it is committed
            services.evaluate_due()
            transaction.set_rollback(True)
        assert not plan.evaluations.filter(bar_closed_at=market.now).exists()
        assert services.evaluate_due() == 1
        if Order.objects.exists():
            break
    order = Order.objects.get()
    assert plan.evaluations.get(order=order).outcome == "buy_first"


@pytest.mark.parametrize("interval", list(Interval))
def test_a_plan_looks_at_bars_of_its_own_interval(interval: Interval) -> None:
    coin = make_instrument("COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always")
    user, price = make_user(), Decimal(1000)
    beat(Source.SIMULATOR, START, speed=1)
    plan = services.register_plan(
        user,
        broker_account=make_account(user),
        instrument=coin,
        name="간격",
        interval=interval,
        parameters=CROSSES_ONLY,
        budget=Decimal(1_000_000),
        first_share=Decimal(1),
    )
    ends = {each: START + each.duration for each in Interval}
    bars = [Bar(coin.key, each, START, end, price, price, price, price, Decimal(1)) for each, end in ends.items()]
    store_bars(bars, Source.SIMULATOR, {coin.key: coin.pk})
    beat(Source.SIMULATOR, ends[interval] - timedelta(seconds=1))
    assert services.evaluate_due() == 0
    beat(Source.SIMULATOR, ends[interval])
    assert services.evaluate_due() == 1
    assert plan.evaluations.get().bar_closed_at == ends[interval]


def test_bars_from_before_the_plan_are_nobodys_business(market: Market, plan: SwingPlan) -> None:
    assert services.evaluate_due() == 0
    assert not plan.evaluations.exists()


def test_missed_bars_are_recorded_and_only_the_last_one_is_acted_on(market: Market, plan: SwingPlan) -> None:
    """I26, T11: twelve hours without a single ring are told, never traded late."""
    market.close_bars(*wave(12, at=market.hours))
    assert services.evaluate_due() == 12
    outcomes = list(plan.evaluations.order_by("bar_closed_at").values_list("outcome", "reason"))
    assert outcomes[:-1] == [("skipped", "late")] * 11
    assert outcomes[-1][0] != "skipped"


def test_more_missed_bars_than_a_look_reads_at_first_are_all_recorded(market: Market, plan: SwingPlan) -> None:
    market.close_bars(*wave(100, at=market.hours))
    assert services.evaluate_due() == 100


def test_a_decision_that_comes_too_late_is_not_traded(market: Market, plan: SwingPlan) -> None:
    market.close_bars(70_000)
    beat(Source.SIMULATOR, market.now + timedelta(minutes=11), speed=1)
    services.evaluate_due()
    assert plan.evaluations.get().outcome == "skipped"


def test_at_high_speed_lateness_is_counted_as_a_watch_would(market: Market, plan: SwingPlan) -> None:
    """At ×3600 half an hour of market time is half a second."""
    market.close_bars(70_000)
    beat(Source.SIMULATOR, market.now + timedelta(minutes=30), speed=3600)
    services.evaluate_due()
    assert plan.evaluations.get().outcome != "skipped"


def test_a_bar_that_closed_with_its_session_is_decided_at_the_next_open(market: Market, plan: SwingPlan) -> None:
    """C19: the market is closed at 15:30; the plan looks at 09:00 and is not late."""
    PriceFeed.objects.update(keeps_sessions=True)
    friday_close, monday_open = datetime(2026, 2, 27, 6, 30, tzinfo=UTC), datetime(2026, 3, 3, 0, 0, tzinfo=UTC)
    market.hours = int((friday_close - START).total_seconds() // 3600)
    bar = Bar(
        market.instrument.key,
        Interval.H1,
        friday_close - timedelta(minutes=30),
        friday_close,
        Decimal(70_000),
        Decimal(70_000),
        Decimal(70_000),
        Decimal(70_000),
        Decimal(1),
    )
    store_bars([bar], Source.SIMULATOR, {market.instrument.key: market.instrument.pk})
    beat(Source.SIMULATOR, friday_close + timedelta(minutes=1))
    assert services.evaluate_due() == 0
    beat(Source.SIMULATOR, monday_open + timedelta(minutes=1))
    assert services.evaluate_due() == 1
    assert plan.evaluations.get().outcome != "skipped"


def test_a_bar_that_has_not_closed_yet_is_not_looked_at(market: Market, plan: SwingPlan) -> None:
    """I27: a bar of the future decides nothing."""
    market.close_bars(70_000)
    beat(Source.SIMULATOR, market.now - timedelta(seconds=1))
    assert services.evaluate_due() == 0


def test_too_little_history_is_told_and_trades_nothing(market: Market, plan: SwingPlan) -> None:
    young = Market(make_instrument("000660", name_ko="SK하이닉스"))
    young.close_bars(*wave(20))
    early = services.register_plan(
        plan.user,
        broker_account=plan.broker_account,
        instrument=young.instrument,
        name="이른",
        interval=Interval.H1,
        parameters=CROSSES_ONLY,
        budget=Decimal(1_000_000),
        first_share=Decimal(1),
    )
    young.close_bars(70_000)
    services.evaluate_due(young.instrument.pk)
    look = early.evaluations.get()
    assert (look.outcome, look.reason, look.detail["facts"]["bars"]) == ("hold", "warming_up", "21")


def test_a_plan_waits_while_its_order_is_working(market: Market, plan: SwingPlan) -> None:
    for close in wave(200, at=market.hours):
        market.close_bars(close)
        services.evaluate_due()
        if Order.objects.filter(plan=plan).exists():
            break
    market.close_bars(70_000)
    services.evaluate_due()
    assert plan.evaluations.first().outcome == "wait"  # type: ignore[union-attr]
    assert Order.objects.filter(plan=plan).count() == 1


def test_an_order_the_account_cannot_pay_is_denied_with_its_numbers_and_moves_nothing(
    market: Market, plan: SwingPlan
) -> None:
    SwingPlan.objects.filter(pk=plan.pk).update(budget=Decimal(50_000_000))
    told = live(market, plan, 40)
    denied = Order.objects.filter(plan=plan).first()
    assert denied is not None
    assert (denied.state, denied.reason) == ("denied", "insufficient_cash")
    assert {"needed", "available"} <= denied.facts.keys()
    assert {signal for _outcome, signal in told} == {0}


def test_a_shadow_plan_decides_and_trades_nothing(market: Market, plan: SwingPlan) -> None:
    SwingPlan.objects.filter(pk=plan.pk).update(mode="shadow")
    told = live(market, plan, 60)
    assert "buy_first" in {outcome for outcome, _signal in told}
    assert not Order.objects.exists()


def test_a_plan_without_a_usable_price_is_blocked_and_says_so(market: Market, plan: SwingPlan) -> None:
    for close in wave(200, at=market.hours):
        market.close_bars(close)
        LatestQuote.objects.update(received_at=datetime(2020, 1, 1, tzinfo=UTC))
        services.evaluate_due()
        if plan.evaluations.exclude(outcome="hold").exists():
            break
    look = plan.evaluations.exclude(outcome="hold").get()
    assert (look.outcome, look.reason) == ("blocked", "stale_price")
    assert not Order.objects.exists()


def test_an_evaluation_keeps_every_condition_with_value_and_threshold(market: Market, plan: SwingPlan) -> None:
    """G01: why, or why not."""
    market.close_bars(70_000)
    services.evaluate_due()
    row = plan.evaluations.get().detail["row"]
    assert [condition["label"] for condition in row["conditions"]] == ["first.cross", "second.cross", "exit.cross"]
    assert all({"value", "threshold", "distance", "passed"} <= condition.keys() for condition in row["conditions"])


def test_an_evaluation_keeps_what_surrounded_it(market: Market, plan: SwingPlan) -> None:
    """G01: session, age of the data, free cash."""
    market.close_bars(70_000)
    services.evaluate_due()
    around = plan.evaluations.get().detail["around"]
    assert around == {"session": "always", "price_age": 0, "cash": "10000000", "currency": "KRW"}
    PriceFeed.objects.update(keeps_sessions=True)
    market.hours = int((datetime(2026, 3, 4, 2, tzinfo=UTC) - START).total_seconds() // 3600)
    market.close_bars(70_000)
    LatestQuote.objects.update(received_at=timezone.now() - timedelta(seconds=9))
    services.evaluate_due()
    newest = plan.evaluations.first()
    assert newest is not None
    assert (newest.detail["around"]["session"], newest.detail["around"]["price_age"]) == ("open", 9)


def test_an_evaluation_keeps_the_limit_that_denied_its_order(market: Market, plan: SwingPlan) -> None:
    """G01: which limit stood in the way, with its numbers."""
    SwingPlan.objects.filter(pk=plan.pk).update(budget=Decimal(50_000_000))
    live(market, plan, 40)
    look = plan.evaluations.filter(outcome="buy_first").first()
    assert look is not None
    assert look.order is not None
    assert look.detail["around"]["limit"] == {"code": "insufficient_cash", "facts": look.order.facts}
    assert all("limit" not in each.detail["around"] for each in plan.evaluations.filter(outcome="hold"))


def test_evaluate_now_decides_the_last_closed_bar_and_repeats_its_answer(market: Market, plan: SwingPlan) -> None:
    market.close_bars(70_000)
    first = services.evaluate_plan_now(plan.user, plan.pk)
    assert services.evaluate_plan_now(plan.user, plan.pk) == first
    assert PlanEvaluation.objects.count() == 1


def test_evaluate_now_shows_a_new_plan_the_bar_before_it(market: Market, plan: SwingPlan) -> None:
    """Who has just registered a plan and asks wants reasons, not an hour's wait; on time that bar may be traded."""
    decision = services.evaluate_plan_now(plan.user, plan.pk)
    assert decision.bar_closed_at == market.now
    assert decision.detail["row"]
    assert services.evaluate_plan_now(plan.user, plan.pk) == decision
    assert services.evaluate_due() == 0


def test_evaluate_now_trades_nothing_on_a_bar_long_past(market: Market, plan: SwingPlan) -> None:
    beat(Source.SIMULATOR, market.now + timedelta(minutes=11), speed=1)
    decision = services.evaluate_plan_now(plan.user, plan.pk)
    assert (decision.outcome, decision.reason, decision.order) == ("skipped", "late", None)


def test_a_paused_plan_does_not_look_and_resumes_from_the_next_bar(market: Market, plan: SwingPlan) -> None:
    services.pause_plan(plan.user, plan.pk)
    market.close_bars(70_000)
    assert services.evaluate_due() == 0
    services.resume_plan(plan.user, plan.pk)
    assert services.evaluate_due() == 0
    market.close_bars(70_000)
    assert services.evaluate_due() == 1


def test_a_shadow_plan_that_was_paused_stays_a_shadow(plan: SwingPlan) -> None:
    SwingPlan.objects.filter(pk=plan.pk).update(mode="shadow", running_mode="shadow")
    services.pause_plan(plan.user, plan.pk)
    assert services.resume_plan(plan.user, plan.pk).mode == "shadow"
