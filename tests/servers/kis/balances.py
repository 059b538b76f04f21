"""Answers about what an account holds: balance, what it may buy, what it may sell. Every value is text."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from tests.servers.kis import prices, refusals
from tests.servers.kis.access import PAPER
from tests.servers.kis.books import DONE, MORE, account_number, is_hidden, keys_of
from tests.servers.kis.desk import DEBT_TIMES, Desk
from tests.servers.kis.ledger import BUY, SELL, Account, Holding
from tests.servers.kis.paging import page
from tests.servers.kis.quotes import Answer
from tests.servers.kis.refusals import Refused, bad_input

BALANCE_ROWS = {"live": 50, PAPER: 20}


def balance(desk: Desk, query: Mapping[str, str], cont: str, now: datetime) -> tuple[Answer, str]:
    if query["INQR_DVSN"] != "01":
        raise Refused(bad_input("INQR_DVSN"))
    account = desk.account(account_number(query))
    names = ("AFHR_FLPR_YN", "FUND_STTL_ICLD_YN", "INQR_DVSN", "UNPR_DVSN", "FNCG_AMT_AUTO_RDPT_YN")
    asked = [query["CANO"], query["ACNT_PRDT_CD"], *(query[name] for name in names)]
    held = [] if is_hidden(account, now) else sorted(account.holdings.items())
    found = page([(code, (code, one)) for code, one in held], BALANCE_ROWS[desk.ledger.environment], query, asked, cont)
    rows = [_holding_row(desk, account, code, holding, now) for code, holding in found.rows]
    return keys_of(found) | {"output1": rows, "output2": [_sums(desk, account, now)]} | (
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


def _whole(text: str, field: str) -> int:
    if not text.isdigit():
        raise Refused(bad_input(field))
    return int(text)
