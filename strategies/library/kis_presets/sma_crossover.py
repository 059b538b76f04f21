"""KIS preset sma_crossover (golden_cross)."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import crosses, document, indicator, limits, of, whole

NAME = Words("골든 크로스", "Golden cross")
DESCRIPTION = Words(
    "5봉 단순이동평균이 20봉을 상향 돌파하면 사고 하향 돌파하면 팝니다. 손절 5%, 익절 10%.",
    "Buys when the 5-bar simple average crosses above the 20-bar one, sells when below. Stop-loss 5 %, take-profit 10 %.",
)


def build() -> RuleDocument:
    return document(
        "sma_crossover",
        indicators={"fast": indicator("sma", period="fast"), "slow": indicator("sma", period="slow")},
        parameters={"fast": whole(5, 2, 100), "slow": whole(20, 3, 300)},
        buy=[crosses("above", of("fast"), of("slow"))],
        sell={"all": [crosses("below", of("fast"), of("slow"))]},
        risk=limits(stop_loss=0.05, take_profit=0.1),
        increasing=[["fast", "slow"]],
    )
