"""Every way the sandbox says no: HTTP status, rt_cd, code and text as the reference gives them.

`INVENTED` are codes the reference does not know although the refusal exists; they are nobody's real codes.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Saying:
    code: str
    text: str
    rt_cd: str = "1"
    status: int = 200


class Refused(Exception):
    """Nothing was done. `saying` is what the customer reads."""

    def __init__(self, saying: Saying) -> None:
        super().__init__(saying.code)
        self.saying = saying


def _gateway(code: str, text: str) -> Saying:
    return Saying(code, text, "1", 500)


def _ledger(code: str, text: str) -> Saying:
    return Saying(code, text, "7")


SERVER_ERROR = _gateway("EGW00002", "서버 에러가 발생했습니다.")
NO_APPKEY = _gateway("EGW00102", "appkey가 없습니다.")
BAD_APPKEY = _gateway("EGW00103", "유효하지 않은 AppKey입니다.")
NO_SECRET = _gateway("EGW00104", "appsecret이 없습니다.")
BAD_SECRET = _gateway("EGW00105", "유효하지 않은 AppSecret입니다.")
BAD_GRANT = _gateway("EGW00112", "유효하지 않은 grant_type 입니다.")
BAD_TOKEN = _gateway("EGW00121", "유효하지 않은 token 입니다.")
NO_TOKEN = _gateway("EGW00122", "token이 없습니다.")
OLD_TOKEN = _gateway("EGW00123", "기간이 만료된 token 입니다.")
BAD_CONTENT_TYPE = _gateway("EGW00132", "Content-Type 이 올바르지 않습니다.")
TOKEN_TOO_SOON = _gateway("EGW00133", "접근토큰 발급 잠시 후 다시 시도하세요(1분당 1회)")
TOO_MANY = _gateway("EGW00201", "초당 거래건수를 초과하였습니다.")
NOT_BEARER = _gateway("EGW00205", "credentials_type이 유효하지 않습니다.(Bearer)")
BAD_CUSTTYPE = _gateway("EGW00208", "유효하지 않은 custtype 입니다.")
LEDGER_BUSY = _gateway("EGW00215", "원장에서 허용 가능한 초당 거래건수를 초과하였습니다.")
TIMED_OUT = _gateway("EGW00301", "연결 시간이 초과되었습니다. 직전 거래를 반드시 확인하세요.")
PAPER_KEY_AT_LIVE = _gateway("EGW02004", "실전투자 도메인은 모의투자 앱키로 호출하실 수 없습니다.")
NOT_A_LIVE_TR = _gateway("EGW02004", "실전투자 TR 이 아닙니다.")
NOT_A_PAPER_TR = _gateway("EGW02006", "모의투자 TR 이 아닙니다.")
NO_TR = Saying("OPSQ9999", "ERROR : tr_id not found")
UNKNOWN_TR = Saying("OPSQ0002", "없는 서비스 코드 입니다")
BAD_ACCOUNT = Saying("OPSQ2000", "ERROR : INPUT INVALID_CHECK_ACNO", "2")


def bad_input(field: str) -> Saying:
    return Saying("OPSQ2001", f"ERROR : INPUT INVALID_CHECK_{field}", "2")


NO_ORIGINAL = _ledger("APBK0344", "원주문정보가 존재하지 않습니다.")
NO_UNITS = _ledger("APBK0400", "주문 가능한 수량을 초과했습니다")
OFF_TICK = _ledger("APBK0506", "주식주문호가단위 오류입니다.")
NO_SYMBOL = _ledger("APBK0656", "해당종목정보가 없습니다.")
CLOSED = _ledger("APBK0918", "장운영시간이 아닙니다.(주문불가)")
NOT_A_DAY = _ledger("APBK0919", "장운영일자가 주문일과 상이합니다")
NOTHING_LEFT = _ledger("APBK0927", "정정취소 가능수량이 없습니다.")
NO_CASH = _ledger("APBK0952", "주문가능금액을 초과 했습니다")
BAD_DIVISION = _ledger("APBK0963", "주문구분코드 오류 입니다.")
AFTER_MARKET_ONLY = _ledger("APBK3013", "[애프터마켓]지정가 및 최유리/최우선지정가 주문만 가능합니다.")
HALTED = _ledger("APBK0066", "거래정지 종목입니다.")

INVENTED = {
    "above": _ledger("APBK9901", "주문단가가 상한가를 초과합니다."),
    "below": _ledger("APBK9902", "주문단가가 하한가보다 낮습니다."),
    "no_etf": _ledger("APBK9903", "[애프터마켓]매매불가 종목입니다."),
    "paper_units": Saying("40999901", "모의투자 주문 가능한 수량을 초과했습니다."),
    "paper_division": Saying("40999902", "모의투자에서 지원하지 않는 주문구분입니다."),
    "paper_exchange": Saying("40999903", "모의투자는 KRX 주문만 가능합니다."),
    "paper_above": Saying("40999904", "모의투자 주문단가가 상한가를 초과합니다."),
    "paper_below": Saying("40999905", "모의투자 주문단가가 하한가보다 낮습니다."),
}

# What the paper host says instead.
PAPER = {
    OFF_TICK: Saying("40030000", "모의투자 주문처리가 안되었습니다(호가단위 오류)"),
    NO_SYMBOL: Saying("40070000", "모의투자 주문처리가 안되었습니다(매매불가 종목)"),
    HALTED: Saying("40070000", "모의투자 주문처리가 안되었습니다(매매불가 종목)"),
    NOT_A_DAY: Saying("40100000", "모의투자 영업일이 아닙니다."),
    NO_CASH: Saying("40250000", "모의투자 주문가능금액이 부족합니다."),
    NOTHING_LEFT: Saying("40330000", "모의투자 정정/취소할 수량이 없습니다."),
    NO_ORIGINAL: Saying("40330000", "모의투자 정정/취소할 수량이 없습니다."),
    NO_UNITS: INVENTED["paper_units"],
    BAD_DIVISION: INVENTED["paper_division"],
    INVENTED["above"]: INVENTED["paper_above"],
    INVENTED["below"]: INVENTED["paper_below"],
}
PAPER_BEFORE_OPEN = Saying("40570000", "모의투자 장시작전 입니다.")
PAPER_AFTER_CLOSE = Saying("40580000", "모의투자 장종료 입니다.")
PAPER_UNTRADABLE = PAPER[NO_SYMBOL]
