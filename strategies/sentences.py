"""A rule, and what it saw on one bar, as sentences in Korean and English. Pure: no translation catalogue is asked."""

from collections.abc import Iterator, Mapping

from strategies.candles import PATTERNS
from strategies.catalog import Words
from strategies.conditions import (
    AllOf,
    AnyOf,
    Between,
    Candle,
    Change,
    Compare,
    Condition,
    Cross,
    RiskOnly,
    StopLevel,
    Was,
    operands,
)
from strategies.document import RiskLimits, RuleDocument
from strategies.errors import Language
from strategies.rows import ConditionRow, EntryRow, Row
from strategies.shape import known
from strategies.wording import COMPARED, Indicators, apart, comparison, figure, is_number, operand_words

__all__ = ["condition_sentence", "document_sentences", "figure", "why_sentence"]

_STEPS: Mapping[Language, tuple[str, str]] = {"ko": ("1차 매수", "2차 매수"), "en": ("First buy", "Second buy")}
_SIGNALS: Mapping[Language, Mapping[str, str]] = {
    "ko": {"bullish": "상승형", "bearish": "하락형", "detected": "상승형 또는 하락형"},
    "en": {"bullish": "bullish", "bearish": "bearish", "detected": "bullish or bearish"},
}
_CROSSES: Mapping[Language, Mapping[str, str]] = {
    "ko": {"cross_above": "{} 상향 돌파", "cross_below": "{} 하향 돌파"},
    "en": {"cross_above": "crosses above {}", "cross_below": "crosses below {}"},
}
# Too few bars, or nothing to divide by: the indicator says nothing here.
_NO_FIGURE: Mapping[Language, str] = {"ko": "이 봉에는 값이 없습니다", "en": "no figure on this bar"}
_RISK: Mapping[str, Words] = {
    "stop_loss_rate": Words(
        "손절: 평균 매수가보다 {} 내리면 전량 매도", "Stop-loss: sell all {} below the average cost"
    ),
    "take_profit_rate": Words(
        "익절: 평균 매수가보다 {} 오르면 전량 매도", "Take-profit: sell all {} above the average cost"
    ),
    "trailing_stop_rate": Words(
        "추적 손절: 매수 후 최고 종가보다 {} 내리면 전량 매도",
        "Trailing stop: sell all {} below the highest close since entry",
    ),
    "time_stop_bars": Words(
        "보유 기간: 매수한 봉부터 세어 {}봉을 채우면 다음 봉 시가에 전량 매도",
        "Time stop: sell all at the next open after {} bar(s) held, that of the buy counted",
    ),
    "max_position_rate": Words("최대 비중: 계좌 평가액의 {}까지", "Largest position: {} of the account's worth"),
}


def document_sentences(document: RuleDocument, language: Language) -> list[str]:
    """The whole rule in words, parameters at their defaults: entries, exit, risk limits; group members indented."""
    bound = document.bind()
    lines: list[str] = []
    for title, entry in zip(_STEPS[language], bound.entries, strict=False):
        lines += _group(title, entry.when, bound.indicators, language)
        if entry.stop is not None:
            lines.append(f"  {_stop(entry.stop, bound.indicators, language)}")
    selling = "매도" if language == "ko" else "Sell"
    if isinstance(bound.exit, RiskOnly):
        only = "매도 규칙 없이 아래 한도로만" if language == "ko" else "no exit rule, by the limits below alone"
        return [*lines, f"{selling}: {only}", *_risk(bound.risk.limits(), language)]
    return [*lines, *_group(selling, bound.exit, bound.indicators, language), *_risk(bound.risk.limits(), language)]


def condition_sentence(row: ConditionRow, language: Language) -> str:
    """One condition on one bar, e.g. "ADX(14) 18.2 — 25보다 커야 합니다"."""
    if isinstance(row.condition, Candle):
        return _seen_candle(row.condition, row.passed, language)
    names = [operand_words(operand, row.indicators, language) for _, operand in operands(row.condition)]
    if row.value is None or row.threshold is None:
        return f"{names[0]} — {_NO_FIGURE[language]}"
    value, threshold = apart(row.value, row.threshold)
    fixed = is_number(dict(operands(row.condition)).get("right", getattr(row.condition, "threshold", None)))
    right = threshold if fixed else f"{names[1]} {threshold}"
    match row.condition:
        case Compare(op=op):
            seen = comparison(op, right, row.passed, language)
        case Cross():
            seen = _crossed(row, right, language)
        case Was() as was:
            seen = _was(row, was, row.threshold, language) if fixed else _was_beside(row, was, right, language)
        case Between() as band:
            seen = _between(row, band, names, language)
        case Change(op=op) as change:
            names[0], seen = _change(names[0], change, language), comparison(op, threshold, row.passed, language)
    return f"{names[0]} {value} — {seen}"


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
        return _why_buy(row, signal, language)
    unmet = _list(row.of_exit(), False, language)
    if not unmet:
        unmet = "매도 규칙 없이 위험 한도로만 매도합니다" if korean else "there is no exit rule, only risk limits"
    return f"{'매도하지 않았습니다' if korean else 'Did not sell'}: {unmet}"


def _why_buy(row: Row, signal: int, language: Language) -> str:
    korean = language == "ko"
    step, entry = _STEPS[language][signal], row.entries[signal]
    if entry.passed:
        met = f"{step} 조건 충족" if korean else f"{step} rule met"
        return f"{met}: {_list(row.of_entry(signal), True, language)}{_waits(entry, language)}"
    conditions = _list(row.of_entry(signal), False, language)
    if not conditions:
        conditions = "진입 가격을 아직 계산할 수 없습니다" if korean else "there is no price to wait at yet"
    unmet = ("매수하지 않았습니다" if signal == 0 else f"{step}하지 않았습니다") if korean else f"No {step.lower()}"
    return f"{unmet}: {conditions}"


def _waits(entry: EntryRow, language: Language) -> str:
    if entry.level is None:
        return ""
    if language == "ko":
        return f"; 다음 봉이 {'시가 + ' if entry.above_open else ''}{figure(entry.level)}에 닿으면 매수"
    return f"; bought once the next bar reaches {'its open + ' if entry.above_open else ''}{figure(entry.level)}"


def _list(rows: list[ConditionRow], passed: bool, language: Language) -> str:
    return "; ".join(condition_sentence(each, language) for each in rows if each.passed is passed)


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


def _group(title: str, group: AllOf | AnyOf, indicators: Indicators, language: Language) -> list[str]:
    return [f"{title}: {_joined(group, language)}", *_members(group, indicators, language, "  ")]


def _stop(stop: StopLevel, indicators: Indicators, language: Language) -> str:
    level = operand_words(stop.level, indicators, language)
    if language == "ko":
        return f"→ 다음 봉이 {'시가 + ' if stop.above_open else ''}{level}에 닿는 순간 매수"
    return f"→ bought inside the next bar, once it reaches {'its open + ' if stop.above_open else ''}{level}"


def _requirement(condition: Condition, indicators: Indicators, language: Language) -> str:
    if isinstance(condition, Candle):
        return _candle(condition, language)
    left, right, *more = (operand_words(operand, indicators, language) for _, operand in operands(condition))
    korean = language == "ko"
    match condition:
        case Compare(op=op):
            return f"{left}: {COMPARED[language][op][0].format(right)}"
        case Cross(kind=kind):
            crosses = _CROSSES[language][kind]
            return f"{left}: {crosses.format(right)}"
        case Was() as was:
            return f"{left}: {_was_rule(was, right, language)}"
        case Between():
            return f"{left}: {right} 이상 {more[0]} 이하" if korean else f"{left}: between {right} and {more[0]}"
        case Change(op=op) as change:
            return f"{_change(left, change, language)}: {COMPARED[language][op][0].format(right)}"


def _was_rule(condition: Was, right: str, language: Language) -> str:
    bars, below = figure(known(condition.bars)), condition.kind == "was_below_within"
    if language == "ko":
        was, now = ("아래", "위") if below else ("위", "아래")
        return f"최근 {bars}봉 안에 {right} {was}였다가 지금은 {now}"
    was, now = ("below", "above") if below else ("above", "below")
    return f"{was} {right} within the last {bars} bars and {now} it now"


def _risk(limits: RiskLimits, language: Language) -> Iterator[str]:
    for name, texts in _RISK.items():
        number: float | None = getattr(limits, name)
        if number is not None:
            shown = figure(number) if name == "time_stop_bars" else f"{figure(number * 100)}%"
            yield texts.said_in(language).format(shown)


def _candle(condition: Candle, language: Language) -> str:
    name = PATTERNS[condition.pattern].title.said_in(language)
    return (
        f"캔들 {name}: {_SIGNALS['ko'][condition.signal]}"
        if language == "ko"
        else (f"{name} candle: {_SIGNALS['en'][condition.signal]}")
    )


def _seen_candle(condition: Candle, passed: bool, language: Language) -> str:
    if language == "ko":
        return f"{_candle(condition, language)} — 이 봉에 {'나타났습니다' if passed else '나타나야 합니다'}"
    return f"{_candle(condition, language)} — {'seen' if passed else 'must be seen'} on this bar"


def _between(row: ConditionRow, condition: Between, names: list[str], language: Language) -> str:
    if row.threshold is None or row.upper is None:
        return _NO_FIGURE[language]
    low = figure(row.threshold) if is_number(condition.low) else f"{names[1]} {figure(row.threshold)}"
    high = figure(row.upper) if is_number(condition.high) else f"{names[2]} {figure(row.upper)}"
    if language == "ko":
        return f"{low} 이상 {high} 이하{'입니다' if row.passed else '여야 합니다'}"
    return f"{'is' if row.passed else 'must be'} between {low} and {high}"


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
    extreme = "–" if row.extreme is None else apart(row.extreme, threshold)[0]
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


def _was_beside(row: ConditionRow, condition: Was, right: str, language: Language) -> str:
    """A threshold that moves: the extreme is of the distance from it."""
    bars, below = figure(known(condition.bars)), condition.kind == "was_below_within"
    reached = row.extreme is not None and (row.extreme < 0 if below else row.extreme > 0)
    if language == "ko":
        was, now = ("아래", "위") if below else ("위", "아래")
        if row.passed:
            return f"최근 {bars}봉 안에 {right} {was}였다가 지금은 {now}입니다"
        if reached:
            return f"최근 {bars}봉 안에 {right} {was}였고, 지금은 {now}여야 합니다"
        return f"최근 {bars}봉 안에 {right} {was}였던 적이 있어야 합니다"
    was, now = ("below", "above") if below else ("above", "below")
    if row.passed:
        return f"was {was} {right} within {bars} bars and is {now} it now"
    if reached:
        return f"was {was} {right} within {bars} bars, must be {now} it now"
    return f"must have been {was} {right} within {bars} bars"
