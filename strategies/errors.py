"""What can be wrong with a strategy document, said in Korean and in English, with the place inside the document."""

from collections.abc import Sequence
from dataclasses import dataclass
from json import JSONDecodeError
from typing import Literal

Language = Literal["ko", "en"]

_SENTENCES: dict[str, tuple[str, str]] = {
    "not_json": (
        "JSON으로 읽을 수 없습니다{place}. 따옴표와 쉼표, 괄호를 확인해 주세요",
        "cannot be read as JSON{place}: {detail}",
    ),
    "too_large": ("문서가 너무 큽니다 (최대 {limit}바이트)", "the document is too large (at most {limit} bytes)"),
    "too_deep": ("조건 묶음이 너무 깊습니다 (최대 {limit}단계)", "groups nest too deeply (at most {limit} levels)"),
    "too_many_conditions": ("조건이 너무 많습니다 (최대 {limit}개)", "too many conditions (at most {limit})"),
    "missing": ("값이 빠졌습니다", "is missing"),
    "empty": ("비어 있습니다", "is empty"),
    "unknown_key": ("모르는 항목입니다", "is not a known key"),
    "wrong_form": ("알 수 없는 형식입니다", "has none of the known forms"),
    "wrong_value": ("올바르지 않은 값입니다: {detail}", "is not a valid value: {detail}"),
    "not_an_object": ("항목의 묶음이어야 합니다, 예: {{…}}", "must be an object with keys"),
    "not_a_list": ("목록이어야 합니다, 예: […]", "must be a list"),
    "not_a_text": ("글자여야 합니다", "must be a text"),
    "not_a_choice": ("다음 가운데 하나여야 합니다: {detail}", "must be one of {detail}"),
    "too_long": ("너무 깁니다 (최대 {limit})", "is too long (at most {limit})"),
    "not_finite": ("유한한 수여야 합니다 (NaN·무한대 불가)", "must be a finite number, not NaN or infinity"),
    "not_a_number": ("숫자로 적어 주세요. 예: 1,000 또는 0.5", "must be a number such as 1,000 or 0.5"),
    "not_a_quantity": ("숫자나 매개변수의 이름을 적어 주세요", "must be a number or the name of a parameter"),
    "bad_name": (
        "영문자나 밑줄로 시작하는 영문자·숫자·밑줄 40자까지입니다",
        "must begin with a letter or _ and have up to 40 letters, digits or _",
    ),
    "bad_text": ("쓸 수 없는 문자가 있습니다", "holds a character that cannot be kept"),
    "bad_order": ("한 줄에 하나씩 short < long처럼 적어 주세요", "must read like short < long, one on each line"),
    "out_of_range": ("{low} 이상 {high} 이하여야 합니다", "must be between {low} and {high}"),
    "not_whole": ("정수여야 합니다", "must be a whole number"),
    "unknown_indicator": ("모르는 지표입니다: {name}", "there is no indicator called {name}"),
    "unknown_indicator_param": ("이 지표에 없는 매개변수입니다: {name}", "the indicator has no parameter {name}"),
    "missing_indicator_param": ("지표의 매개변수가 빠졌습니다: {name}", "the indicator's parameter {name} is missing"),
    "no_source": ("이 지표는 입력 열을 고를 수 없습니다", "this indicator does not take a source column"),
    "reserved_name": ("가격 열의 이름은 쓸 수 없습니다: {name}", "{name} is the name of a bar column"),
    "undefined_indicator": ("정의되지 않은 지표입니다: {name}", "refers to an undefined indicator: {name}"),
    "undefined_output": ("이 지표에 없는 출력입니다: {name}", "the indicator has no output {name}"),
    "undefined_parameter": ("정의되지 않은 매개변수입니다: {name}", "refers to an undefined parameter: {name}"),
    "constants_only": ("상수 둘을 비교할 수 없습니다", "compares two constants"),
    "same_on_both_sides": ("같은 값끼리 비교합니다", "compares a series with itself"),
    "level_meaningless": (
        "누적 지표는 수준이 아니라 변화만 비교할 수 있습니다: {name}",
        "{name} is a running total: only its change means anything, not its level",
    ),
    "duplicate_name": ("이름이 겹칩니다: {name}", "the name {name} is used twice"),
    "no_way_out": (
        "매도 규칙이 없으면 손절·익절·추적 손절·보유 기간 가운데 하나는 있어야 합니다",
        "without an exit rule, a stop-loss, take-profit, trailing stop or time stop is needed",
    ),
    "not_a_price": ("진입 가격으로 쓸 수 없는 값입니다", "is not a price an order could wait at"),
    "unknown_pattern": ("모르는 캔들 패턴입니다: {name}", "there is no candlestick pattern called {name}"),
    "not_increasing": ("차례로 커져야 합니다: {names}", "must increase in this order: {names}"),
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: `path` reads like "entries[0].when.all[2].left"."""

    code: str
    path: str
    message_ko: str
    message_en: str

    def sentence(self, language: Language) -> str:
        message = self.message_ko if language == "ko" else self.message_en
        return f"{self.path}: {message}" if self.path else message


def problem(code: str, path: str, **facts: object) -> Problem:
    """The problem named `code` at `path`, its two sentences filled with `facts`."""
    korean, english = _SENTENCES[code]
    return Problem(code, path, korean.format(**facts), english.format(**facts))


def not_json(error: Exception) -> Problem:
    """What the reader of JSON has to say, with its line; the reason itself is told in English alone, as it comes."""
    if not isinstance(error, JSONDecodeError):
        return problem("not_json", "", place="", detail=error)
    korean, english = _SENTENCES["not_json"]
    line, column = error.lineno, error.colno
    return Problem(
        "not_json",
        "",
        korean.format(place=f" ({line}행 {column}번째 글자)"),
        english.format(place=f" (line {line}, character {column})", detail=error.msg),
    )


class DocumentInvalid(Exception):
    """A rule document, or the parameters given for it, cannot be used. Carries every problem found."""

    code = "document_invalid"

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(each.sentence("en") for each in problems))
        self.problems = tuple(problems)


class BarsInvalid(Exception):
    """Bars hold something that is not a finite float64; a single NaN poisons every later value of an average."""

    code = "bars_invalid"
