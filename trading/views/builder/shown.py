"""From a draft to the form that shows it. What fields there are, the document's model says; here they get their words."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from strategies.candles import PATTERNS
from strategies.catalog import INDICATORS, OSCILLATORS, RANGES, SINGLE_BARS, TREND, VOLUME
from strategies.drafts import Tree
from strategies.drafts.changes import MOST_ENTRIES
from strategies.drafts.shapes import (
    CONDITIONS,
    FIGURES,
    LEVEL_FORMS,
    PARAMETER_KINDS,
    RISK,
    SERIES_FORMS,
    SOURCES,
    FieldShape,
)
from strategies.drafts.tree import part_of, parts_of, text_of, words_of
from strategies.errors import Language, Problem
from strategies.parameter_words import is_rate, plain_number
from strategies.services import LONGEST_NAME
from strategies.wording import column_words
from trading.views.builder import words
from trading.views.builder.fields import (
    BuilderFields,
    ConditionFields,
    EntryFields,
    Field,
    GroupFields,
    IndicatorFields,
    OperandFields,
    ParameterFields,
    told,
)

_SHELF = {"trend": TREND, "oscillators": OSCILLATORS, "ranges": RANGES, "volume": VOLUME, "single_bars": SINGLE_BARS}


def shown(draft: Tree, problems: Mapping[str, Sequence[Problem]], language: Language, focus: str = "") -> BuilderFields:
    """The form of a draft with what is wrong beside each field; `focus` names the field somebody goes on with."""
    return _Showing(draft, told(problems, language), language, focus).form()


class _Showing:
    """One passage through a draft. Errors whose field was not shown are told above the form."""

    def __init__(self, draft: Tree, errors: dict[str, list[str]], language: Language, focus: str) -> None:
        self._draft, self._errors, self._language, self._focus = draft, errors, language, focus
        self._untold = dict(errors)
        self._names = [text_of(each, "name") for each in parts_of(draft, "parameters")]
        self._series = self._series_choices()

    def form(self) -> BuilderFields:
        draft = self._draft
        indicators = [self._indicator(part, f"indicators.{n}") for n, part in enumerate(parts_of(draft, "indicators"))]
        entries = [self._entry(part, f"entries.{n}", n) for n, part in enumerate(parts_of(draft, "entries"))]
        leaves = self._group(part_of(draft, "exit"), "exit", joins=[*words.JOINS, words.RISK_ONLY])
        risk = [self._risk(key) for key in RISK]
        parameters = [self._parameter(part, f"parameters.{n}") for n, part in enumerate(parts_of(draft, "parameters"))]
        increasing = self._text(
            draft, "increasing", "increasing", _("차례로 커져야 하는 것"), takes="words", is_optional=True
        )
        name = self._text(draft, "name", "name", _("이름"), takes="words", longest=LONGEST_NAME)
        about = self._text(
            draft, "description", "description", _("설명"), takes="words", longest=2000, is_optional=True
        )
        new = Field("new_indicator", _("더할 지표"), text_of(draft, "new_indicator") or "sma", choices=self._kinds())
        parameter_errors = self._told("parameters")
        return BuilderFields(
            name,
            about,
            indicators,
            new,
            entries,
            leaves,
            risk,
            parameters,
            parameter_errors,
            increasing,
            [name for name in self._names if name],
            [error for errors in self._untold.values() for error in errors],
            len(entries) < MOST_ENTRIES,
        )

    # Parts

    def _indicator(self, part: Tree, name: str) -> IndicatorFields:
        kind = INDICATORS.get(text_of(part, "kind"))
        params, typed = [], part_of(part, "params")
        for key in kind.params if kind else typed:
            bounds = kind.params[key] if kind else None
            label = bounds.title.said_in(self._language) if bounds else key
            hint = f"{plain_number(bounds.minimum)} – {plain_number(bounds.maximum)}" if bounds else ""
            params.append(self._text(typed, key, f"{name}.params.{key}", label, takes="quantity", help=hint))
        source = None
        if kind is None or kind.takes_source:
            columns = [(each, column_words(each, self._language)) for each in SOURCES]
            source = self._choice(part, "source", f"{name}.source", _("무엇의"), columns)
        return IndicatorFields(
            name,
            self._text(part, "alias", f"{name}.alias", _("별명"), takes="name", longest=40),
            words_of(part, "was"),
            self._choice(part, "kind", f"{name}.kind", _("지표"), self._kinds(), is_reshaping=True),
            source,
            params,
            kind.meaning.said_in(self._language) if kind else "",
            self._numbered(part, kind.name.said_in(self._language) if kind else text_of(part, "kind")),
            self._told(name) + self._told(f"{name}.params"),
        )

    def _entry(self, part: Tree, name: str, number: int) -> EntryFields:
        stop = part_of(part, "stop")
        level = self._operand(part_of(stop, "level"), f"{name}.stop.level", _("진입 가격"), SERIES_FORMS)
        return EntryFields(
            name,
            words.STEPS[number] if number < len(words.STEPS) else str(number + 1),
            self._text(part, "name", f"{name}.name", _("단계 이름"), takes="name", longest=40),
            self._group(part_of(part, "when"), f"{name}.when"),
            self._choice(stop, "way", f"{name}.stop.way", _("사는 때"), words.WAYS),
            level,
            self._told(name) + self._told(f"{name}.stop"),
        )

    def _group(self, part: Tree, name: str, joins: Sequence[tuple[str, Any]] = (), place: int = 0) -> GroupFields:
        members = [
            self._condition(member, f"{name}.members.{n}", n + 1)
            if "kind" in member
            else self._group(member, f"{name}.members.{n}", place=n + 1)
            for n, member in enumerate(parts_of(part, "members"))
        ]
        join = self._choice(part, "join", f"{name}.join", _("묶는 법"), joins or words.JOINS)
        return GroupFields(name, join, members, self._told(name), place)

    def _condition(self, part: Tree, name: str, place: int) -> ConditionFields:
        kinds = [(kind, words.KINDS.get(kind, kind)) for kind in CONDITIONS]
        parts = [self._part(part, shape, f"{name}.{shape.key}") for shape in CONDITIONS.get(text_of(part, "kind"), ())]
        return ConditionFields(
            name,
            self._choice(part, "kind", f"{name}.kind", _("조건"), kinds, is_reshaping=True),
            parts,
            self._text(part, "label", f"{name}.label", _("이름표"), takes="words", longest=60, is_optional=True),
            self._told(name),
            place,
        )

    def _part(self, part: Tree, shape: FieldShape, name: str) -> Field | OperandFields:
        label = words.FIELDS.get(shape.key, shape.key)
        if shape.role == "operand":
            return self._operand(part_of(part, shape.key), name, label, shape.forms)
        if shape.role == "quantity":
            return self._text(part, shape.key, name, label, takes="quantity")
        return self._choice(part, shape.key, name, label, self._words_of(shape))

    def _operand(self, part: Tree, name: str, label: Any, forms: frozenset[str]) -> OperandFields:
        scale, offset, ago = (text_of(part, key) for key in ("scale", "offset", "ago"))
        choices = [group for form, group in self._series if form in forms]
        return OperandFields(
            name,
            label,
            self._choice(part, "of", f"{name}.of", label, choices),
            self._text(part, "number", f"{name}.number", _("숫자"), takes="number"),
            self._text(part, "scale", f"{name}.scale", _("곱하기"), takes="quantity", is_optional=True),
            self._text(part, "offset", f"{name}.offset", _("더하기"), takes="quantity", is_optional=True),
            self._text(part, "ago", f"{name}.ago", _("몇 봉 전"), takes="number", is_optional=True),
            bool(forms & LEVEL_FORMS),
            scale not in {"", "1"} or offset not in {"", "0"} or ago not in {"", "0"},
        )

    def _risk(self, key: str) -> Field:
        label, meaning = words.RISKS.get(key, (key, ""))
        suffix = "%" if is_rate(key) else _("봉")
        typed = part_of(self._draft, "risk")
        return self._text(
            typed, key, f"risk.{key}", label, takes="quantity", suffix=suffix, help=meaning, is_optional=True
        )

    def _parameter(self, part: Tree, name: str) -> ParameterFields:
        suffix = "%" if is_rate(text_of(part, "name")) else ""
        labels = {"default": _("기본값"), "minimum": _("최솟값"), "maximum": _("최댓값"), "step": _("증감 단위")}
        kinds = [(kind, words.PARAMETER_KINDS.get(kind, kind)) for kind in PARAMETER_KINDS]
        fields = [
            self._text(part, "name", f"{name}.name", _("이름"), takes="name", longest=40),
            *(
                self._text(part, key, f"{name}.{key}", label, suffix=suffix, is_optional=key == "step")
                for key, label in labels.items()
            ),
            self._choice(part, "kind", f"{name}.kind", _("수의 종류"), kinds),
            self._text(
                part, "description", f"{name}.description", _("설명"), takes="words", longest=300, is_optional=True
            ),
        ]
        return ParameterFields(name, text_of(part, "name"), words_of(part, "was"), fields, self._told(name))

    # Fields

    def _text(self, part: Tree, key: str, name: str, label: Any, **more: Any) -> Field:
        is_next = name == self._focus
        return Field(name, label, words_of(part, key), self._told(name), is_next=is_next, **more)

    def _choice(self, part: Tree, key: str, name: str, label: Any, choices: Sequence[Any], **more: Any) -> Field:
        value, is_next = text_of(part, key), name == self._focus
        if not Field(name, label, value, choices=choices).offers(
            value
        ):  # what was picked may be there no more: it stays
            gone = _("없는 것: %(name)s") % {"name": value.partition(":")[2] or value} if value else _("고르세요")
            choices = [(value, gone), *choices]
        return Field(name, label, value, self._told(name), choices=choices, is_next=is_next, **more)

    def _told(self, name: str) -> list[str]:
        self._untold.pop(name, None)
        return self._errors.get(name, [])

    # Choices

    def _kinds(self) -> list[tuple[Any, Any]]:
        return [
            (words.INDICATOR_GROUPS[group], [(key, kind.name.said_in(self._language)) for key, kind in kinds.items()])
            for group, kinds in _SHELF.items()
        ]

    def _words_of(self, shape: FieldShape) -> list[tuple[str, Any]]:
        if shape.key == "pattern":
            return [(key, pattern.title.said_in(self._language)) for key, pattern in PATTERNS.items()]
        known = words.CHOICES.get(shape.key, {})
        return [(choice, known.get(choice, choice)) for choice in shape.choices]

    def _series_choices(self) -> list[tuple[str, tuple[Any, Any]]]:
        """What an operand may be, by form: (form, (group, choices))."""
        figures = [(f"column:{each}", column_words(each, self._language)) for each in FIGURES]
        lines = [
            (f"indicator:{text_of(part, 'alias')}.{output}", self._line(part, described.title.said_in(self._language)))
            for part in parts_of(self._draft, "indicators")
            if text_of(part, "kind") in INDICATORS and text_of(part, "alias")
            for output, described in INDICATORS[text_of(part, "kind")].outputs.items()
        ]
        names = [(f"param:{name}", name) for name in self._names if name]
        return [
            ("column", (_("시세"), figures)),
            *([("indicator", (_("지표"), lines))] if lines else []),
            ("number", (_("숫자"), [("number", _("숫자 적기"))])),
            *([("param", (_("매개변수"), names))] if names else []),
        ]

    def _line(self, part: Tree, title: str) -> str:
        same = [each for each in parts_of(self._draft, "indicators") if each.get("kind") == part.get("kind")]
        return self._numbered(part, title) + (f" · {text_of(part, 'alias')}" if len(same) > 1 else "")

    def _numbered(self, part: Tree, title: str) -> str:
        kind = INDICATORS.get(text_of(part, "kind"))
        numbers = ", ".join(text_of(part_of(part, "params"), name) for name in kind.params) if kind else ""
        return f"{title}({numbers})" if numbers else title
