"""Bars from a CSV file, checked row by row: nothing of a file with a bad row is kept, and every bad row is told.

Columns `date,open,high,low,close,volume` in any order, header required, UTF-8 with or without BOM. `date` is a trading
day (`2023-12-22`, daily bars only) or an aware ISO instant (`2017-11-04T23:02:00Z`), the bar's open; one form per file.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from math import isfinite
from operator import itemgetter
from typing import BinaryIO

from markets.bar_problems import BadRow, BarFileInvalid
from markets.types import Interval

BarRow = tuple[int, int, float, float, float, float, float]  # opened, closed (epoch s), open, high, low, close, volume
Span = tuple[datetime, datetime]
DayBounds = Callable[[date], Span | None]  # a venue's trading day → its bar, None: no such day
InstantBounds = Callable[[Interval, datetime], Span | None]  # an instant → the bar it lies in, None: closed

COLUMNS = ("date", "open", "high", "low", "close", "volume")
SHOWN_PROBLEMS = 20
LONGEST_LINE = 1000  # bytes; a good row has about 100
NOISY_LINE, NOISY_NUMBER = 50, 16  # bytes: only longer ones can hold digits past the fifteenth
LARGEST = 1e15  # beyond it a float64 no longer tells one unit from the next
EARLIEST, LATEST = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) for year in (1900, 2200))


class BarFile:
    """One pass over the rows of a bar file, in bounded memory.

    Iterating yields `BarRow`s, oldest first, until the first bad row; the rest is then only checked, and
    `BarFileInvalid` is raised at the end with the first problems and their total: the caller's transaction must keep
    all rows or none.
    Accepted, but counted in `tolerated`: rows without volume (`zero_volume`), numbers cut to 15 digits (`float_noise`),
    days for which `session` has none (`closed_day`; old prices have Saturdays), and empty lines (`blank_line`).
    Without `bounds` a bar of `interval` starts at a multiple of its length since 1970 UTC, as crypto venues have it.
    """

    def __init__(
        self,
        stream: BinaryIO,
        interval: Interval,
        *,
        day_bounds: DayBounds | None = None,
        bounds: InstantBounds | None = None,
        session: Callable[[date], object | None] | None = None,
    ) -> None:
        self.rows = 0
        self.tolerated: Counter[str] = Counter()
        self._stream = stream
        self._interval = interval
        self._seconds = int(interval.duration.total_seconds())
        self._day_bounds = day_bounds
        self._bounds = bounds
        self._session = session
        self._by_day: bool | None = None  # which form `date` has, known from the first row
        self._line = 0
        self._problems: list[BadRow] = []
        self._total_problems = 0

    def __iter__(self) -> Iterator[BarRow]:
        pick = self._header()
        last_open = last_close = EARLIEST
        for line in self._lines():
            fields = line.split(b",") if b'"' not in line else self._unquoted(line)
            if len(fields) != len(COLUMNS):
                self._column_count(line, fields)
                continue
            day, *texts = pick(fields)
            try:
                opened, closed = self._span(day.strip())
            except _NotABarError as problem:
                self._refuse(problem.code, "date", day)
                continue
            try:
                o, h, l, c, v = map(float, texts)  # noqa: E741 - the five letters everybody knows
            except ValueError:
                self._explain_numbers(texts)
                continue
            if not (0 < l <= o <= h < LARGEST and l <= c <= h and 0 <= v < LARGEST) or b"_" in line:
                self._explain_numbers(texts)
                continue
            if len(line) > NOISY_LINE and max(map(len, texts)) > NOISY_NUMBER:
                o, h, l, c, v = self._without_noise(o, h, l, c, v)  # noqa: E741
            if opened < last_close:
                self._refuse("duplicate_time" if opened == last_open else "not_ascending", "date", day)
                continue
            last_open, last_close = opened, closed
            self.rows += 1
            if v == 0:
                self.tolerated["zero_volume"] += 1
            if not self._total_problems:
                yield opened, closed, o, h, l, c, v
        if not self.rows and not self._total_problems:
            self._refuse("no_rows")
        if self._total_problems:
            raise self._invalid()

    def _without_noise(self, *numbers: float) -> list[float]:
        """The 15 digits a float64 is sure to hold: 0.0016200000000000001 was 0.00162 before a program wrote it."""
        clean = [float(f"{number:.15g}") for number in numbers]
        if clean != list(numbers):
            self.tolerated["float_noise"] += 1
        return clean

    def _lines(self) -> Iterator[bytes]:
        """The lines after the header without their ends; blank ones are counted, endless ones refused and skipped."""
        read = self._stream.readline
        while line := read(LONGEST_LINE + 1):
            self._line += 1
            if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
                self._refuse("line_too_long", value=line)
                self._skip_line()
            elif text := line.rstrip(b"\r\n"):
                yield text
            else:
                self.tolerated["blank_line"] += 1

    def _skip_line(self) -> None:
        while (part := self._stream.readline(65536)) and not part.endswith(b"\n"):
            pass

    def _header(self) -> Callable[[list[bytes]], tuple[bytes, ...]]:
        """Reads the first line; a function that puts the fields of a row into the order of `COLUMNS`."""
        line = self._stream.readline(LONGEST_LINE + 1)
        self._line = 1
        if not line.strip():
            raise self._invalid("empty_file")
        if len(line) > LONGEST_LINE and not line.endswith(b"\n"):
            raise self._invalid("line_too_long", value=line)
        try:
            header = line.rstrip(b"\r\n").decode("utf-8-sig")
        except UnicodeDecodeError:
            raise self._invalid("not_utf8", value=line) from None
        names = [name.strip().strip('"').lower() for name in header.split(",")]
        for name in names:
            if name not in COLUMNS:
                self._refuse("unknown_column", name, name.encode())
            elif names.count(name) > 1:
                self._refuse("duplicate_column", name, name.encode())
        for name in COLUMNS:
            if name not in names:
                self._refuse("missing_column", name)
        if self._total_problems:
            raise self._invalid()
        return itemgetter(*(names.index(name) for name in COLUMNS))

    def _unquoted(self, line: bytes) -> list[bytes]:
        """The fields of a line with quotes; none where they do not match."""
        try:
            return [field.encode() for field in next(csv.reader([line.decode()], strict=True))]
        except (csv.Error, UnicodeDecodeError):
            return []

    def _span(self, text: bytes) -> tuple[int, int]:
        """The bar `text` names, as epoch seconds. Raises _NotABarError."""
        if len(text) == 10:
            return self._day_span(_day(text))
        return self._instant_span(_instant(text))

    def _day_span(self, day: date) -> tuple[int, int]:
        self._expect_form(by_day=True)
        span = self._day_bounds(day) if self._day_bounds else None
        if span is None:
            raise _NotABarError("closed_day")
        if self._session and self._session(day) is None:
            self.tolerated["closed_day"] += 1
        return int(span[0].timestamp()), int(span[1].timestamp())

    def _instant_span(self, at: datetime) -> tuple[int, int]:
        self._expect_form(by_day=False)
        opened = int(at.timestamp())
        if self._bounds is None:
            if at.microsecond or opened % self._seconds:
                raise _NotABarError("not_aligned")
            return opened, opened + self._seconds
        span = self._bounds(self._interval, at)
        if span is None:
            raise _NotABarError("closed_time")
        if span[0] != at:
            raise _NotABarError("not_aligned")
        return opened, int(span[1].timestamp())

    def _expect_form(self, *, by_day: bool) -> None:
        """The first readable date decides for the file whether `date` is a day or an instant."""
        if self._by_day is None:
            if by_day and (self._interval is not Interval.D1 or self._day_bounds is None):
                raise _NotABarError("time_missing")
            self._by_day = by_day
        elif by_day is not self._by_day:
            raise _NotABarError("mixed_dates")

    def _column_count(self, line: bytes, fields: list[bytes]) -> None:
        if b"\0" in line:
            self._refuse("nul_byte", value=line)
        else:
            self._refuse("column_count" if fields else "bad_quotes", value=line)

    def _explain_numbers(self, texts: list[bytes]) -> None:
        """Tell the first number, or pair of numbers, that made a row no bar."""
        numbers: dict[str, float] = {}
        for name, text in zip(COLUMNS[1:], texts, strict=True):
            code, numbers[name] = _number(text, may_be_zero=name == "volume")
            if code:
                self._refuse(code, name, text)
                return
        high_too_low = numbers["high"] < max(numbers["open"], numbers["close"], numbers["low"])
        name = "high" if high_too_low else "low"
        self._refuse(f"{name}_inside_bar", name, texts[COLUMNS.index(name) - 1])

    def _refuse(self, code: str, column: str = "", value: bytes = b"") -> None:
        self._total_problems += 1
        if len(self._problems) < SHOWN_PROBLEMS:
            self._problems.append(BadRow.of(self._line, column, value, code))

    def _invalid(self, code: str = "", value: bytes = b"") -> BarFileInvalid:
        if code:
            self._refuse(code, value=value)
        return BarFileInvalid(tuple(self._problems), self._total_problems)


class _NotABarError(ValueError):
    """The date of a row names no bar; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def _day(text: bytes) -> date:
    try:
        day = date.fromisoformat(text.decode("ascii"))
    except ValueError:  # UnicodeDecodeError is one too
        raise _NotABarError("bad_date") from None
    if text[4:5] != b"-" or text[7:8] != b"-" or not 1900 <= day.year < 2200:
        raise _NotABarError("bad_date")
    return day


def _instant(text: bytes) -> datetime:
    try:
        at = datetime.fromisoformat(text.decode("ascii"))
    except ValueError:
        raise _NotABarError("bad_date") from None
    if text[4:5] != b"-" or text[7:8] != b"-" or text[10:11] != b"T" or not 1900 < at.year < 2200:
        raise _NotABarError("bad_date")
    if at.tzinfo is None:
        raise _NotABarError("naive_time")
    return at


def _number(text: bytes, *, may_be_zero: bool) -> tuple[str, float]:
    """What is wrong with one number ("" for nothing), and its value."""
    try:
        number = float(text)
    except ValueError:
        return _not_a_number(text), 0.0
    if b"_" in text:  # Python's own habit, nobody else's
        code = "not_a_number"
    elif not isfinite(number):
        code = "not_finite"
    elif number < 0 or (number == 0 and not may_be_zero):
        code = "negative" if may_be_zero else "not_positive"
    else:
        code = "too_large" if number >= LARGEST else ""
    return code, number


def _not_a_number(text: bytes) -> str:
    if b"\0" in text:
        return "nul_byte"
    return "not_a_number" if text.strip() else "empty_value"
