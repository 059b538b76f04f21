"""The pieces sentences are made of: figures as people read them, and what each operand is called in both languages."""

from collections.abc import Mapping

from strategies.catalog import INDICATORS
from strategies.conditions import ColumnOperand, IndicatorOperand, NumberOperand, Operand, ParamOperand
from strategies.document import IndicatorSpec
from strategies.errors import Language
from strategies.shape import known

Indicators = Mapping[str, IndicatorSpec]

_COLUMNS = {
    "ko": {"open": "시가", "high": "고가", "low": "저가", "close": "종가", "volume": "거래량", "range": "봉 폭"},
    "en": {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume", "range": "range"},
}
COMPARED: dict[Language, dict[str, tuple[str, str, str]]] = {  # rule, met, unmet
    "ko": {
        "gt": ("{}보다 큼", "{}보다 큽니다", "{}보다 커야 합니다"),
        "ge": ("{} 이상", "{} 이상입니다", "{} 이상이어야 합니다"),
        "lt": ("{}보다 작음", "{}보다 작습니다", "{}보다 작아야 합니다"),
        "le": ("{} 이하", "{} 이하입니다", "{} 이하여야 합니다"),
        "eq": ("{}에 일치", "{}에 일치합니다", "{}에 일치해야 합니다"),
        "ne": ("{} 아닌 값", "{} 아닌 값입니다", "{} 아닌 값이어야 합니다"),
    },
    "en": {
        "gt": ("above {}", "is above {}", "must be above {}"),
        "ge": ("at least {}", "is at least {}", "must be at least {}"),
        "lt": ("below {}", "is below {}", "must be below {}"),
        "le": ("at most {}", "is at most {}", "must be at most {}"),
        "eq": ("equal to {}", "equals {}", "must equal {}"),
        "ne": ("other than {}", "is other than {}", "must be other than {}"),
    },
}


def figure(value: float, digits: int = 4) -> str:
    """A figure as people read it: thousands grouped, `digits` significant digits below that, no trailing zeros."""
    sign, size = ("−", -value) if value < 0 else ("", value)
    if size >= 10 ** (digits - 1):
        return f"{sign}{size:,.0f}"
    text = f"{size:.{digits}g}"
    return sign + (text if "e" not in text else f"{size:.12f}".rstrip("0").rstrip("."))


def apart(value: float, threshold: float) -> tuple[str, str]:
    """Both figures with enough digits that two different numbers never read the same."""
    for digits in (4, 6, 9):
        shown = figure(value, digits), figure(threshold, digits)
        if shown[0] != shown[1] or value == threshold:
            break
    return shown


def operand_words(operand: Operand, indicators: Indicators, language: Language) -> str:
    match operand:
        case NumberOperand():
            return figure(operand.number)
        case ParamOperand():
            return operand.param
        case ColumnOperand():
            name = _COLUMNS[language][operand.column]
        case IndicatorOperand():
            name = _indicator(indicators[operand.indicator], operand.output, language)
    if operand.ago:
        name = f"{operand.ago}봉 전 {name}" if language == "ko" else f"{name} {operand.ago} bars ago"
    scale, offset = known(operand.scale), known(operand.offset)
    name += f" × {figure(scale)}" if scale != 1 else ""
    return name + (f" {'+' if offset > 0 else '−'} {figure(abs(offset))}" if offset else "")


def _indicator(spec: IndicatorSpec, output: str, language: Language) -> str:
    kind = INDICATORS[spec.kind]
    numbers = ", ".join(figure(known(spec.params[name])) for name in kind.params)
    name = kind.outputs[output].title.said_in(language)
    source = f"{_COLUMNS[language][spec.source]} " if spec.source != "close" else ""
    return f"{source}{name}({numbers})" if numbers else f"{source}{name}"


def column_words(column: str, language: Language) -> str:
    """A bar's column, such as 종가 for the close."""
    return _COLUMNS[language][column]


def is_number(operand: object) -> bool:
    return isinstance(operand, NumberOperand)


def comparison(op: str, right: str, passed: bool, language: Language) -> str:
    return COMPARED[language][op][1 if passed else 2].format(right)
