"""Answers about days and issues that no trade changes: holidays, basic information. Every value is text."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tests.servers.kis.market import Market
from tests.servers.kis.quotes import OK, Answer, day_of

HOLIDAY_ROWS = 24


def holidays(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    """24 calendar days from BASS_DT (or from the key of the next page). `tr_day_yn` is Y on closed days too."""
    del now
    asked = query.get("CTX_AREA_NK", "").strip()
    first = day_of({"BASS_DT": asked or query["BASS_DT"]}, "BASS_DT")
    rows = []
    for day in (first + timedelta(days=n) for n in range(HOLIDAY_ROWS)):
        is_open = "Y" if market.hours.is_trading_day(day) else "N"
        weekday = f"{day.isoweekday() % 7 + 1:02d}"
        flags = {"bzdy_yn": is_open, "tr_day_yn": "Y", "opnd_yn": is_open, "sttl_day_yn": is_open}
        rows.append({"bass_dt": f"{day:%Y%m%d}", "wday_dvsn_cd": weekday} | flags)
    following = first + timedelta(days=HOLIDAY_ROWS)
    return {
        "ctx_area_nk": f"{following:%Y%m%d}".ljust(20),
        "ctx_area_fk": f"{first:%Y%m%d}".ljust(20),
        "output": rows,
        "rt_cd": "0",
        "msg_cd": "KIOK0500",
        "msg1": "조회가 계속됩니다..다음버튼을 Click 하십시오.".ljust(80),
    }


def stock_info(market: Market, query: Mapping[str, str], now: datetime) -> Answer:
    del now
    issue = market.issues.get(query["PDNO"])
    output = (
        {}
        if issue is None
        else {
            "pdno": issue.code.rjust(12, "0"),
            "prdt_name": issue.name,
            "prdt_abrv_name": issue.name,
            "mket_id_cd": "STK" if issue.market == "KOSPI" else "KSQ",
            "scty_grp_id_cd": "EF" if issue.is_fund else "ST",
            "excg_dvsn_cd": "02" if issue.market == "KOSPI" else "03",
            "lstg_stqt": str(issue.listed),
            "tr_stop_yn": "Y" if issue.is_halted else "N",
            "admn_item_yn": "N",
            "thdt_clpr": str(issue.price),
            "bfdy_clpr": str(issue.base),
            "cptt_trad_tr_psbl_yn": "Y",
            "nxt_tr_stop_yn": "N",
        }
    )
    return {"output": output} | OK
