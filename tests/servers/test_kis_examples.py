"""The KIS sandbox gives, brought to the same state, the very answers and frames recorded in the protocol's description."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.servers.kis.client import KisSandbox
from tests.servers.kis.clock import KST
from tests.servers.kis.hours import Phase
from tests.servers.kis.market import Issue
from tests.servers.kis.sandbox import VECTOR
from tests.servers.kis.stream import pingpong
from tests.servers.kis.tape import book_fields, trade_fields
from tests.servers.kis_probe import CANCELABLE, NO_PAGE, QUOTATIONS, SAMSUNG, Probe, Socket

REFERENCE = Path(__file__).resolve().parents[3] / "shared" / "protocols" / "kis.md"
SUBSCRIPTION = (
    '{"header":{"approval_key":"3f1c2d7a-55aa-4c1e-9b0e-0f4e5d6c7b8a","custtype":"P","tr_type":"1","content-type":"utf-8"},'
    '"body":{"input":{"tr_id":"H0STCNT0","tr_key":"005930"}}}'
)
SUBSCRIBED = (
    '{"header":{"tr_id":"H0STCNT0","tr_key":"005930","encrypt":"N"},"body":{"rt_cd":"0","msg_cd":"OPSP0000",'
    '"msg1":"SUBSCRIBE SUCCESS","output":{"iv":"fedcba9876543210","key":"0123456789abcdef0123456789abcdef"}}}'
)
SUBSCRIBED_TWICE = (
    '{"header":{"tr_id":"H0STCNT0","tr_key":"005930","encrypt":"N"},'
    '"body":{"rt_cd":"1","msg_cd":"OPSP0002","msg1":"ALREADY IN SUBSCRIBE"}}'
)
PINGPONG = '{"header":{"tr_id":"PINGPONG","datetime":"20261120101510"}}'
TRADE = (
    "0|H0STCNT0|001|005930^101502^71200^2^700^0.99^70934.51^70600^71400^70400^71200^71100^15^4203311^298159790400^11203^12980"
    "^1777^108.42^1901223^2061288^1^0.52^38.40^090011^2^600^093355^5^-200^090212^2^800^20261120^20^N^51230^48802^1203445"
    "^1398220^0.07^3998120^105.13^0^^70600^2"
)
BOOK = (
    "0|H0STASP0|001|005930^101503^0^71200^71300^71400^71500^71600^71700^71800^71900^72000^72100^71100^71000^70900^70800^70700"
    "^70600^70500^70400^70300^70200^1000^1010^1020^1030^1040^1050^1060^1070^1080^1090^2000^2010^2020^2030^2040^2050^2060"
    "^2070^2080^2090^10450^20450^0^0^0^0^0^0^3^0.00^4203326^120^-80^0^0^00"
)
ACCEPTED = (
    "1|H0STCNI0|001|QiAXDZ60Gk2XQ5yMH7ZtdHI0Y3yOeOwXz+UcF5xNluJ9iqLTmjqfFZJsiXtWr0nn6J0Lf/It2+Li083+VtVguGgqcWwwmZNabtcr5thvI"
    "AepUfMazxjHUaKcyA6umhZ4NHiP7epAQjrr6GkAUX/bLwTTrOZNTFlLve3NQ+vMj1JlUI7+L6KqZuYntICMJ4+w"
)
FILLED = (
    "1|H0STCNI0|001|QiAXDZ60Gk2XQ5yMH7ZtdHI0Y3yOeOwXz+UcF5xNluJ9iqLTmjqfFZJsiXtWr0nnN4XHVa0SuAJQO6tlJ8RXGFFZcoEPT0fXEOA6e+Ez"
    "+v8ghqpDT61lRbIwGNV9MPQ0vrgiuyQfSdC+eeh7avxacKBW3hzrLySPcS5k7ldrTXFvA3EyuoFJ8VrGHuJnJl1+"
)
FILLED_ON_PAPER = (
    "1|H0STCNI9|001|QiAXDZ60Gk2XQ5yMH7ZtdIwX1arCEbTX4dmnP8Rq7Lm2L+flccn3Z/sCqUZrZ1nq5Wan91iw9ZLPq6SOZnGOcQdzLSnQ9sWSlS1jqlGu"
    "HweRpXIDh/PGukuP51wGz8cNMXaKoAdCcqKtxwGR66Kvr7JJiTYNb8nE6gjtjJ95E4aekkjPQYgLMowmDOJfmPb8"
)
ISSUE: dict[str, Any] = {
    "code": "005930",
    "name": "삼성전자",
    "base": 70_500,
    "price": 71_200,
    "open": 70_600,
    "high": 71_400,
    "low": 70_400,
    "volume": 4_203_311,
    "value": 298_159_790_400,
    "previous_volume": 10_945_552,
    "listed": 5_919_637_922,
}
PRICE = json.loads(
    '{"iscd_stat_cls_code":"55","marg_rate":"20.00","rprs_mrkt_kor_name":"KOSPI200","bstp_kor_isnm":"전기·전자",'
    '"temp_stop_yn":"N","oprc_rang_cont_yn":"N","clpr_rang_cont_yn":"N","crdt_able_yn":"Y","stck_prpr":"71200",'
    '"prdy_vrss":"700","prdy_vrss_sign":"2","prdy_ctrt":"0.99","acml_tr_pbmn":"298159790400","acml_vol":"4203311",'
    '"stck_oprc":"70600","stck_hgpr":"71400","stck_lwpr":"70400","stck_mxpr":"91600","stck_llam":"49400",'
    '"stck_sdpr":"70500","wghn_avrg_stck_prc":"70934.51","aspr_unit":"100","lstn_stcn":"5919637922","hts_avls":"4214782",'
    '"stck_shrn_iscd":"005930","vi_cls_code":"N","mrkt_warn_cls_code":"00","short_over_yn":"N","sltr_yn":"N"}'
)
DAY = json.loads(
    '{"stck_bsop_date":"20261119","stck_clpr":"70500","stck_oprc":"70100","stck_hgpr":"70900","stck_lwpr":"69800",'
    '"acml_vol":"10945552","flng_cls_code":"00","prtt_rate":"0.00","mod_yn":"N","prdy_vrss_sign":"5",'
    '"prdy_vrss":"-300","revl_issu_reas":""}'
)
HOLDING = json.loads(
    '{"pdno":"005930","prdt_name":"삼성전자","trad_dvsn_name":"현금","bfdy_buy_qty":"0","bfdy_sll_qty":"0","thdt_buyqty":"10",'
    '"thdt_sll_qty":"0","hldg_qty":"10","ord_psbl_qty":"10","pchs_avg_pric":"71100.0000","pchs_amt":"711000","prpr":"71200",'
    '"evlu_amt":"712000","evlu_pfls_amt":"1000","evlu_pfls_rt":"0.14","evlu_erng_rt":"0.00000000","loan_dt":"","loan_amt":"0",'
    '"stln_slng_chgs":"0","expd_dt":"","fltt_rt":"0.99290780","bfdy_cprs_icdc":"700","item_mgna_rt_name":"20%",'
    '"grta_rt_name":"","stck_loan_unpr":"0.0000"}'
)
SUMS = json.loads(
    '{"dnca_tot_amt":"10000000","nxdy_excc_amt":"10000000","prvs_rcdl_excc_amt":"9288900","cma_evlu_amt":"0","bfdy_buy_amt":"0",'
    '"thdt_buy_amt":"711000","nxdy_auto_rdpt_amt":"0","bfdy_sll_amt":"0","thdt_sll_amt":"0","d2_auto_rdpt_amt":"0",'
    '"bfdy_tlex_amt":"0","thdt_tlex_amt":"100","tot_loan_amt":"0","scts_evlu_amt":"712000","tot_evlu_amt":"10000900",'
    '"nass_amt":"10000900","fncg_gld_auto_rdpt_yn":"","pchs_amt_smtl_amt":"711000","evlu_amt_smtl_amt":"712000",'
    '"evlu_pfls_smtl_amt":"1000","tot_stln_slng_chgs":"0","bfdy_tot_asst_evlu_amt":"10000000","asst_icdc_amt":"900",'
    '"asst_icdc_erng_rt":"0.00000000"}'
)
BUYABLE = json.loads(
    '{"ord_psbl_cash":"9288900","ord_psbl_sbst":"0","ruse_psbl_amt":"0","fund_rpch_chgs":"0","psbl_qty_calc_unpr":"91600",'
    '"nrcvb_buy_amt":"9287500","nrcvb_buy_qty":"101","max_buy_amt":"9287500","max_buy_qty":"101","cma_evlu_amt":"0",'
    '"ovrs_re_use_amt_wcrc":"0","ord_psbl_frcr_amt_wcrc":"0"}'
)
ORDERS = json.loads(
    '{"output1":[{"ord_dt":"20261120","ord_gno_brno":"06010","odno":"0000123456","orgn_odno":"","ord_dvsn_name":"지정가",'
    '"sll_buy_dvsn_cd":"02","sll_buy_dvsn_cd_name":"현금매수","pdno":"005930","prdt_name":"삼성전자","ord_qty":"10",'
    '"ord_unpr":"71100","ord_tmd":"101510","tot_ccld_qty":"4","avg_prvs":"71100","cncl_yn":"","tot_ccld_amt":"284400",'
    '"loan_dt":"","ordr_empno":"OpnAPI","ord_dvsn_cd":"00","cncl_cfrm_qty":"6","rmn_qty":"0","rjct_qty":"0",'
    '"ccld_cndt_name":"없음","inqr_ip_addr":"127.0.0.1","cpbc_ordp_ord_rcit_dvsn_cd":"","cpbc_ordp_infm_mthd_dvsn_cd":"",'
    '"infm_tmd":"","ctac_tlno":"","prdt_type_cd":"","excg_dvsn_cd":"02","cpbc_ordp_mtrl_dvsn_cd":"","ord_orgno":"00000",'
    '"rsvn_ord_end_dt":"","excg_id_dvsn_cd":"KRX","stpm_cndt_pric":"0","stpm_efct_occr_dtmd":""}],'
    '"output2":{"tot_ord_qty":"10","tot_ccld_qty":"4","tot_ccld_amt":"284400","prsm_tlex_smtl":"10","pchs_avg_pric":"71100.0000"},'
    '"rt_cd":"0","msg_cd":"KIOK0460"}'
)
CANCELABLE_ROW = json.loads(
    '{"ord_gno_brno":"06010","odno":"0000123456","orgn_odno":"","ord_dvsn_name":"지정가","pdno":"005930","prdt_name":"삼성전자",'
    '"rvse_cncl_dvsn_name":"현금매수","ord_qty":"10","ord_unpr":"71100","ord_tmd":"101510","tot_ccld_qty":"4",'
    '"tot_ccld_amt":"284400","psbl_qty":"6","sll_buy_dvsn_cd":"02","ord_dvsn_cd":"00","mgco_aptm_odno":"","excg_dvsn_cd":"02",'
    '"excg_id_dvsn_cd":"KRX","excg_id_dvsn_name":"KRX","stpm_cndt_pric":"0","stpm_efct_occr_yn":""}'
)


@pytest.fixture
def sandbox(kis_process: KisSandbox) -> KisSandbox:
    kis_process.tell("reset", at="2026-11-20T10:15:10", speed=0)
    kis_process.tell("limits", live=1000, paper=1000)
    return kis_process


def order_of_ten(sandbox: KisSandbox, live: Probe) -> None:
    """The reference's order: 10 at 71,100, of which 4 fill."""
    sandbox.tell("number", environment="live", next=123_456)
    sandbox.tell("policy", parts=0)
    said = live.order(quantity=10, price=71_100)
    assert said.body == json.loads(
        '{"rt_cd":"0","msg_cd":"APBK0013","msg1":"주문 전송 완료 되었습니다.",'
        '"output":{"KRX_FWDG_ORD_ORGNO":"06010","ODNO":"0000123456","ORD_TMD":"101510"}}'
    )
    sandbox.tell("clock", at="2026-11-20T10:15:23")
    sandbox.tell("fill", environment="live", key="20261120-06010-0000123456", quantity=4, price=71_100)


def test_the_recorded_subscription_and_its_acknowledgement(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("quirks", same_session_keys=True)
    with Socket(sandbox.ws["live"], live.approval()) as line:
        line.send(SUBSCRIPTION.replace("3f1c2d7a-55aa-4c1e-9b0e-0f4e5d6c7b8a", line.approval))
        assert line.text() == SUBSCRIBED
        line.send(SUBSCRIPTION.replace("3f1c2d7a-55aa-4c1e-9b0e-0f4e5d6c7b8a", line.approval))
        assert line.text() == SUBSCRIBED_TWICE


def test_the_recorded_call_for_a_sign_of_life() -> None:
    assert pingpong(datetime(2026, 11, 20, 10, 15, 10, tzinfo=KST)) == PINGPONG


@pytest.mark.parametrize("recorded", [SUBSCRIPTION, SUBSCRIBED, SUBSCRIBED_TWICE, PINGPONG])
def test_the_examples_of_the_socket_stand_in_the_description(recorded: str) -> None:
    """Neither side can have retyped them wrong."""
    if not REFERENCE.exists():
        pytest.skip("the protocol reference ../shared/protocols/kis.md is not here")
    assert recorded in REFERENCE.read_text(encoding="utf-8")


def test_the_recorded_trade_frame() -> None:
    issue = Issue(**ISSUE)
    issue.volume, issue.value = 4_203_311 - 15, 298_159_790_400 - 15 * 71_200
    issue.sell_trades, issue.buy_trades = 11_203, 12_979
    issue.sell_volume, issue.buy_volume = 1_901_223, 2_061_288 - 15
    issue.open_hour, issue.high_hour, issue.low_hour = "090011", "093355", "090212"
    issue.previous_same_hour = 3_998_120
    issue.asks = [(71_200, 51_230), (71_300, 1_203_445 - 51_230)]
    issue.bids = [(71_100, 48_802), (71_000, 1_398_220 - 48_802)]
    at = datetime(2026, 11, 20, 10, 15, 2, tzinfo=KST)
    trade = issue.trade(71_200, 15, is_buy=True, at=at)
    recorded = TRADE.split("|", 3)[3].split("^")
    assert trade_fields(issue, trade, at, Phase.OPEN) == recorded
    assert len(recorded) == 47
    assert trade_fields(issue, trade, at, Phase.OPEN, 46) == recorded[:46]


def test_the_recorded_book_frame(sandbox: KisSandbox, live: Probe) -> None:
    asks = [[71_200 + 100 * n, 1_000 + 10 * n] for n in range(10)]
    bids = [[71_100 - 100 * n, 2_000 + 10 * n] for n in range(10)]
    before = {"asks": [[71_200, 10_330]], "bids": [[71_100, 20_530]]}
    sandbox.tell("symbol", **(ISSUE | before | {"volume": 4_203_326}))
    with Socket(sandbox.ws["live"], live.approval()) as line:
        line.command("H0STASP0", "005930")
        sandbox.tell("book", code="005930", asks=asks, bids=bids, hour="101503")
        assert line.data() == BOOK


def test_a_sixty_field_book_ends_with_the_class_of_the_market() -> None:
    issue, at = Issue(**ISSUE), datetime(2026, 11, 20, 10, 15, 3, tzinfo=KST)
    assert book_fields(issue, at, Phase.OPEN, 60) == [*book_fields(issue, at, Phase.OPEN), "2"]


def test_the_recorded_notices_of_a_real_order(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("quirks", same_session_keys=True)
    with Socket(sandbox.ws["live"], live.approval()) as line:
        told = line.command("H0STCNI0", "demo1")
        assert told["body"]["output"] == {"iv": VECTOR[0], "key": VECTOR[1]}
        assert told["header"]["encrypt"] == "Y"
        order_of_ten(sandbox, live)
        assert [line.data(), line.data()] == [ACCEPTED, FILLED]


def test_the_recorded_notice_of_a_paper_fill(sandbox: KisSandbox) -> None:
    paper = Probe(sandbox, "paper").log_in()
    sandbox.tell("quirks", same_session_keys=True)
    sandbox.tell("policy", parts=0)
    sandbox.tell("number", environment="paper", next=1562)
    key = {"appkey": paper.key.appkey, "appsecret": paper.key.appsecret, "hts_id": "demo1", "accounts": ["5012345601"]}
    sandbox.tell("key", environment="paper", **key)
    sandbox.tell("account", environment="paper", account="5012345601", cash=10_000_000)
    paper.account = {"CANO": "50123456", "ACNT_PRDT_CD": "01"}
    paper.log_in()
    with Socket(sandbox.ws["paper"], paper.approval()) as line:
        line.command("H0STCNI9", "demo1")
        assert paper.order(quantity=10, price=71_100).body == json.loads(
            '{"rt_cd":"0","msg_cd":"40600000","msg1":"모의투자 매수주문이 완료 되었습니다.",'
            '"output":{"KRX_FWDG_ORD_ORGNO":"00950","ODNO":"0000001562","ORD_TMD":"101510"}}'
        )
        sandbox.tell("clock", at="2026-11-20T10:15:23")
        sandbox.tell("fill", environment="paper", key="20261120-00950-0000001562", quantity=4, price=71_100)
        line.data()
        assert line.data() == FILLED_ON_PAPER


def test_the_recorded_token_answer(sandbox: KisSandbox) -> None:
    sandbox.tell("clock", at="2026-11-21T09:01:07")
    probe = Probe(sandbox, "paper")
    told = probe.oauth("tokenP", appsecret=probe.key.appsecret).body
    assert isinstance(told.pop("access_token"), str)
    assert told == {"token_type": "Bearer", "expires_in": 86400, "access_token_token_expired": "2026-11-22 09:01:07"}


def test_the_recorded_price(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("symbol", **ISSUE)
    said = live.price().body
    assert said["output"].items() >= PRICE.items()
    assert {name: said[name] for name in ("rt_cd", "msg_cd", "msg1")} == {
        "rt_cd": "0",
        "msg_cd": "MCA00000",
        "msg1": "정상처리 되었습니다.",
    }


def test_the_recorded_days(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("symbol", **ISSUE)
    days = [["2026-11-19", 70_100, 70_900, 69_800, 70_500, 10_945_552], ["2026-11-18", 1, 1, 1, 70_800, 1]]
    sandbox.tell("bars", code="005930", days=days)
    asked = {
        "FID_INPUT_DATE_1": "20261119",
        "FID_INPUT_DATE_2": "20261120",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "0",
    }
    said = live.get(f"{QUOTATIONS}/inquire-daily-itemchartprice", "FHKST03010100", SAMSUNG | asked).body
    today, before = said["output2"]
    assert today["stck_bsop_date"] == "20261120"
    assert (today["stck_clpr"], today["prdy_vrss"], today["acml_tr_pbmn"]) == ("71200", "700", "298159790400")
    assert before.items() >= DAY.items()
    assert said["output1"]["stck_prdy_clpr"] == "70500"
    assert said["output1"]["hts_kor_isnm"] == "삼성전자"


def test_the_recorded_balance_and_what_may_be_bought(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("fees", rate="0.00015", tax="0.002", unit=10)
    sandbox.tell("account", environment="live", account="5012345601", cash=10_000_000)
    sandbox.tell("trade", code="005930", ticks=[[71_100, 1, "buy"]])
    live.order(quantity=10, price=71_100)
    sandbox.tell("trade", code="005930", ticks=[[71_200, 1, "buy"]])
    said = live.balance()
    assert said.headers["tr_cont"] == "D"
    assert said.body["ctx_area_fk100"] == "50123456^01^N^N^01^01^N^".ljust(100)
    assert said.body["output1"][0].items() >= HOLDING.items()
    assert said.body["output2"] == [SUMS]
    assert said.body["msg1"] == "조회가 완료되었습니다".ljust(80)
    assert live.buyable().body["output"] == BUYABLE


def test_the_recorded_order_list_once_the_day_is_over(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("fees", rate="0.000042", tax="0.002", unit=10)
    order_of_ten(sandbox, live)
    sandbox.tell("clock", at="2026-11-20T15:30:00")
    said = live.orders()
    assert said.headers["tr_cont"] == "D"
    assert said.body.items() >= ORDERS.items()
    assert said.body["ctx_area_fk100"] == "50123456^01^20261120^20261120^00^^^^00^00^^00^KRX^".ljust(100)


def test_the_recorded_cancelable_orders(sandbox: KisSandbox, live: Probe) -> None:
    order_of_ten(sandbox, live)
    asked = live.account | NO_PAGE | {"INQR_DVSN_1": "0", "INQR_DVSN_2": "0"}
    said = live.get(CANCELABLE, "TTTC0084R", asked).body
    assert said["output"] == [CANCELABLE_ROW]
    assert said["ctx_area_fk100"] == "50123456^01^0^0^".ljust(100)


def test_the_recorded_cancel(sandbox: KisSandbox, live: Probe) -> None:
    order_of_ten(sandbox, live)
    sandbox.tell("number", environment="live", next=123_499)
    sandbox.tell("clock", at="2026-11-20T10:17:02")
    assert live.revise("0000123456").body == json.loads(
        '{"rt_cd":"0","msg_cd":"APBK0013","msg1":"주문 전송 완료 되었습니다.",'
        '"output":{"KRX_FWDG_ORD_ORGNO":"06010","ODNO":"0000123499","ORD_TMD":"101702"}}'
    )


def test_the_recorded_holidays(sandbox: KisSandbox, live: Probe) -> None:
    asked = {"BASS_DT": "20261120", "CTX_AREA_NK": "", "CTX_AREA_FK": ""}
    said = live.get(f"{QUOTATIONS}/chk-holiday", "CTCA0903R", asked).body
    assert said["output"][:2] == json.loads(
        '[{"bass_dt":"20261120","wday_dvsn_cd":"06","bzdy_yn":"Y","tr_day_yn":"Y","opnd_yn":"Y","sttl_day_yn":"Y"},'
        '{"bass_dt":"20261121","wday_dvsn_cd":"07","bzdy_yn":"N","tr_day_yn":"Y","opnd_yn":"N","sttl_day_yn":"N"}]'
    )
    assert said["ctx_area_fk"] == "20261120            "
    assert said["msg1"] == "조회가 계속됩니다..다음버튼을 Click 하십시오.".ljust(80)
