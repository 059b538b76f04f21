"""What can be wrong with a `.kis.yaml` file, or worth knowing about it: a place, a line and a sentence in two languages."""

from collections.abc import Sequence
from dataclasses import dataclass

from strategies.errors import Language, Problem

_SENTENCES: dict[str, tuple[str, str]] = {
    # the text
    "too_large": ("파일이 너무 큽니다 (최대 {limit}바이트)", "the file is too large (at most {limit} bytes)"),
    "not_utf8": ("UTF-8 글자로 읽을 수 없습니다", "is not UTF-8 text"),
    "control_character": ("쓸 수 없는 제어 문자가 있습니다", "holds a control character"),
    "not_yaml": (
        "YAML로 읽을 수 없습니다. 괄호와 따옴표, 들여쓰기를 확인해 주세요",
        "cannot be read as YAML: {detail}",
    ),
    "several_documents": ("문서가 하나여야 합니다", "must hold one document"),
    "anchor": ("앵커와 별칭(&, *)은 쓸 수 없습니다", "anchors and aliases (&, *) are not allowed"),
    "merge_key": ("병합 키(<<)는 쓸 수 없습니다", "merge keys (<<) are not allowed"),
    "tag": ("태그(!)는 쓸 수 없습니다", "tags (!) are not allowed"),
    "duplicate_key": ("같은 항목이 두 번 있습니다: {name}", "the key {name} stands there twice"),
    "key_not_text": ("항목 이름은 글자여야 합니다", "a key must be text"),
    "too_deep": ("너무 깊습니다 (최대 {limit}단계)", "nests too deeply (at most {limit} levels)"),
    "too_many_nodes": ("항목이 너무 많습니다 (최대 {limit}개)", "holds too many values (at most {limit})"),
    "ambiguous": (
        "{text}: 프로그램마다 다르게 읽히므로 따옴표로 묶거나 풀어 쓰세요",
        "{text} is read differently by different programs: quote it, or write the number out",
    ),
    "number_too_long": ("숫자가 너무 깁니다 (최대 15자리)", "the number is too long (at most 15 digits)"),
    "not_finite": ("유한한 수여야 합니다", "must be a finite number"),
    # the shape
    "unknown_key": ("모르는 항목입니다{hint}", "is not a known key{hint}"),
    "missing": ("{name} 항목이 빠졌습니다", "{name} is missing"),
    "wrong_type": ("{expected} 값이어야 합니다", "must be {expected_en}"),
    "too_long": ("너무 깁니다 (최대 {limit}자)", "is too long (at most {limit} characters)"),
    "too_many": ("너무 많습니다 (최대 {limit}개)", "are too many (at most {limit})"),
    "empty": ("비어 있습니다", "is empty"),
    "unknown_version": ("모르는 판입니다: {name}", "the version {name} is not known"),
    "nested_group": ("이 형식에서는 조건 묶음을 겹칠 수 없습니다", "the format cannot nest groups of conditions"),
    # names
    "unknown_indicator": ("모르는 지표입니다: {name}{hint}", "there is no indicator {name}{hint}"),
    "unsupported_indicator": (
        "이 플랫폼에 없는 지표입니다: {name}. 비슷한 것으로 바꾸어 읽지 않습니다",
        "the indicator {name} is not computed here, and no other is put in its place",
    ),
    "underdetermined": (
        "{name}: 파일에 정해지지 않은 값이 있어(ATR 기간) 그대로 계산할 수 없습니다",
        "{name}: the file leaves open what it is computed from (the ATR's length)",
    ),
    "unknown_pattern": ("모르는 캔들 패턴입니다: {name}{hint}", "there is no candlestick pattern {name}{hint}"),
    "bad_alias": ("쓸 수 없는 별칭입니다: {name}", "{name} cannot be an alias"),
    "duplicate_alias": ("별칭이 겹칩니다: {name}", "the alias {name} is used twice"),
    "alias_left_out": (
        "별칭이 없어 프로그램마다 이름이 달라집니다 ({backtester} 또는 {builder}). 별칭을 적어 주세요",
        "without an alias one program calls it {backtester} and the other {builder}: write one",
    ),
    "undefined_alias": ("정의되지 않은 이름입니다: {name}{hint}", "refers to nothing: {name}{hint}"),
    "undefined_output": (
        "이 지표에 없는 출력입니다: {name} (있는 것: {known})",
        "the indicator has no output {name} (it has {known})",
    ),
    "output_left_out": (
        "출력이 여럿인 지표입니다. 어느 것인지 적어 주세요: {known}",
        "the indicator has several outputs, name one: {known}",
    ),
    # parameters
    "missing_param": (
        "매개변수 {name} 값이 빠졌습니다 (흔히 쓰는 값 {default})",
        "the parameter {name} is missing (commonly {default})",
    ),
    "unknown_param": ("이 지표에 없는 매개변수입니다: {name}", "the indicator has no parameter {name}"),
    "undefined_reference": ("정의되지 않은 매개변수입니다: ${name}", "refers to an undefined parameter: ${name}"),
    "reference_not_allowed": (
        "여기에는 $ 매개변수를 쓸 수 없습니다: {text}",
        "a $parameter cannot stand here: {text}",
    ),
    # conditions
    "unknown_operator": ("모르는 연산자입니다: {name}{hint}", "there is no operator {name}{hint}"),
    "refused_operator": (
        "{name}: 이름과 다르게 실행되는 연산자라서 받지 않습니다",
        "{name} does not do what its name says, and is not accepted",
    ),
    "two_right_sides": (
        "value와 compare_to 가운데 하나만 적어 주세요",
        "has both value and compare_to: which one is meant?",
    ),
    "no_right_side": ("비교할 값(compare_to)이 빠졌습니다", "has nothing to compare with (compare_to)"),
    "scalar_with_value": ("value에는 배율을 쓸 수 없습니다", "a scalar has no effect on a value"),
    "operation_without_scalar": (
        "compare_scalar 없이 compare_operation만 있습니다",
        "has a compare_operation without a compare_scalar",
    ),
    "unknown_operation": ("모르는 연산입니다: {name}{hint}", "there is no operation {name}{hint}"),
    "division_by_zero": ("0으로 나눌 수 없습니다", "divides by zero"),
    "unknown_signal": ("모르는 신호입니다: {name}{hint}", "there is no signal {name}{hint}"),
    "mixed_condition": (
        "캔들 조건에는 다른 비교를 함께 쓸 수 없습니다",
        "a candlestick condition cannot compare figures too",
    ),
    "never_true": (
        "언제나 거짓입니다: 최고·최저값이 이 봉 자신을 포함합니다",
        "can never be true: the highest and the lowest count this bar itself",
    ),
    "unknown_logic": ("AND 또는 OR만 쓸 수 있습니다: {name}", "must be AND or OR, not {name}"),
    "logic_left_out": (
        "조건이 여럿이면 logic(AND 또는 OR)을 적어야 합니다",
        "with several conditions, logic (AND or OR) must be said",
    ),
    # rules and risk
    "no_rule": (
        "규칙이 없습니다. 원본 프로그램들은 빈 규칙을 제멋대로 채웁니다",
        "there is no rule; upstream programs make one up where it is missing",
    ),
    "enabled_left_out": (
        "enabled가 없어 켜진 것인지 알 수 없습니다",
        "does not say enabled: true or false",
    ),
    "percent_left_out": ("켜졌지만 percent가 없습니다", "is enabled without a percent"),
    "percent_range": (
        "0보다 크고 100 이하여야 합니다 (원본도 같습니다)",
        "must be above 0 and at most 100, upstream too",
    ),
    "fraction_range": ("0보다 크고 1 이하여야 합니다", "must be above 0 and at most 1"),
    # what the format cannot say
    "not_in_format": ("이 형식으로는 쓸 수 없습니다: {what}", "cannot be said in this format: {what_en}"),
    "not_portable": (
        "두 프로그램에서 뜻이 같지 않습니다: {what}",
        "does not mean the same in both programs: {what_en}",
    ),
    # worth knowing
    "version_not_quoted": (
        "version은 따옴표로 묶어야 다른 프로그램도 읽습니다",
        "the version should be quoted: another program refuses it bare",
    ),
    "alias_generated": ("별칭이 없어 {name}(이)라고 부릅니다", "has no alias and is called {name}"),
    "output_selects_nothing": (
        "지표에 적힌 output은 아무것도 고르지 않습니다. 조건마다 적어야 합니다",
        "an indicator's own output selects nothing: conditions name theirs",
    ),
    "unused_parameter": ("쓰이지 않는 매개변수입니다: {name}", "the parameter {name} has no effect"),
    "differs": ("원본에서는 다르게 움직입니다: {what}", "upstream would have behaved differently: {what_en}"),
    "parameter_fixed": (
        "매개변수 {name}을(를) 쓸 수 없는 자리라 기본값 {value}(으)로 적었습니다",
        "the parameter {name} cannot stand here and is written as its default {value}",
    ),
    "not_kept": ("이 형식에는 없어 적지 않았습니다: {what}", "the format has no place for it: {what_en}"),
}


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing about a file. `path` reads like "strategy.entry.conditions[1].operator"; `line` counts from 1.

    Without a line it is about a document on its way out, and `path` is the document's.
    """

    code: str
    path: str
    line: int | None
    message_ko: str
    message_en: str

    def sentence(self, language: Language) -> str:
        message = self.message_ko if language == "ko" else self.message_en
        place = ": ".join(part for part in (self._line(language), self.path) if part)
        return f"{place}: {message}" if place else message

    def _line(self, language: Language) -> str:
        if self.line is None:
            return ""
        return f"{self.line}행" if language == "ko" else f"line {self.line}"

    @classmethod
    def of(cls, found: Problem, path: str, line: int | None) -> "Remark":
        """A problem of the rule document, at its place in the file."""
        return cls(found.code, path, line, found.message_ko, found.message_en)


def remark(code: str, path: str, line: int | None = None, **facts: object) -> Remark:
    """The remark named `code`, its two sentences filled with `facts`; a fact `x_en` is the English of `x`."""
    korean, english = _SENTENCES[code]
    return Remark(code, path, line, korean.format(**facts), english.format(**facts))


class KisYamlInvalid(Exception):
    """A file that cannot be read as a strategy, or a strategy no file can hold. Carries every problem found."""

    code = "kis_yaml_invalid"

    def __init__(self, problems: Sequence[Remark]) -> None:
        super().__init__("; ".join(each.sentence("en") for each in problems))
        self.problems = tuple(problems)
