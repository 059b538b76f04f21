"""KIS preset short_term_reversal (mean_reversion)."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import CLOSE, by, compare, document, indicator, limits, number, of, whole

NAME = Words("단기 반전", "Short-term reversal")
DESCRIPTION = Words(
    "종가가 5봉 이동평균보다 3% 넘게 낮으면 사고 3% 넘게 높으면 팝니다. 손절 5%.",
    "Buys when the close is more than 3 % below its 5-bar average, sells when more than 3 % above. Stop-loss 5 %.",
)


def build() -> RuleDocument:
    return document(
        "short_term_reversal",
        indicators={"average": indicator("sma", period="period")},
        parameters={
            "period": whole(5, 2, 100),
            "buy_ratio": number(0.97, 0.5, 1, 0.01),
            "sell_ratio": number(1.03, 1, 2, 0.01),
        },
        buy=[compare(CLOSE, "lt", of("average", scale=by("buy_ratio")))],
        sell={"all": [compare(CLOSE, "gt", of("average", scale=by("sell_ratio")))]},
        risk=limits(stop_loss=0.05),
    )
