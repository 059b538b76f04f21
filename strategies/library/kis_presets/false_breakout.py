"""KIS preset false_breakout (breakout_fail).

The highest close is that of the bars before the breakout: upstream counts the bar itself, so that it never could be
crossed. Left again where, one to three bars after a breakout, the close is back below what was broken then.
"""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import CLOSE, Data, compare, crosses, document, indicator, limits, of, whole

NAME = Words("돌파 실패 회피", "False breakout")
DESCRIPTION = Words(
    "종가가 직전 20봉의 최고 종가를 상향 돌파하면 사고, 3봉 안에 그 아래로 돌아오면 팝니다. 손절 3%.",
    "Buys when the close crosses above the highest close of the 20 bars before; leaves if it is back below within three bars. "
    "Stop-loss 3 %.",
)
PATIENCE = 3  # bars


def _failed_after(bars: int) -> Data:
    broken = of("peak", ago=1 + bars)
    return {"all": [crosses("above", {**CLOSE, "ago": bars}, broken), compare(CLOSE, "lt", broken)]}


def build() -> RuleDocument:
    return document(
        "false_breakout",
        indicators={"peak": indicator("highest", period="period")},
        parameters={"period": whole(20, 2, 250)},
        buy=[crosses("above", CLOSE, of("peak", ago=1))],
        sell={"any": [_failed_after(bars) for bars in range(1, PATIENCE + 1)]},
        risk=limits(stop_loss=0.03),
    )
