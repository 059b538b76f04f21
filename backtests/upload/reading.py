"""One pass over a person's bar file: each of its lines becomes the line that `markets.bar_csv.BarFile` reads.

There is one line out for each line in, so that a problem names the line in which it is. What cannot be read is handed on as
it stands, and refused there. A file whose newest bar comes first is read from its end.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, tzinfo
from typing import BinaryIO, cast

from backtests.errors import BarsRefused
from backtests.upload.columns import Dialect, HeaderUnreadable, dialect_of, split
from backtests.upload.lines import LONGEST, backwards, first_lines, forwards
from backtests.upload.moments import NotAMoment, interval_of, read_day, read_moment
from markets.bar_csv import COLUMNS, BarFile, DayBounds, InstantBounds
from markets.bar_problems import BadRow, BarFileInvalid
from markets.types import Interval

Session = Callable[[date], object | None]
SAMPLE = 60  # lines that tell how the file is written
HEADER = b",".join(name.encode() for name in COLUMNS) + b"\n"
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?")
_SHORT = re.compile(r"(\d+(?:\.\d+)?) ?([KMB])")
_THOUSANDS = {"K": 3, "M": 6, "B": 9}


class PersonsFile:
    """A bar file as a person has it. Raises BarFileInvalid and BarsRefused (`unknown_interval`) as it is opened."""

    def __init__(self, stream: BinaryIO, zone: tzinfo, interval: Interval | None) -> None:
        self._stream, self._zone = stream, zone
        lines = first_lines(stream, SAMPLE)
        try:
            self._dialect = dialect_of(lines)
        except HeaderUnreadable as e:
            raise BarFileInvalid((BadRow.of(e.line, e.column, e.value, e.code),), 1) from None
        seen = self._moments(lines[self._dialect.skipped :])
        self.newest_first = len(seen) > 1 and seen[0] > seen[-1]
        found = interval or interval_of(seen)
        if found is None:
            raise BarsRefused("unknown_interval")
        self.interval = found

    def bars(
        self, *, day_bounds: DayBounds | None, bounds: InstantBounds | None, session: Session | None
    ) -> "CheckedRows":
        """The rows, checked by the venue's calendar as an import's are."""
        return CheckedRows(self, day_bounds, bounds, session)

    def lines(self) -> Iterator[bytes]:
        """Each line of the file as BarFile reads it, oldest bar first."""
        read = backwards if self.newest_first else forwards
        daily = self.interval is Interval.D1
        dialect, zone = self._dialect, self._zone
        for line in read(self._stream, dialect.skipped):
            yield _translated(line, dialect, zone, daily=daily)

    @property
    def skipped(self) -> int:
        return self._dialect.skipped

    def _moments(self, lines: list[bytes]) -> list[datetime]:
        """When the first bars begin, as far as their dates can be read."""
        found = []
        for line in lines:
            cells = split(line.decode(self._dialect.encoding, "replace").strip("\r\n"), self._dialect.delimiter)
            try:
                found.append(read_moment(*_when(cells, self._dialect), self._zone)[0])
            except (NotAMoment, IndexError):
                continue
        return found


class CheckedRows:
    """The rows of a person's file that BarFile accepts; problems are told with the lines of that file."""

    def __init__(
        self, file: PersonsFile, day_bounds: DayBounds | None, bounds: InstantBounds | None, session: Session | None
    ) -> None:
        self._file = file
        self._lines = _Lines(file.lines())
        stream = cast("BinaryIO", self._lines)  # it only ever reads lines
        self.checked = BarFile(stream, file.interval, day_bounds=day_bounds, bounds=bounds, session=session)

    def __iter__(self) -> Iterator[tuple[int, int, float, float, float, float, float]]:
        try:
            yield from self.checked
        except BarFileInvalid as e:
            raise BarFileInvalid(tuple(self._placed(problem) for problem in e.problems), e.total) from None

    def _placed(self, problem: BadRow) -> BadRow:
        """The problem at the line of the person's file: BarFile counts a header and then the rows as they came."""
        row = problem.line - 1
        if row < 1:  # the header itself
            return replace(problem, line=max(self._file.skipped, 1))
        line = self._lines.count - row + 1 if self._file.newest_first else row
        return replace(problem, line=self._file.skipped + line)


class _Lines:
    """What BarFile needs of a stream: a header, and one line after the other."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self.count = 0
        self._lines, self._ahead = lines, HEADER

    def readline(self, _limit: int = -1) -> bytes:
        if ahead := self._ahead:
            self._ahead = b""
            return ahead
        line = next(self._lines, b"")
        if not line:
            return b""
        self.count += 1
        if len(line) > LONGEST:
            self._ahead = b"\n"  # BarFile skips to the end of a line that is too long
        return line


def _translated(line: bytes, dialect: Dialect, zone: tzinfo, *, daily: bool) -> bytes:
    if len(line) > LONGEST or not line.strip():
        return line[: LONGEST + 1] if line.strip() else b"\n"
    try:
        cells = split(line.decode(dialect.encoding).strip("\r\n"), dialect.delimiter)
    except UnicodeDecodeError:
        return line
    if len(cells) != dialect.width:
        return _without_columns(line)
    date_text, clock = _when(cells, dialect)
    try:
        if daily:
            when = read_day(date_text, clock, zone).isoformat()
        else:
            at, is_day = read_moment(date_text, clock, zone)
            when = at.date().isoformat() if is_day else f"{at.replace(tzinfo=None).isoformat()}Z"
    except NotAMoment:
        when = date_text.replace(",", " ")
    numbers = [_number(cells[place], is_volume=place == dialect.order[-1]) for place in dialect.order[1:]]
    return ",".join((when, *numbers)).encode() + b"\n"


def _when(cells: list[str], dialect: Dialect) -> tuple[str, str]:
    return cells[dialect.order[0]], "" if dialect.time is None else cells[dialect.time]


def _number(cell: str, *, is_volume: bool) -> str:
    """A number without what people put between its digits; anything else as it stands, on one field."""
    text = cell.strip().strip("'")
    if _GROUPED.fullmatch(text):
        return text.replace(",", "")
    if is_volume and (short := _SHORT.fullmatch(text)):
        return f"{short[1]}e{_THOUSANDS[short[2]]}"
    return text.replace(",", " ").replace('"', "'")


def _without_columns(line: bytes) -> bytes:
    """A line that BarFile refuses for its columns, and shows."""
    shown = line.rstrip(b"\r\n").replace(b",", b" ").replace(b'"', b"'").replace(b"\0", b" ")
    return shown + b"\n" if b"\0" not in line else b"\0\n"
