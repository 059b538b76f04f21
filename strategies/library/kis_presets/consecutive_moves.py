"""KIS preset consecutive_moves (consecutive)."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import by, compare, document, limits, of, whole

NAME = Words("연속 상승·하락", "Consecutive moves")
DESCRIPTION = Words(
    "종가가 5봉 연속 오르면 사고 5봉 연속 내리면 팝니다. 손절 5%.",
    "Buys after five rising closes in a row, sells after five falling ones. Stop-loss 5 %.",
)


def build() -> RuleDocument:
    return document(
        "consecutive_moves",
        indicators={"run": {"kind": "consecutive"}},
        parameters={"up_days": whole(5, 1, 20), "down_days": whole(5, 1, 20)},
        buy=[compare(of("run", "up"), "ge", by("up_days"))],
        sell={"all": [compare(of("run", "down"), "ge", by("down_days"))]},
        risk=limits(stop_loss=0.05),
    )
