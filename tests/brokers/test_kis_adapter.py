"""The adapter over a scripted wire: an order leaves once, a list is whole or void, and an empty one is no evidence."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from brokers.errors import NotSent, OutcomeUnknown, ReadIncomplete
from brokers.kis.adapter import KisBroker
from brokers.kis.budget import Purpose
from brokers.kis.client import KisClient
from brokers.kis.token_memory import TokenMemory
from brokers.kis.tokens import Tokens
from brokers.protocol import Broker, CancelReply, Environment, ReportStatus, TimeInForce
from brokers.wire.client import WireClient
from brokers.wire.messages import Reply
from tests.brokers.kis_account import (
    KEY,
    SECRET,
    MovableClock,
    OpenBudget,
    ScriptedKis,
    credentials,
    reply,
    token_reply,
)
from tests.brokers.kis_examples import json_example
from tests.brokers.raw_server import RawServer
from tests.brokers.test_kis_codes import NO, YES
from tests.brokers.test_kis_mapping import HELD, ROW, balance
from tests.contracts import broker as contract
from tests.servers.asking import asked

NOW = datetime(2026, 11, 20, 1, 15, 11, tzinfo=UTC)
SINCE = datetime(2026, 11, 19, 15, 0, tzinfo=UTC)
KEY_OF_ROW = "20261120-06010-0000123456"
DEAD = reply({"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."}, 500)
TOO_FAST = reply({"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."}, 500)
QUIET = {**balance(HELD, cash="1000"), "rt_cd": "0", "msg_cd": "KIOK0510"}


class Desk:
    """A broker with everything about it in a test's hands."""

    def __init__(self, environment: Environment = Environment.LIVE) -> None:
        self.wire, self.clock, self.budget = ScriptedKis(), MovableClock(NOW), OpenBudget()
        self.wire.say("tokenP", token_reply("token-one", "2026-11-21 10:15:11"))
        who = credentials(environment)
        tokens = Tokens(self.wire, who, TokenMemory(), self.clock)
        self.broker: Broker = KisBroker(KisClient(self.wire, who, tokens, self.budget), who, self.clock)

    @property
    def kis(self) -> KisBroker:
        assert isinstance(self.broker, KisBroker)
        return self.broker


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def practice() -> Desk:
    return Desk(Environment.PAPER)


def listing(*rows: dict[str, Any], mark: str = "D", next_key: str = "") -> Reply:
    code = "KIOK0500" if mark in {"F", "M"} else "KIOK0460"
    told = {"rt_cd": "0", "msg_cd": code, "output1": list(rows), "ctx_area_fk100": "f ", "ctx_area_nk100": next_key}
    return reply(told, mark=mark)


def numbered(*numbers: int) -> list[dict[str, Any]]:
    return [{**ROW, "odno": f"{number:010d}"} for number in numbers]


@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.PAPER])
def test_its_abilities_can_settle_a_doubt(environment: Environment) -> None:
    broker = Desk(environment).broker
    contract.assert_abilities_are_sound(broker)
    assert broker.abilities.has_wire
    assert not broker.abilities.client_order_id
    assert (TimeInForce.IOC in broker.abilities.times_in_force) == (environment is Environment.LIVE)
    assert broker.find(asked()) is None


def test_an_order_taken_has_the_key_its_list_will_show(desk: Desk) -> None:
    desk.wire.say("order-cash", reply(YES))
    desk.wire.say("inquire-daily-ccld", listing(ROW))
    order = asked(10, 71_100)
    key = contract.assert_accepts_with_a_key(desk.broker, order)
    assert key == KEY_OF_ROW
    contract.assert_shows_the_order(desk.broker, order, key, SINCE)


def test_an_order_carries_key_token_and_the_name_of_its_service(desk: Desk) -> None:
    desk.wire.say("order-cash", reply(YES))
    desk.broker.submit(asked())
    sent = desk.wire.asked[-1]
    assert sent.headers == {
        "content-type": "application/json; charset=utf-8",
        "authorization": "Bearer token-one",
        "appkey": KEY,
        "appsecret": SECRET,
        "tr_id": "TTTC0012U",
        "tr_cont": "",
        "custtype": "P",
    }
    assert not [secret for secret in (KEY, SECRET, "token-one", "50123456") if secret in f"{desk.wire.asked!r}"]


@pytest.mark.parametrize("answer", [DEAD, TOO_FAST], ids=["dead token", "too fast"])
def test_an_order_the_gateway_turned_away_may_be_tried_again_and_is_not_by_us(desk: Desk, answer: Reply) -> None:
    desk.wire.say("order-cash", answer)
    report = desk.broker.submit(asked())
    assert (report.status, report.retryable) == (ReportStatus.REJECTED, True)
    assert desk.wire.count("order-cash") == 1


def test_after_a_dead_token_the_next_order_goes_with_a_new_one(desk: Desk) -> None:
    desk.wire.say("tokenP", token_reply("token-two", "2026-11-21 10:20:00"))
    desk.wire.say("order-cash", DEAD, reply(YES))
    desk.broker.submit(asked())
    desk.clock.now += timedelta(minutes=2)
    assert desk.broker.submit(asked()).status is ReportStatus.ACCEPTED
    assert desk.wire.asked[-1].headers["authorization"] == "Bearer token-two"


def test_a_refusal_is_told_by_its_code(desk: Desk) -> None:
    desk.wire.say("order-cash", reply(NO))
    report = desk.broker.submit(asked())
    assert (report.status, report.reason, report.retryable) == (ReportStatus.REJECTED, "APBK0952", False)


@pytest.mark.parametrize(
    "answer",
    [
        OutcomeUnknown("timed out"),
        reply({"rt_cd": "1", "msg_cd": "EGW00302", "msg1": "이전 거래를 확인"}, 500),
        reply("", 200),
        reply("<html>", 502),
        reply({**YES, "output": {}}),
    ],
    ids=["time-out", "behind the gateway", "empty", "html", "no number"],
)
def test_an_order_in_doubt_is_sent_once_and_left_in_doubt(desk: Desk, answer: Reply | Exception) -> None:
    """I2."""
    desk.wire.say("order-cash", answer)
    with pytest.raises(OutcomeUnknown):
        desk.broker.submit(asked())
    assert desk.wire.count("order-cash") == 1


def test_an_order_too_late_to_send_does_not_leave(desk: Desk) -> None:
    """I13: waiting for a token or a slot may take longer than the right to send lasts."""
    desk.wire.say("order-cash", reply(YES))
    with pytest.raises(NotSent):
        desk.broker.submit(asked(), lambda: not desk.wire.count("tokenP"))
    assert desk.wire.count("order-cash") == 0


def test_an_order_without_a_slot_does_not_leave(desk: Desk) -> None:
    desk.budget.has_slots = False
    with pytest.raises(NotSent):
        desk.broker.submit(asked())
    assert desk.budget.taken == [Purpose.ORDER]
    assert desk.wire.count("order-cash") == 0


def test_an_order_without_a_token_does_not_leave() -> None:
    desk = Desk()
    desk.wire = ScriptedKis()
    desk.wire.say("tokenP", ReadIncomplete("no answer"))
    who = credentials()
    client = KisClient(desk.wire, who, Tokens(desk.wire, who, TokenMemory(), desk.clock), desk.budget)
    with pytest.raises(NotSent):
        KisBroker(client, who, desk.clock).submit(asked())
    assert desk.wire.count("order-cash") == 0


def test_what_the_venue_has_no_words_for_is_refused_without_being_sent(practice: Desk) -> None:
    report = practice.broker.submit(asked(time_in_force=TimeInForce.IOC))
    assert (report.status, report.reason, report.retryable) == (
        ReportStatus.REJECTED,
        "time_in_force_not_supported",
        False,
    )
    assert practice.wire.asked == []


def test_a_cancel_names_branch_and_number_and_is_a_wish(desk: Desk) -> None:
    desk.wire.say("order-rvsecncl", reply(YES))
    assert desk.broker.cancel(asked(), KEY_OF_ROW) is CancelReply.TAKEN
    body = json.loads(desk.wire.asked[-1].body or b"")
    assert (body["KRX_FWDG_ORD_ORGNO"], body["ORGN_ODNO"]) == ("06010", "0000123456")
    assert (body["RVSE_CNCL_DVSN_CD"], body["QTY_ALL_ORD_YN"]) == ("02", "Y")


def test_an_order_of_another_day_is_not_cancelled_for_its_number_is_anothers_today(desk: Desk) -> None:
    assert desk.broker.cancel(asked(), "20261119-06010-0000123456") is CancelReply.REFUSED
    assert desk.wire.asked == []


def test_every_page_is_read_and_asked_for_as_the_last_one_said(practice: Desk) -> None:
    practice.wire.say(
        "inquire-daily-ccld",
        listing(*numbered(*range(1, 16)), mark="F", next_key="one "),
        listing(*numbered(*range(15, 30)), mark="M", next_key="two "),
        listing(*numbered(30)),
    )
    assert len(practice.broker.orders(SINCE)) == 30
    asked_for = [request for request in practice.wire.asked if "ccld" in request.target]
    places = [parse_qs(urlsplit(each.target).query, keep_blank_values=True)["CTX_AREA_NK100"] for each in asked_for]
    assert places == [[""], ["one "], ["two "]]
    assert [each.headers["tr_cont"] for each in asked_for] == ["", "N", "N"]


@pytest.mark.parametrize(
    "second",
    [
        ReadIncomplete("cut short"),
        reply({"rt_cd": "1", "msg_cd": "EGW00001"}, 500),
        listing(mark="M", next_key="one "),
        reply({"rt_cd": "0", "msg_cd": "KIOK0460"}, mark="D"),
        listing({**ROW, "odno": ""}),
    ],
    ids=["lost", "error", "circle", "no rows", "odd row"],
)
def test_a_list_of_which_a_page_is_missing_is_void(practice: Desk, second: Reply | Exception) -> None:
    """I3."""
    practice.wire.say("inquire-daily-ccld", listing(*numbered(*range(1, 16)), mark="F", next_key="one "), second)
    with pytest.raises(ReadIncomplete):
        practice.broker.orders(SINCE)
    assert practice.wire.count("inquire-daily-ccld") <= 3


def test_fifteen_rows_without_a_word_of_the_end_are_not_all(practice: Desk) -> None:
    practice.wire.say("inquire-daily-ccld", listing(*numbered(*range(1, 16)), mark=""))
    with pytest.raises(ReadIncomplete):
        practice.broker.orders(SINCE)


def test_orders_of_before_are_left_out(desk: Desk) -> None:
    desk.wire.say("inquire-daily-ccld", listing({**ROW, "odno": "1", "ord_tmd": "090000"}, ROW))
    assert [each.key for each in desk.broker.orders(NOW - timedelta(seconds=5))] == [KEY_OF_ROW]


def test_a_list_beyond_the_reach_of_the_service_is_void(desk: Desk) -> None:
    with pytest.raises(ReadIncomplete):
        desk.broker.orders(NOW - timedelta(days=100))


NOTHING_OPEN = reply({"rt_cd": "0", "msg_cd": "KIOK0510", "output": []}, mark="D")


def buyable(cash: str) -> Reply:
    amounts = {"ord_psbl_cash": cash, "ruse_psbl_amt": "0", "nrcvb_buy_amt": cash, "nrcvb_buy_qty": "0"}
    return reply({"rt_cd": "0", "output": amounts})


@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.PAPER])
def test_an_empty_list_of_a_quiet_account_is_one(environment: Environment) -> None:
    desk = Desk(environment)
    desk.wire.say("inquire-daily-ccld", listing())
    desk.wire.say("inquire-balance", reply(QUIET, mark="D"))
    desk.wire.say("inquire-psbl-order", buyable("1000"))
    desk.wire.say("inquire-psbl-rvsecncl", NOTHING_OPEN)
    assert desk.broker.orders(SINCE) == []
    assert desk.wire.count("inquire-psbl-rvsecncl") == (environment is Environment.LIVE)


@pytest.mark.parametrize(
    ("held", "cash"),
    [({**HELD, "ord_psbl_qty": "7"}, "1000"), (HELD, "400")],
    ids=["units set aside", "cash set aside"],
)
@pytest.mark.parametrize("environment", [Environment.LIVE, Environment.PAPER])
def test_an_empty_list_beside_the_traces_of_an_order_is_void(
    environment: Environment, held: dict[str, str], cash: str
) -> None:
    """I3: the practice server was seen to list none of a day's orders."""
    desk = Desk(environment)
    yesterday = {**ROW, "ord_dt": "20261119", "rmn_qty": "0", "rjct_qty": "10"}
    desk.wire.say("inquire-daily-ccld", listing(yesterday))
    desk.wire.say("inquire-psbl-rvsecncl", NOTHING_OPEN)
    desk.wire.say("inquire-balance", reply({**QUIET, "output1": [held]}, mark="D"))
    desk.wire.say("inquire-psbl-order", buyable(cash))
    with pytest.raises(ReadIncomplete):
        desk.broker.orders(SINCE)


def test_an_empty_list_beside_an_order_that_could_be_changed_is_void(desk: Desk) -> None:
    desk.wire.say("inquire-daily-ccld", listing())
    open_order = {"rt_cd": "0", "msg_cd": "KIOK0510", "output": [{"odno": "0000123456", "psbl_qty": "6"}]}
    desk.wire.say("inquire-psbl-rvsecncl", reply(open_order, mark="D"))
    with pytest.raises(ReadIncomplete):
        desk.broker.orders(SINCE)


def test_holdings_are_whole_and_exact(practice: Desk) -> None:
    first = {**QUIET, "msg_cd": "KIOK0500", "ctx_area_fk100": "f", "ctx_area_nk100": "n"}
    second = {**QUIET, "output1": [{**HELD, "pdno": "000660"}]}
    practice.wire.say("inquire-balance", reply(first, mark="F"), reply(second, mark="D"))
    practice.wire.say("inquire-psbl-order", reply(json_example("### 4.9")))
    held = practice.broker.holdings()
    assert held.units == {"KRX:005930": Decimal(10), "KRX:000660": Decimal(10)}
    contract.assert_counts_holdings_exactly(practice.broker)


def test_holdings_tell_what_no_order_has_set_aside(desk: Desk) -> None:
    """A resting order moves this alone: without it an order nobody lists would look as if it had never arrived (I3)."""
    desk.wire.say("inquire-balance", reply({**QUIET, "output1": [{**HELD, "ord_psbl_qty": "4"}]}, mark="D"))
    desk.wire.say("inquire-psbl-order", reply(json_example("### 4.9")))
    assert desk.broker.holdings().spendable == {"KRW": Decimal(9288900), "KRX:005930": Decimal(4)}


def test_a_question_waits_for_the_limit_and_asks_again(desk: Desk) -> None:
    desk.wire.say("inquire-balance", TOO_FAST, TOO_FAST, reply(QUIET, mark="D"))
    desk.wire.say("inquire-psbl-order", reply(json_example("### 4.9")))
    assert desk.broker.holdings().cash == {"KRW": Decimal(1000)}
    assert desk.budget.backed_off == [0.15, 0.3]
    assert desk.budget.taken == [Purpose.READ] * 4


def test_a_question_is_not_asked_for_ever(desk: Desk) -> None:
    desk.wire.say("inquire-balance", TOO_FAST)
    with pytest.raises(ReadIncomplete):
        desk.broker.holdings()
    assert desk.wire.count("inquire-balance") == 5


def test_a_dead_token_is_renewed_once_for_a_question(desk: Desk) -> None:
    desk.wire.say("tokenP", token_reply("token-two", "2026-11-21 10:20:00"))
    desk.wire.say("inquire-balance", reply(QUIET, mark="D"), DEAD, reply(QUIET, mark="D"))
    desk.wire.say("inquire-psbl-order", reply(json_example("### 4.9")))
    desk.broker.holdings()
    desk.clock.now += timedelta(minutes=2)
    assert desk.broker.holdings().cash == {"KRW": Decimal(1000)}
    assert desk.wire.count("tokenP") == 2


def test_a_token_that_dies_again_at_once_is_left_alone(desk: Desk) -> None:
    desk.wire.say("inquire-balance", DEAD)
    with pytest.raises(ReadIncomplete):
        desk.broker.holdings()
    assert desk.wire.count("tokenP") == 1


def test_over_a_real_wire_the_right_to_send_is_asked_before_the_first_byte() -> None:
    body = json.dumps(YES).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    with RawServer([head + body]) as server:
        desk = Desk()
        who = credentials()
        tokens = Tokens(desk.wire, who, TokenMemory(), desk.clock)
        broker = KisBroker(KisClient(WireClient(server.url), who, tokens, desk.budget), who, desk.clock)
        with pytest.raises(NotSent):
            broker.submit(asked(), lambda: False)
        assert broker.submit(asked(10, 71_100)).broker_order_key == KEY_OF_ROW
        sent = [each for each in server.requests if each]
    assert len(sent) == 1
    assert sent[0].startswith(b"POST /uapi/domestic-stock/v1/trading/order-cash HTTP/1.1\r\n")
