"""What a rule document says is traded live as a backtest trades it: levels, time stop, largest position (T01, T04, G03).

The same bars go through the running system, trade by trade and through the one order path, and through the engine; the
fills are the same to the last unit. The market of the test trades at every level it passes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest

from backtests.engine import simulate
from backtests.setup import Setup
from brokers.models import BrokerAccount
from brokers.simulator.events import Batch
from markets.bars import Bars
from markets.models import Instrument
from markets.types import Bar, Interval, Level, OrderBook, Quote, Source, Tick, from_epoch
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from tests import factories as make
from trading import services
from trading.dispatch import dispatch_once
from trading.models import Order, SwingPlan
from trading.plan_rules import ChosenRule
from trading.services.ledger.audit import check_books
from trading.services.ordering.stops import waiting_stops
from trading.services.planning.history import plan_fills
from trading.services.running import feeding, leases

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
START = datetime.fromisoformat("2026-01-05T00:00:00+00:00")
WARM_UP = 260  # bars
CASH = Decimal(1_000_000)
BUDGET = Decimal(800_000)
SETUP = Setup(
    cash=CASH,
    budget=BUDGET,
    first_share=Decimal("0.5"),
    cooldown_bars=1,
    participation=(1, 4),
    spread_ticks=1,
    slippage_ticks=1,
    exits="at_close",
)
RISES = {"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"column": "open"}}
FALLS = {"kind": "compare", "left": {"column": "close"}, "op": "lt", "right": {"column": "open"}}
FALLS_FAR = {"kind": "compare", "left": {"column": "close"}, "op": "lt", "right": {"column": "open", "scale": 0.985}}
AT_THE_HIGH = {"level": {"column": "high"}}
ABOVE_THE_OPEN = {"level": {"column": "range", "scale": 0.37}, "above_open": True}
WITHIN_REACH = {"level": {"column": "low"}}  # below most opens: the bar begins beyond it


def rule(
    *entries: tuple[dict[str, Any], dict[str, Any] | None], leaves: Any = FALLS_FAR, **risk: float
) -> RuleDocument:
    names = ("first", "second")
    return RuleDocument.from_data(
        {
            "schema_version": 1,
            "name": "levels",
            "entries": [
                {"name": name, "when": {"all": [when]}, **({"stop": stop} if stop else {})}
                for name, (when, stop) in zip(names, entries, strict=False)
            ],
            "exit": {"all": [leaves]},
            "risk": risk,
        }
    )


def random_bars(seed: int, count: int) -> Bars:
    """Hourly bars of whole prices around 1,000, some of them thin, some with gaps between them."""
    dice, rows, last = Random(seed), [], 1000
    for n in range(count):
        opened = max(last + dice.choice([0, 0, 0, -15, 15]), 200)
        closed = max(opened + dice.randint(-20, 20), 200)
        high, low = max(opened, closed) + dice.randint(0, 12), min(opened, closed) - dice.randint(0, 12)
        at = int(START.timestamp()) + n * 3600
        volume = dice.choice([40.0, 400.0, 100_000.0, 100_000.0])
        rows.append((at, at + 3600, float(opened), float(high), float(low), float(closed), volume))
        last = closed
    return Bars.from_rows(rows)


@dataclass
class Silent:
    """A source that says nothing by itself, and a publisher nobody reads."""

    clock: datetime
    name: Source = Source.SIMULATOR

    def publish(self, *_told: object) -> bool:
        return True


class LiveMarket:
    """The bars of a backtest as a live market: each opens, passes every price to its high, and closes."""

    def __init__(self, instrument: Instrument, bars: Bars) -> None:
        self.instrument, self.bars = instrument, bars
        silent: Any = Silent(START)
        self._feeding = feeding.Feeding(silent, [instrument], silent)

    def history(self, count: int) -> None:
        self._take(self._closed_at(count - 1), [self._bar(n) for n in range(count)], self._bar(count - 1).close)

    def play(self, place: int) -> None:
        bar = self._bar(place)
        at = bar.opened_at
        self._trade(at, bar.open, bar, begun=[bar])
        level = self._level_within(bar)
        if level is not None:
            self._trade(at + timedelta(minutes=20), level, bar)
        self._take(bar.closed_at, [bar], bar.close)
        services.evaluate_due()
        send()

    def _level_within(self, bar: Bar) -> Decimal | None:
        waiting = waiting_stops().filter(instrument=self.instrument, stop_price__lte=bar.high)
        levels = [order.stop_price for order in waiting if order.stop_price is not None]
        return min(levels, default=None)

    def _trade(self, at: datetime, price: Decimal, bar: Bar, begun: list[Bar] | None = None) -> None:
        """One trade, all that it leads to, and then the book it has left."""
        tick = Tick(self.instrument.key, at + timedelta(seconds=1), price, Decimal(1))
        batch = Batch(tick.at, (tick,), (), (self._quote(tick.at, price),))
        self._feeding.take(batch, [], 1, begun or [])
        services.evaluate_due()
        send()
        book = OrderBook(self.instrument.key, at + timedelta(seconds=2), _level(price - 1, bar), _level(price + 1, bar))
        self._feeding.take(Batch(book.at, (), (book,)), [], 1)

    def _take(self, at: datetime, closed: list[Bar], price: Decimal) -> None:
        self._feeding.take(Batch(at, (), (), (self._quote(at, price),)), closed, 1)

    def _quote(self, at: datetime, price: Decimal) -> Quote:
        return Quote(self.instrument.key, at, Source.SIMULATOR, price, price - 1, price + 1, price, Decimal(1))

    def _closed_at(self, place: int) -> datetime:
        return from_epoch(int(self.bars.closed_at[place]))

    def _bar(self, place: int) -> Bar:
        bars = self.bars
        numbers = (bars.open, bars.high, bars.low, bars.close, bars.volume)
        opened_at = from_epoch(int(bars.opened_at[place]))
        prices = (Decimal(int(each[place])) for each in numbers)
        return Bar(self.instrument.key, Interval.H1, opened_at, self._closed_at(place), *prices)


def _level(price: Decimal, bar: Bar) -> tuple[Level, ...]:
    return (Level(price, bar.volume),)


def send() -> None:
    fence = leases.acquire("dispatch", "test")
    assert fence is not None
    dispatch_once(fence)


@pytest.fixture
def instrument() -> Instrument:
    return make.make_instrument(
        "COIN", venue="TEST", kind="crypto", tick_table="btc-8", calendar="always", price_limit_rate=None
    )


@pytest.fixture
def account(instrument: Instrument) -> BrokerAccount:
    return make.make_account(make.make_user(), CASH)


def register(account: BrokerAccount, instrument: Instrument, document: RuleDocument, **terms: Any) -> SwingPlan:
    asked: dict[str, Any] = {
        "name": "단계",
        "interval": Interval.H1,
        "budget": BUDGET,
        "first_share": SETUP.first_share,
        "cooldown_bars": SETUP.cooldown_bars,
    }
    strategy = ChosenRule("document", document)
    return services.register_plan(
        account.user, broker_account=account, instrument=instrument, parameters=strategy, **asked | terms
    )


def lived(plan: SwingPlan) -> list[tuple[object, ...]]:
    return [(f.cycle, f.signal, f.side, f.price, f.quantity, f.fee, f.tax, f.cash_after) for f in plan_fills(plan)]


def simulated(document: RuleDocument, bars: Bars, instrument: Instrument) -> Iterator[tuple[object, ...]]:
    result = simulate(compile_document(document).evaluate(bars), instrument.rules, SETUP, first_bar=WARM_UP)
    for f in result.fills:
        yield f.cycle, f.signal, str(f.side), f.price, f.quantity, f.fee, f.tax, f.cash_after


RULES = {
    "a breakout of the high": rule((RISES, AT_THE_HIGH)),
    "a level above the open": rule((RISES, ABOVE_THE_OPEN), time_stop_bars=1),
    "a level the open has passed": rule((FALLS, WITHIN_REACH), leaves=RISES),
    "two steps at levels": rule(
        (RISES, ABOVE_THE_OPEN), (FALLS, AT_THE_HIGH), stop_loss_rate=0.03, take_profit_rate=0.03
    ),
    "a second step at a level": rule((FALLS, None), (RISES, ABOVE_THE_OPEN), trailing_stop_rate=0.02, time_stop_bars=4),
    "a small position": rule((FALLS, None), (RISES, AT_THE_HIGH), max_position_rate=0.25, time_stop_bars=3),
    "a level and a small position": rule((RISES, ABOVE_THE_OPEN), max_position_rate=0.1, time_stop_bars=2),
}


@pytest.mark.parametrize("said", RULES)
def test_a_plan_fills_where_and_for_how_much_the_backtest_says(
    account: BrokerAccount, instrument: Instrument, said: str
) -> None:
    document, bars = RULES[said], random_bars(sorted(RULES).index(said), WARM_UP + 45)
    market = LiveMarket(instrument, bars)
    market.history(WARM_UP)
    plan = register(account, instrument, document)
    for place in range(WARM_UP, len(bars)):
        market.play(place)
    expected = list(simulated(document, bars, instrument))
    assert len(expected) >= 4
    assert lived(plan) == expected
    assert check_books().differences == ()
    assert not Order.objects.filter(state="denied").exists()
