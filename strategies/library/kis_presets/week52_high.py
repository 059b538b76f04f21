"""KIS preset week52_high.

The highest close is that of the bars before this one: upstream counts this one too, so that it never could be crossed.
"""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import CLOSE, crosses, document, indicator, limits, of, whole

NAME = Words("52주 신고가", "52-week high")
DESCRIPTION = Words(
    "종가가 직전 252봉의 최고 종가를 상향 돌파하면 사고, 손절 5% 또는 익절 15%로만 팝니다.",
    "Buys when the close crosses above the highest close of the 252 bars before; sells by stop-loss 5 % or take-profit 15 % "
    "alone.",
)


def build() -> RuleDocument:
    return document(
        "week52_high",
        indicators={"peak": indicator("highest", period="period")},
        parameters={"period": whole(252, 2, 500)},
        buy=[crosses("above", CLOSE, of("peak", ago=1))],
        sell={"risk_only": True},
        risk=limits(stop_loss=0.05, take_profit=0.15),
    )
