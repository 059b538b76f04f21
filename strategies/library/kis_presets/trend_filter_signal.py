"""KIS preset trend_filter_signal (trend_filter)."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import CLOSE, at, compare, document, indicator, limits, of, whole

NAME = Words("추세 필터", "Trend filter")
DESCRIPTION = Words(
    "종가가 60봉 이동평균 위이고 오른 봉이면 사고, 아래이고 내린 봉이면 팝니다. 손절 5%, 익절 10%.",
    "Buys on a rising bar above the 60-bar average, sells on a falling one below it. Stop-loss 5 %, take-profit 10 %.",
)


def build() -> RuleDocument:
    return document(
        "trend_filter_signal",
        indicators={"trend": indicator("sma", period="period"), "day": {"kind": "bar_return"}},
        parameters={"period": whole(60, 2, 300)},
        buy=[compare(CLOSE, "gt", of("trend")), compare(of("day"), "gt", at(0))],
        sell={"all": [compare(CLOSE, "lt", of("trend")), compare(of("day"), "lt", at(0))]},
        risk=limits(stop_loss=0.05, take_profit=0.1),
    )
