"""A replay at full speed plays a bar trade by trade while something waits inside it, and waits for what that leads to."""

from datetime import timedelta
from decimal import Decimal
from threading import Event
from typing import Any

import pytest

from brokers.simulator.replay import Replay
from markets.bars import Bars
from markets.models import Instrument, StoredBar
from markets.services import store_bars
from markets.types import Bar, Interval, Source
from tests import factories as make
from tests.trading.test_entries_live import (
    ABOVE_THE_OPEN,
    CASH,
    RISES,
    WARM_UP,
    LiveMarket,
    random_bars,
    register,
    rule,
    send,
)
from trading import services
from trading.management.commands.feed import ReplayLoop
from trading.models import Order, SwingPlan
from trading.services.planning.history import plan_fills
from trading.services.running import feeding

pytestmark = pytest.mark.django_db

PLAYED = 25  # bars


class Turns(Event):
    """While the replay waits, everybody else has a turn: plans are looked at and orders are sent."""

    def wait(self, timeout: float | None = None) -> bool:
        services.evaluate_due()
        send()
        return self.is_set()


class Held:
    def is_held(self) -> bool:
        return True


@pytest.fixture
def instrument() -> Instrument:
    return make.make_instrument(
        "COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always", price_limit_rate=None
    )


@pytest.fixture
def bars() -> Bars:
    return random_bars(4, WARM_UP + PLAYED)


@pytest.fixture
def replay(instrument: Instrument, bars: Bars) -> Replay:
    """The last bars as a replay; those before them have been played, so that the rule is warm."""
    market = LiveMarket(instrument, bars)
    played = [market._bar(n) for n in range(WARM_UP, len(bars))]
    store_bars(played, Source.HISTORY, {instrument.key: instrument.pk})
    replay = feeding.open_replay(instrument, Interval.H1)
    store_bars([market._bar(n) for n in range(WARM_UP)], Source.REPLAY, {instrument.key: instrument.pk})
    return replay


def test_the_trades_of_a_bar_come_one_by_one() -> None:
    at = make.NOW
    ends = at + timedelta(hours=1)
    bar = Bar("KRX:005930", Interval.H1, at, ends, Decimal(10), Decimal(12), Decimal(9), Decimal(11), Decimal(40))
    replay = Replay(make.make_instrument().rules, [bar])
    *trades, close = [batch for _ in range(5) if (batch := replay.next_trade())]
    assert [[int(tick.price) for tick in batch.ticks] for batch in trades] == [[10], [9], [12], [11]]
    assert (close.ticks, close.closed_bars, replay.next_trade()) == ((), (bar,), None)


def test_entries_above_the_open_are_bought_inside_their_bar(instrument: Instrument, bars: Bars, replay: Replay) -> None:
    account = make.make_account(make.make_user(), CASH)
    plan = register(account, instrument, rule((RISES, ABOVE_THE_OPEN), time_stop_bars=1))
    held: Any = Held()
    assert ReplayLoop(Turns(), held, replay, instrument, 0).run() == PLAYED
    assert StoredBar.objects.filter(source=Source.REPLAY).count() == len(bars)
    entries = list(Order.objects.filter(plan=plan, order_type="stop").order_by("created_at"))
    bought = [order for order in entries if order.filled_quantity]
    assert bought
    for order in bought:
        first = order.fills.order_by("pk").first()
        assert first is not None
        assert order.stop_price is not None
        assert order.triggered_at is not None
        assert order.expires_at is not None
        assert (
            first.price > order.stop_price
        )  # by the trade that set it off, one tick away; a thin rest may fill cheaper
        assert order.market_at <= order.triggered_at < order.expires_at
    assert {order.state for order in entries} <= {"filled", "expired", "withdrawn"}
    assert plan.evaluations.count() == PLAYED
    assert not SwingPlan.objects.waiting_for_open().exists()
    sides = [fill.side for fill in plan_fills(plan)]
    assert sides.count("sell") >= len(bought) - 1
