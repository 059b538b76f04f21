"""Indicators as a chart draws them, computed by the very functions that rules are made of. Pure; loads what computes.

Which of them lie over the prices and which need a pane of their own is said here, once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.document import IndicatorSpec
from strategies.errors import Language
from strategies.formulas import call_of
from strategies.indicators import Frame
from strategies.shape import known
from strategies.wording import column_words, figure

OVER_PRICES = frozenset(
    (
        "sma",
        "ema",
        "wma",
        "bollinger",
        "keltner",
        "donchian",
        "highest",
        "lowest",
        "vwap",
        "supertrend",
        "psar",
        "ichimoku",
    )
)
NOT_A_PRICE = frozenset(("percent", "fraction", "bars", "direction", "points", "volume"))
DIGITS = 9  # significant ones: more than a screen tells apart


@dataclass(frozen=True, slots=True)
class Line:
    """One series. `alias` says whose it is; `over_prices`: it shares the candles' scale; None where it has no figure."""

    alias: str
    name: str
    over_prices: bool
    shape: Literal["line", "histogram"]
    values: list[float | None]


def lines_of(bars: Bars, indicators: Mapping[str, IndicatorSpec], language: Language, last: int) -> list[Line]:
    """Every output of every indicator, on the `last` bars; parameters must have been bound. Raises BarsInvalid.

    An indicator over the prices gives only what is a price; a band's width has no place there.
    """
    frame = Frame(bars)
    return [
        Line(
            alias,
            _name(spec, output, language),
            is_over,
            "histogram" if output == "histogram" else "line",
            _rounded(frame.indicator(call_of(spec), output)[-last:] if last else np.zeros(0)),
        )
        for alias, spec in indicators.items()
        for is_over in (_lies_over_prices(spec),)
        for output, described in INDICATORS[spec.kind].outputs.items()
        if not (is_over and described.unit in NOT_A_PRICE)
    ]


def history_of(indicators: Mapping[str, IndicatorSpec]) -> int:
    """How many bars the slowest of them needs before its first settled value, that bar included; 1 for none."""
    return max((call_of(spec).history for spec in indicators.values()), default=1)


def _lies_over_prices(spec: IndicatorSpec) -> bool:
    return spec.kind in OVER_PRICES and spec.source != "volume"


def _name(spec: IndicatorSpec, output: str, language: Language) -> str:
    kind = INDICATORS[spec.kind]
    numbers = ", ".join(figure(known(spec.params[name])) for name in kind.params)
    source = f"{column_words(spec.source, language)} " if spec.source != "close" else ""
    title = f"{source}{kind.outputs[output].title.said_in(language)}"
    return f"{title}({numbers})" if numbers else title


def _rounded(values: FloatArray) -> list[float | None]:
    return [float(f"{value:.{DIGITS}g}") if np.isfinite(value) else None for value in values.tolist()]
