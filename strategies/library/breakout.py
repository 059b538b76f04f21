"""Larry Williams' volatility breakout: bought inside the bar that rises from its open by k times the range before it.

Filtered by RSI (neither overbought nor oversold) and by fund flow (at least the threshold), both of the last closed
bar. Sold at the next open after `hold_bars` bars (Williams: the one of the buy), or by stop-loss or take-profit.
"""

from typing import Any, Self

from pydantic import model_validator

from strategies.catalog import Bounds, Words
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, problem
from strategies.library.pieces import STOP_LOSS, TAKE_PROFIT, by, compare, document, indicator, number, of, whole
from strategies.shape import Number, Part

NAME = Words("변동성 돌파", "Volatility breakout")
DESCRIPTION = Words(
    "시가에서 직전 봉 폭의 k배만큼 오르는 순간 사고 다음 봉 시가에 팝니다 (래리 윌리엄스). RSI와 자금 흐름으로 거릅니다.",
    "Buys the moment a bar rises from its open by k times the range of the bar before, sells at the next open "
    "(Larry Williams). Filtered by RSI and fund flow.",
)

_BOUNDS = {
    "k_value": Bounds(0.05, 3, whole=False),
    "rsi_period": Bounds(2, 100),
    "rsi_oversold": Bounds(0, 99, whole=False),
    "rsi_overbought": Bounds(1, 100, whole=False),
    "fund_flow_period": Bounds(2, 250),
    "fund_flow_threshold": Bounds(-1, 1, whole=False),
    "stop_loss_pct": Bounds(0.1, 99, whole=False),
    "take_profit_ratio": Bounds(0.1, 100, whole=False),
    "max_position_pct": Bounds(0.1, 100, whole=False),
    "hold_bars": Bounds(1, 500),
}


class BreakoutParameters(Part):
    """What a form asks, in the words of the requirements. Periods in bars; "pct" in percent; None: that limit is off.

    `take_profit_ratio` counts stop-losses: 2 takes the profit twice as far above the cost as the stop lies below it,
    so that it needs one. Raises DocumentInvalid, the field its path.
    """

    k_value: Number = 0.5
    rsi_period: int = 14
    rsi_oversold: Number = 30
    rsi_overbought: Number = 70
    fund_flow_period: int = 20
    fund_flow_threshold: Number = 0
    stop_loss_pct: Number | None = 2
    take_profit_ratio: Number | None = 2
    max_position_pct: Number | None = None
    hold_bars: int = 1

    @model_validator(mode="after")
    def _refuse_what_cannot_trade(self) -> Self:
        problems = [
            problem("out_of_range", name, low=bounds.minimum, high=bounds.maximum)
            for name, bounds in _BOUNDS.items()
            if (value := getattr(self, name)) is not None and not bounds.minimum <= value <= bounds.maximum
        ]
        if self.rsi_oversold >= self.rsi_overbought:
            problems.append(problem("not_increasing", "rsi_overbought", names="rsi_oversold < rsi_overbought"))
        if self.take_profit_ratio is not None and self.stop_loss_pct is None:
            problems.append(problem("missing", "stop_loss_pct"))
        if problems:
            raise DocumentInvalid(problems)
        return self

    def as_data(self) -> dict[str, Any]:
        """Every field, defaults too: what was chosen stays what was chosen when a default changes."""
        return self.model_dump(mode="json")

    def rates(self) -> dict[str, float]:
        """The limits that are on, as fractions."""
        found = {}
        if self.stop_loss_pct is not None:
            found["stop_loss_rate"] = round(self.stop_loss_pct / 100, 9)
            if self.take_profit_ratio is not None:
                found["take_profit_rate"] = round(self.stop_loss_pct * self.take_profit_ratio / 100, 9)
        if self.max_position_pct is not None:
            found["max_position_rate"] = round(self.max_position_pct / 100, 9)
        return found


DEFAULT_BREAKOUT = BreakoutParameters()
_RATES = {
    "stop_loss_rate": STOP_LOSS,
    "take_profit_rate": {**TAKE_PROFIT, "maximum": 99},
    "max_position_rate": {"minimum": 0.001, "maximum": 1, "step": 0.05, "kind": "number"},
}


def breakout_document(chosen: BreakoutParameters = DEFAULT_BREAKOUT) -> RuleDocument:
    """The rule document of the breakout; its numbers are parameters, so that a sweep can vary them."""
    rates = chosen.rates()
    filters = [
        {"kind": "between", "series": of("rsi"), "low": by("rsi_oversold"), "high": by("rsi_overbought")},
        compare(of("fund_flow"), "ge", by("fund_flow_threshold")),
    ]
    stop = {"level": {"column": "range", "scale": by("k_value")}, "above_open": True}
    return document(
        "breakout",
        indicators={
            "rsi": indicator("rsi", period="rsi_period"),
            "fund_flow": indicator("fund_flow", period="fund_flow_period"),
        },
        parameters={
            "k_value": number(chosen.k_value, 0.05, 3, 0.05),
            "rsi_period": whole(chosen.rsi_period, 2, 100),
            "rsi_oversold": number(chosen.rsi_oversold, 0, 99, 5),
            "rsi_overbought": number(chosen.rsi_overbought, 1, 100, 5),
            "fund_flow_period": whole(chosen.fund_flow_period, 2, 250, 5),
            "fund_flow_threshold": number(chosen.fund_flow_threshold, -1, 1, 0.05),
            "hold_bars": whole(chosen.hold_bars, 1, 500),
        },
        buy=filters,
        sell={"risk_only": True},
        risk=(
            {name: by(name) for name in rates} | {"time_stop_bars": by("hold_bars")},
            {name: {"default": rate, **_RATES[name]} for name, rate in rates.items()},
        ),
        entries=[{"name": "first", "when": {"all": filters}, "stop": stop}],
        increasing=[["rsi_oversold", "rsi_overbought"]],
    )
