"""The contract of `Broker`, asked of the KIS adapter over a real wire: the sandbox was written without knowing it."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from brokers.errors import OutcomeUnknown, ReadIncomplete
from brokers.kis.adapter import ABILITIES, KisBroker, connected
from brokers.kis.budget import RATES, LocalBudget, Rates
from brokers.kis.credentials import Credentials
from brokers.kis.divisions import KINDS
from brokers.kis.token_memory import TokenMemory
from brokers.protocol import Division, Environment, ListedOrder, OrderRequest, OrderType, ReportStatus
from markets.types import Side
from tests.contracts import broker as contract
from tests.servers.asking import PRICE, SAMSUNG, asked
from trading.templatetags.reasons import SENTENCES

ROOT = Path(__file__).resolve().parents[2]
SHORT = {Environment.LIVE: "live", Environment.PAPER: "paper"}
KEYS = {
    Environment.LIVE: Credentials(Environment.LIVE, "P" * 36, "s" * 180, "61000001"),
    Environment.PAPER: Credentials(Environment.PAPER, "Q" * 36, "t" * 180, "62000001"),
}
CASH = 100_000_000


@dataclass(frozen=True)
class Sandbox:
    """The process, by what it printed."""

    addresses: dict[str, Any]

    def wish(self, name: str, **body: Any) -> Any:
        url = f"{self.addresses['control']}/control/{name}"
        with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode()), timeout=10) as answer:
            return json.load(answer)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    command = [sys.executable, "-m", "tests.servers.kis", "--port", "0", "--hours", "always"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = Sandbox(json.loads(process.stdout.readline()))
            found.wish("policy", parts=0)  # orders rest until they are filled by hand
            found.wish("limits", live=18, paper=1000)
            for who in KEYS.values():
                environment = SHORT[who.environment]
                found.wish("account", environment=environment, account=who.owner, cash=CASH, units={"005930": 100})
                found.wish(
                    "key",
                    environment=environment,
                    appkey=who.app_key,
                    appsecret=who.app_secret,
                    hts_id="demo9",
                    accounts=[who.owner],
                )
            yield found
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def brokers(sandbox: Sandbox) -> dict[Environment, KisBroker]:
    rates = {Environment.LIVE: RATES[Environment.LIVE], Environment.PAPER: Rates(per_second=100, burst=100)}
    return {
        each: connected(
            who,
            sandbox.addresses[SHORT[each]]["rest"],
            TokenMemory(),
            LocalBudget(rates[each], time.monotonic),
            lambda: datetime.now(UTC),
        )
        for each, who in KEYS.items()
    }


def side_of(broker: KisBroker) -> Environment:
    return next(each for each, abilities in ABILITIES.items() if abilities is broker.abilities)


@pytest.fixture(params=[Environment.LIVE, Environment.PAPER], ids=["live", "paper"])
def broker(
    request: pytest.FixtureRequest, sandbox: Sandbox, brokers: dict[Environment, KisBroker]
) -> Iterator[KisBroker]:
    yield brokers[request.param]
    sandbox.wish("faults", rules=[])


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC) - timedelta(seconds=1)


def resting(**how: Any) -> OrderRequest:
    return asked(**{"quantity": 3, "limit_price": PRICE, **how})


def test_an_order_it_takes_has_a_key_and_is_shown_as_it_was_asked(broker: KisBroker, since: datetime) -> None:
    for order in (resting(), resting(side=Side.SELL), resting(limit_price=None)):
        key = contract.assert_accepts_with_a_key(broker, order)
        contract.assert_shows_the_order(broker, order, key, since)


def test_two_orders_never_share_a_key(broker: KisBroker) -> None:
    keys = [contract.assert_accepts_with_a_key(broker, resting()) for _ in range(3)]
    assert len(set(keys)) == 3


def test_a_resting_order_is_withdrawn_once(broker: KisBroker, since: datetime) -> None:
    order = resting()
    key = contract.assert_accepts_with_a_key(broker, order)
    contract.assert_withdraws(broker, order, key, since)


def test_the_venues_row_of_a_cancel_is_no_order_of_the_account(broker: KisBroker, since: datetime) -> None:
    order = resting()
    key = contract.assert_accepts_with_a_key(broker, order)
    before = {each.key for each in broker.orders(since)}
    broker.cancel(order, key)
    assert {each.key for each in broker.orders(since)} == before


def test_what_filled_is_told_in_totals_and_moves_cash_and_units(
    broker: KisBroker, sandbox: Sandbox, since: datetime
) -> None:
    had = broker.holdings()
    sandbox.wish("policy", parts=1)
    try:
        key = contract.assert_accepts_with_a_key(broker, resting(limit_price=None))
    finally:
        sandbox.wish("policy", parts=0)
    listed = next(each for each in broker.orders(since) if each.key == key)
    now = broker.holdings()
    assert (listed.status, listed.filled_quantity, listed.fills) == (ReportStatus.ACCEPTED, Decimal(3), ())
    assert now.units[SAMSUNG] == had.units[SAMSUNG] + 3
    assert had.cash["KRW"] - now.cash["KRW"] >= listed.filled_amount > 0


def test_an_order_never_sent_is_not_there(broker: KisBroker, since: datetime) -> None:
    contract.assert_does_not_know(broker, resting(), since)


def test_cash_and_units_are_exact_numbers(broker: KisBroker) -> None:
    contract.assert_counts_holdings_exactly(broker)
    assert broker.holdings().units[SAMSUNG] >= 100
    assert broker.buyable(SAMSUNG).amount < CASH


def test_a_list_of_several_pages_is_read_to_its_end(broker: KisBroker, since: datetime) -> None:
    keys = {contract.assert_accepts_with_a_key(broker, resting(quantity=1)) for _ in range(35)}
    assert keys <= {each.key for each in broker.orders(since)}


def test_an_order_off_its_tick_is_refused(broker: KisBroker) -> None:
    report = broker.submit(resting(limit_price=Decimal(71_250)))
    assert (report.status, report.retryable) == (ReportStatus.REJECTED, False)


@pytest.mark.parametrize("fault", ["drop-after", "500-after", "egw00301-after", "empty-body", "html", "cut-body"])
def test_an_order_whose_answer_was_spoilt_is_in_doubt_and_found_in_the_list(
    broker: KisBroker, sandbox: Sandbox, since: datetime, fault: str
) -> None:
    """I2: never resent, never guessed."""
    before = {each.key for each in broker.orders(since - timedelta(hours=1))}
    sandbox.wish("faults", rules=[{"route": "order", "fault": fault, "times": 1}])
    with pytest.raises(OutcomeUnknown):
        broker.submit(resting(quantity=2))
    (found,) = [each for each in broker.orders(since - timedelta(hours=1)) if each.key not in before]
    assert found.quantity == 2


@pytest.mark.parametrize("fault", ["page-fails", "empty-body", "html", "cut-body", "drop-after", "500-after"])
def test_a_list_that_comes_in_part_is_void(broker: KisBroker, sandbox: Sandbox, since: datetime, fault: str) -> None:
    """I3."""
    for _order in range(101 if side_of(broker) is Environment.LIVE and fault == "page-fails" else 16):
        broker.submit(resting(quantity=1))
    sandbox.wish("faults", rules=[{"route": "ccld", "fault": fault}])
    with pytest.raises(ReadIncomplete):
        broker.orders(since - timedelta(hours=1))


def test_a_balance_told_twice_is_not_counted_twice(broker: KisBroker, sandbox: Sandbox) -> None:
    sandbox.wish("faults", rules=[{"route": "balance", "fault": "duplicate"}])
    with pytest.raises(ReadIncomplete):
        broker.holdings()


def test_a_list_told_twice_is_read_once(broker: KisBroker, sandbox: Sandbox, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    sandbox.wish("faults", rules=[{"route": "ccld", "fault": "duplicate"}])
    assert [each.key for each in broker.orders(since)].count(key) == 1


@pytest.mark.parametrize("fault", ["egw00201", "egw00215"])
def test_an_order_refused_for_its_haste_reached_nothing(
    broker: KisBroker, sandbox: Sandbox, since: datetime, fault: str
) -> None:
    before = {each.key for each in broker.orders(since - timedelta(hours=1))}
    sandbox.wish("faults", rules=[{"route": "order", "fault": fault, "times": 1}])
    report = broker.submit(resting())
    assert (report.status, report.retryable) == (ReportStatus.REJECTED, True)
    assert {each.key for each in broker.orders(since - timedelta(hours=1))} == before


@pytest.fixture
def hidden(broker: KisBroker, sandbox: Sandbox) -> Iterator[None]:
    """All lists of the account are empty and say that they are whole."""
    side = side_of(broker)
    broker.submit(resting())
    sandbox.wish("hide", environment=SHORT[side], account=KEYS[side].owner, seconds=600)
    yield
    sandbox.wish("hide", environment=SHORT[side], account=KEYS[side].owner, seconds=0)


def test_a_rejection_by_the_exchange_shows_in_the_list(broker: KisBroker, sandbox: Sandbox, since: datetime) -> None:
    sandbox.wish("reject", environment=SHORT[side_of(broker)], next=1)
    key = contract.assert_accepts_with_a_key(broker, resting())
    listed = next(each for each in broker.orders(since) if each.key == key)
    assert (listed.status, listed.reason) == (ReportStatus.REJECTED, "refused_after_acceptance")
    assert listed.reason in SENTENCES, "a person reads why"


@pytest.mark.usefixtures("hidden")
def test_a_list_that_hides_resting_orders_is_void(broker: KisBroker, since: datetime) -> None:
    """I3: an empty list is no evidence."""
    with pytest.raises(ReadIncomplete):
        broker.orders(since)


# KIS's own change of an order: the adapter can, the order path cancels and places anew (docs/decisions/0017)


def row_of(broker: KisBroker, key: str, since: datetime) -> ListedOrder:
    return next(each for each in broker.orders(since) if each.key == key)


def test_a_modified_order_is_another_order_and_the_first_has_ended(broker: KisBroker, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    report = broker.modify(resting(limit_price=PRICE - 100), key)
    assert report.status is ReportStatus.ACCEPTED
    assert report.broker_order_key != key
    first, anew = row_of(broker, key, since), row_of(broker, report.broker_order_key, since)
    assert (first.status, anew.status) == (ReportStatus.CANCELED, ReportStatus.ACCEPTED)
    assert (anew.limit_price, anew.quantity) == (PRICE - 100, Decimal(3))
    assert anew.raw["orgn_odno"].lstrip("0") in key


def test_part_of_an_order_is_modified_and_the_other_part_rests(broker: KisBroker, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    report = broker.modify(resting(limit_price=PRICE - 100), key, Decimal(2))
    first, anew = row_of(broker, key, since), row_of(broker, report.broker_order_key, since)
    assert (first.status, anew.quantity) == (ReportStatus.ACCEPTED, Decimal(2))
    assert first.raw["rmn_qty"] == "1"


def test_an_order_becomes_one_of_another_division(broker: KisBroker, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    report = broker.modify(resting(division=Division.CONDITIONAL), key)
    assert row_of(broker, report.broker_order_key, since).division is Division.CONDITIONAL


def test_what_is_left_of_a_part_filled_order_is_modified(broker: KisBroker, sandbox: Sandbox, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    sandbox.wish("fill", environment=SHORT[side_of(broker)], key=key, quantity=1, price=int(PRICE))
    report = broker.modify(resting(limit_price=PRICE - 100), key)
    first, anew = row_of(broker, key, since), row_of(broker, report.broker_order_key, since)
    assert (first.filled_quantity, first.status) == (Decimal(1), ReportStatus.CANCELED)
    assert (anew.filled_quantity, anew.quantity) == (Decimal(0), Decimal(2))


def test_an_order_that_has_ended_is_not_modified(broker: KisBroker) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    assert broker.cancel(resting(), key)
    report = broker.modify(resting(limit_price=PRICE - 100), key)
    assert (report.status, report.reason) == (ReportStatus.REJECTED, "order_not_open")


def test_a_modification_off_its_tick_is_refused_and_the_order_stands(broker: KisBroker, since: datetime) -> None:
    key = contract.assert_accepts_with_a_key(broker, resting())
    assert broker.modify(resting(limit_price=Decimal(71_250)), key).status is ReportStatus.REJECTED
    assert row_of(broker, key, since).status is ReportStatus.ACCEPTED


@pytest.mark.parametrize(("fault", "arrives"), [("drop-after", True), ("500-before", False), ("html", True)])
def test_a_modification_whose_answer_was_spoilt_is_told_apart_by_the_list(
    broker: KisBroker, sandbox: Sandbox, since: datetime, fault: str, arrives: bool
) -> None:
    """Never doubled, never lost: either the first order has ended and one row names it, or it rests as it was."""
    key = contract.assert_accepts_with_a_key(broker, resting())
    sandbox.wish("faults", rules=[{"route": "revise", "fault": fault, "times": 1}])
    with pytest.raises(OutcomeUnknown):
        broker.modify(resting(limit_price=PRICE - 100), key)
    number = key.rpartition("-")[2]
    successors = [each for each in broker.orders(since) if each.raw["orgn_odno"] == number]
    assert len(successors) == arrives
    assert row_of(broker, key, since).status is (ReportStatus.CANCELED if arrives else ReportStatus.ACCEPTED)


# The other divisions over the wire


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_division_the_venue_offers_is_taken_and_read_back(
    broker: KisBroker, sandbox: Sandbox, since: datetime, code: str
) -> None:
    kind = KINDS[code]
    limit = PRICE if kind.order_type is OrderType.LIMIT else None
    order = resting(limit_price=limit, time_in_force=kind.time_in_force, division=kind.division)
    report = broker.submit(order)
    if kind.time_in_force not in broker.abilities.times_in_force or kind.division not in broker.abilities.divisions:
        assert (report.status, report.raw) == (ReportStatus.REJECTED, {}), "nothing was sent"
        return
    assert report.status is ReportStatus.ACCEPTED, report
    listed = row_of(broker, report.broker_order_key, since)
    assert (listed.division, listed.order_type, listed.limit_price) == (kind.division, kind.order_type, limit)
    assert listed.raw["ord_dvsn_cd"] == code
