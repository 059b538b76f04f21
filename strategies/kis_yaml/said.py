"""The rules of a document in the format's words, condition by condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from strategies.catalog import Words
from strategies.conditions import (
    AllOf,
    AnyOf,
    Candle,
    ColumnOperand,
    Compare,
    Condition,
    Cross,
    IndicatorOperand,
    NumberOperand,
    Operand,
    ParamOperand,
    RiskOnly,
    operands,
    placed_members,
)
from strategies.document import IndicatorSpec, RuleDocument
from strategies.kis_yaml.problems import Remark, remark
from strategies.kis_yaml.vocabulary import COMPARISONS, INDICATORS, KisIndicator
from strategies.shape import ParamRef
from strategies.wording import figure

Data = dict[str, Any]

_PORTABLE_OPERATORS = frozenset(("gt", "lt", "ge", "le"))
_WORDS: Mapping[str, str] = {ours: theirs for theirs, ours in COMPARISONS.items()}
_PATTERN_ALIASES = 100  # more than a document has indicators


@dataclass(slots=True)
class Said:
    """What became of a document on its way out."""

    portable: bool
    problems: list[Remark] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)

    def refuse(self, code: str, path: str, what: Words) -> None:
        self.problems.append(remark(code, path, what=what.ko, what_en=what.en))

    def note(self, code: str, path: str, what: Words) -> None:
        self.remarks.append(remark(code, path, what=what.ko, what_en=what.en))

    def fixed(self, rule: RuleDocument, reference: ParamRef, path: str) -> float:
        """The parameter's default, where the format takes no parameter."""
        value = rule.parameters[reference.param].default
        self.remarks.append(remark("parameter_fixed", path, name=reference.param, value=figure(value, 9)))
        return value


class Writer:
    """One document being written. `used` gathers the parameters the file refers to."""

    def __init__(self, rule: RuleDocument, said: Said) -> None:
        self._rule = rule
        self._said = said
        self.used: set[str] = set()
        self._outputs: dict[str, set[str]] = {}
        self._candles: dict[str, str] = {}  # pattern → alias
        for _, condition in rule.conditions():
            for _, side in operands(condition):
                if isinstance(side, IndicatorOperand):
                    self._outputs.setdefault(side.indicator, set()).add(side.output)
        self._names = {alias: self._name(alias, spec) for alias, spec in rule.indicators.items()}

    def entry(self) -> Data:
        if len(self._rule.entries) > 1:
            self._said.refuse("not_in_format", "entries[1]", Words("2차 매수", "a second buy"))
        first = self._rule.entries[0]
        if first.stop is not None:
            self._said.refuse("not_in_format", "entries[0].stop", Words("봉 안의 진입 가격", "a price to wait at"))
        if self._rule.increasing and not self._said.portable:
            self._said.note("not_kept", "increasing", Words("매개변수의 순서", "the order of parameters"))
        return self._group(first.when, "entries[0].when")

    def exit(self) -> Data:
        if isinstance(self._rule.exit, RiskOnly):
            self._said.refuse("not_in_format", "exit", Words("매도 규칙이 없는 전략", "a rule without an exit"))
            return {}
        return self._group(self._rule.exit, "exit")

    def indicators(self) -> list[Data]:
        return [self._indicator(alias, spec) for alias, spec in self._rule.indicators.items()]

    def candlesticks(self) -> list[Data]:
        return [{"id": pattern, "alias": alias} for pattern, alias in self._candles.items()]

    def _alias(self, pattern: str) -> str:
        names = (f"{pattern}_{n}" for n in range(1, _PATTERN_ALIASES))
        return next(name for name in names if name not in self._rule.indicators)

    def _group(self, group: AllOf | AnyOf, path: str) -> Data:
        conditions = []
        for place, member in placed_members(group, path):
            if isinstance(member, AllOf | AnyOf):
                self._said.refuse("not_in_format", place, Words("겹친 조건 묶음", "a group inside a group"))
            else:
                conditions.append(self._condition(member, place))
        return {"logic": "AND" if isinstance(group, AllOf) else "OR", "conditions": conditions}

    def _condition(self, condition: Condition, path: str) -> Data:
        if condition.label:
            self._said.note("not_kept", path, Words("조건의 이름표", "the condition's label"))
        match condition:
            case Candle(pattern=pattern, signal=signal):
                return {"candlestick": self._candles.setdefault(pattern, self._alias(pattern)), "signal": signal}
            case Compare(op=op):
                self._check_operator(op, path)
                return self._sides(condition, _WORDS[op], path)
            case Cross(kind=kind):
                touching = Words(
                    "두 선이 전 봉에서 닿아 있으면 전략 빌더는 돌파로 보지 않습니다",
                    "the builder sees no cross where the lines touched on the bar before",
                )
                self._said.note("differs", path, touching)
                return self._sides(condition, kind, path)
        self._said.refuse("not_in_format", path, Words(f"{condition.kind} 조건", f"the condition {condition.kind}"))
        return {}

    def _check_operator(self, op: str, path: str) -> None:
        if self._said.portable and op not in _PORTABLE_OPERATORS:
            self._said.refuse("not_portable", path, Words("같음·다름 비교", "equality"))

    def _sides(self, condition: Compare | Cross, operator: str, path: str) -> Data:
        left, right = condition.left, condition.right
        if not isinstance(left, ColumnOperand | IndicatorOperand):
            self._said.refuse("not_in_format", f"{path}.left", Words("왼쪽의 숫자", "a number on the left"))
            return {}
        if (left.scale, left.offset) != (1, 0):
            self._said.refuse("not_in_format", f"{path}.left", Words("왼쪽의 배율", "a scalar on the left"))
        name, output = self._series(left, f"{path}.left")
        data: Data = {"indicator": name, **({} if output is None else {"output": output}), "operator": operator}
        return data | self._right(right, f"{path}.right")

    def _right(self, side: Operand, path: str) -> Data:
        match side:
            case NumberOperand():
                return {"compare_to": side.number}
            case ParamOperand():
                if (side.scale, side.offset) != (1, 0):
                    self._said.refuse("not_in_format", path, Words("매개변수의 배율", "a scaled parameter"))
                self.used.add(side.param)
                return {"compare_to": f"${side.param}"}
        name, output = self._series(side, path)
        data: Data = {"compare_to": name, **({} if output is None else {"compare_output": output})}
        return data | self._scalar(side, path)

    def _scalar(self, side: ColumnOperand | IndicatorOperand, path: str) -> Data:
        scale, offset = (self._plain(each, path) for each in (side.scale, side.offset))
        if (scale, offset) == (1, 0):
            return {}
        if self._said.portable:
            self._said.refuse("not_portable", path, Words("배율", "a scalar"))
        if scale != 1 and offset != 0:
            self._said.refuse("not_in_format", path, Words("곱하고 더하기", "a scale and an offset at once"))
        return {
            "compare_scalar": scale if scale != 1 else offset,
            "compare_operation": "mul" if scale != 1 else "add",
        }

    def _plain(self, quantity: float | ParamRef, path: str) -> float:
        return self._said.fixed(self._rule, quantity, path) if isinstance(quantity, ParamRef) else quantity

    def _series(self, side: ColumnOperand | IndicatorOperand, path: str) -> tuple[str, str | None]:
        """The name and the output to ask it for."""
        if side.ago:
            self._said.refuse("not_in_format", path, Words("이전 봉의 값", "a value of earlier bars"))
        if isinstance(side, ColumnOperand):
            if side.column == "range":
                self._said.refuse("not_in_format", path, Words("봉 폭", "a bar's range"))
            elif self._said.portable and side.column not in {"close", "open"}:
                self._said.refuse("not_portable", path, Words("고가·저가·거래량", "high, low and volume"))
            return side.column, None
        name = self._names[side.indicator]
        if name is None:
            return side.indicator, None
        if name == "consecutive":
            return side.indicator, "value"
        return side.indicator, self._output(INDICATORS[name], side, path)

    def _output(self, kind: KisIndicator, side: IndicatorOperand, path: str) -> str:
        theirs = {ours: name for name, ours in kind.outputs.items()}
        if side.output not in theirs:
            self._said.refuse("not_in_format", path, Words(f"출력 {side.output}", f"the output {side.output}"))
            return side.output
        if self._said.portable and theirs[side.output] not in kind.portable:
            self._said.refuse("not_portable", path, kind.differs or Words("이 지표", "this indicator"))
        return theirs[side.output]

    def _name(self, alias: str, spec: IndicatorSpec) -> str | None:
        """Their name for the indicator; refused, None, where they have none that means it."""
        path = f"indicators.{alias}"
        if spec.source != "close":
            self._said.refuse("not_in_format", f"{path}.source", Words("종가가 아닌 입력", "a source other than close"))
        for name, kind in INDICATORS.items():
            if kind.kind == spec.kind:  # the first of their names that means it
                if any(spec.params[ours] != number for ours, number in kind.fixed.items()):
                    break
                return name
        self._said.refuse("not_in_format", path, Words(f"지표 {spec.kind}", f"the indicator {spec.kind}"))
        return None

    def _indicator(self, alias: str, spec: IndicatorSpec) -> Data:
        name = self._names[alias]
        if name is None:
            return {}
        if name == "consecutive":
            return {"id": name, "alias": alias, "params": {"direction": self._direction(alias)}}
        numbers = {theirs: self._written(spec.params[ours]) for theirs, (ours, _) in INDICATORS[name].params.items()}
        return {"id": name, "alias": alias, **({"params": numbers} if numbers else {})}

    def _direction(self, alias: str) -> str:
        used = sorted(self._outputs.get(alias, {"up"}))
        if len(used) > 1:
            both = Words("한 별칭의 상승·하락", "both directions of one alias")
            self._said.refuse("not_in_format", f"indicators.{alias}", both)
        if self._said.portable:
            self._said.refuse("not_portable", f"indicators.{alias}", Words("연속 상승·하락", "runs of closes"))
        return used[0]

    def _written(self, quantity: float | ParamRef) -> float | str:
        if isinstance(quantity, ParamRef):
            self.used.add(quantity.param)
            return f"${quantity.param}"
        return quantity
