"""Requests to KIS in its own words: paths, parameters in its order, bodies byte for byte as the reference shows them."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from urllib.parse import quote, urlencode

from brokers.kis.credentials import Credentials
from brokers.kis.divisions import CODES, PAPER_CODES, Kind
from brokers.kis.instants import digits_of_day
from brokers.kis.transactions import Service, transaction
from brokers.protocol import Environment, OrderRequest, OrderType
from brokers.wire.values import Garbled
from markets.types import Side

STOCK = "/uapi/domestic-stock/v1"
EXCHANGE = "KRX"
_SYMBOL = re.compile(r"[0-9A-Z]{6}|Q[0-9]{6}")


class Unsendable(ValueError):
    """KIS has no words for this order; nothing was sent. `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Call:
    """One request without its headers: the client adds keys and token. Query and body name the account."""

    path: str
    tr_id: str
    query: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    is_continuation: bool = False

    @property
    def method(self) -> str:
        return "GET" if self.body is None else "POST"

    @property
    def target(self) -> str:
        # %20 and not +: what a continuation is given is padded with spaces and goes back as it came.
        return f"{self.path}?{urlencode(self.query, quote_via=quote)}" if self.query else self.path

    def after(self, filter_key: str, next_key: str) -> "Call":
        """The same question, continued where the last page ended."""
        query = {**self.query, "CTX_AREA_FK100": filter_key, "CTX_AREA_NK100": next_key}
        return replace(self, query=query, is_continuation=True)


def compact(fields: Mapping[str, str]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def symbol(instrument: str) -> str:
    """ "KRX:005930" → "005930". Raises Unsendable."""
    venue, _colon, code = instrument.partition(":")
    if venue != EXCHANGE or not _SYMBOL.fullmatch(code):
        raise Unsendable("instrument_not_tradable")
    return code


def instrument_key(code: str) -> str:
    """The other way round. Raises Garbled."""
    if not _SYMBOL.fullmatch(code):
        raise Garbled("no symbol")
    return f"{EXCHANGE}:{code}"


def division(asked: OrderRequest, environment: Environment) -> str:
    """ORD_DVSN. Raises Unsendable for what the venue has no code for, e.g. an order good till cancelled."""
    codes = CODES if environment is Environment.LIVE else PAPER_CODES
    found = codes.get(Kind(asked.division, asked.order_type, asked.time_in_force))
    if found is not None:
        return found
    if not any(kind.division is asked.division for kind in codes):
        raise Unsendable("division_not_supported")
    is_known = any((kind.division, kind.order_type) == (asked.division, asked.order_type) for kind in codes)
    raise Unsendable("time_in_force_not_supported" if is_known else "order_type_not_supported")


def order(asked: OrderRequest, who: Credentials) -> Call:
    """Buy or sell for cash. Raises Unsendable."""
    service = {Side.BUY: Service.BUY, Side.SELL: Service.SELL}[asked.side]
    body = {
        **_account(who),
        "PDNO": symbol(asked.instrument),
        "ORD_DVSN": division(asked, who.environment),
        "ORD_QTY": _whole(asked.quantity),
        "ORD_UNPR": _unit_price(asked),
        "EXCG_ID_DVSN_CD": EXCHANGE,
    }
    return Call(f"{STOCK}/trading/order-cash", transaction(service, who.environment), body=compact(body))


def withdrawal(asked: OrderRequest, branch: str, number: str, who: Credentials) -> Call:
    """Cancel all that is left of an order. Raises Unsendable."""
    return _change(asked, branch, number, who, kind="02", quantity="0", price="0")


def revision(asked: OrderRequest, branch: str, number: str, who: Credentials, units: Decimal | None = None) -> Call:
    """Make all that is left of an order, or `units` of it, into what is asked; the reply names a new order.

    Raises Unsendable.
    """
    quantity = "0" if units is None else _whole(units)
    return _change(asked, branch, number, who, kind="01", quantity=quantity, price=_unit_price(asked))


def orders(first: date, last: date, who: Credentials) -> Call:
    """Every order and its running totals, oldest first, so that what comes meanwhile stands behind the last page."""
    exchange = "ALL" if who.environment is Environment.LIVE else EXCHANGE  # a person may have sent one elsewhere
    query = {
        **_account(who),
        "INQR_STRT_DT": digits_of_day(first),
        "INQR_END_DT": digits_of_day(last),
        "SLL_BUY_DVSN_CD": "00",
        "PDNO": "",
        "ORD_GNO_BRNO": "",
        "ODNO": "",
        "CCLD_DVSN": "00",
        "INQR_DVSN": "01",
        "INQR_DVSN_1": "",
        "INQR_DVSN_3": "00",
        "EXCG_ID_DVSN_CD": exchange,
        **_first_page(),
    }
    return Call(f"{STOCK}/trading/inquire-daily-ccld", transaction(Service.ORDERS, who.environment), query)


def balance(who: Credentials) -> Call:
    query = {
        **_account(who),
        "AFHR_FLPR_YN": "N",
        "OFL_YN": "",
        "INQR_DVSN": "01",  # 02 is refused since February 2026
        "UNPR_DVSN": "01",
        "FUND_STTL_ICLD_YN": "N",
        "FNCG_AMT_AUTO_RDPT_YN": "N",
        "PRCS_DVSN": "00",
        **_first_page(),
    }
    return Call(f"{STOCK}/trading/inquire-balance", transaction(Service.BALANCE, who.environment), query)


def changeable(who: Credentials) -> Call:
    """The orders at work, which can still be changed. Raises NotOffered on the practice server."""
    query = {**_account(who), **_first_page(), "INQR_DVSN_1": "0", "INQR_DVSN_2": "0"}
    return Call(f"{STOCK}/trading/inquire-psbl-rvsecncl", transaction(Service.CHANGEABLE, who.environment), query)


def buyable(who: Credentials, instrument: str | None = None, limit_price: Decimal | None = None) -> Call:
    """What may be bought; without an instrument amounts only. Raises Unsendable."""
    query = {
        **_account(who),
        "PDNO": "" if instrument is None else symbol(instrument),
        "ORD_UNPR": "" if limit_price is None else _whole(limit_price),
        "ORD_DVSN": "01",  # with it, and only with it, the symbol's own margin rate is applied
        "CMA_EVLU_AMT_ICLD_YN": "N",
        "OVRS_ICLD_YN": "N",
    }
    return Call(f"{STOCK}/trading/inquire-psbl-order", transaction(Service.BUYABLE, who.environment), query)


def price(instrument: str, environment: Environment) -> Call:
    return _quotation("inquire-price", Service.PRICE, instrument, environment)


def book(instrument: str, environment: Environment) -> Call:
    return _quotation("inquire-asking-price-exp-ccn", Service.BOOK, instrument, environment)


def daily_bars(instrument: str, first: date, last: date, environment: Environment, *, is_adjusted: bool) -> Call:
    span = {"FID_INPUT_DATE_1": digits_of_day(first), "FID_INPUT_DATE_2": digits_of_day(last)}
    kind = {"FID_PERIOD_DIV_CODE": "D", "FID_ORG_ADJ_PRC": "0" if is_adjusted else "1"}  # 0 is the adjusted one here
    return _quotation("inquire-daily-itemchartprice", Service.DAILY_BARS, instrument, environment, **span, **kind)


def minutes_today(instrument: str, until: str, environment: Environment) -> Call:
    """`until`: HHMMSS, never ahead of the venue's clock, which would be answered with made-up rows."""
    asked = {"FID_INPUT_HOUR_1": until, "FID_PW_DATA_INCU_YN": "N", "FID_ETC_CLS_CODE": ""}
    return _quotation("inquire-time-itemchartprice", Service.MINUTES_TODAY, instrument, environment, **asked)


def minutes_of_day(instrument: str, on: date, until: str, environment: Environment) -> Call:
    asked = {"FID_INPUT_DATE_1": digits_of_day(on), "FID_INPUT_HOUR_1": until}
    rest = {"FID_PW_DATA_INCU_YN": "N", "FID_FAKE_TICK_INCU_YN": ""}
    return _quotation("inquire-time-dailychartprice", Service.MINUTES_OF_DAY, instrument, environment, **asked, **rest)


def holidays(first: date, environment: Environment) -> Call:
    query = {"BASS_DT": digits_of_day(first), "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
    return Call(f"{STOCK}/quotations/chk-holiday", transaction(Service.HOLIDAYS, environment), query)


def _quotation(path: str, service: Service, instrument: str, environment: Environment, **more: str) -> Call:
    query = {"FID_COND_MRKT_DIV_CODE": "J", "FID_INPUT_ISCD": symbol(instrument), **more}
    return Call(f"{STOCK}/quotations/{path}", transaction(service, environment), query)


def _change(
    asked: OrderRequest, branch: str, number: str, who: Credentials, *, kind: str, quantity: str, price: str
) -> Call:
    body = {
        **_account(who),
        "KRX_FWDG_ORD_ORGNO": branch,
        "ORGN_ODNO": number,
        "ORD_DVSN": division(asked, who.environment),
        "RVSE_CNCL_DVSN_CD": kind,
        "ORD_QTY": quantity,
        "ORD_UNPR": price,
        "QTY_ALL_ORD_YN": "Y" if quantity == "0" else "N",
        "EXCG_ID_DVSN_CD": EXCHANGE,
    }
    return Call(f"{STOCK}/trading/order-rvsecncl", transaction(Service.CHANGE, who.environment), body=compact(body))


def _account(who: Credentials) -> dict[str, str]:
    return {"CANO": who.account, "ACNT_PRDT_CD": who.product}


def _first_page() -> dict[str, str]:
    return {"CTX_AREA_FK100": "", "CTX_AREA_NK100": ""}


def _unit_price(asked: OrderRequest) -> str:
    """Raises Unsendable."""
    if asked.order_type is OrderType.MARKET and asked.limit_price is None:
        return "0"
    if asked.limit_price is None:
        raise Unsendable("limit_price_missing")
    if asked.order_type is OrderType.MARKET:
        raise Unsendable("limit_price_without_limit")
    return _whole(asked.limit_price)


def _whole(value: Decimal) -> str:
    """A number of won or shares as digits. Raises Unsendable."""
    if not value.is_finite() or value <= 0 or value != value.to_integral_value():
        raise Unsendable("bad_number")
    return format(value.to_integral_value(), "f")
