"""What can be wrong with a bar file, in words for the person who has to repair it."""

from dataclasses import dataclass

LONGEST_SHOWN = 40  # characters of a value

# code → (Korean, English); both may name the column
SENTENCES = {
    "empty_file": ("파일이 비어 있습니다.", "The file is empty."),
    "no_rows": ("머리글만 있고 봉이 없습니다.", "There is a header but no bar."),
    "not_utf8": ("UTF-8 글자가 아닙니다. UTF-8로 저장해 주세요.", "This is not UTF-8. Please save the file as UTF-8."),
    "missing_column": ("머리글에 {column} 열이 없습니다.", "The header has no column {column}."),
    "unknown_column": ("머리글에 모르는 열이 있습니다.", "The header has a column we do not know."),
    "duplicate_column": ("머리글에 {column} 열이 두 번 있습니다.", "The header names {column} twice."),
    "line_too_long": ("한 줄이 너무 깁니다.", "The line is too long."),
    "nul_byte": ("NUL 바이트가 들어 있습니다.", "The line contains a NUL byte."),
    "column_count": ("열이 여섯 개가 아닙니다.", "The line does not have six columns."),
    "bad_quotes": ("따옴표가 맞지 않습니다.", "The quotes do not match."),
    "empty_value": ("{column} 값이 비어 있습니다.", "{column} is empty."),
    "not_a_number": ("{column} 값이 숫자가 아닙니다.", "{column} is not a number."),
    "not_finite": ("{column} 값이 유한한 숫자가 아닙니다.", "{column} is not a finite number."),
    "not_positive": ("{column} 값은 0보다 커야 합니다.", "{column} must be above 0."),
    "negative": ("{column} 값은 0 이상이어야 합니다.", "{column} must not be below 0."),
    "too_large": ("{column} 값이 너무 큽니다.", "{column} is too large."),
    "high_inside_bar": ("고가가 시가·저가·종가보다 낮습니다.", "The high is below the open, the low or the close."),
    "low_inside_bar": ("저가가 시가나 종가보다 높습니다.", "The low is above the open or the close."),
    "bad_date": (
        "날짜는 2023-12-22 또는 2017-11-04T23:02:00Z 꼴이어야 합니다.",
        "The date must look like 2023-12-22 or 2017-11-04T23:02:00Z.",
    ),
    "naive_time": ("시각에 시간대(Z 또는 +09:00)가 없습니다.", "The time has no time zone (Z or +09:00)."),
    "time_missing": ("이 봉에는 시각이 필요합니다.", "These bars need a time, not only a day."),
    "mixed_dates": ("날짜와 시각이 한 파일에 섞여 있습니다.", "Days and times are mixed in one file."),
    "closed_day": ("거래소가 열지 않은 날입니다.", "The venue was closed on this day."),
    "closed_time": ("거래소가 닫혀 있던 시각입니다.", "The venue was closed at this time."),
    "not_aligned": ("봉이 시작하는 시각이 아닙니다.", "No bar starts at this time."),
    "duplicate_time": ("바로 앞의 봉과 시각이 같습니다.", "This is the same time as the bar before."),
    "not_ascending": (
        "앞의 봉보다 늦지 않습니다. 오래된 봉부터 적어 주세요.",
        "Not later than the bar before; oldest bars come first.",
    ),
}

# What is accepted all the same, and told: code → (Korean, English), with the count
TOLERATED = {
    "float_noise": ("열다섯 자리로 자른 숫자가 있는 봉 {count}개", "{count} bars with numbers cut to fifteen digits"),
    "zero_volume": ("거래량이 0인 봉 {count}개", "{count} bars without volume"),
    "closed_day": ("거래소 일정에 없는 날의 봉 {count}개", "{count} bars on days our calendar has as closed"),
    "blank_line": ("빈 줄 {count}개", "{count} empty lines"),
}


def tolerance(code: str, count: int, language: str) -> str:
    """One thing a file was forgiven, in Korean ("ko") or English."""
    return TOLERATED[code][0 if language.startswith("ko") else 1].format(count=f"{count:,}")


@dataclass(frozen=True, slots=True)
class BadRow:
    """One problem: its line in the file (the header is 1), the column ("" for the whole line), the value as found."""

    line: int
    column: str
    value: str
    code: str

    @classmethod
    def of(cls, line: int, column: str, value: bytes, code: str) -> "BadRow":
        """A problem with its value cut to what a page can show; what is no text becomes �."""
        text = value[: LONGEST_SHOWN * 4].decode("utf-8", "replace").replace("\0", "\\x00")
        shown = text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
        return cls(line, column[:LONGEST_SHOWN], shown, code)

    def sentence(self, language: str) -> str:
        """The problem in Korean ("ko") or English (anything else), with its line and value."""
        korean, english = SENTENCES[self.code]
        text, place = (korean, f"{self.line}번째 줄") if language.startswith("ko") else (english, f"Line {self.line}")
        found = f" [{self.value}]" if self.value else ""
        return f"{place}: {text.format(column=self.column)}{found}"


class BarFileInvalid(Exception):
    """A bar file had `total` problems and nothing of it may be kept; `problems` shows the first of them."""

    code = "bar_file_invalid"

    def __init__(self, problems: tuple[BadRow, ...], total: int) -> None:
        super().__init__(f"{total} bad rows, the first: {problems[0].sentence('en')}")
        self.problems = problems
        self.total = total
