"""`make kis-week`: swing plans trade a simulated week at the KIS sandbox, which loses answers, breaks pages and ends tokens.

Our clocks and the sandbox's are moved together, a few seconds at a time. On Friday evening our books are held against its
truth: no order twice, none lost, none guessed, cash and units to the won.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import time_machine

from tests.faults.sweep import set_up
from tests.servers.kis.client import KisSandbox

if TYPE_CHECKING:
    from brokers.models import BrokerAccount
    from markets.models import Instrument
    from tests.faults.auditor import Truth
    from tests.faults.week_streams import WeekStreams

MONDAY = datetime(2026, 11, 9, 0, 0, tzinfo=UTC)  # 09:00 in Seoul
SESSION = timedelta(hours=6, minutes=30)
BAR = timedelta(minutes=15)
HISTORY = 320  # bars before Monday: a rule's warm-up
CASH = 100_000_000
KEYS = {
    "paper": ("62000001-01", "Q" * 32 + "0001", "t" * 180),
    "live": ("61000001-01", "L" * 32 + "0002", "l" * 180),
}
HTS_ID = "demo9"
CODES = {"005930": 70_000, "000660": 182_000}  # with the price about which each swings
TOKEN_TROUBLE, REJECTIONS, SOCKET_CUTS = 0.05, 0.05, 0.3  # how likely per bar
LONGEST_DOUBT = timedelta(minutes=13)  # within one bar: three readings of a healthy list prove an absence
STEP = 5.0  # seconds
FAULTS: tuple[tuple[str, str, float], ...] = (
    *(("order", fault, 0.06) for fault in ("drop-before", "drop-after", "500-after", "egw00301-after", "html")),
    *(("order", fault, 0.04) for fault in ("empty-body", "cut-body", "egw00201", "500-before")),
    *(("ccld", fault, 0.05) for fault in ("500-before", "page-fails", "empty-body", "drop-after")),
    *(("balance", fault, 0.04) for fault in ("500-before", "cut-body", "egw00215", "duplicate")),
    *(("buyable", fault, 0.03) for fault in ("500-before", "html")),
    ("revise", "drop-after", 0.1),
    ("price", "500-before", 0.05),
)


@dataclass(slots=True)
class Week:
    """The stage: the venue, our accounts, and which of the venue's orders was sent for which of ours."""

    venue: KisSandbox
    random: Random
    accounts: "dict[str, BrokerAccount]" = field(default_factory=dict)
    instruments: "dict[str, Instrument]" = field(default_factory=dict)
    sent_for: dict[str, str] = field(default_factory=dict)  # the venue's key → our client id
    fence: int = 0
    streams: "WeekStreams | None" = None
    read_instead: int = 0  # prices asked for over REST, for the streams were cut
    released: int = 0  # latches that closed by themselves for all this trouble, and that a person opened again


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    words = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        set_up(f"sqlite:///{Path(folder) / 'week.sqlite3'}")
        with KisSandbox() as venue, time_machine.travel(MONDAY - timedelta(minutes=10), tick=True) as machine:
            venue.tell("reset", at=(MONDAY - timedelta(minutes=10)).isoformat(), seed=words.seed)
            return _live(Week(venue, Random(words.seed)), machine, words)


def _live(week: Week, machine: Any, words: argparse.Namespace) -> int:
    def advance(seconds: float) -> None:
        week.venue.tell("advance", seconds=seconds)
        machine.shift(timedelta(seconds=seconds))

    _prepare(week)
    week.streams = _listening(week, words.seed)
    week.venue.tell("policy", parts=3, pace=20)
    week.venue.set_faults(*({"route": r, "fault": f, "share": s, "times": None} for r, f, s in FAULTS), seed=words.seed)
    for number in range(words.days):
        opens = MONDAY + timedelta(days=number)
        for opened_at in _bars(opens):
            _wait_until(opened_at, advance)
            _trade_a_bar(week, opened_at, advance)
        _close(week, opens + SESSION, advance)
    week.venue.set_faults()
    _calm(week, advance)
    week.streams.stop()
    return _report(week)


def _listening(week: Week, seed: int) -> "WeekStreams":
    from tests.faults.week_streams import WeekStreams

    streams = WeekStreams(tuple(CODES))
    streams.start([account.credential for account in week.accounts.values()], seed)
    return streams


def _prepare(week: Week) -> None:
    from django.conf import settings
    from django.core.management import call_command

    from brokers.models import BrokerAccount
    from brokers.protocol import Environment
    from markets.types import Source
    from tests import factories as make
    from tests.brokers.kis_venue import open_at_venue
    from tests.faults.stage import lift_limits
    from trading import reconcile, services
    from trading.services.running.account_keys import TypedKey, check_key, register_kis

    call_command("migrate", verbosity=0)
    settings.LIVE_TRADING = True
    settings.KIS_URLS = {f"KAIROS_KIS_{name.upper()}_REST": url for name, url in week.venue.rest.items()}
    settings.KIS_URLS |= {f"KAIROS_KIS_{name.upper()}_WS": url for name, url in week.venue.ws.items()}
    settings.KIS_LIMITS = {"live": 1000, "paper": 1000}
    week.venue.tell("limits", live=1000, paper=1000)
    user = make.make_user()
    week.instruments = {code: make.make_instrument(code, source=Source.KIS) for code in CODES}
    for name, (number, key, secret) in KEYS.items():
        open_at_venue(week.venue, name, number, key, secret)
        week.venue.tell("account", environment=name, account=number.replace("-", ""), cash=CASH, units={})
        row = register_kis(user, f"week {name}", Environment(name), TypedKey(key, secret, number, HTS_ID))
        checked = check_key(user, row.account_id)
        if checked.failure:
            raise RuntimeError(f"the key of {name} does not work: {checked.failure}")
        week.accounts[name] = BrokerAccount.objects.get(pk=row.account_id)
        lift_limits(week.accounts[name])
        for instrument in week.instruments.values():
            _make_plan(week.accounts[name], instrument)
    for instrument in week.instruments.values():
        _put_history(week, instrument)
    fence = services.acquire(services.DISPATCH, services.holder_name())
    assert fence is not None
    week.fence = fence
    for account in week.accounts.values():
        reconcile.settle_account(account, fence)


def _make_plan(account: "BrokerAccount", instrument: "Instrument") -> None:
    """A rule that crosses often: the two shortest averages alone, and again as soon as it has sold."""
    from markets.types import Interval
    from strategies.library.swing import SwingParameters, swing_document
    from strategies.models import Strategy
    from trading.models import SwingPlan

    off: dict[str, Any] = {
        f"{step}_use_{name}": False for step in ("first", "second") for name in ("rsi", "adx", "obv")
    }
    chosen = SwingParameters(short_ema=3, medium_ema=6, long_ema=12, **off)
    document = swing_document(chosen, "week")
    strategy = Strategy.objects.create(user=account.user, name=f"{account.name} {instrument.symbol}", kind="swing")
    version = strategy.versions.create(
        number=1, document=document.as_data(), settings=chosen.as_data(), version_hash=document.version_hash()
    )
    SwingPlan.objects.create(
        user=account.user,
        broker_account=account,
        instrument=instrument,
        strategy_version=version,
        name=f"{account.name} {instrument.symbol}",
        client_key=f"{account.pk.hex}{instrument.symbol}",
        interval=Interval.M15,
        budget=Decimal(10_000_000),
        watches_from=MONDAY,
        repeat=True,
    )


def _bars(opens: datetime) -> Iterator[datetime]:
    at = opens
    while at < opens + SESSION:
        yield at
        at += BAR


def _price(week: Week, code: str, number: int) -> int:
    """A market that swings: up and down by a few per cent every dozen bars, on its tick."""
    phase = (number + 5 * list(CODES).index(code)) % 12
    swing = (phase if phase < 6 else 12 - phase) - 3
    tick = 100 if CODES[code] < 200_000 else 500
    return CODES[code] + tick * (swing * CODES[code] // 18_000 + week.random.randint(-1, 1))


def _put_history(week: Week, instrument: "Instrument") -> None:
    """Bars of the weeks before, so that the averages are warm on Monday."""
    from markets import services as markets
    from markets.types import Source

    session = markets.calendar("krx")
    found: list[datetime] = []
    at = MONDAY
    while len(found) < HISTORY:
        at -= BAR
        if session.session_at(at) is not None:
            found.append(at)
    for number, opened_at in enumerate(reversed(found)):
        _keep_bar(instrument, opened_at, _price(week, instrument.symbol, number), Source.KIS)


def _keep_bar(instrument: "Instrument", opened_at: datetime, price: int, source: Any) -> None:
    from markets import services as markets
    from markets.types import Bar, Interval

    told = Decimal(price)
    edges = (told, told + 100, told - 100, told)
    bar = Bar(instrument.key, Interval.M15, opened_at, opened_at + BAR, *edges, Decimal(1000))
    markets.store_bars([bar], source, {instrument.key: instrument.pk})


def _wait_until(at: datetime, advance: Callable[[float], None]) -> None:
    now = datetime.now(UTC)
    if at > now:
        advance((at - now).total_seconds())


def _trade_a_bar(week: Week, opened_at: datetime, advance: Callable[[float], None]) -> None:
    """The market trades; at the bar's end the plans decide, and their orders go out, fill in parts, or come into doubt."""
    from markets.types import Source
    from trading import services

    number = HISTORY + int((opened_at - MONDAY) / BAR)
    prices = {code: _price(week, code, number) for code in CODES}
    _quote(week, prices)
    _wait_until(opened_at + BAR, advance)
    for code, instrument in week.instruments.items():
        _keep_bar(instrument, opened_at, prices[code], Source.KIS)
    _quote(week, prices)
    _trouble(week)
    _release(week)
    services.evaluate_due()
    until = datetime.now(UTC) + LONGEST_DOUBT
    while _rounds(week) and datetime.now(UTC) < until:
        _quote(week, prices)
        advance(STEP)


def _quote(week: Week, prices: dict[str, int]) -> None:
    """A trade at the venue, and what our limits read of it: as the streams tell it, or asked for where they are cut."""
    from brokers.errors import ReadIncomplete
    from brokers.kis.services import keys
    from tests import factories as make

    assert week.streams is not None
    for code, price in prices.items():
        week.venue.tell("trade", code=code, ticks=[[price, 5000, "buy"]])
    heard = week.streams.newest_prices()
    for instrument in week.instruments.values():
        told = heard.get(instrument.key)
        if told is None:
            week.read_instead += 1
            try:
                told = keys.market(week.accounts["live"].credential).price(instrument.key).price
            except ReadIncomplete:  # no news: what was known stays, and grows old
                continue
        make.put_price(instrument, told, at=datetime.now(UTC))


def _release(week: Week) -> None:
    """What latched for three refusals in a row or a long doubt, a person has looked at, and lets out again."""
    from trading.models import Halt
    from trading.services.safeguards import halts

    user = week.accounts["live"].user
    for row in Halt.objects.exclude(mode="active"):
        halts.release(user, row.scope, row.target)
        week.released += 1


def _trouble(week: Week) -> None:
    """Tokens end before their time, the exchange refuses what KIS took, sockets are cut."""
    for name, (_number, key, _secret) in KEYS.items():
        if week.random.random() < TOKEN_TROUBLE:
            week.venue.tell("tokens", end=week.random.choice(["expired", "revoked"]), appkey=key)
        if week.random.random() < REJECTIONS:
            week.venue.tell("reject", environment=name, next=1)
        if week.random.random() < SOCKET_CUTS:
            week.venue.tell("cut", environment=name)


def _rounds(week: Week) -> bool:
    """One round of dispatch for every account; whether anything is still moving."""
    from brokers.services import open_broker
    from trading import dispatch, reconcile, services
    from trading.models import Order
    from trading.services.running import leases

    leases.acquire(services.DISPATCH, services.holder_name())
    opener = _noting(week, open_broker)
    for account in week.accounts.values():
        dispatch.serve(account.pk, week.fence, opener)
        if Order.objects.open().filter(broker_account=account).exists():
            reconcile.settle_account(account, week.fence, opener)
    return bool(Order.objects.open().exists())


def _noting(week: Week, open_account: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The adapter, with what each order became at the venue written down behind its back."""

    def opened(account: Any) -> Any:
        broker = open_account(account)
        send = broker.submit

        def submit(order: Any, *words: Any, **more: Any) -> Any:
            before = _keys(week)
            try:
                return send(order, *words, **more)
            finally:
                week.sent_for |= dict.fromkeys(_keys(week) - before, order.client_id)

        broker.submit = submit
        return broker

    return opened


def _keys(week: Week) -> set[str]:
    return {_key(order) for order in week.venue.truth()["orders"] if order["kind"] == "new"}


def _key(order: dict[str, Any]) -> str:
    return f"{order['environment']}:{order['key']}"


def _close(week: Week, closes: datetime, advance: Callable[[float], None]) -> None:
    """After the close: what has not filled ends, and every account is read."""
    from trading import reconcile

    _wait_until(closes + timedelta(minutes=5), advance)
    for _reading in range(6):
        for account in week.accounts.values():
            reconcile.settle_account(account, week.fence)
        advance(65)


def _calm(week: Week, advance: Callable[[float], None]) -> None:
    for _round in range(60):
        if not _rounds(week):
            return
        advance(30)


def _report(week: Week) -> int:
    from tests.faults.auditor import Kind, audit, tally
    from trading.models import Order, PlanEvaluation

    truth = week.venue.truth()
    findings = [
        finding for name, account in week.accounts.items() for finding in audit(account, _truth_of(week, name, truth))
    ]
    for finding in findings[:30]:
        print(finding)
    counted = tally(findings)
    faults = sum(count for name, count in truth["requests"].items() if not name.endswith(":healthy"))
    guessed = counted[Kind.WRONG] + counted[Kind.PHANTOM] + counted[Kind.STUCK]
    if week.streams is not None:
        heard = f"connections={week.streams.connections} trades={week.streams.trades} bells={week.streams.bells}"
        print(f"streams: {heard} read_instead={week.read_instead} released={week.released}")
    print(f"evaluations: {dict(Counter(PlanEvaluation.objects.values_list('outcome', flat=True)))}")
    print(f"states: {dict(Counter(Order.objects.values_list('state', flat=True)))}")
    print(f"reasons: {dict(Counter(Order.objects.exclude(reason='').values_list('reason', flat=True)))}")
    books = "equal" if not counted[Kind.BOOKS] else f"{counted[Kind.BOOKS]}-differences"
    print(
        f"kis-week: orders={len(_keys(week))} faults={faults} duplicate={counted[Kind.DUPLICATE]}"
        f" lost={counted[Kind.LOST]} guessed={guessed} books={books}"
    )
    return 1 if findings or not _keys(week) else 0


def _truth_of(week: Week, name: str, truth: dict[str, Any]) -> "Truth":
    from tests.faults.auditor import Truth, VenueOrder

    number = KEYS[name][0].replace("-", "")
    held = truth["accounts"][name][number]
    orders = [
        VenueOrder(
            key=_our_key(order),
            ours=week.sent_for.get(_key(order), ""),
            instrument=f"KRX:{order['symbol']}",
            side=order["side"],
            quantity=Decimal(order["quantity"]),
            limit_price=Decimal(order["price"]) if order["price"] else None,
            filled_quantity=Decimal(order["filled"]),
            filled_amount=Decimal(order["amount"]),
            status=_status(order),
        )
        for order in truth["orders"]
        if order["environment"] == name and order["account"] == number and order["kind"] == "new"
    ]
    units = {f"KRX:{code}": Decimal(quantity) for code, quantity in held["units"].items()}
    return Truth(orders, {"KRW": Decimal(held["cash"])}, units)


def _our_key(order: dict[str, Any]) -> str:
    branch, digits = ("00950" if order["environment"] == "paper" else "06010"), str(order["odno"]).zfill(10)
    return f"{order['at'][:10].replace('-', '')}-{branch}-{digits}"


def _status(order: dict[str, Any]) -> str:
    if order["rejected"] and not order["filled"]:
        return "rejected"
    if order["filled"] == order["quantity"]:
        return "filled"
    return "working" if order["rest"] else "canceled"


if __name__ == "__main__":
    sys.exit(main())
