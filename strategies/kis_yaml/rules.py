"""A file's entry, exit and conditions as groups of ours: every word looked up, none guessed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from strategies.catalog import Words
from strategies.kis_yaml.cursor import Cursor, Members, suggestion
from strategies.kis_yaml.text import Row
from strategies.kis_yaml.vocabulary import COMPARISONS, NEVER, OPERATORS, PRICES, REFUSED_OPERATORS, KisIndicator

Data = dict[str, Any]

MAX_CONDITIONS = 32
CONDITION_KEYS = (
    *("indicator", "output", "operator", "compare_to", "compare_output", "value"),
    *("compare_scalar", "compare_operation", "candlestick", "signal"),
)
REFERENCE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_NUMBER = re.compile(r"[-+]?([0-9]{1,15}(\.[0-9]*)?|\.[0-9]+)")
_SIGNALS = ("bullish", "bearish", "detected")
_OPERATIONS = ("mul", "div", "add", "sub")
_STRICT = Words(
    "전략 빌더는 두 선이 전 봉에서 정확히 닿아 있으면 돌파로 보지 않습니다",
    "the builder sees no cross where the lines touched exactly on the bar before",
)
_SCALED_CROSS = Words(
    "백테스터는 돌파에서 배율을 버립니다. 여기서는 두 봉 모두에 적용합니다",
    "the backtester drops the scalar of a cross; here it applies to both bars",
)
_VALUE = Words("전략 빌더는 value를 무시하고 0과 비교합니다", "the builder ignores value and compares with 0")
_PRICE = Words("전략 빌더는 price를 0으로 봅니다", "the builder reads price as 0")
_BARE_CROSS = Words(
    "백테스터는 시가·고가·저가·거래량의 전 봉 값을 0으로 봅니다",
    "the backtester takes 0 for the bar before of open, high, low and volume",
)


@dataclass(frozen=True, slots=True)
class Names:
    """What conditions may refer to: indicators under aliases (with their direction, for runs), patterns, parameters."""

    indicators: Mapping[str, tuple[KisIndicator, str | None]]
    patterns: Mapping[str, str]
    parameters: frozenset[str]
    used: set[str]  # parameters something refers to
    spoilt: frozenset[str]  # names that stand for something refused already: what refers to them needs no telling


def group_of(side: Cursor, names: Names) -> Data | None:
    """The side's conditions joined; None where something is wrong with them."""
    members = side.members("logic", "conditions")
    listed = members.get("conditions")
    if listed is None or listed.is_null():
        side.refuse("no_rule")
        return None
    items = listed.items(MAX_CONDITIONS)
    if isinstance(listed.tree, Row) and not listed.tree.items:
        listed.refuse("no_rule")
    join = _join(members, len(items))
    conditions = [condition_of(each, names) for each in items]
    kept = [each for each in conditions if each is not None]
    return {join: kept} if kept and join is not None and len(kept) == len(items) else None


def _join(members: Members, count: int) -> str | None:
    logic = members.get("logic")
    if logic is None:
        if count > 1:
            members.holder.refuse("logic_left_out")
        return "all"
    text = logic.text(10)
    if text is not None and text not in {"AND", "OR"}:
        logic.refuse("unknown_logic", name=text)
    return {"AND": "all", "OR": "any"}.get(text or "")


def condition_of(place: Cursor, names: Names) -> Data | None:
    members = place.members(*CONDITION_KEYS, condition=True)
    if "candlestick" in members:
        return _candle(members, names)
    signal = members.get("signal")
    if signal is not None:
        signal.refuse("mixed_condition")
    operator = _operator(members)
    left = _left(members, names)
    right = _right(members, names, operator)
    if operator is None or left is None or right is None or signal is not None:
        return None
    _note_differences(place, operator, left, right)
    if _can_never_be(operator, left, right, names):
        place.refuse("never_true")
        return None
    if operator in COMPARISONS:
        return {"kind": "compare", "left": left, "op": COMPARISONS[operator], "right": right}
    return {"kind": operator, "left": left, "right": right}


def _candle(members: Members, names: Names) -> Data | None:
    if any(key not in {"candlestick", "signal"} for key in members):
        members.holder.refuse("mixed_condition")
        return None
    place = members.found["candlestick"]
    alias = place.text(40)
    signal = members.text("signal", 20) or "detected"
    if signal not in _SIGNALS:
        members.found["signal"].refuse("unknown_signal", name=signal, **suggestion(signal, _SIGNALS))
        return None
    if alias is None or alias in names.spoilt:
        return None
    if alias not in names.patterns:
        place.refuse("undefined_alias", name=alias, **suggestion(alias, dict(names.patterns)))
        return None
    return {"kind": "candle", "pattern": names.patterns[alias], "signal": signal}


def _operator(members: Members) -> str | None:
    place = members.need("operator")
    word = None if place is None else place.text(40)
    if place is None or word is None:
        return None
    name = word.strip().lower()
    if name in REFUSED_OPERATORS:
        place.refuse("refused_operator", name=word)
    elif name not in OPERATORS:
        place.refuse("unknown_operator", name=word, **suggestion(word, dict(OPERATORS)))
    return OPERATORS.get(name)


def _left(members: Members, names: Names) -> Data | None:
    place = members.need("indicator")
    word = None if place is None else place.text(40)
    return None if place is None or word is None else _series(place, word, members.get("output"), names)


def _right(members: Members, names: Names, operator: str | None) -> Data | None:
    value, against = members.get("value"), members.get("compare_to")
    scalar, operation = members.get("compare_scalar"), members.get("compare_operation")
    output = members.get("compare_output")
    if value is not None and against is not None:
        value.refuse("two_right_sides")
        return None
    place = value or against
    if place is None:
        members.holder.refuse("no_right_side")
        return None
    if value is not None:
        value.note("differs", what=_VALUE.ko, what_en=_VALUE.en)
        if scalar is not None or operation is not None:
            (scalar or operation or value).refuse("scalar_with_value")
            return None
    side = _operand(place, output, names)
    if scalar is None:
        if operation is not None:
            operation.refuse("operation_without_scalar")
        return side
    change = _change(scalar, operation)
    if side is None or change is None:
        return None
    if operator in {"cross_above", "cross_below"}:
        scalar.note("differs", what=_SCALED_CROSS.ko, what_en=_SCALED_CROSS.en)
    return _changed(side, *change)


def _operand(place: Cursor, output: Cursor | None, names: Names) -> Data | None:
    """A number, a parameter, a price or an alias."""
    given = place.scalar()
    if given is None:
        return None
    if isinstance(given, str) and (reference := REFERENCE.fullmatch(given)) is not None:
        side = _parameter(place, reference[1], names)
    elif not isinstance(given, str) or _NUMBER.fullmatch(given.strip()):
        side = {"number": float(given)}
    else:
        return _series(place, given, output, names)
    if output is not None:
        output.refuse("undefined_output", name=output.text(40), known="–")
        return None
    return side


def _parameter(place: Cursor, name: str, names: Names) -> Data | None:
    names.used.add(name)
    if name in names.spoilt:
        return None
    if name not in names.parameters:
        place.refuse("undefined_reference", name=name)
        return None
    return {"param": name}


def _series(place: Cursor, word: str, output: Cursor | None, names: Names) -> Data | None:
    wanted = None if output is None else output.text(40)
    if output is not None and wanted is None:
        return None
    if word in PRICES:
        if wanted not in {None, "value"} and output is not None:
            output.refuse("undefined_output", name=wanted, known="value")
            return None
        if word == "price":
            place.note("differs", what=_PRICE.ko, what_en=_PRICE.en)
        return {"column": PRICES[word]}
    if word in names.spoilt:
        return None
    if word not in names.indicators:
        place.refuse("undefined_alias", name=word, **suggestion(word, [*names.indicators, *PRICES]))
        return None
    kind, direction = names.indicators[word]
    return _output_of(place if output is None else output, word, kind, wanted, direction)


def _output_of(place: Cursor, alias: str, kind: KisIndicator, wanted: str | None, direction: str | None) -> Data | None:
    known = ", ".join(kind.outputs)
    if wanted is None and "value" not in kind.outputs:
        place.refuse("output_left_out", known=known)
        return None
    if (wanted or "value") not in kind.outputs:
        place.refuse("undefined_output", name=wanted, known=known)
        return None
    ours = direction or kind.outputs[wanted or "value"]
    return {"indicator": alias, **({} if ours == "value" else {"output": ours})}


def _change(scalar: Cursor, operation: Cursor | None) -> tuple[float, float] | None:
    """The scalar as (scale, offset)."""
    number = scalar.number()
    word = "mul" if operation is None else operation.text(10)
    if operation is not None and word is not None and word not in _OPERATIONS:
        operation.refuse("unknown_operation", name=word, **suggestion(word, _OPERATIONS))
        return None
    if number is None or word is None:
        return None
    if word == "div" and number == 0:
        scalar.refuse("division_by_zero")
        return None
    by = {"mul": (number, 0.0), "div": (1 / (number or 1), 0.0), "add": (1.0, number), "sub": (1.0, -number)}
    return by[word]


def _changed(side: Data, scale: float, offset: float) -> Data:
    if "number" in side:
        return {"number": side["number"] * scale + offset}
    return side | ({} if scale == 1 else {"scale": scale}) | ({} if offset == 0 else {"offset": offset})


def _can_never_be(operator: str, left: Data, right: Data, names: Names) -> bool:
    """A bar beyond an extreme it belongs to; a scaled extreme may well be reached."""
    if "column" not in left or "indicator" not in right or right.keys() & {"scale", "offset"}:
        return False
    kind = names.indicators[right["indicator"]][0].kind
    return (left["column"], operator, kind, right.get("output", "value")) in NEVER


def _note_differences(place: Cursor, operator: str, left: Data, right: Data) -> None:
    for said in _differences(operator, left, right):
        place.note("differs", what=said.ko, what_en=said.en)


def _differences(operator: str, left: Data, right: Data) -> Iterator[Words]:
    if operator.startswith("cross_"):
        yield _STRICT
        if {left.get("column"), right.get("column")} & {"open", "high", "low", "volume"}:
            yield _BARE_CROSS
