"""KIS preset volatility_breakout (volatility): quiet, then a jump. Not Larry Williams' rule, which is `breakout`."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import by, compare, document, indicator, limits, number, of, whole

NAME = Words("변동성 축소 후 급등", "Quiet, then a jump")
DESCRIPTION = Words(
    "ATR(10)이 20봉 평균보다 작은데 하루 3% 넘게 오르면 사고, 3% 넘게 내리면 팝니다. 손절 5%.",
    "Buys on a bar of more than +3 % while ATR(10) is below its 20-bar mean, sells on one of less than −3 %. Stop-loss 5 %.",
)


def build() -> RuleDocument:
    return document(
        "volatility_breakout",
        indicators={
            "atr": indicator("atr", period="atr_period"),
            "usual": indicator("atr_mean", period="atr_period", average="average"),
            "day": {"kind": "bar_return"},
        },
        parameters={
            "atr_period": whole(10, 2, 100),
            "average": whole(20, 2, 200),
            "jump": number(3, 0.1, 30, 0.5),
        },
        buy=[compare(of("atr"), "lt", of("usual")), compare(of("day"), "gt", by("jump"))],
        sell={"all": [compare(of("day"), "lt", by("jump", scale=-1))]},
        risk=limits(stop_loss=0.05),
    )
