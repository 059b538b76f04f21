"""RSI: bought where it comes back up from oversold, sold where it comes back down from overbought."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import by, crosses, document, indicator, limits, number, of, whole

NAME = Words("RSI 전략", "RSI strategy")
DESCRIPTION = Words(
    "RSI가 과매도 기준을 다시 상향 돌파하면 사고, 과매수 기준을 다시 하향 돌파하면 팝니다.",
    "Buys when RSI comes back above the oversold level, sells when it comes back below the overbought one.",
)


def rsi_document(
    period: int = 14, oversold: float = 30, overbought: float = 70, stop_loss_rate: float | None = 0.05
) -> RuleDocument:
    """`period` in bars. Raises DocumentInvalid for values outside their ranges, or `oversold` not below `overbought`."""
    return document(
        "rsi",
        indicators={"rsi": indicator("rsi", period="period")},
        parameters={
            "period": whole(period, 2, 100),
            "oversold": number(oversold, 1, 99, 1),
            "overbought": number(overbought, 1, 99, 1),
        },
        buy=[crosses("above", of("rsi"), by("oversold"))],
        sell={"all": [crosses("below", of("rsi"), by("overbought"))]},
        risk=limits(stop_loss=stop_loss_rate),
        increasing=[["oversold", "overbought"]],
    )
