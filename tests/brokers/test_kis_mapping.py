"""The ledger's answers read as ours: recorded examples exactly, and nothing taken from what is not whole."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.kis import mapping
from brokers.kis.envelope import Page, page
from brokers.kis.mapping import OrderKey, accepted_key, listed_orders
from brokers.protocol import Division, Holdings, ListedOrder, OrderType, ReportStatus
from brokers.wire.messages import Reply
from brokers.wire.values import Garbled
from markets.types import Side
from tests.brokers.kis_account import reply
from tests.brokers.kis_examples import json_example

TODAY = date(2026, 11, 20)
ROW: dict[str, Any] = {
    "ord_dt": "20261120",
    "ord_gno_brno": "06010",
    "odno": "0000123456",
    "orgn_odno": "",
    "ord_dvsn_cd": "00",
    "sll_buy_dvsn_cd": "02",
    "pdno": "005930",
    "ord_qty": "10",
    "ord_unpr": "71100",
    "ord_tmd": "101510",
    "tot_ccld_qty": "0",
    "tot_ccld_amt": "0",
    "cncl_yn": "",
    "cncl_cfrm_qty": "0",
    "rmn_qty": "10",
    "rjct_qty": "0",
    "excg_id_dvsn_cd": "KRX",
}
CANCEL_ROW = {**ROW, "odno": "0000123499", "orgn_odno": "0000123456", "cncl_yn": "Y", "ord_unpr": "0"}


def only(*rows: dict[str, Any], today: date = TODAY) -> ListedOrder:
    (listed,) = listed_orders(rows, today)
    return listed


def test_the_recorded_order_list_is_one_order_partly_filled_and_withdrawn() -> None:
    listed = only(*json_example("### 4.14")["output1"])
    assert listed == ListedOrder(
        key="20261120-06010-0000123456",
        client_id="",
        instrument="KRX:005930",
        side=Side.BUY,
        quantity=Decimal(10),
        order_type=OrderType.LIMIT,
        limit_price=Decimal(71100),
        ordered_at=datetime(2026, 11, 20, 1, 15, 10, tzinfo=UTC),
        status=ReportStatus.CANCELED,
        filled_quantity=Decimal(4),
        filled_amount=Decimal(284400),
        raw=listed.raw,
    )
    assert "127.0.0.1" not in str(listed.raw)


def test_the_key_of_the_reply_is_the_key_of_the_list() -> None:
    now = datetime(2026, 11, 20, 1, 15, 11, tzinfo=UTC)
    assert str(accepted_key("06010-0000123456-101510", now)) == only(ROW).key


@pytest.mark.parametrize(("branch", "number"), [("00950", "0000002933"), ("00950", "2933"), ("950", "02933")])
def test_an_order_number_told_without_its_zeros_is_the_same_order(branch: str, number: str) -> None:
    assert str(OrderKey.of(TODAY, branch, number)) == "20261120-00950-0000002933"


@settings(deadline=None)
@given(number=st.integers(1, 9_999_999_999), branch=st.integers(0, 99_999), on=st.dates(date(2000, 1, 1)))
def test_every_spelling_of_a_key_is_read_back(number: int, branch: int, on: date) -> None:
    key = OrderKey.of(on, str(branch), str(number))
    assert OrderKey.read(str(key)) == key == OrderKey.of(on, f"{branch:05d}", f"{number:010d}")


@pytest.mark.parametrize(
    ("branch", "number"),
    [("06010", ""), ("06010", "0"), ("06010", "0000000000"), ("", "1"), ("060100", "1"), ("06010", "1٣"), ("x", "1")],
)
def test_what_is_no_order_number_makes_no_key(branch: str, number: str) -> None:
    with pytest.raises(Garbled):
        OrderKey.of(TODAY, branch, number)


def test_one_number_on_two_days_is_two_orders() -> None:
    keys = [each.key for each in listed_orders([ROW, {**ROW, "ord_dt": "20261119"}], TODAY)]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("now", "told_at", "day"),
    [
        ("2026-11-20T15:00:01", "235959", "20261120"),
        ("2026-11-20T14:59:59", "000001", "20261121"),
        ("2026-11-20T01:00:00", "101510", "20261120"),
    ],
)
def test_the_day_of_an_order_is_the_venues_and_not_that_of_reading_the_reply(now: str, told_at: str, day: str) -> None:
    read_at = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert str(accepted_key(f"06010-123456-{told_at}", read_at)).startswith(day)


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, ReportStatus.ACCEPTED),
        ({"tot_ccld_qty": "10", "tot_ccld_amt": "711000", "rmn_qty": "0"}, ReportStatus.ACCEPTED),
        ({"tot_ccld_qty": "4", "tot_ccld_amt": "284400", "rmn_qty": "6"}, ReportStatus.ACCEPTED),
        ({"rmn_qty": "6", "cncl_cfrm_qty": "4"}, ReportStatus.ACCEPTED),
        ({"rmn_qty": "0", "cncl_cfrm_qty": "10"}, ReportStatus.CANCELED),
        ({"rmn_qty": "0", "cncl_cfrm_qty": None, "cnc_cfrm_qty": "10"}, ReportStatus.CANCELED),
        ({"rmn_qty": "0", "rjct_qty": "10"}, ReportStatus.REJECTED),
        ({"rmn_qty": "10", "ord_dt": "20261119"}, ReportStatus.EXPIRED),
    ],
    ids=["open", "filled", "part", "part withdrawn", "withdrawn", "documented name", "rejected", "day over"],
)
def test_what_became_of_an_order_is_decided_by_its_quantities(change: dict[str, Any], status: ReportStatus) -> None:
    assert only({**ROW, **change}).status is status


@pytest.mark.parametrize("flag", ["", "N", "Y"])
def test_the_flag_of_the_cancelled_decides_nothing(flag: str) -> None:
    assert only({**ROW, "cncl_yn": flag}).status is ReportStatus.ACCEPTED
    withdrawn = {**ROW, "cncl_yn": flag, "rmn_qty": "0", "cncl_cfrm_qty": "10"}
    assert only(withdrawn).status is ReportStatus.CANCELED


def test_the_row_of_a_cancel_is_no_order() -> None:
    withdrawn = {**ROW, "rmn_qty": "0", "cncl_cfrm_qty": "10"}
    assert [each.key for each in listed_orders([withdrawn, CANCEL_ROW], TODAY)] == ["20261120-06010-0000123456"]
    assert listed_orders([{**CANCEL_ROW, "cncl_yn": ""}], TODAY) == []


def test_an_order_somebody_moved_to_another_price_lives_on_under_its_new_number() -> None:
    moved = {**ROW, "rmn_qty": "0"}
    new = {**ROW, "odno": "0000123500", "orgn_odno": "0000123456", "ord_unpr": "71000"}
    found = {each.key[-6:]: each for each in listed_orders([moved, new], TODAY)}
    assert found["123456"].status is ReportStatus.CANCELED
    assert (found["123500"].status, found["123500"].limit_price) == (ReportStatus.ACCEPTED, Decimal(71000))


@pytest.mark.parametrize(
    "change",
    [
        {"rmn_qty": "0"},
        {"tot_ccld_qty": "11", "tot_ccld_amt": "782100", "rmn_qty": "0"},
        {"tot_ccld_qty": "4", "tot_ccld_amt": "0", "rmn_qty": "6"},
        {"tot_ccld_qty": "0", "tot_ccld_amt": "1", "rmn_qty": "10"},
        {"rmn_qty": "10", "cncl_cfrm_qty": "1"},
        {"rmn_qty": ""},
        {"ord_qty": "0"},
        {"ord_qty": "1e99"},
        {"tot_ccld_qty": "-1"},
        {"sll_buy_dvsn_cd": "03"},
        {"pdno": "삼성전자"},
        {"ord_dt": "20261131"},
        {"ord_tmd": "246060"},
        {"odno": ""},
        {"ord_unpr": "NaN"},
        {"ord_unpr": 71100.5},
        {"ord_gno_brno": None},
    ],
    ids=str,
)
def test_a_row_that_cannot_be_voids_the_list(change: dict[str, Any]) -> None:
    """I3: a part of a list is no evidence."""
    with pytest.raises(Garbled):
        listed_orders([{**ROW, **change}], TODAY)


@pytest.mark.parametrize(
    ("code", "price", "kind", "limit", "division"),
    [
        ("00", "71100", OrderType.LIMIT, Decimal(71100), Division.PLAIN),
        ("01", "0", OrderType.MARKET, None, Division.PLAIN),
        ("13", "0", OrderType.MARKET, None, Division.PLAIN),
        ("11", "71100", OrderType.LIMIT, Decimal(71100), Division.PLAIN),
        ("02", "71100", OrderType.LIMIT, Decimal(71100), Division.CONDITIONAL),
        ("03", "0", OrderType.MARKET, None, Division.BEST),
        ("03", "71200", OrderType.MARKET, None, Division.BEST),
        ("41", "71100", OrderType.LIMIT, Decimal(71100), Division.AFTER),
        ("21", "71150", OrderType.LIMIT, Decimal(71150), Division.OTHER),
        ("99", "0", OrderType.LIMIT, None, Division.OTHER),
    ],
)
def test_an_order_is_read_with_how_the_venue_takes_it(
    code: str, price: str, kind: OrderType, limit: Decimal | None, division: Division
) -> None:
    """I2: an order at the best price, whatever the venue tells of that, never looks like a market order of ours."""
    listed = only({**ROW, "ord_dvsn_cd": code, "ord_unpr": price})
    assert (listed.order_type, listed.limit_price, listed.division) == (kind, limit, division)


def test_an_order_told_on_two_pages_is_one_with_what_was_told_last() -> None:
    later = {**ROW, "tot_ccld_qty": "4", "tot_ccld_amt": "284400", "rmn_qty": "6"}
    assert only(ROW, later).filled_quantity == 4
    assert only(later, ROW).filled_quantity == 4
    with pytest.raises(Garbled):
        listed_orders([ROW, {**ROW, "pdno": "000660"}], TODAY)


def test_the_recorded_balance_is_exact_and_its_cash_is_that_after_settlement() -> None:
    room = mapping.buyable(json_example("### 4.9"))
    assert mapping.holdings([json_example("### 4.8")], room) == Holdings(
        cash={"KRW": Decimal(9288900)},
        units={"KRX:005930": Decimal(10)},
        average_price={"KRX:005930": Decimal("71100.0000")},
        spendable={"KRW": Decimal(9288900), "KRX:005930": Decimal(10)},
    )


ROOM = mapping.Buyable(Decimal(700), Decimal(300), Decimal(900), Decimal(9), Decimal(100))


def test_what_an_order_at_work_has_set_aside_cannot_be_spent() -> None:
    """Cash and units move when an order fills; these as soon as it rests."""
    held = mapping.holdings([balance({**HELD, "ord_psbl_qty": "4"})], ROOM)
    assert (held.cash, held.units) == ({"KRW": Decimal(1000)}, {"KRX:005930": Decimal(10)})
    assert held.spendable == {"KRW": Decimal(1000), "KRX:005930": Decimal(4)}


def balance(*rows: dict[str, Any], cash: str = "1000") -> dict[str, Any]:
    return {"output1": list(rows), "output2": [{"prvs_rcdl_excc_amt": cash}]}


HELD = {"pdno": "005930", "hldg_qty": "10", "ord_psbl_qty": "10", "pchs_avg_pric": "100", "trad_dvsn_name": "현금"}
ON_CREDIT = {**HELD, "trad_dvsn_name": "자기융자", "loan_dt": "20261110", "hldg_qty": "5"}


def test_what_is_sold_out_is_no_holding() -> None:
    assert mapping.holdings([balance({**HELD, "hldg_qty": "0"})], ROOM).units == {}


def test_what_was_bought_on_credit_is_not_ours_to_sell() -> None:
    assert mapping.holdings([balance(HELD, ON_CREDIT)], ROOM).units == {"KRX:005930": Decimal(10)}


def test_two_cash_rows_of_one_symbol_are_one_holding() -> None:
    held = mapping.holdings([balance(HELD, {**HELD, "hldg_qty": "20", "pchs_avg_pric": "130"})], ROOM)
    assert (held.units["KRX:005930"], held.average_price["KRX:005930"]) == (Decimal(30), Decimal(120))


def test_a_debt_is_told_as_one() -> None:
    assert mapping.holdings([balance(cash="-5000")], ROOM).cash == {"KRW": Decimal(-5000)}


@pytest.mark.parametrize(
    "pages",
    [
        [],
        [{"output1": []}],
        [balance(HELD), balance(HELD)],
        [balance(HELD, HELD)],
        [balance(cash="1"), balance(cash="2")],
        [balance(cash="")],
        [balance({**HELD, "trad_dvsn_name": "대여"})],
        [balance({**HELD, "hldg_qty": "-1"})],
        [balance({**HELD, "pchs_avg_pric": ""})],
    ],
    ids=[
        "none",
        "no cash",
        "twice",
        "twice on a page",
        "moving cash",
        "empty cash",
        "unknown kind",
        "below zero",
        "no price",
    ],
)
def test_a_balance_that_cannot_be_is_void(pages: list[dict[str, Any]]) -> None:
    with pytest.raises(Garbled):
        mapping.holdings(pages, ROOM)


def test_a_balance_shows_units_set_aside_for_an_order() -> None:
    """An empty order list beside them is the practice server's trap."""
    assert not mapping.sets_units_aside([json_example("### 4.8")])
    assert mapping.sets_units_aside([balance(HELD), balance({**HELD, "pdno": "000660", "ord_psbl_qty": "9"})])


def test_what_is_buyable_is_the_amount_without_debt() -> None:
    read = mapping.buyable(json_example("### 4.9"))
    assert (read.amount, read.quantity) == (Decimal(9287500), Decimal(101))
    assert (read.cash, read.reusable, read.reckoned_at) == (Decimal(9288900), Decimal(0), Decimal(91600))


def test_the_market_opens_when_it_is_said_to_open_and_not_on_every_day_of_trade() -> None:
    assert mapping.open_days(json_example("### 4.15")) == {date(2026, 11, 20): True, date(2026, 11, 21): False}


def rows_page(count: int, mark: str = "", code: str = "KIOK0510", next_key: str = "") -> Reply:
    told = {"rt_cd": "0", "msg_cd": code, "output1": [ROW] * count, "ctx_area_fk100": "f ", "ctx_area_nk100": next_key}
    return reply(told, mark=mark)


@pytest.mark.parametrize("mark", ["F", "M"])
def test_a_page_that_says_so_has_another_behind_it(mark: str) -> None:
    read = page(rows_page(15, mark, "KIOK0500", "n "), "output1", 15)
    assert (read.has_more, read.filter_key, read.next_key) == (True, "f ", "n ")


@pytest.mark.parametrize("mark", ["D", "E", ""])
def test_a_short_page_without_more_is_the_last(mark: str) -> None:
    assert not page(rows_page(14, mark), "output1", 15).has_more


def test_the_practice_servers_word_for_nothing_is_an_empty_page() -> None:
    told = {"rt_cd": "1", "msg_cd": "70070000", "msg1": "모의투자 조회할 내역(자료)이 없습니다"}
    assert page(reply(told), "output1", 15) == Page({"output1": []}, has_more=False)


@pytest.mark.parametrize(
    "void",
    [
        rows_page(15),
        rows_page(3, "D", "KIOK0500"),
        rows_page(3, "", "KIOK0500"),
        rows_page(15, "M", next_key="   "),
        rows_page(15, "X"),
        reply({"rt_cd": "0", "msg_cd": "KIOK0510"}, mark="D"),
        reply({"rt_cd": "1", "msg_cd": "EGW00201"}, 500),
        reply({"rt_cd": "0", "output1": []}, 500, "D"),
        reply("", mark="D"),
        reply("<html>", mark="D"),
    ],
    ids=["full", "end but more", "more", "no way on", "odd mark", "no rows", "limit", "status", "empty", "html"],
)
def test_a_page_whose_end_is_in_doubt_is_void(void: Reply) -> None:
    """I3: the official sample stops early and returns a part as if it were all."""
    with pytest.raises(Garbled):
        page(void, "output1", 15)
