"""From the KIS sandbox's socket to prices, bars, bells and orders: the feed's own loop, turned by hand."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from threading import Event
from typing import Any, cast

import pytest
from django.utils import timezone

from brokers.kis.services import registration
from brokers.kis.services.registration import TypedKey
from brokers.models import BrokerAccount, Credential
from brokers.protocol import Environment
from brokers.simulator.events import Batch
from markets import services as markets
from markets.calendars import load_default
from markets.events import MarketClock
from markets.models import Instrument, LatestQuote, PriceFeed, StoredBar, WatchlistItem
from markets.services.demand import Seen, note_seen
from markets.types import Interval, OrderBook, Quote, Source
from tests import factories as make
from tests.brokers.kis_rows import make_kis_account
from tests.brokers.kis_venue import pointed_at
from tests.markets.scene import NOON, live_book, live_quote
from tests.servers.kis.access import default_key
from tests.servers.kis.client import KisSandbox
from trading.errors import OrderRefused
from trading.management.kis_feed import KisLoop
from trading.management.kis_looking import Looking
from trading.models import AccountReading
from trading.services.running import live_feed
from trading.services.running.live_feed import Need
from trading.services.settling import readings

SAMSUNG = "005930"
KEY = default_key("paper")
FENCE = 7
# A trading day that has not come: the sandbox's tokens must not have run out by our clock.
MORNING = load_default()["krx"].next_open(datetime.now(UTC) + timedelta(days=1)).date()


@pytest.fixture
def sandbox(kis_process: KisSandbox, settings: Any, transactional_db: None) -> Iterator[KisSandbox]:
    """A Friday morning; its clock is told five times a second, so that ours is known to be another one soon."""
    kis_process.tell("reset", at=f"{MORNING:%Y-%m-%dT}10:00:00")
    kis_process.tell("quirks", ping_seconds=0.2)
    with pointed_at(kis_process, settings) as pointed:
        yield pointed


@pytest.fixture
def account(sandbox: KisSandbox) -> BrokerAccount:
    return registered_account(Environment.PAPER)


def registered_account(environment: Environment) -> BrokerAccount:
    """An account with the sandbox's own key, as a person registers it."""
    key = default_key(environment.value)
    typed = TypedKey(key.appkey, key.appsecret, key.accounts[0], key.hts_id)
    row = registration.register(make.make_user(), "한국투자", environment, typed)
    BrokerAccount.objects.filter(pk=row.account_id).update(is_active=True)
    return BrokerAccount.objects.get(pk=row.account_id)


class Turned:
    """The loop, turned until something is so."""

    def __init__(self) -> None:
        self._stop = Event()
        self.loop = KisLoop(self._stop)

    def until(self, what: Callable[[], Any], seconds: float = 40.0) -> Any:
        deadline = time.monotonic() + seconds
        while not (found := what()):
            assert time.monotonic() < deadline, "it did not come about"
            self.loop._turn()
        return found

    def end(self) -> None:
        self.loop._let_go()


@pytest.fixture
def turned(sandbox: KisSandbox) -> Iterator[Turned]:
    made = Turned()
    yield made
    made.end()


def watched(instrument: Instrument, owner: BrokerAccount) -> Instrument:
    WatchlistItem.objects.create(user=owner.user, instrument=instrument)
    return instrument


def quote_of(instrument: Instrument) -> LatestQuote | None:
    return LatestQuote.objects.filter(instrument=instrument, source=Source.KIS).first()


def is_registered(sandbox: KisSandbox, code: str = SAMSUNG) -> bool:
    opened = sandbox.sessions()["paper"]["open"]
    return any(["H0STCNT0", code] in session["subscribed"] for session in opened)


def test_a_trade_at_kis_becomes_the_price_with_its_source_and_time(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    """D03. The simulated market lets go of what the real one supplies."""
    samsung = watched(make.make_instrument(), account)
    assert samsung.source == Source.SIMULATOR
    turned.until(lambda: is_registered(sandbox) and quote_of(samsung))
    samsung.refresh_from_db()
    assert samsung.source == Source.KIS
    turned.until(lambda: markets.market_time(Source.KIS).date() == MORNING)
    turned.until(lambda: is_registered(sandbox))
    sandbox.tell("trade", code=SAMSUNG, ticks=[[70_900, 3, "buy"]])
    quote = turned.until(lambda: (quote := quote_of(samsung)) and quote.price == 70_900 and quote)
    assert quote.bid == Decimal(70_800)
    assert not markets.quote_is_stale(quote)
    assert abs(quote.at - markets.market_time(Source.KIS)) < timedelta(seconds=10)


def test_a_quiet_price_stays_fresh_while_the_line_is_heard_and_turns_stale_without_it(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    """G15: nobody trades on a price we have lost sight of."""
    samsung = watched(make.make_instrument(), account)
    first = turned.until(lambda: is_registered(sandbox) and quote_of(samsung))
    later = turned.until(
        lambda: (q := quote_of(samsung)) and q.received_at > first.received_at + timedelta(seconds=4) and q
    )
    assert later.price == first.price
    sandbox.tell("connections", environment="paper", refuse=True)
    sandbox.tell("cut", environment="paper")
    turned.until(lambda: not sandbox.sessions()["paper"]["open"])
    last = quote_of(samsung)
    began = time.monotonic()
    turned.until(lambda: time.monotonic() - began > 7)
    sandbox.tell("connections", environment="paper", refuse=False)
    assert last is not None
    now = quote_of(samsung)
    assert now is not None
    assert now.received_at - last.received_at < timedelta(seconds=3)


def test_a_fill_rings_for_its_account(sandbox: KisSandbox, account: BrokerAccount, turned: Turned) -> None:
    """The notice books nothing: it has the account read at once."""
    make.make_instrument()
    AccountReading.objects.create(broker_account=account, fence=FENCE, asked_at=timezone.now())
    turned.until(lambda: any(["H0STCNI9", KEY.hts_id] in s["subscribed"] for s in sandbox.sessions()["paper"]["open"]))
    turned.until(lambda: AccountReading.objects.get().rung_at is not None)  # what happened before anybody listened
    began = timezone.now()
    number = KEY.accounts[0]
    sandbox.tell("order", environment="paper", account=number, code=SAMSUNG, side="buy", quantity=1, price=70_500)
    turned.until(lambda: AccountReading.objects.filter(rung_at__gt=began).exists())


def test_an_account_that_was_rung_for_is_due_at_once(transactional_db: None) -> None:
    account = make_kis_account()
    now = timezone.now()
    AccountReading.objects.create(broker_account=account, fence=FENCE, asked_at=now - timedelta(seconds=2))
    assert readings.due(FENCE, {account.pk: now - timedelta(seconds=2)}) == []
    live_feed.ring([account.pk])
    assert readings.due(FENCE, {account.pk: now - timedelta(seconds=2)}) == [account]
    assert readings.due(FENCE, {account.pk: timezone.now()}) == []  # it has been read since


def test_what_finds_no_place_takes_turns_and_is_named(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    """41 registrations a key, one of them the notices'."""
    codes = [f"2{n:05d}" for n in range(50)]
    for code in codes:
        sandbox.tell("symbol", code=code, name="종목", base=10_000)
        watched(make.make_instrument(code), account)
    places = turned.until(lambda: (feed := PriceFeed.objects.filter(source=Source.KIS).first()) and feed.state)
    assert (places["wished"], places["places"], len(places["waiting"])) == (50, 40, 10)
    turned.until(lambda: sum(is_registered(sandbox, code) for code in codes) == 40)


def test_without_a_key_nothing_is_taken_over(sandbox: KisSandbox) -> None:
    samsung = make.make_instrument()
    turned = Turned()
    turned.loop._turn()
    turned.end()
    samsung.refresh_from_db()
    assert samsung.source == Source.SIMULATOR
    assert not PriceFeed.objects.filter(source=Source.KIS).exists()


def test_a_key_that_does_not_open_takes_nothing_over_and_is_told_once(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned, caplog: pytest.LogCaptureFixture
) -> None:
    """After a changed ENCRYPTION_KEY, say: what is simulated goes on, and two days of it are one line of log."""
    samsung = watched(make.make_instrument(), account)
    Credential.objects.filter(account=account).update(wrapped_key=b"broken")
    for _turn in range(3):
        turned.loop._turn()
    samsung.refresh_from_db()
    assert samsung.source == Source.SIMULATOR
    assert [record.args for record in caplog.records if "cannot be taken up" in record.msg] == [("broker_key_missing",)]


def test_a_replayed_instrument_is_left_to_its_replay(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    replayed = make.make_instrument("000660", source=Source.REPLAY)
    turned.until(lambda: PriceFeed.objects.filter(source=Source.KIS).exists())
    replayed.refresh_from_db()
    assert replayed.source == Source.REPLAY


def test_minutes_of_kis_close_bars_of_the_morning_and_a_cut_leaves_no_hole(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    """D04, D09: back-fill. Every minute of the morning has its bar, also that in which the line was lost."""
    sandbox.tell("clock", at=f"{MORNING:%Y-%m-%dT}09:03:40")
    samsung = watched(make.make_instrument(), account)
    turned.until(lambda: is_registered(sandbox) and quote_of(samsung))
    sandbox.tell("flow", codes=[SAMSUNG], per_second=5)
    turned.until(lambda: markets.market_time(Source.KIS).strftime("%M%S") >= "0348")
    turned.until(lambda: is_registered(sandbox))
    sandbox.tell("cut", environment="paper")
    turned.until(lambda: bars_of(samsung), 60)
    sandbox.tell("flow", codes=[SAMSUNG], per_second=0)
    minutes = bars_of(samsung)
    truth = minutes[-1]
    assert [(bar.opened_at - minutes[0].opened_at) // 60 for bar in minutes] == list(range(len(minutes)))
    assert truth.opened_at % 3600 == 3 * 60
    assert truth.volume > 0


def bars_of(instrument: Instrument) -> list[StoredBar]:
    return list(StoredBar.objects.series(instrument, Interval.M1, Source.KIS))


class Deaf:
    """A publisher that finds nobody at first."""

    def __init__(self, times: int) -> None:
        self._times = times
        self.shown: list[tuple[list[Quote], list[OrderBook]]] = []

    def publish(self, quotes: list[Quote], books: list[OrderBook], _clock: MarketClock) -> bool:
        self._times -= 1
        if self._times < 0:
            self.shown.append((quotes, books))
        return self._times < 0


def test_a_price_that_nobody_took_is_shown_with_the_next() -> None:
    """Redis was away for a moment, and a quiet stock trades once an hour."""
    deaf = Deaf(times=1)
    nobody: Any = None  # what shows, alone
    looking: Any = Looking(nobody, nobody, nobody, nobody, cast("Any", deaf), cast("Any", Mute()), nobody, nobody)
    looking._show(Batch(NOON, (), (live_book(),), (live_quote(),)))
    looking._show(Batch(NOON, (), (), (live_quote("KRX:000660"),)))
    ((quotes, books),) = deaf.shown
    assert [quote.instrument for quote in quotes] == ["KRX:005930", "KRX:000660"]
    assert [book.instrument for book in books] == ["KRX:005930"]


class Mute:
    def tell(self, _batch: Batch) -> None: ...


# Who needs what


@pytest.mark.django_db
def test_where_money_is_at_stake_comes_before_what_is_looked_at_and_that_before_watchlists() -> None:
    account = make.make_account(make.make_user())
    listed, seen, held, ordered, unneeded = (make.make_instrument(f"30000{n}", source=Source.KIS) for n in range(5))
    WatchlistItem.objects.create(user=account.user, instrument=listed)
    make.put_price(ordered, 10_000)
    make.place(account, ordered, quantity=Decimal(1), limit_price=Decimal(9_000))
    make.put_price(held, 10_000)
    make.hold(account, held, 1, 10_000)
    needs = live_feed.needed(live_feed.supplied(), Seen((seen.key,), frozenset({seen.key}), frozenset()))
    assert needs == [
        Need(ordered.key),
        Need(held.key),
        Need(seen.key),
        Need(seen.key, in_depth=True),
        Need(listed.key),
    ]
    assert Need(unneeded.key) not in needs


@pytest.mark.django_db
def test_what_others_supply_is_not_asked_of_kis() -> None:
    account = make.make_account(make.make_user())
    simulated = make.make_instrument()
    WatchlistItem.objects.create(user=account.user, instrument=simulated)
    note_seen([simulated.key])
    assert live_feed.needed(live_feed.supplied(), Seen((simulated.key,))) == []


def test_a_live_key_is_not_listened_with_where_live_trading_is_off(
    sandbox: KisSandbox, turned: Turned, settings: Any
) -> None:
    """Nothing real is touched before the server allows it."""
    settings.LIVE_TRADING = True
    registered_account(Environment.LIVE)
    settings.LIVE_TRADING = False
    for _n in range(3):
        turned.loop._turn()
    assert sandbox.sessions()["live"]["opened"] == 0


# Once the key goes


@pytest.fixture
def unlisted() -> Instrument:
    """An instrument that the simulated market does not know."""
    return make.make_instrument("403550", source=Source.KIS)


def told_just_now(instrument: Instrument) -> None:
    make.put_price(instrument, 70_000)
    LatestQuote.objects.filter(instrument=instrument).update(source=Source.KIS)


@pytest.mark.django_db
def test_without_a_key_the_simulated_market_takes_what_it_knows(unlisted: Instrument) -> None:
    known = make.make_instrument(SAMSUNG, source=Source.KIS)
    for each in (known, unlisted):
        told_just_now(each)
    assert live_feed.give_back() == (1, 1)
    assert {each.symbol: each.source for each in Instrument.objects.all()} == {
        SAMSUNG: Source.SIMULATOR,
        "403550": Source.HISTORY,
    }
    assert live_feed.give_back() == (0, 0)


@pytest.mark.django_db
def test_what_nobody_supplies_keeps_its_last_price_and_it_is_old(unlisted: Instrument) -> None:
    told_just_now(unlisted)
    live_feed.give_back()
    unlisted.refresh_from_db()
    quote = markets.latest_quote(unlisted)
    assert quote is not None
    assert markets.quote_is_stale(quote)
    with pytest.raises(OrderRefused, match="stale_price"):
        make.place(make.make_account(make.make_user()), unlisted)


@pytest.mark.django_db
def test_simulated_prices_never_stand_in_beside_an_account_at_a_broker() -> None:
    """Live trading switched off, say: the account is in use, and its plans must not follow a simulated market."""
    known = make.make_instrument(SAMSUNG, source=Source.KIS)
    make_kis_account()
    assert live_feed.give_back() == (0, 1)
    known.refresh_from_db()
    assert known.source == Source.HISTORY


def test_the_loop_gives_back_once_the_last_key_is_removed_and_takes_up_with_the_next(
    sandbox: KisSandbox, account: BrokerAccount, turned: Turned
) -> None:
    instrument = make.make_instrument(SAMSUNG)
    turned.until(lambda: Instrument.objects.get(pk=instrument.pk).source == Source.KIS)
    registration.remove(Credential.objects.get(account=account))
    turned.loop._let_go()
    turned.until(lambda: Instrument.objects.get(pk=instrument.pk).source != Source.KIS)
    assert PriceFeed.objects.get(source=Source.KIS).state == {"keys": []}
    sandbox.tell("advance", seconds=70)
    registered_account(Environment.PAPER)
    turned.until(lambda: Instrument.objects.get(pk=instrument.pk).source == Source.KIS)


def test_the_feed_writes_how_each_key_stands(sandbox: KisSandbox, account: BrokerAccount, turned: Turned) -> None:
    make.make_instrument(SAMSUNG)
    note_seen([f"KRX:{SAMSUNG}"])

    def first_key() -> Any:
        row = PriceFeed.objects.filter(source=Source.KIS).first()
        keys = row.state.get("keys", []) if row else []
        return keys[0] if keys and keys[0]["registered"] > 1 else None

    told = turned.until(first_key)
    assert (told["is_connected"], told["most"], told["environment"]) == (True, 41, "paper")
    assert told["heard_at"]
