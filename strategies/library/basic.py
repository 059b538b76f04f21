"""BasicPlan: a short simple average crosses a long one, on the bars of real-time trades or on any others."""

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library.pieces import crosses, document, indicator, limits, of, whole

NAME = Words("베이직 플랜", "Basic plan")
DESCRIPTION = Words(
    "단기 이동평균이 장기 이동평균을 상향 돌파하면 사고, 하향 돌파하면 팝니다.",
    "Buys when the short moving average crosses above the long one, sells when it crosses below.",
)


def basic_document(short: int = 5, long: int = 20, stop_loss_rate: float | None = 0.05) -> RuleDocument:
    """Periods in bars. Raises DocumentInvalid for values outside their ranges, or `short` not below `long`."""
    return document(
        "basic",
        indicators={"short": indicator("sma", period="short"), "long": indicator("sma", period="long")},
        parameters={"short": whole(short, 2, 200), "long": whole(long, 3, 400)},
        buy=[crosses("above", of("short"), of("long"))],
        sell={"all": [crosses("below", of("short"), of("long"))]},
        risk=limits(stop_loss=stop_loss_rate),
        increasing=[["short", "long"]],
    )
