"""Every kind of fault of the hostile broker, seen through the adapter, against the truth behind the replies (I1, I3)."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from brokers.errors import NotSent, OutcomeUnknown, ReadIncomplete
from brokers.protocol import Broker, CancelReply, ReportStatus, TimeInForce
from brokers.wire.client import WireClient
from tests.servers.asking import CASH, PRICE, SAMSUNG, account_row, asked
from tests.servers.control import HostileBroker
from tests.servers.dialect import GARBAGE_FORMS
from tests.servers.faults import ORDER_FAULTS, Fault, Rule, Verb
from tests.servers.plain import MUTANT_NAME, PLAIN, READS_500_AS_REFUSAL, PlainBroker, open_account

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
IN_DOUBT = [fault for fault in ORDER_FAULTS if fault is not Fault.RATE_LIMITED]
IN_THE_BOOK = {Fault.DROP_AFTER, Fault.ERROR_AFTER, Fault.GARBAGE, Fault.HIDDEN}
Opened = Callable[[], tuple[Broker, str]]


@pytest.fixture(params=["plain", "plainid"])
def opened(request: pytest.FixtureRequest, hostile: HostileBroker) -> Opened:
    """An account with money at the hostile broker, and its name there."""

    def open_one() -> tuple[Broker, str]:
        account = account_row(request.param)
        hostile.open_account(account.pk, CASH)
        return open_account(account), str(account.pk)

    return open_one


def test_there_are_at_least_seven_ways_to_fail() -> None:
    assert len(ORDER_FAULTS) >= 7


@pytest.mark.parametrize("fault", IN_DOUBT)
def test_a_reply_that_proves_nothing_leaves_the_order_in_doubt(
    hostile: HostileBroker, opened: Opened, fault: Fault
) -> None:
    """I1: whatever the fault, one request was written and at most one order is in the book."""
    broker, account = opened()
    hostile.set_faults(Rule(fault))
    with pytest.raises(OutcomeUnknown):
        broker.submit(asked())
    assert len(hostile.orders(account)) == (1 if fault in IN_THE_BOOK else 0)
    sent = [each for each in hostile.truth()["submissions"] if each["account"] == account]
    assert [each["fault"] for each in sent] == [fault]


def test_no_form_of_garbage_is_taken_for_an_answer(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    hostile.set_faults(Rule(Fault.GARBAGE, times=None), seed=3)
    for _ in range(4 * GARBAGE_FORMS):
        with pytest.raises(OutcomeUnknown):
            broker.submit(asked(quantity=1))
    assert len(hostile.orders(account)) == 4 * GARBAGE_FORMS


def test_a_late_order_is_in_the_book_once_its_time_has_come(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    hostile.set_faults(Rule(Fault.ACCEPT_LATE, seconds=90))
    with pytest.raises(OutcomeUnknown):
        broker.submit(asked())
    assert broker.orders(LONG_AGO) == []
    hostile.advance(89)
    assert hostile.orders(account) == []
    hostile.advance(2)
    assert len(broker.orders(LONG_AGO)) == 1


def test_a_hidden_order_is_missing_from_a_list_that_claims_to_be_whole(hostile: HostileBroker, opened: Opened) -> None:
    """I3: such a list is no evidence without a positive control."""
    broker, _ = opened()
    broker.submit(asked())
    hostile.set_faults(Rule(Fault.HIDDEN, seconds=60))
    hidden = asked()
    with pytest.raises(OutcomeUnknown):
        broker.submit(hidden)
    assert broker.orders(LONG_AGO) == []
    assert broker.find(hidden) is None
    hostile.advance(61)
    assert len(broker.orders(LONG_AGO)) == 2


def test_a_rate_limit_is_a_refusal_that_may_be_tried_again(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    hostile.set_faults(Rule(Fault.RATE_LIMITED))
    report = broker.submit(asked())
    assert (report.status, report.retryable, report.reason) == (ReportStatus.REJECTED, True, "rate_limited")
    assert hostile.orders(account) == []
    assert broker.submit(asked()).status is ReportStatus.ACCEPTED


def test_a_business_refusal_is_final_and_nothing_is_in_the_book(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    report = broker.submit(asked(quantity=10_000))
    assert (report.status, report.retryable, report.reason) == (ReportStatus.REJECTED, False, "no_cash")
    assert hostile.orders(account) == []


def test_the_same_client_id_twice_is_no_refusal(hostile: HostileBroker) -> None:
    """An order of that id is working: reading this as "refused" would lose it."""
    account = account_row("plainid")
    hostile.open_account(account.pk, CASH)
    broker, order = open_account(account), asked()
    broker.submit(order)
    with pytest.raises(OutcomeUnknown):
        broker.submit(order)
    assert len(hostile.orders(account.pk)) == 1


def test_nothing_is_sent_to_a_closed_port() -> None:
    with pytest.raises(NotSent):
        PlainBroker(WireClient("http://127.0.0.1:9/plain"), "nobody", PLAIN).submit(asked())


def test_a_list_is_read_to_its_end(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    for _ in range(31):
        hostile.order_by_a_stranger(account, SAMSUNG, asked().side, 1, PRICE)
    assert len(broker.orders(LONG_AGO)) == 31
    assert broker.orders(datetime.now(UTC) + timedelta(days=1)) == []


def test_a_list_whose_second_page_fails_is_void(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    for _ in range(16):
        hostile.order_by_a_stranger(account, SAMSUNG, asked().side, 1, PRICE)
    hostile.set_faults(Rule(Fault.PAGE_FAILS, Verb.LIST))
    with pytest.raises(ReadIncomplete):
        broker.orders(LONG_AGO)
    assert len(broker.orders(LONG_AGO)) == 16


@pytest.mark.parametrize("fault", [Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE, Fault.RATE_LIMITED])
def test_a_question_without_a_whole_answer_proves_nothing(hostile: HostileBroker, opened: Opened, fault: Fault) -> None:
    broker, _ = opened()
    broker.submit(asked())
    hostile.set_faults(Rule(fault, Verb.LIST, times=None), Rule(fault, Verb.HOLDINGS, times=None))
    for _ in range(GARBAGE_FORMS):
        with pytest.raises(ReadIncomplete):
            broker.orders(LONG_AGO)
        with pytest.raises(ReadIncomplete):
            broker.holdings()


def test_a_search_without_a_whole_answer_proves_nothing(hostile: HostileBroker) -> None:
    account, order = account_row("plainid"), asked()
    hostile.open_account(account.pk, CASH)
    broker = open_account(account)
    broker.submit(order)
    for fault in (Fault.DROP_BEFORE, Fault.ERROR_BEFORE, Fault.GARBAGE):
        hostile.set_faults(Rule(fault, Verb.FIND, times=None))
        for _ in range(GARBAGE_FORMS):
            with pytest.raises(ReadIncomplete):
                broker.find(order)


def test_rows_told_twice_are_one_order(hostile: HostileBroker, opened: Opened) -> None:
    broker, _ = opened()
    broker.submit(asked())
    hostile.set_faults(Rule(Fault.DUPLICATE_ROWS, Verb.LIST))
    assert len(broker.orders(LONG_AGO)) == 1


def test_a_lost_reply_to_a_cancel_leaves_it_to_the_list(hostile: HostileBroker, opened: Opened) -> None:
    broker, _ = opened()
    order = asked()
    key = broker.submit(order).broker_order_key
    hostile.set_faults(Rule(Fault.DROP_AFTER, Verb.CANCEL))
    with pytest.raises(OutcomeUnknown):
        broker.cancel(order, key)
    assert broker.orders(LONG_AGO)[0].status is ReportStatus.CANCELED
    assert broker.cancel(order, key) is CancelReply.REFUSED


def test_parts_fill_as_the_clock_goes_on(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    hostile.set_policy(parts=3, pace_seconds=10)
    broker.submit(asked(quantity=10))
    seen = []
    for _ in range(3):
        listed = broker.orders(LONG_AGO)[0]
        seen.append((listed.filled_quantity, listed.filled_amount))
        hostile.advance(10)
    assert seen == [(Decimal(q), q * PRICE) for q in (3, 6, 10)]
    truth = hostile.account(account)
    assert (truth.cash, truth.units) == (CASH - 10 * PRICE, {SAMSUNG: Decimal(10)})
    held = broker.holdings()
    assert (held.cash, held.units) == ({"KRW": truth.cash}, truth.units)


def test_executions_have_ids_only_where_the_venue_tells_them(hostile: HostileBroker, opened: Opened) -> None:
    broker, _ = opened()
    hostile.set_policy(parts=2)
    broker.submit(asked(quantity=10))
    listed = broker.orders(LONG_AGO)[0]
    assert listed.filled_quantity == 10
    assert [fill.quantity for fill in listed.fills] == ([5, 5] if broker.abilities.client_order_id else [])


def test_a_stranger_order_has_no_id_of_ours(hostile: HostileBroker, opened: Opened) -> None:
    broker, account = opened()
    key = hostile.order_by_a_stranger(account, SAMSUNG, asked().side, 1, PRICE)
    ours = asked()
    broker.submit(ours)
    listed = {each.key: each.client_id for each in broker.orders(LONG_AGO)}
    assert listed[key] == ""
    assert {each.key: each.our_id for each in hostile.orders(account)}[key] == ""
    assert [each.our_id for each in hostile.orders(account)] == ["", str(ours.id)]


def test_market_orders_trade_at_the_market_and_the_rest_of_an_immediate_one_is_gone(
    hostile: HostileBroker, opened: Opened
) -> None:
    broker, _ = opened()
    hostile.set_policy(parts=1)
    hostile.set_price("KRX:000660", 200_000)
    broker.submit(asked(quantity=2, limit_price=None, instrument="KRX:000660"))
    broker.submit(asked(quantity=2, limit_price=190_000, time_in_force=TimeInForce.IOC, instrument="KRX:000660"))
    market, immediate = broker.orders(LONG_AGO)
    assert (market.filled_quantity, market.filled_amount) == (Decimal(2), Decimal(400_000))
    assert (immediate.filled_quantity, immediate.status) == (Decimal(0), ReportStatus.CANCELED)


def test_faults_drawn_from_a_seed_are_the_same_again(hostile: HostileBroker, opened: Opened) -> None:
    def run(seed: int) -> list[str]:
        broker, account = opened()
        hostile.set_faults(Rule(Fault.DROP_AFTER, times=None, share=0.4), seed=seed)
        for _ in range(12):
            try:
                broker.submit(asked(quantity=1))
            except OutcomeUnknown:
                continue
        return [each["fault"] for each in hostile.truth()["submissions"] if each["account"] == account]

    assert run(7) == run(7)
    assert set(run(7)) == {"healthy", Fault.DROP_AFTER}


def test_the_blunder_on_purpose_reads_a_500_as_a_refusal(hostile: HostileBroker, opened: Opened) -> None:
    """A check that is run on this mutant has to report a loss; without the mutant the same reply is a doubt."""
    broker, account = opened()
    hostile.set_faults(Rule(Fault.ERROR_AFTER))
    os.environ[MUTANT_NAME] = READS_500_AS_REFUSAL
    try:
        assert broker.submit(asked()).status is ReportStatus.REJECTED
    finally:
        del os.environ[MUTANT_NAME]
    assert len(hostile.orders(account)) == 1
