"""Which path is which call, under which TR ids of which environment, with which fields; and what each does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.servers.kis import balances, books, quotes, reference, refusals
from tests.servers.kis.access import LIVE, PAPER
from tests.servers.kis.desk import Asked
from tests.servers.kis.ledger import BUY, CANCEL, MODIFY, SELL, Order
from tests.servers.kis.refusals import INVENTED, Refused, bad_input
from tests.servers.kis.sandbox import Sandbox

V1 = "/uapi/domestic-stock/v1"
Answer = tuple[dict[str, Any], str]  # the body, and the header tr_cont


@dataclass(frozen=True, slots=True)
class Call:
    """One request that passed the gateway. `tr` is the real and new name of its TR."""

    sandbox: Sandbox
    environment: str
    tr: str
    is_old_tr: bool
    data: Mapping[str, str]
    cont: str
    our_id: str = ""


@dataclass(frozen=True, slots=True)
class Route:
    name: str
    method: str
    trs: frozenset[str]
    act: Callable[[Call], Answer]
    fields: tuple[str, ...]
    is_live_only: bool = False
    is_ledger: bool = False


# An old id means the new one of its line. The table has real ids; on paper their first letter is V.
OLD = {
    "TTTC0801U": "TTTC0011U",
    "TTTC0802U": "TTTC0012U",
    "TTTC0803U": "TTTC0013U",
    "TTTC8036R": "TTTC0084R",
    "TTTC8001R": "TTTC0081R",
    "CTSC9115R": "CTSC9215R",
}
_ISSUE = ("FID_COND_MRKT_DIV_CODE", "FID_INPUT_ISCD")
_ACCOUNT = ("CANO", "ACNT_PRDT_CD")
_PAGE = ("CTX_AREA_FK100", "CTX_AREA_NK100")


def _quote(act: Callable[..., dict[str, Any]]) -> Callable[[Call], Answer]:
    return lambda call: (act(call.sandbox.market, call.data, call.sandbox.now()), "")


def _book(act: Callable[..., Answer]) -> Callable[[Call], Answer]:
    return lambda call: act(call.sandbox.desks[call.environment], call.data, call.cont, call.sandbox.now())


def _orders(call: Call) -> Answer:
    quirk = call.sandbox.quirks["same_day_empty"]
    is_empty = call.environment == PAPER and (quirk == "always" or (quirk == "old" and call.is_old_tr))
    desk = call.sandbox.desks[call.environment]
    return books.orders(desk, call.data, call.cont, call.sandbox.now(), is_empty_today=is_empty)


def _daily(call: Call) -> Answer:
    body = quotes.daily(call.sandbox.market, call.data, call.sandbox.now())
    if call.sandbox.quirks["pad_days"]:
        body["output2"] += [{}] * (quotes.DAY_ROWS - len(body["output2"]))
    return body, ""


def order(call: Call) -> Answer:
    """0011 sells, 0012 buys."""
    side = SELL if call.tr == "TTTC0011U" else BUY
    quantity = _whole(call.data, "ORD_QTY")
    if not quantity:
        raise Refused(bad_input("ORD_QTY"))
    asked = Asked(
        account=books.account_number(call.data),
        symbol=call.data["PDNO"],
        side=side,
        division=call.data["ORD_DVSN"],
        quantity=quantity,
        price=_whole(call.data, "ORD_UNPR"),
        exchange=_exchange(call),
        our_id=call.our_id,
    )
    taken = call.sandbox.desks[call.environment].submit(asked, call.sandbox.now())
    return _sent(call, taken, "buy" if side == BUY else "sell"), ""


def revise(call: Call) -> Answer:
    kind = {"01": MODIFY, "02": CANCEL}.get(call.data["RVSE_CNCL_DVSN_CD"])
    if kind is None:
        raise Refused(bad_input("RVSE_CNCL_DVSN_CD"))
    whole = call.data["QTY_ALL_ORD_YN"]
    if whole not in {"Y", "N"}:
        raise Refused(bad_input("QTY_ALL_ORD_YN"))
    number = call.data["ORGN_ODNO"].strip()
    desk = call.sandbox.desks[call.environment]
    if not number.isdigit():
        raise Refused(refusals.NO_ORIGINAL)
    row = desk.revise(
        books.account_number(call.data),
        int(number),
        kind,
        call.data["ORD_DVSN"],
        None if whole == "Y" else _whole(call.data, "ORD_QTY"),
        _whole(call.data, "ORD_UNPR"),
        _exchange(call),
        call.sandbox.now(),
    )
    return _sent(call, row, "modify" if kind == MODIFY else "cancel"), ""


_PAPER_DONE = {
    "buy": ("40600000", "모의투자 매수주문이 완료 되었습니다."),
    "sell": ("40590000", "모의투자 매도주문이 완료 되었습니다."),
    "modify": ("40620000", "모의투자 정정주문이 완료 되었습니다."),
    "cancel": ("40630000", "모의투자 취소주문이 완료 되었습니다."),
}


def _sent(call: Call, row: Order, what: str) -> dict[str, Any]:
    code, text = ("APBK0013", "주문 전송 완료 되었습니다.") if call.environment == LIVE else _PAPER_DONE[what]
    output = {"KRX_FWDG_ORD_ORGNO": row.branch, "ODNO": row.odno, "ORD_TMD": f"{row.at:%H%M%S}"}
    return {"rt_cd": "0", "msg_cd": code, "msg1": text, "output": output}


def _exchange(call: Call) -> str:
    exchange = call.data.get("EXCG_ID_DVSN_CD", "") or "KRX"
    if exchange not in {"KRX", "NXT", "SOR"}:
        raise Refused(bad_input("EXCG_ID_DVSN_CD"))
    if exchange != "KRX" and call.environment == PAPER:
        raise Refused(INVENTED["paper_exchange"])
    return exchange


def _whole(data: Mapping[str, str], field: str) -> int:
    text = data[field]
    if not text.isascii() or not text.isdigit() or len(text) > 12:
        raise Refused(bad_input(field))
    return int(text)


def _of(*trs: str) -> frozenset[str]:
    return frozenset(trs)


_CCLD = (
    "INQR_STRT_DT",
    "INQR_END_DT",
    "SLL_BUY_DVSN_CD",
    "PDNO",
    "ORD_GNO_BRNO",
    "ODNO",
    "CCLD_DVSN",
    "INQR_DVSN",
    "INQR_DVSN_3",
)
_BALANCE = (
    "AFHR_FLPR_YN",
    "OFL_YN",
    "INQR_DVSN",
    "UNPR_DVSN",
    "FUND_STTL_ICLD_YN",
    "FNCG_AMT_AUTO_RDPT_YN",
    "PRCS_DVSN",
)
_BUYABLE = ("PDNO", "ORD_UNPR", "ORD_DVSN", "CMA_EVLU_AMT_ICLD_YN", "OVRS_ICLD_YN")
_ORDER = ("PDNO", "ORD_DVSN", "ORD_QTY", "ORD_UNPR")
_REVISE = ("KRX_FWDG_ORD_ORGNO", "ORGN_ODNO", "ORD_DVSN", "RVSE_CNCL_DVSN_CD", "ORD_QTY", "ORD_UNPR", "QTY_ALL_ORD_YN")
_DAILY = ("FID_INPUT_DATE_1", "FID_INPUT_DATE_2", "FID_PERIOD_DIV_CODE", "FID_ORG_ADJ_PRC")
_MINUTES = ("FID_INPUT_HOUR_1", "FID_PW_DATA_INCU_YN")
_PAST = (*_MINUTES, "FID_INPUT_DATE_1", "FID_FAKE_TICK_INCU_YN")

ROUTES: dict[str, Route] = {
    f"{V1}/quotations/inquire-price": Route("price", "GET", _of("FHKST01010100"), _quote(quotes.price), _ISSUE),
    f"{V1}/quotations/inquire-asking-price-exp-ccn": Route(
        "book", "GET", _of("FHKST01010200"), _quote(quotes.book), _ISSUE
    ),
    f"{V1}/quotations/inquire-ccnl": Route("trades", "GET", _of("FHKST01010300"), _quote(quotes.last_trades), _ISSUE),
    f"{V1}/quotations/inquire-daily-itemchartprice": Route(
        "daily", "GET", _of("FHKST03010100"), _daily, (*_ISSUE, *_DAILY)
    ),
    f"{V1}/quotations/inquire-time-itemchartprice": Route(
        "minutes", "GET", _of("FHKST03010200"), _quote(quotes.minutes), (*_ISSUE, *_MINUTES, "FID_ETC_CLS_CODE")
    ),
    f"{V1}/quotations/inquire-time-dailychartprice": Route(
        "past-minutes", "GET", _of("FHKST03010230"), _quote(quotes.past_minutes), (*_ISSUE, *_PAST), is_live_only=True
    ),
    f"{V1}/quotations/chk-holiday": Route(
        "holidays", "GET", _of("CTCA0903R"), _quote(reference.holidays), ("BASS_DT",), is_live_only=True
    ),
    f"{V1}/quotations/search-stock-info": Route(
        "stock-info", "GET", _of("CTPF1002R"), _quote(reference.stock_info), ("PRDT_TYPE_CD", "PDNO"), is_live_only=True
    ),
    f"{V1}/trading/inquire-balance": Route(
        "balance", "GET", _of("TTTC8434R"), _book(balances.balance), (*_ACCOUNT, *_BALANCE, *_PAGE), is_ledger=True
    ),
    f"{V1}/trading/inquire-psbl-order": Route(
        "buyable", "GET", _of("TTTC8908R"), _book(balances.buyable), (*_ACCOUNT, *_BUYABLE), is_ledger=True
    ),
    f"{V1}/trading/inquire-psbl-sell": Route(
        "sellable",
        "GET",
        _of("TTTC8408R"),
        _book(balances.sellable),
        (*_ACCOUNT, "PDNO"),
        is_live_only=True,
        is_ledger=True,
    ),
    f"{V1}/trading/inquire-psbl-rvsecncl": Route(
        *("cancelable", "GET", _of("TTTC0084R"), _book(books.cancelable)),
        (*_ACCOUNT, "INQR_DVSN_1", "INQR_DVSN_2", *_PAGE),
        is_live_only=True,
        is_ledger=True,
    ),
    f"{V1}/trading/inquire-daily-ccld": Route(
        "ccld", "GET", _of("TTTC0081R", "CTSC9215R"), _orders, (*_ACCOUNT, *_CCLD, *_PAGE), is_ledger=True
    ),
    f"{V1}/trading/order-cash": Route(
        "order", "POST", _of("TTTC0011U", "TTTC0012U"), order, (*_ACCOUNT, *_ORDER), is_ledger=True
    ),
    f"{V1}/trading/order-rvsecncl": Route(
        "revise", "POST", _of("TTTC0013U"), revise, (*_ACCOUNT, *_REVISE), is_ledger=True
    ),
}
