"""A rule, and what it saw on one bar, as sentences in Korean and English. Pure: no translation catalogue is asked."""

from collections.abc import Iterator, Mapping

from strategies.catalog import INDICATORS
from strategies.conditions import (
    AllOf,
    AnyOf,
    Change,
    ColumnOperand,
    Compare,
    Condition,
    Cross,
    IndicatorOperand,
    NumberOperand,
    Operand,
    ParamOperand,
    Was,
    operands,
)
from strategies.document import IndicatorSpec, RuleDocument
from strategies.errors import Language
from strategies.rows import ConditionRow, Row
from strategies.shape import ParamRef, known

Indicators = Mapping[str, IndicatorSpec]

_COLUMNS = {
    "ko": {"open": "시가", "high": "고가", "low": "저가", "close": "종가", "volume": "거래량"},
    "en": {"open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"},
}
_COMPARED: dict[Language, dict[str, tuple[str, str, str]]] = {  # rule, met, unmet
    "ko": {
        "gt": ("{}보다 큼", "{}보다 큽니다", "{}보다 커야 합니다"),
        "ge": ("{} 이상", "{} 이상입니다", "{} 이상이어야 합니다"),
        "lt": ("{}보다 작음", "{}보다 작습니다", "{}보다 작아야 합니다"),
        "le": ("{} 이하", "{} 이하입니다", "{} 이하여야 합니다"),
    },
    "en": {
        "gt": ("above {}", "is above {}", "must be above {}"),
        "ge": ("at least {}", "is at least {}", "must be at least {}"),
        "lt": ("below {}", "is below {}", "must be below {}"),
        "le": ("at most {}", "is at most {}", "must be at most {}"),
    },
}


def document_sentences(document: RuleDocument, language: Language) -> list[str]:
    """The whole rule in words, parameters at their defaults: entries, exit, risk limits; group members indented."""
    bound = document.bind()
    korean = language == "ko"
    lines: list[str] = []
    steps = ("1차 매수", "2차 매수") if korean else ("First buy", "Second buy")
    groups = [entry.when for entry in bound.entries] + [bound.exit]
    for title, group in zip((*steps[: len(bound.entries)], "매도" if korean else "Sell"), groups, strict=True):
        lines += [f"{title}: {_joined(group, language)}", *_members(group, bound.indicators, language, "  ")]
    return lines + list(_risk(bound, language))


def condition_sentence(row: ConditionRow, language: Language) -> str:
    """One condition on one bar, e.g. "ADX(14) 18.2 — 25보다 커야 합니다"."""
    names = [_operand(operand, row.indicators, language) for _, operand in operands(row.condition)]
    if row.value is None or row.threshold is None:
        return f"{names[0]} — " + ("계산할 봉이 아직 부족합니다" if language == "ko" else "too few bars to tell yet")
    value, threshold = _apart(row.value, row.threshold)
    match row.condition:
        case Compare():
            right = threshold if _is_number(row.condition.right) else f"{names[1]} {threshold}"
            return f"{names[0]} {value} — {_compared(row.condition.op, right, row.passed, language)}"
        case Cross():
            right = threshold if _is_number(row.condition.right) else f"{names[1]} {threshold}"
            return f"{names[0]} {value} — {_crossed(row, right, language)}"
        case Was():
            return f"{names[0]} {value} — {_was(row, row.condition, row.threshold, language)}"
        case Change():
            changed = _change(names[0], row.condition, language)
            return f"{changed} {value} — {_compared(row.condition.op, threshold, row.passed, language)}"


def why_sentence(row: Row, signal: int, language: Language) -> str:
    """Why the rule acts, or not, on this bar, for a plan at `signal` (0 nothing bought, 1, 2 bought, 3 sold)."""
    korean = language == "ko"
    if signal == 3:
        return "이번 주기의 매도를 마쳤습니다." if korean else "Sold: this cycle is complete."
    if row.exit:
        if signal == 0:
            return (
                "매수하지 않았습니다: 같은 봉에 매도 조건이 성립"
                if korean
                else "No buy: the sell rule holds on this bar"
            )
        return f"{'매도 조건 충족' if korean else 'Sell rule met'}: {_list(row.of_exit(), True, language)}"
    if signal < len(row.entries):
        step = (("1차 매수", "2차 매수") if korean else ("first buy", "second buy"))[signal]
        if row.entries[signal].passed:
            met = f"{step} 조건 충족" if korean else f"{step.capitalize()} rule met"
            return f"{met}: {_list(row.of_entry(signal), True, language)}"
        unmet = ("매수하지 않았습니다" if signal == 0 else f"{step}하지 않았습니다") if korean else f"No {step}"
        return f"{unmet}: {_list(row.of_entry(signal), False, language)}"
    return f"{'매도하지 않았습니다' if korean else 'Did not sell'}: {_list(row.of_exit(), False, language)}"


def figure(value: float, digits: int = 4) -> str:
    """A figure as people read it: thousands grouped, `digits` significant digits below that, no trailing zeros."""
    sign, size = ("−", -value) if value < 0 else ("", value)
    if size >= 10 ** (digits - 1):
        return f"{sign}{size:,.0f}"
    text = f"{size:.{digits}g}"
    return sign + (text if "e" not in text else f"{size:.12f}".rstrip("0"))


def _list(rows: list[ConditionRow], passed: bool, language: Language) -> str:
    return "; ".join(condition_sentence(each, language) for each in rows if each.passed is passed)


def _apart(value: float, threshold: float) -> tuple[str, str]:
    """Both figures with enough digits that two different numbers never read the same."""
    for digits in (4, 6, 9):
        shown = figure(value, digits), figure(threshold, digits)
        if shown[0] != shown[1] or value == threshold:
            break
    return shown


def _joined(group: AllOf | AnyOf, language: Language) -> str:
    if isinstance(group, AllOf):
        return "다음을 모두 만족할 때" if language == "ko" else "when all of these hold"
    return "다음 중 하나라도 만족할 때" if language == "ko" else "when any of these holds"


def _members(group: AllOf | AnyOf, indicators: Indicators, language: Language, indent: str) -> Iterator[str]:
    for member in group.members:
        if isinstance(member, AllOf | AnyOf):
            yield f"{indent}{_joined(member, language)}"
            yield from _members(member, indicators, language, indent + "  ")
        else:
            yield f"{indent}{_requirement(member, indicators, language)}"


def _requirement(condition: Condition, indicators: Indicators, language: Language) -> str:
    left, right = (_operand(operand, indicators, language) for _, operand in operands(condition))
    korean = language == "ko"
    match condition:
        case Compare():
            return f"{left}: {_COMPARED[language][condition.op][0].format(right)}"
        case Cross(kind="cross_above"):
            return f"{left}: {right} 상향 돌파" if korean else f"{left}: crosses above {right}"
        case Cross():
            return f"{left}: {right} 하향 돌파" if korean else f"{left}: crosses below {right}"
        case Was():
            bars, below = figure(known(condition.bars)), condition.kind == "was_below_within"
            if korean:
                was, now = ("아래", "위") if below else ("위", "아래")
                return f"{left}: 최근 {bars}봉 안에 {right} {was}였다가 지금은 {now}"
            was, now = ("below", "above") if below else ("above", "below")
            return f"{left}: {was} {right} within the last {bars} bars and {now} it now"
        case Change():
            return f"{_change(left, condition, language)}: {_COMPARED[language][condition.op][0].format(right)}"


def _risk(document: RuleDocument, language: Language) -> Iterator[str]:
    korean = language == "ko"
    texts = {
        "stop_loss_rate": (
            "손절: 평균 매수가보다 {} 내리면 전량 매도",
            "Stop-loss: sell all {} below the average cost",
        ),
        "take_profit_rate": (
            "익절: 평균 매수가보다 {} 오르면 전량 매도",
            "Take-profit: sell all {} above the average cost",
        ),
        "trailing_stop_rate": (
            "추적 손절: 매수 후 최고 종가보다 {} 내리면 전량 매도",
            "Trailing stop: sell all {} below the highest close since entry",
        ),
    }
    for key, (in_korean, in_english) in texts.items():
        rate: float | ParamRef | None = getattr(document.risk, key)
        if rate is not None:
            yield (in_korean if korean else in_english).format(f"{figure(known(rate) * 100)}%")


def _operand(operand: Operand, indicators: Indicators, language: Language) -> str:
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


def _is_number(operand: object) -> bool:
    return isinstance(operand, NumberOperand)


def _compared(op: str, right: str, passed: bool, language: Language) -> str:
    return _COMPARED[language][op][1 if passed else 2].format(right)


def _change(name: str, condition: Change, language: Language) -> str:
    bars = figure(known(condition.bars))
    scaled = condition.unit == "average_volume"
    if language == "ko":
        return f"{name} {bars}봉 변화" + ("(평균 봉 거래량의 배수)" if scaled else "")
    return f"{name} change over {bars} bars" + (" (in average bar volumes)" if scaled else "")


def _crossed(row: ConditionRow, right: str, language: Language) -> str:
    upward = row.condition.kind == "cross_above"
    beyond = row.distance is not None and (row.distance > 0 if upward else row.distance < 0)
    if language == "ko":
        way = "상향" if upward else "하향"
        if row.passed:
            return f"{right} {way} 돌파했습니다"
        when, side = ("이미" if beyond else "아직"), ("위" if upward is beyond else "아래")
        return f"{when} {right} {side}에 있습니다, 이 봉에서 {way} 돌파해야 합니다"
    way = "above" if upward else "below"
    if row.passed:
        return f"crossed {way} {right}"
    when, side = ("already" if beyond else "still"), ("above" if upward is beyond else "below")
    return f"{when} {side} {right}, must cross {way} it on this bar"


def _was(row: ConditionRow, condition: Was, threshold: float, language: Language) -> str:
    below = condition.kind == "was_below_within"
    bars, level = figure(known(condition.bars)), figure(threshold)
    extreme = "–" if row.extreme is None else _apart(row.extreme, threshold)[0]
    reached = row.extreme is not None and (row.extreme < threshold if below else row.extreme > threshold)
    if language == "ko":
        was, now, kind = ("아래", "위", "최저") if below else ("위", "아래", "최고")
        if row.passed:
            return f"최근 {bars}봉 {kind} {extreme}, {level} {was}였다가 지금은 {now}입니다"
        if reached:
            return f"최근 {bars}봉 안에 {level} {was}였고, 지금은 {level} {now}여야 합니다"
        return f"최근 {bars}봉 {kind} {extreme}, {level} {was}였던 적이 있어야 합니다"
    was, now, kind = ("below", "above", "lowest") if below else ("above", "below", "highest")
    if row.passed:
        return f"{kind} {extreme} in {bars} bars: was {was} {level} and is {now} it now"
    if reached:
        return f"was {was} {level} within {bars} bars, must be {now} it now"
    return f"{kind} {extreme} in {bars} bars, must have been {was} {level}"
