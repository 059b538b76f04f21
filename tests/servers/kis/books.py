"""Answers about an account's orders: all with their fills, and those that can still be changed. Every value is text."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.servers.kis import prices
from tests.servers.kis.access import PAPER
from tests.servers.kis.desk import Desk
from tests.servers.kis.ledger import BUY, CANCEL, MODIFY, SELL, Account, Order
from tests.servers.kis.paging import Page, page
from tests.servers.kis.quotes import Answer, day_of
from tests.servers.kis.refusals import Refused, bad_input

ORDER_ROWS = {"live": 100, PAPER: 15}
CANCELABLE_ROWS = 50
DIVISION_NAMES = {"00": "지정가", "01": "시장가", "02": "조건부지정가", "03": "최유리지정가", "04": "최우선지정가"}
DONE = {"rt_cd": "0", "msg_cd": "KIOK0510", "msg1": "조회가 완료되었습니다".ljust(80)}
MORE = {"rt_cd": "0", "msg_cd": "KIOK0500", "msg1": "조회가 계속됩니다..다음버튼을 Click 하십시오.".ljust(80)}
LAST = {"rt_cd": "0", "msg_cd": "KIOK0460", "msg1": "조회 되었습니다. (마지막 자료)".ljust(80)}


def account_number(asked: Mapping[str, str]) -> str:
    return asked["CANO"] + asked["ACNT_PRDT_CD"]


def orders(
    desk: Desk, query: Mapping[str, str], cont: str, now: datetime, *, is_empty_today: bool
) -> tuple[Answer, str]:
    """One row per order with running totals; newest first unless INQR_DVSN says 01."""
    account = desk.account(account_number(query))
    first, last = day_of(query, "INQR_STRT_DT"), day_of(query, "INQR_END_DT")
    for name, known in (
        ("SLL_BUY_DVSN_CD", {"00", SELL, BUY}),
        ("CCLD_DVSN", {"00", "01", "02"}),
        ("INQR_DVSN", {"00", "01"}),
    ):
        if query[name] not in known:
            raise Refused(bad_input(name))
    exchange = query.get("EXCG_ID_DVSN_CD", "") or "KRX"
    names = ("INQR_STRT_DT", "INQR_END_DT", "SLL_BUY_DVSN_CD", "PDNO", "ORD_GNO_BRNO", "ODNO")
    more = ("CCLD_DVSN", "INQR_DVSN", "INQR_DVSN_1", "INQR_DVSN_3")
    asked = [query["CANO"], query["ACNT_PRDT_CD"], *(query.get(name, "") for name in (*names, *more)), exchange]
    chosen = [
        order
        for order in desk.ledger.orders
        if order.account == account.number
        and first <= order.at.date() <= last
        and query["SLL_BUY_DVSN_CD"] in {"00", order.side}
        and query["PDNO"] in {"", order.symbol}
        and query["ORD_GNO_BRNO"] in {"", order.branch}
        and (not query["ODNO"].strip() or order.odno == query["ODNO"].strip().rjust(10, "0"))
        and exchange in {"ALL", order.exchange}
        and (query["CCLD_DVSN"] == "00" or (order.filled > 0 if query["CCLD_DVSN"] == "01" else order.rest > 0))
        and not (is_empty_today and order.at.date() == now.date())
    ]
    if is_hidden(account, now):
        chosen = []
    is_newest_first = query["INQR_DVSN"] == "00"
    if is_newest_first:
        chosen.reverse()
    keyed = [(order.key, order) for order in chosen]
    found = page(keyed, ORDER_ROWS[desk.ledger.environment], query, asked, cont, is_descending=is_newest_first)
    amount, filled = (sum(getattr(order, name) for order in chosen) for name in ("amount", "filled"))
    totals = {
        "tot_ord_qty": str(sum(order.quantity for order in chosen)),
        "tot_ccld_qty": str(filled),
        "tot_ccld_amt": str(amount),
        "prsm_tlex_smtl": str(sum(fill.fee + fill.tax for order in chosen for fill in order.fills)),
        "pchs_avg_pric": prices.rate(amount, filled, 4, 1),
    }
    rows = [order_row(desk, order) for order in found.rows]
    return keys_of(found) | {"output1": rows, "output2": totals} | (LAST if found.is_last else MORE), found.cont


def cancelable(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    account = desk.account(account_number(query))
    side = {"0": {SELL, BUY}, "1": {SELL}, "2": {BUY}}.get(query["INQR_DVSN_2"])
    if side is None:
        raise Refused(bad_input("INQR_DVSN_2"))
    asked = [query["CANO"], query["ACNT_PRDT_CD"], query["INQR_DVSN_1"], query["INQR_DVSN_2"]]
    chosen = [] if is_hidden(account, now) else [o for o in desk.ledger.live(account.number) if o.side in side]
    found = page([(order.key, order) for order in chosen], CANCELABLE_ROWS, query, asked, cont)
    same = ("ord_gno_brno", "odno", "orgn_odno", "ord_dvsn_name", "pdno", "prdt_name")
    rows = []
    for order in found.rows:
        whole = order_row(desk, order)
        rows.append(
            {name: whole[name] for name in same}
            | {"rvse_cncl_dvsn_name": whole["sll_buy_dvsn_cd_name"]}
            | {name: whole[name] for name in ("ord_qty", "ord_unpr", "ord_tmd", "tot_ccld_qty", "tot_ccld_amt")}
            | {"psbl_qty": str(order.rest), "sll_buy_dvsn_cd": order.side, "ord_dvsn_cd": order.division}
            | {"mgco_aptm_odno": "", "excg_dvsn_cd": whole["excg_dvsn_cd"], "excg_id_dvsn_cd": order.exchange}
            | {"excg_id_dvsn_name": order.exchange, "stpm_cndt_pric": "0", "stpm_efct_occr_yn": ""}
        )
    return keys_of(found) | {"output": rows} | (DONE if found.is_last else MORE), found.cont


def order_row(desk: Desk, order: Order) -> dict[str, str]:
    issue = desk.market.issues[order.symbol]
    verb = {MODIFY: "정정", CANCEL: "취소"}.get(order.kind, "")
    word = "매수" if order.side == BUY else "매도"
    is_cancel = order.kind == CANCEL
    blank = (
        "loan_dt",
        "cpbc_ordp_ord_rcit_dvsn_cd",
        "cpbc_ordp_infm_mthd_dvsn_cd",
        "infm_tmd",
        "ctac_tlno",
        "prdt_type_cd",
    )
    return {
        "ord_dt": f"{order.at:%Y%m%d}",
        "ord_gno_brno": order.branch,
        "odno": order.odno,
        "orgn_odno": order.origin_odno,
        "ord_dvsn_name": DIVISION_NAMES.get(order.division, order.division),
        "sll_buy_dvsn_cd": order.side,
        "sll_buy_dvsn_cd_name": f"{word}거부" if order.rejected else f"현금{word}{verb}",
        "pdno": order.symbol,
        "prdt_name": issue.name,
        "ord_qty": str(order.quantity),
        "ord_unpr": str(order.price),
        "ord_tmd": f"{order.at:%H%M%S}",
        "tot_ccld_qty": str(order.filled),
        "avg_prvs": _average(order),
        "cncl_yn": "Y" if is_cancel else "",
        "tot_ccld_amt": str(order.amount),
        "ordr_empno": "HTS" if order.is_strangers else "OpnAPI",
        "ord_dvsn_cd": order.division,
        "cncl_cfrm_qty": str(order.quantity if is_cancel else order.withdrawn),
        "rmn_qty": str(order.rest),
        "rjct_qty": str(order.rejected),
        "ccld_cndt_name": "없음",
        "inqr_ip_addr": "127.0.0.1",
        **dict.fromkeys(blank, ""),
        "excg_dvsn_cd": "02" if issue.market == "KOSPI" else "03",
        "cpbc_ordp_mtrl_dvsn_cd": "",
        "ord_orgno": "00000",
        "rsvn_ord_end_dt": "",
        "excg_id_dvsn_cd": order.exchange,
        "stpm_cndt_pric": "0",
        "stpm_efct_occr_dtmd": "",
    }


def _average(order: Order) -> str:
    """Whole won as the example has it; with decimals where the fills' prices differ."""
    if not order.filled:
        return "0"
    exact = Decimal(order.amount) / order.filled
    return str(int(exact)) if exact == int(exact) else prices.rate(order.amount, order.filled, 4, 1)


def is_hidden(account: Account, now: datetime) -> bool:
    return account.hidden_until is not None and now < account.hidden_until


def keys_of(found: Page[Any]) -> dict[str, str]:
    return {"ctx_area_fk100": found.fk, "ctx_area_nk100": found.nk}
