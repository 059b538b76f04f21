"""Answers about accounts: balance, what may be bought and sold, orders and fills. Every value is text."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.servers.kis import prices, refusals
from tests.servers.kis.access import PAPER
from tests.servers.kis.desk import DEBT_TIMES, Desk
from tests.servers.kis.ledger import BUY, CANCEL, MODIFY, SELL, Account, Holding, Order
from tests.servers.kis.paging import Page, page
from tests.servers.kis.quotes import Answer, day_of
from tests.servers.kis.refusals import Refused, bad_input

BALANCE_ROWS = {"live": 50, PAPER: 20}
ORDER_ROWS = {"live": 100, PAPER: 15}
CANCELABLE_ROWS = 50
DIVISION_NAMES = {"00": "지정가", "01": "시장가", "02": "조건부지정가", "03": "최유리지정가", "04": "최우선지정가"}
DONE = {"rt_cd": "0", "msg_cd": "KIOK0510", "msg1": "조회가 완료되었습니다".ljust(80)}
MORE = {"rt_cd": "0", "msg_cd": "KIOK0500", "msg1": "조회가 계속됩니다..다음버튼을 Click 하십시오.".ljust(80)}
LAST = {"rt_cd": "0", "msg_cd": "KIOK0460", "msg1": "조회 되었습니다. (마지막 자료)".ljust(80)}


def account_number(asked: Mapping[str, str]) -> str:
    return asked["CANO"] + asked["ACNT_PRDT_CD"]


def balance(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    if query["INQR_DVSN"] != "01":
        raise Refused(bad_input("INQR_DVSN"))
    account = desk.account(account_number(query))
    names = ("AFHR_FLPR_YN", "FUND_STTL_ICLD_YN", "INQR_DVSN", "UNPR_DVSN", "FNCG_AMT_AUTO_RDPT_YN")
    asked = [query["CANO"], query["ACNT_PRDT_CD"], *(query[name] for name in names)]
    held = [] if _is_hidden(account, now) else sorted(account.holdings.items())
    found = page([(code, (code, one)) for code, one in held], BALANCE_ROWS[desk.ledger.environment], query, asked, cont)
    rows = [_holding_row(desk, account, code, holding, now) for code, holding in found.rows]
    return _keys(found) | {"output1": rows, "output2": [_sums(desk, account, now)]} | (
        DONE if found.is_last else MORE
    ), found.cont


def buyable(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    """Without a price, or at market, reckoned at the upper limit."""
    del cont, now
    account = desk.account(account_number(query))
    issue = desk.market.issues.get(query["PDNO"])
    if query["PDNO"] and issue is None:
        raise Refused(refusals.NO_SYMBOL)
    cash, again, no_debt = desk.ledger.buyable(account)
    given = _whole(query["ORD_UNPR"] or "0", "ORD_UNPR")
    price = 0 if issue is None else given if given and query["ORD_DVSN"] != "01" else issue.limits[1]
    most = no_debt * (DEBT_TIMES if account.has_margin else 1)
    output = {
        "ord_psbl_cash": str(cash),
        "ord_psbl_sbst": "0",
        "ruse_psbl_amt": str(again),
        "fund_rpch_chgs": "0",
        "psbl_qty_calc_unpr": str(price),
        "nrcvb_buy_amt": str(no_debt),
        "nrcvb_buy_qty": str(no_debt // price if price else 0),
        "max_buy_amt": str(most),
        "max_buy_qty": str(most // price if price else 0),
        "cma_evlu_amt": "0",
        "ovrs_re_use_amt_wcrc": "0",
        "ord_psbl_frcr_amt_wcrc": "0",
    }
    return {"output": output} | DONE, ""


def sellable(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    del cont
    account = desk.account(account_number(query))
    holding = account.holdings.get(query["PDNO"])
    if holding is None:
        return {"output": {}} | DONE, ""
    row = _holding_row(desk, account, query["PDNO"], holding, now)
    same = (
        "pdno",
        "prdt_name",
        "ord_psbl_qty",
        "pchs_avg_pric",
        "pchs_amt",
        "evlu_amt",
        "evlu_pfls_amt",
        "evlu_pfls_rt",
    )
    extra = {
        "buy_qty": row["thdt_buyqty"],
        "sll_qty": row["thdt_sll_qty"],
        "cblc_qty": row["hldg_qty"],
        "nsvg_qty": "0",
    }
    return {"output": {name: row[name] for name in same} | extra | {"now_pric": row["prpr"]}} | DONE, ""


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
    if _is_hidden(account, now):
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
    return _keys(found) | {"output1": rows, "output2": totals} | (LAST if found.is_last else MORE), found.cont


def cancelable(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    account = desk.account(account_number(query))
    side = {"0": {SELL, BUY}, "1": {SELL}, "2": {BUY}}.get(query["INQR_DVSN_2"])
    if side is None:
        raise Refused(bad_input("INQR_DVSN_2"))
    asked = [query["CANO"], query["ACNT_PRDT_CD"], query["INQR_DVSN_1"], query["INQR_DVSN_2"]]
    chosen = [] if _is_hidden(account, now) else [o for o in desk.ledger.live(account.number) if o.side in side]
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
    return _keys(found) | {"output": rows} | (DONE if found.is_last else MORE), found.cont


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


def _holding_row(desk: Desk, account: Account, code: str, holding: Holding, now: datetime) -> dict[str, Any]:
    issue = desk.market.issues[code]
    value, cost = holding.quantity * issue.price, int(holding.cost)
    average = holding.cost / holding.quantity if holding.quantity else Decimal(0)
    traded = _traded(desk, account, now, code)
    return {
        "pdno": code,
        "prdt_name": issue.name,
        "trad_dvsn_name": "현금",
        "bfdy_buy_qty": "0",
        "bfdy_sll_qty": "0",
        "thdt_buyqty": str(traded[BUY][0]),
        "thdt_sll_qty": str(traded[SELL][0]),
        "hldg_qty": str(holding.quantity),
        "ord_psbl_qty": str(holding.quantity - desk.ledger.reserved_units(account.number, code)),
        "pchs_avg_pric": f"{average:.4f}",
        "pchs_amt": str(cost),
        "prpr": str(issue.price),
        "evlu_amt": str(value),
        "evlu_pfls_amt": str(value - cost),
        "evlu_pfls_rt": prices.rate(value - cost, cost),
        "evlu_erng_rt": "0.00000000",
        "loan_dt": "",
        "loan_amt": "0",
        "stln_slng_chgs": "0",
        "expd_dt": "",
        "fltt_rt": prices.rate(issue.price - issue.base, issue.base, 8),
        "bfdy_cprs_icdc": str(issue.price - issue.base),
        "item_mgna_rt_name": "20%",
        "grta_rt_name": "",
        "sbst_pric": str(issue.base * 8 // 100 * 10),
        "stck_loan_unpr": "0.0000",
    }


def _sums(desk: Desk, account: Account, now: datetime) -> dict[str, str]:
    held = [(holding, desk.market.issues[code].price) for code, holding in account.holdings.items()]
    value = sum(holding.quantity * price for holding, price in held)
    cost = sum(int(holding.cost) for holding, _price in held)
    tomorrow = desk.hours.trading_day_from(now.date(), 1)
    traded = _traded(desk, account, now)
    zero = ("cma_evlu_amt", "bfdy_buy_amt", "nxdy_auto_rdpt_amt", "bfdy_sll_amt", "d2_auto_rdpt_amt", "bfdy_tlex_amt")
    worth = account.cash + value
    return {
        "dnca_tot_amt": str(account.by(now.date())),
        "nxdy_excc_amt": str(account.by(tomorrow)),
        "prvs_rcdl_excc_amt": str(account.cash),
        **dict.fromkeys(zero, "0"),
        "thdt_buy_amt": str(traded[BUY][1]),
        "thdt_sll_amt": str(traded[SELL][1]),
        "thdt_tlex_amt": str(traded[BUY][2] + traded[SELL][2]),
        "tot_loan_amt": "0",
        "scts_evlu_amt": str(value),
        "tot_evlu_amt": str(worth),
        "nass_amt": str(worth),
        "fncg_gld_auto_rdpt_yn": "",
        "pchs_amt_smtl_amt": str(cost),
        "evlu_amt_smtl_amt": str(value),
        "evlu_pfls_smtl_amt": str(value - cost),
        "tot_stln_slng_chgs": "0",
        "bfdy_tot_asst_evlu_amt": str(account.settled),
        "asst_icdc_amt": str(worth - account.settled),
        "asst_icdc_erng_rt": "0.00000000",
    }


def _traded(desk: Desk, account: Account, now: datetime, code: str = "") -> dict[str, tuple[int, int, int]]:
    """Today's units, amount and costs by side, of one symbol or all."""
    found = {}
    for side in (SELL, BUY):
        fills = [
            fill
            for order in desk.ledger.orders
            if order.account == account.number and order.side == side and code in {"", order.symbol}
            for fill in order.fills
            if fill.at.date() == now.date()
        ]
        units, amount = sum(f.quantity for f in fills), sum(f.quantity * f.price for f in fills)
        found[side] = (units, amount, sum(f.fee + f.tax for f in fills))
    return found


def _is_hidden(account: Account, now: datetime) -> bool:
    return account.hidden_until is not None and now < account.hidden_until


def _keys(found: Page[Any]) -> dict[str, str]:
    return {"ctx_area_fk100": found.fk, "ctx_area_nk100": found.nk}


def _whole(text: str, field: str) -> int:
    if not text.isdigit():
        raise Refused(bad_input(field))
    return int(text)
