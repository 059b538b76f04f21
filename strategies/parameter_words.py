"""What a strategy's parameters are called, and how their numbers are read: rates in percent. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from strategies.catalog import Words
from strategies.document import ParameterSpec, RuleDocument
from strategies.errors import Language

_WORDS: Mapping[str, Words] = {
    "short": Words("단기 기간", "Short period"),
    "long": Words("장기 기간", "Long period"),
    "fast": Words("단기 기간", "Fast period"),
    "slow": Words("장기 기간", "Slow period"),
    "period": Words("기간", "Period"),
    "oversold": Words("과매도 기준", "Oversold below"),
    "overbought": Words("과매수 기준", "Overbought above"),
    "k_value": Words("변동폭 배수 k", "Multiple of the range, k"),
    "rsi_period": Words("RSI 기간", "RSI period"),
    "rsi_oversold": Words("RSI 과매도 기준", "RSI oversold below"),
    "rsi_overbought": Words("RSI 과매수 기준", "RSI overbought above"),
    "fund_flow_period": Words("자금 흐름 기간", "Fund flow over"),
    "fund_flow_threshold": Words("자금 흐름 기준", "Fund flow at least"),
    "hold_bars": Words("보유 봉 수", "Bars held"),
    "threshold": Words("변화율 기준 (%)", "Change above (%)"),
    "up_days": Words("연속 상승 봉 수", "Rising bars in a row"),
    "down_days": Words("연속 하락 봉 수", "Falling bars in a row"),
    "buy_ratio": Words("매수 기준 (종가 ÷ 평균)", "Buy below (close ÷ average)"),
    "sell_ratio": Words("매도 기준 (종가 ÷ 평균)", "Sell above (close ÷ average)"),
    "strong": Words("강한 종가 기준", "Strong close above"),
    "weak": Words("약한 종가 기준", "Weak close below"),
    "atr_period": Words("ATR 기간", "ATR period"),
    "average": Words("평균 기간", "Average over"),
    "jump": Words("봉 등락 기준 (%)", "Move of one bar (%)"),
    "stop_loss_rate": Words("손절 (%)", "Stop-loss (%)"),
    "take_profit_rate": Words("익절 (%)", "Take-profit (%)"),
    "trailing_stop_rate": Words("고점 대비 하락 (%)", "Fall from the high (%)"),
    "max_position_rate": Words("최대 비중 (%)", "Largest share (%)"),
    "short_ema": Words("단기 EMA", "Short EMA"),
    "medium_ema": Words("중기 EMA", "Medium EMA"),
    "long_ema": Words("장기 EMA", "Long EMA"),
    "rsi_threshold": Words("RSI 기준", "RSI threshold"),
    "rsi_window_first": Words("1차: 최근 N봉", "First buy: last N bars"),
    "rsi_window_second": Words("2차: 최근 N봉", "Second buy: last N bars"),
    "adx_period": Words("ADX 기간", "ADX period"),
    "adx_threshold": Words("ADX 기준", "ADX threshold"),
    "obv_window": Words("OBV: 최근 N봉", "OBV: last N bars"),
    "obv_threshold": Words("OBV 기준", "OBV threshold"),
}


@dataclass(frozen=True, slots=True)
class ParameterRow:
    """A parameter as pages tell it: its numbers as people write them, rates in percent. `step` '' where it has none."""

    name: str
    label: str
    default: str
    minimum: str
    maximum: str
    step: str


def parameter_label(name: str, spec: ParameterSpec, language: Language) -> str:
    """What the parameter is called: by its author's own words, else ours, else by its name."""
    words = _WORDS.get(name)
    return spec.description or (words.said_in(language) if words else name)


def parameter_rows(document: RuleDocument, language: Language) -> list[ParameterRow]:
    """Every parameter of the document, in its order."""
    return [_row(name, spec, language) for name, spec in document.parameters.items()]


def with_labels(message: str, document: RuleDocument, language: Language) -> str:
    """A sentence about parameters, calling them what the page calls them instead of by name."""
    labels = {name: parameter_label(name, spec, language) for name, spec in document.parameters.items()}
    return naming(message, labels)


def naming(message: str, labels: Mapping[str, str]) -> str:
    """The message with each whole word that is a key of `labels` replaced by its label."""
    if not labels:
        return message
    return re.sub(rf"(?<![\w.])({_any_of(labels)})(?!\w)", lambda found: labels[found[1]], message)


def is_rate(name: str) -> bool:
    """Whether the parameter is a fraction that people read in percent."""
    return name.endswith("_rate")


def plain_number(number: float) -> str:
    """A bound as people write it: 0.001, 10, never 1e+01."""
    text = format(number, ".9f").rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def grouped(text: str) -> str:
    """The digits before the point in groups of three: 1,000,000."""
    return re.sub(r"(?<=\d)(?=(\d{3})+(?!\d))", ",", text) if "." not in text else text


def _any_of(names: Iterable[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


def _row(name: str, spec: ParameterSpec, language: Language) -> ParameterRow:
    scale = 100 if is_rate(name) else 1

    def written(number: float | None) -> str:
        return "" if number is None else grouped(plain_number(round(number * scale, 9)))

    return ParameterRow(
        name,
        parameter_label(name, spec, language),
        written(spec.default),
        written(spec.minimum),
        written(spec.maximum),
        written(spec.step),
    )
