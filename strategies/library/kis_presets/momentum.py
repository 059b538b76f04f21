"""KIS preset momentum."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import by, compare, document, indicator, limits, number, of, whole

NAME = Words("모멘텀", "Momentum")
DESCRIPTION = Words(
    "60봉 변화율이 기준(0%)보다 크면 사고, 그 반대 부호보다 작으면 팝니다. 손절 10%.",
    "Buys when the change over 60 bars is above the threshold (0 %), sells when below its negative. Stop-loss 10 %.",
)


def build() -> RuleDocument:
    return document(
        "momentum",
        indicators={"roc": indicator("roc", period="period")},
        parameters={"period": whole(60, 2, 300), "threshold": number(0, 0, 100, 1)},
        buy=[compare(of("roc"), "gt", by("threshold"))],
        sell={"all": [compare(of("roc"), "lt", by("threshold", scale=-1))]},
        risk=limits(stop_loss=0.1),
    )
