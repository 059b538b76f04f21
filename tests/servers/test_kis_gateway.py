"""The KIS sandbox's gateway: tokens, headers, TR ids of each environment, calls per second."""

import pytest

from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import NO_PAGE, ORDER_CASH, PRICE, QUOTATIONS, SAMSUNG, Probe

BUY = {"PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1", "ORD_UNPR": "70500"}


@pytest.fixture
def paper(sandbox: KisSandbox) -> Probe:
    return Probe(sandbox, "paper").log_in()


def code(said: object) -> tuple[int, str]:
    status, body = said[0], said[1]  # type: ignore[index]
    return status, body.get("msg_cd", body.get("error_code"))


def test_a_second_token_within_a_minute_is_refused_in_its_own_shape(live: Probe) -> None:
    said = live.oauth("tokenP", appsecret=live.key.appsecret)
    assert said.status == 403
    assert said.body == {
        "error_code": "EGW00133",
        "error_description": "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)",
    }


def test_within_six_hours_the_same_token_comes_again_and_then_another(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("advance", seconds=3600 * 6 - 1)
    assert live.oauth("tokenP", appsecret=live.key.appsecret).body["access_token"] == live.token
    sandbox.tell("advance", seconds=61)
    assert live.oauth("tokenP", appsecret=live.key.appsecret).body["access_token"] != live.token


def test_a_token_ends_after_a_day(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("advance", seconds=86_399)
    assert live.price().status == 200
    sandbox.tell("advance", seconds=1)
    said = live.price()
    assert (said.status, said.body) == (
        500,
        {"rt_cd": "1", "msg_cd": "EGW00123", "msg1": "기간이 만료된 token 입니다."},
    )


def test_a_revoked_token_is_invalid_and_the_next_issue_still_waits_its_minute(live: Probe) -> None:
    said = live.oauth("revokeP", appsecret=live.key.appsecret, token=live.token)
    assert said.body == {"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}
    assert code(live.price()) == (500, "EGW00121")
    assert live.oauth("tokenP", appsecret=live.key.appsecret).status == 403


def test_tokens_end_early_when_told_to(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("tokens", end="expired")
    assert code(live.price()) == (500, "EGW00123")


def test_a_wrong_key_or_secret_gets_no_token(live: Probe) -> None:
    assert code(live.oauth("tokenP", appsecret="no")) == (403, "EGW00105")
    assert code(live.oauth("tokenP", appkey="no", appsecret="no")) == (403, "EGW00103")


def test_the_approval_key_wants_secretkey(live: Probe) -> None:
    assert code(live.oauth("Approval", appsecret=live.key.appsecret)) == (403, "EGW00104")
    assert len(live.approval()) == 36


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("appkey", "", (500, "EGW00102")),
        ("appkey", "PSnobody", (500, "EGW00103")),
        ("appsecret", "", (500, "EGW00104")),
        ("appsecret", "no", (500, "EGW00105")),
        ("authorization", "", (500, "EGW00122")),
        ("authorization", "Basic abc", (500, "EGW00205")),
        ("authorization", "Bearer abc", (500, "EGW00121")),
        ("tr_id", "", (200, "OPSQ9999")),
        ("tr_id", "FHKST99999999", (200, "OPSQ0002")),
        ("custtype", "X", (500, "EGW00208")),
    ],
)
def test_each_header_is_checked(live: Probe, header: str, value: str, expected: tuple[int, str]) -> None:
    assert code(live.get(PRICE, "FHKST01010100", SAMSUNG, **{header: value})) == expected


def test_a_post_without_json_content_type_is_refused(live: Probe) -> None:
    assert code(live.post(ORDER_CASH, "TTTC0012U", live.account | BUY, **{"content-type": "text/plain"})) == (
        500,
        "EGW00132",
    )


def test_a_paper_key_is_refused_by_the_live_host(sandbox: KisSandbox, live: Probe, paper: Probe) -> None:
    live.key = paper.key
    assert code(live.price()) == (500, "EGW02004")
    assert code(live.oauth("tokenP", appsecret=live.key.appsecret)) == (403, "EGW02004")


def test_tr_ids_of_the_other_environment_are_refused(live: Probe, paper: Probe) -> None:
    assert code(live.post(ORDER_CASH, "VTTC0012U", live.account | BUY)) == (500, "EGW02004")
    assert code(paper.post(ORDER_CASH, "TTTC0012U", paper.account | BUY)) == (500, "EGW02006")


def test_paper_lacks_what_the_real_host_alone_has(paper: Probe) -> None:
    said = paper.get(f"{QUOTATIONS}/chk-holiday", "CTCA0903R", {"BASS_DT": "20261120"})
    assert (said.status, said.body["msg_cd"], said.body["msg1"]) == (500, "EGW02006", "모의투자 TR 이 아닙니다.")


@pytest.mark.parametrize(
    ("tr", "side"), [("TTTC0011U", "sell"), ("TTTC0012U", "buy"), ("TTTC0801U", "sell"), ("TTTC0802U", "buy")]
)
def test_the_tr_id_alone_says_which_side(sandbox: KisSandbox, live: Probe, tr: str, side: str) -> None:
    sandbox.tell("account", environment="live", account="5012345601", cash=10_000_000, units={"005930": [10, "70000"]})
    assert live.post(ORDER_CASH, tr, live.account | BUY).body["rt_cd"] == "0"
    assert [order["side"] for order in sandbox.truth()["orders"]] == [side]


def test_old_tr_ids_can_be_blocked(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("quirks", old_trs=False)
    assert code(live.post(ORDER_CASH, "TTTC0802U", live.account | BUY)) == (200, "OPSQ0002")


def test_calls_beyond_the_second_s_limit_are_refused_and_do_nothing(sandbox: KisSandbox, paper: Probe) -> None:
    sandbox.tell("limits", paper=1)
    assert paper.order(quantity=1, price=70_500).body["rt_cd"] == "0"
    said = paper.order(quantity=1, price=70_500)
    assert (said.status, said.body) == (
        500,
        {"rt_cd": "1", "msg_cd": "EGW00201", "msg1": "초당 거래건수를 초과하였습니다."},
    )
    assert len(sandbox.truth()["orders"]) == 1


def test_a_share_of_calls_below_the_limit_is_refused_too(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("limits", live=100, refused_share=1.0)
    assert code(live.price()) == (500, "EGW00201")


def test_bodies_hold_text_only_and_every_field(live: Probe) -> None:
    assert code(live.post(ORDER_CASH, "TTTC0012U", live.account | BUY | {"ORD_QTY": 1})) == (200, "OPSQ2001")
    lacking = {name: value for name, value in (live.account | BUY).items() if name != "ORD_DVSN"}
    said = live.post(ORDER_CASH, "TTTC0012U", lacking)
    assert said.body["msg1"] == "ERROR : INPUT INVALID_CHECK_ORD_DVSN"


def test_an_account_that_is_not_the_key_s_is_refused(live: Probe) -> None:
    live.account = {"CANO": "99999999", "ACNT_PRDT_CD": "01"}
    said = live.order(quantity=1, price=70_500)
    assert (said.body["rt_cd"], said.body["msg_cd"]) == ("2", "OPSQ2000")


def test_quote_fields_may_be_in_lower_case(live: Probe) -> None:
    lower = {name.lower(): value for name, value in SAMSUNG.items()}
    assert live.get(PRICE, "FHKST01010100", lower).body["output"]["stck_prpr"] == "70500"


def test_an_unknown_symbol_has_price_zero_and_success(live: Probe) -> None:
    said = live.get(PRICE, "FHKST01010100", SAMSUNG | {"FID_INPUT_ISCD": "999999"}).body
    assert (said["rt_cd"], said["output"]["stck_prpr"]) == ("0", "0")


def test_balances_by_symbol_are_blocked(live: Probe) -> None:
    said = live.balance(INQR_DVSN="02", **NO_PAGE).body
    assert (said["rt_cd"], said["msg_cd"], said["msg1"]) == ("2", "OPSQ2001", "ERROR : INPUT INVALID_CHECK_INQR_DVSN")


def test_days_are_told_a_hundred_at_a_time_newest_first(live: Probe) -> None:
    asked = {
        "FID_INPUT_DATE_1": "20260101",
        "FID_INPUT_DATE_2": "20261119",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "0",
    }
    path = f"{QUOTATIONS}/inquire-daily-itemchartprice"
    first = [row["stck_bsop_date"] for row in live.get(path, "FHKST03010100", SAMSUNG | asked).body["output2"]]
    assert len(first) == 100
    assert first == sorted(first, reverse=True)
    again = live.get(path, "FHKST03010100", SAMSUNG | asked | {"FID_INPUT_DATE_2": first[-1]}).body["output2"]
    assert again[0]["stck_bsop_date"] == first[-1]


def test_empty_objects_may_fill_the_list_of_days(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("quirks", pad_days=True)
    asked = {
        "FID_INPUT_DATE_1": "20261118",
        "FID_INPUT_DATE_2": "20261119",
        "FID_PERIOD_DIV_CODE": "D",
        "FID_ORG_ADJ_PRC": "0",
    }
    rows = live.get(f"{QUOTATIONS}/inquire-daily-itemchartprice", "FHKST03010100", SAMSUNG | asked).body["output2"]
    assert [row.get("stck_bsop_date") for row in rows] == ["20261119", "20261118"] + [None] * 98


def test_minutes_of_today_come_thirty_at_a_time_flat_where_nothing_traded(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("trade", code="005930", ticks=[[70_600, 5, "buy"], [70_500, 7, "sell"]])
    sandbox.tell("clock", at="2026-11-20T10:40:30")
    sandbox.tell("trade", code="005930", ticks=[[70_700, 3, "buy"]])
    asked = SAMSUNG | {"FID_INPUT_HOUR_1": "104100", "FID_PW_DATA_INCU_YN": "Y", "FID_ETC_CLS_CODE": ""}
    path = f"{QUOTATIONS}/inquire-time-itemchartprice"
    rows = live.get(path, "FHKST03010200", asked).body["output2"]
    assert len(rows) == 30
    assert (rows[0]["stck_cntg_hour"], rows[0]["stck_prpr"], rows[0]["cntg_vol"]) == ("104000", "70700", "3")
    assert (rows[1]["stck_cntg_hour"], rows[1]["stck_prpr"], rows[1]["cntg_vol"]) == ("103900", "70500", "0")
    rest = live.get(path, "FHKST03010200", asked | {"FID_INPUT_HOUR_1": "101000"}).body["output2"]
    assert len(rest) == 11
    assert [rest[-1][name] for name in ("stck_oprc", "stck_hgpr", "stck_lwpr", "stck_prpr", "cntg_vol")] == [
        *("70600", "70600", "70500", "70500", "12"),
    ]


def test_minutes_of_a_past_day_run_on_into_the_day_before(live: Probe) -> None:
    asked = SAMSUNG | {"FID_INPUT_HOUR_1": "091000", "FID_PW_DATA_INCU_YN": "Y", "FID_FAKE_TICK_INCU_YN": ""}
    path = f"{QUOTATIONS}/inquire-time-dailychartprice"
    rows = live.get(path, "FHKST03010230", asked | {"FID_INPUT_DATE_1": "20261119"}).body["output2"]
    assert len(rows) == 120
    assert [rows[10]["stck_bsop_date"], rows[11]["stck_bsop_date"]] == ["20261119", "20261118"]


def test_a_wrong_path_is_no_service(live: Probe) -> None:
    assert code(live.get("/uapi/domestic-stock/v1/quotations/nothing", "FHKST01010100", {})) == (404, "MCA00124")
