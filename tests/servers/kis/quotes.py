"""Answers about the market: price, book, bars, last trades. Every value is text."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from tests.servers.kis import prices
from tests.servers.kis.hours import Phase
from tests.servers.kis.market import Issue, Market, Row
from tests.servers.kis.refusals import Refused, bad_input

Answer = dict[str, Any]
OK = {"rt_cd": "0", "msg_cd": "MCA00000", "msg1": "정상처리 되었습니다."}
DAY_ROWS, MINUTE_ROWS, PAST_MINUTE_ROWS = 100, 30, 120
PERIODS = {"D", "W", "M", "Y"}


def price(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    """`stck_prpr` is "0" for a symbol nobody knows."""
    del now
    issue = _issue(market, query)
    if issue is None:
        return {"output": {"stck_prpr": "0", "stck_shrn_iscd": query["FID_INPUT_ISCD"]}} | OK
    low, high, width = issue.limits
    output = {
        "iscd_stat_cls_code": "58" if issue.is_halted else "55",
        "marg_rate": "20.00",
        "rprs_mrkt_kor_name": "KOSPI200" if issue.market == "KOSPI" else "KOSDAQ",
        "bstp_kor_isnm": "전기·전자",
        "temp_stop_yn": "Y" if issue.is_halted else "N",
        "oprc_rang_cont_yn": "N",
        "clpr_rang_cont_yn": "N",
        "crdt_able_yn": "Y",
        **_change(issue),
        "acml_tr_pbmn": str(issue.value),
        "acml_vol": str(issue.volume),
        **_day(issue),
        "stck_mxpr": str(high),
        "stck_llam": str(low),
        "rstc_wdth_prc": str(width),
        "stck_sdpr": str(issue.base),
        "wghn_avrg_stck_prc": prices.rate(issue.value, issue.volume, scale=1),
        "aspr_unit": str(issue.tick),
        "vol_tnrt": prices.rate(issue.volume, issue.listed),
        "prdy_vrss_vol_rate": prices.rate(issue.volume, issue.previous_volume),
        "lstn_stcn": str(issue.listed),
        "hts_avls": str(issue.listed * issue.price // 100_000_000),
        "hts_deal_qty_unit_val": "1",
        "stck_shrn_iscd": issue.code,
        "vi_cls_code": "N",
        "ovtm_vi_cls_code": "N",
        "mrkt_warn_cls_code": "00",
        "short_over_yn": "N",
        "sltr_yn": "N",
    }
    return {"output": output} | OK


def book(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    issue = _issue(market, query)
    if issue is None:
        return {"output1": {}, "output2": {}} | OK
    is_open = market.hours.phase(now) is Phase.OPEN
    levels: dict[str, str] = {}
    for name, side in (("ask", issue.asks), ("bid", issue.bids)):
        for place in range(10):
            at, quantity = side[place] if place < len(side) else (0, 0)
            levels[f"{name}p{place + 1}"] = str(at)
            levels[f"{name}p_rsqn{place + 1}"] = str(quantity)
            levels[f"{name}p_rsqn_icdc{place + 1}"] = "0"
    asks, bids = (sum(quantity for _, quantity in side) for side in (issue.asks, issue.bids))
    output1 = {
        "aspr_acpt_hour": issue.book_hour or f"{now:%H%M%S}",
        **levels,
        "total_askp_rsqn": str(asks),
        "total_bidp_rsqn": str(bids),
        "total_askp_rsqn_icdc": str(issue.ask_change),
        "total_bidp_rsqn_icdc": str(issue.bid_change),
        **dict.fromkeys(
            ("ovtm_total_askp_rsqn", "ovtm_total_bidp_rsqn", "ovtm_total_askp_icdc", "ovtm_total_bidp_icdc"), "0"
        ),
        "ntby_aspr_rsqn": str(bids - asks),
        "new_mkop_cls_code": "20" if is_open else "10",
    }
    output2 = {
        "antc_mkop_cls_code": "112" if is_open else "311",
        "stck_prpr": str(issue.price),
        **_day(issue),
        "stck_sdpr": str(issue.base),
        **dict.fromkeys(("antc_cnpr", "antc_cntg_vrss", "antc_vol"), "0"),
        "antc_cntg_vrss_sign": "3",
        "antc_cntg_prdy_ctrt": "0.00",
        "stck_shrn_iscd": issue.code,
        "vi_cls_code": "N",
    }
    return {"output1": output1, "output2": output2} | OK


def daily(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    """Up to 100 days in the range, newest first. Weeks and months are not made: a day's rows only."""
    del now
    issue = _issue(market, query)
    if query["FID_ORG_ADJ_PRC"] not in {"0", "1"}:
        raise Refused(bad_input("FID_ORG_ADJ_PRC"))
    if query["FID_PERIOD_DIV_CODE"] != "D":
        raise Refused(bad_input("FID_PERIOD_DIV_CODE"))
    first, last = day_of(query, "FID_INPUT_DATE_1"), day_of(query, "FID_INPUT_DATE_2")
    if issue is None:
        return {"output1": {}, "output2": []} | OK
    rows = market.days_until(issue, first, last, DAY_ROWS + 1)
    told = [
        {
            "stck_bsop_date": f"{row.day:%Y%m%d}",
            "stck_clpr": str(row.close),
            "stck_oprc": str(row.open),
            "stck_hgpr": str(row.high),
            "stck_lwpr": str(row.low),
            "acml_vol": str(row.volume),
            "acml_tr_pbmn": str(row.value),
            "flng_cls_code": "00",
            "prtt_rate": "0.00",
            "mod_yn": "N",
            **_against(row.close, before),
            "revl_issu_reas": "",
        }
        for row, before in zip(rows, _closes_before(market, issue, rows), strict=True)
    ]
    low, high, _width = issue.limits
    output1 = {
        **_change(issue),
        "stck_prdy_clpr": str(issue.base),
        "acml_vol": str(issue.volume),
        "acml_tr_pbmn": str(issue.value),
        "hts_kor_isnm": issue.name,
        "stck_shrn_iscd": issue.code,
        "prdy_vol": str(issue.previous_volume),
        "stck_mxpr": str(high),
        "stck_llam": str(low),
        **_day(issue),
    }
    return {"output1": output1, "output2": told[:DAY_ROWS]} | OK


def minutes(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    """Today's, 30 at most, newest first, at and before the hour asked for."""
    issue = _issue(market, query)
    hour = _hour(query)
    rows = [] if issue is None else issue.minutes_until(min(hour, f"{now:%H%M}00"))
    return _minute_answer(issue, rows[::-1][:MINUTE_ROWS])


def past_minutes(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    """120 at most, newest first; a day with fewer before the hour is followed by the day before it."""
    if query["FID_FAKE_TICK_INCU_YN"].strip():
        raise Refused(bad_input("FID_FAKE_TICK_INCU_YN"))
    issue = _issue(market, query)
    day, hour = day_of(query, "FID_INPUT_DATE_1"), _hour(query)
    rows: list[Row] = []
    oldest = now.date() - timedelta(days=365)
    while issue is not None and len(rows) < PAST_MINUTE_ROWS and day >= oldest:
        if market.hours.is_trading_day(day):
            is_today = day == now.date()
            of_day = issue.minutes_until(min(hour, f"{now:%H%M}00")) if is_today else issue.past_minutes(day)
            rows += [row for row in reversed(of_day) if row.hour <= hour]
        day, hour = day - timedelta(days=1), "235959"
    return _minute_answer(issue, rows[:PAST_MINUTE_ROWS])


def last_trades(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    del now
    issue = _issue(market, query)
    rows = [
        {
            "stck_cntg_hour": trade.hour,
            "stck_prpr": str(trade.price),
            **_against(trade.price, issue.base),
            "cntg_vol": str(trade.quantity),
            "tday_rltv": prices.rate(issue.buy_volume, issue.sell_volume),
            "prdy_ctrt": prices.rate(trade.price - issue.base, issue.base),
        }
        for trade in reversed(issue.trades if issue else [])
        if issue
    ]
    return {"output": rows} | OK


def day_of(query: Mapping[str, str], field: str) -> date:
    """Raises Refused."""
    text = query[field]
    if len(text) != 8 or not text.isdigit():
        raise Refused(bad_input(field))
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(bad_input(field)) from None


def _hour(query: Mapping[str, str]) -> str:
    hour = query["FID_INPUT_HOUR_1"]
    if len(hour) != 6 or not hour.isdigit() or hour[:2] > "23" or hour[2:4] > "59":
        raise Refused(bad_input("FID_INPUT_HOUR_1"))
    return hour


def _issue(market: Market, query: Mapping[str, str]) -> Issue | None:
    if query["FID_COND_MRKT_DIV_CODE"] not in {"J", "NX", "UN"}:
        raise Refused(bad_input("MRKT_DIV_CODE"))
    return market.issues.get(query["FID_INPUT_ISCD"])


def _minute_answer(issue: Issue | None, rows: list[Row]) -> Answer:
    told = [
        {
            "stck_bsop_date": f"{row.day:%Y%m%d}",
            "stck_cntg_hour": row.hour,
            "stck_prpr": str(row.close),
            "stck_oprc": str(row.open),
            "stck_hgpr": str(row.high),
            "stck_lwpr": str(row.low),
            "cntg_vol": str(row.volume),
            "acml_tr_pbmn": str(row.value),
        }
        for row in rows
    ]
    output1 = (
        {}
        if issue is None
        else {
            **_change(issue),
            "stck_prdy_clpr": str(issue.base),
            "acml_vol": str(issue.volume),
            "acml_tr_pbmn": str(issue.value),
            "hts_kor_isnm": issue.name,
        }
    )
    return {"output1": output1, "output2": told} | OK


def _closes_before(market: Market, issue: Issue, rows: list[Row]) -> list[int]:
    closes = [row.close for row in rows[1:]]
    if rows:
        closes.append(issue.past_day(market.hours.trading_day_from(rows[-1].day, -1)).close)
    return closes


def _against(price: int, before: int) -> dict[str, str]:
    return {"prdy_vrss_sign": prices.sign(price, before), "prdy_vrss": str(price - before)}


def _change(issue: Issue) -> dict[str, str]:
    return {
        "stck_prpr": str(issue.price),
        "prdy_vrss": str(issue.price - issue.base),
        "prdy_vrss_sign": issue.sign,
        "prdy_ctrt": prices.rate(issue.price - issue.base, issue.base),
    }


def _day(issue: Issue) -> dict[str, str]:
    return {"stck_oprc": str(issue.open), "stck_hgpr": str(issue.high), "stck_lwpr": str(issue.low)}
