"""KIS preset strong_close."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import by, compare, document, limits, number, of

NAME = Words("강한 종가", "Strong close")
DESCRIPTION = Words(
    "종가가 봉의 위쪽 20% 안이면 사고 아래쪽 20% 안이면 팝니다 (IBS). 손절 5%.",
    "Buys when the bar closes in the top fifth of its range, sells in the bottom fifth (IBS). Stop-loss 5 %.",
)


def build() -> RuleDocument:
    return document(
        "strong_close",
        indicators={"ibs": {"kind": "ibs"}},
        parameters={"strong": number(0.8, 0.5, 1, 0.05), "weak": number(0.2, 0, 0.5, 0.05)},
        buy=[compare(of("ibs"), "ge", by("strong"))],
        sell={"all": [compare(of("ibs"), "lt", by("weak"))]},
        risk=limits(stop_loss=0.05),
    )
