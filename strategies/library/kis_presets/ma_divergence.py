"""KIS preset ma_divergence (disparity). It has no stops, upstream neither."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import CLOSE, by, compare, document, indicator, number, of, whole

NAME = Words("이격도", "Divergence from the average")
DESCRIPTION = Words(
    "종가가 20봉 이동평균의 90%보다 낮으면 사고 110%보다 높으면 팝니다. 손절이 없습니다.",
    "Buys when the close is below 90 % of its 20-bar average, sells when above 110 %. It has no stop.",
)


def build() -> RuleDocument:
    return document(
        "ma_divergence",
        indicators={"average": indicator("sma", period="period")},
        parameters={
            "period": whole(20, 2, 200),
            "buy_ratio": number(0.9, 0.5, 1, 0.01),
            "sell_ratio": number(1.1, 1, 2, 0.01),
        },
        buy=[compare(CLOSE, "lt", of("average", scale=by("buy_ratio")))],
        sell={"all": [compare(CLOSE, "gt", of("average", scale=by("sell_ratio")))]},
    )
