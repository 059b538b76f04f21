"""BasicPlan and RSI on bars of a minute, the forming one included, for who watches (PRD 2.2; D05, T08, T09)."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from accounts.models import User
from markets.models import Instrument, LatestQuote, StoredBar, WatchlistItem
from markets.services import beat, store_bars, store_openings, store_quotes
from markets.types import Bar, Interval, Quote, Source
from tests import factories as make
from tests.trading.test_evaluation_many import counted
from trading.models import Order, PlanEvaluation
from trading.services.planning.realtime import MOST_INSTRUMENTS, Reading, strategy_readings, watched_instruments

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 5, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ENOUGH = 420  # bars


@dataclass
class Minutes:
    """One instrument whose minutes a test closes, with one forming."""

    instrument: Instrument
    count: int = 0

    @property
    def now(self) -> datetime:
        return START + self.count * MINUTE

    def close(self, *prices: int) -> None:
        bars = [self._bar(Decimal(price), n) for n, price in enumerate(prices)]
        store_bars(bars, Source.SIMULATOR, self._ids)
        self.count += len(prices)
        beat(Source.SIMULATOR, self.now, speed=1)

    def trade(self, price: int, opened: int | None = None) -> None:
        """A price half a minute into the bar that is forming."""
        store_openings([self._bar(Decimal(opened or price), 0)], Source.SIMULATOR, self._ids)
        at, each = self.now + MINUTE / 2, Decimal(price)
        beat(Source.SIMULATOR, at, speed=1)
        quote = Quote(self.instrument.key, at, Source.SIMULATOR, each, each, each, each, Decimal(1))
        store_quotes([quote], {}, self._ids)

    def _bar(self, price: Decimal, later: int) -> Bar:
        at = self.now + later * MINUTE
        return Bar(self.instrument.key, Interval.M1, at, at + MINUTE, price, price, price, price, Decimal(1))

    @property
    def _ids(self) -> dict[str, int]:
        return {self.instrument.key: self.instrument.pk}


@pytest.fixture
def minutes() -> Minutes:
    minutes = Minutes(make.make_instrument())
    minutes.close(*[70_000 - 10 * n for n in range(ENOUGH)])  # falls all the way
    return minutes


def told(reading: Reading | None) -> tuple[str, bool]:
    assert reading is not None
    return str(reading.signal), reading.is_closed


def test_the_forming_bar_is_read_as_if_it_closed_now_and_says_that_it_has_not(minutes: Minutes) -> None:
    minutes.trade(80_000)
    (basic,) = strategy_readings([minutes.instrument], "basic")
    assert (told(basic.closed), told(basic.forming)) == (("hold", True), ("buy", False))
    assert basic.forming is not None
    assert (basic.forming.price, basic.forming.opened_at) == (80_000.0, minutes.now)
    assert basic.forming.values["short"] == pytest.approx((4 * 65_825 + 80_000) / 5, abs=10)
    minutes.close(80_000)
    (later,) = strategy_readings([minutes.instrument], "basic")
    assert (told(later.closed), later.forming) == (("buy", True), None)
    assert later.closed is not None
    assert later.closed.values == basic.forming.values


def test_rsi_tells_its_figure_and_when_it_comes_back(minutes: Minutes) -> None:
    minutes.trade(67_000)
    (rsi,) = strategy_readings([minutes.instrument], "rsi")
    assert rsi.closed is not None
    assert rsi.closed.values == {"rsi": 0.0}
    minutes.trade(80_000)
    (up,) = strategy_readings([minutes.instrument], "rsi")
    assert told(up.forming) == ("buy", False)
    minutes.close(*[70_000 + 100 * n for n in range(60)])
    minutes.trade(60_000)
    (down,) = strategy_readings([minutes.instrument], "rsi")
    assert told(down.forming) == ("sell", False)


def test_nothing_is_stored_and_nothing_traded(minutes: Minutes) -> None:
    make.make_plan(make.make_account(make.make_user()), minutes.instrument, interval=Interval.M1)
    minutes.trade(80_000)
    bars = StoredBar.objects.count()
    strategy_readings([minutes.instrument], "basic")
    assert (StoredBar.objects.count(), Order.objects.count(), PlanEvaluation.objects.count()) == (bars, 0, 0)


@pytest.mark.parametrize("what", ["old price", "other source", "bar over", "no bar begun"])
def test_without_a_fresh_price_inside_a_bar_there_is_no_forming_one(minutes: Minutes, what: str) -> None:
    if what != "no bar begun":
        minutes.trade(80_000)
    if what == "old price":
        LatestQuote.objects.update(received_at=START)
    elif what == "other source":
        LatestQuote.objects.update(source=Source.REPLAY)
    elif what == "bar over":
        beat(Source.SIMULATOR, minutes.now + MINUTE)
    (basic,) = strategy_readings([minutes.instrument], "basic")
    assert basic.closed is not None
    assert basic.forming is None


def test_too_few_bars_are_told_and_signal_nothing() -> None:
    young = Minutes(make.make_instrument())
    young.close(*[70_000] * 18, 69_000)
    young.trade(90_000)
    (basic,) = strategy_readings([young.instrument], "basic")
    assert basic.forming is not None
    assert (basic.forming.signal, basic.forming.bars, basic.forming.needed) == ("hold", 20, 250)
    (nothing,) = strategy_readings([make.make_instrument("000660")], "basic")
    assert (nothing.closed, nothing.forming) == (None, None)


def test_many_instruments_cost_as_many_questions_as_one(minutes: Minutes) -> None:
    others = [Minutes(make.make_instrument(f"{n:06}")) for n in range(4)]
    for each in others:
        each.close(*[70_000] * 30)
    strategy_readings([minutes.instrument], "basic")  # compiled by now

    def asked(instruments: list[Instrument]) -> int:
        with counted() as queries:
            strategy_readings(instruments, "basic")
        return len([sql for sql in queries if "storedbar" not in sql])  # SQLite reads each series by itself

    assert asked([minutes.instrument]) == asked([minutes.instrument, *(each.instrument for each in others)])


def test_other_strategies_and_too_many_instruments_are_refused(minutes: Minutes) -> None:
    with pytest.raises(KeyError):
        strategy_readings([minutes.instrument], "swing")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="the most"):
        strategy_readings([minutes.instrument] * (MOST_INSTRUMENTS + 1), "basic")


def test_a_person_follows_the_live_list_and_what_running_plans_trade(minutes: Minutes) -> None:
    user: User = make.make_user()
    account = make.make_account(user)
    listed, planned, paused, others = (make.make_instrument(f"00010{n}") for n in range(4))
    WatchlistItem.objects.create(user=user, instrument=listed)
    make.make_plan(account, planned)
    make.make_plan(account, listed)
    make.make_plan(account, paused, mode="off")
    WatchlistItem.objects.create(user=make.make_user(), instrument=others)
    assert watched_instruments(user) == [listed, planned]
