"""What the usual sources call the columns of a bar file, in Korean and English, and how they part them."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markets.bar_csv import COLUMNS

ENCODINGS = ("utf-8-sig", "cp949")
DELIMITERS = (",", "\t", ";", "|")
LEADING_LINES = 5  # a title, an address or an index name may stand above the header
# Role → what it is called, letters and digits alone; earlier names win where a file has several.
NAMES: dict[str, tuple[str, ...]] = {
    "date": (
        *("date", "datetime", "candledatetimeutc", "opentime", "timestamp", "unix", "unixtimestamp", "gmttime"),
        *("localtime", "candledatetimekst", "stckbsopdate", "일자", "날짜", "일시", "영업일자", "거래일", "거래일자"),
        *("기준일", "기준일자", "년월일", "체결일시", "시간일자", "dt", "t"),
    ),
    "time": ("time", "시간", "시각", "체결시간", "체결시각", "stckcntghour"),
    "open": ("open", "시가", "openingprice", "openprice", "stckoprc", "o", "open1"),
    "high": ("high", "고가", "highprice", "stckhgpr", "h", "최고가", "high1"),
    "low": ("low", "저가", "lowprice", "stcklwpr", "l", "최저가", "low1"),
    "close": (
        "close",
        "종가",
        "현재가",
        "closelast",
        "tradeprice",
        "closeprice",
        "stckclpr",
        "stckprpr",
        "last",
        "price",
        "c",
    ),
    "volume": ("volume", "거래량", "vol", "candleacctradevolume", "acmlvol", "cntgvol", "누적거래량", "v", "tickvol"),
}
KOREAN = {"date": "일자", "open": "시가", "high": "고가", "low": "저가", "close": "종가", "volume": "거래량"}
_NOISE = re.compile(r"[^0-9a-z가-힣]")
_EPOCH = re.compile(rb"\d{10}|\d{13}|\d{16}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one file is written. `order` are the places of date, open, high, low, close and volume; `time` that of a time
    column of its own. `skipped` lines stand above the first row, the header included."""

    encoding: str
    delimiter: str
    order: tuple[int, ...]
    time: int | None
    width: int
    skipped: int


class HeaderUnreadable(ValueError):
    """No header was found. `code` is one of `markets.bar_problems.SENTENCES`, `column` what is missing."""

    def __init__(self, code: str, line: int, column: str = "", value: bytes = b"") -> None:
        super().__init__(f"{code} {column}")
        self.code, self.line, self.column, self.value = code, line, column, value


def dialect_of(lines: Sequence[bytes]) -> Dialect:
    """The dialect of a file that begins with these lines. Raises HeaderUnreadable."""
    if not any(line.strip() for line in lines):
        raise HeaderUnreadable("empty_file", 1)
    found: HeaderUnreadable | None = None
    for number, line in enumerate(lines[: LEADING_LINES + 1]):
        try:
            return _of_header(line, number + 1)
        except HeaderUnreadable as e:
            found = found if found is not None and _rank(found) >= _rank(e) else e
        if (bare := _without_header(line, number)) is not None:
            return bare
    raise found or HeaderUnreadable("empty_file", 1)


def split(line: str, delimiter: str) -> list[str]:
    """The fields of a line; none where its quotes do not match."""
    if '"' not in line:
        return line.split(delimiter)
    try:
        return next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return []


def _of_header(line: bytes, number: int) -> Dialect:
    text, encoding = _decoded(line, number)
    text = text.strip("\r\n")
    delimiter = max(DELIMITERS, key=text.count)
    cells = split(text, delimiter)
    names = [_NOISE.sub("", cell.lower()) for cell in cells]
    places = {role: _place(role, names) for role in NAMES}
    if places["date"] is None and names[:1] == [""] and len(names) > 1:
        places["date"] = 0  # an index without a name, as pandas writes it
    if places["date"] is None:
        places["date"], places["time"] = places["time"], None
    missing = [role for role in COLUMNS if places[role] is None]
    if missing:
        raise HeaderUnreadable("missing_column", number, f"{missing[0]} ({KOREAN[missing[0]]})", line)
    order = tuple(place for role in COLUMNS if (place := places[role]) is not None)
    return Dialect(encoding, delimiter, order, places["time"], len(cells), number)


def _without_header(line: bytes, above: int) -> Dialect | None:
    """Binance writes its files without a header: open time, open, high, low, close, volume, …"""
    cells = line.strip().split(b",")
    if len(cells) >= len(COLUMNS) and _EPOCH.fullmatch(cells[0]):
        return Dialect("utf-8", ",", tuple(range(len(COLUMNS))), None, len(cells), above)
    return None


def _place(role: str, names: Sequence[str]) -> int | None:
    for known in NAMES[role]:
        if known in names:
            return names.index(known)
    if role == "volume":  # "Volume BTC", the coin's own before the quoted one
        return next((place for place, name in enumerate(names) if name.startswith(("volume", "거래량"))), None)
    return None


def _decoded(line: bytes, number: int) -> tuple[str, str]:
    for encoding in ENCODINGS:
        try:
            return line.decode(encoding), encoding
        except UnicodeDecodeError:
            continue
    raise HeaderUnreadable("not_utf8", number, value=line)


def _rank(problem: HeaderUnreadable) -> int:
    """Which line looked most like a header: the one that lacked least."""
    columns = [*COLUMNS]
    missing = problem.column.partition(" ")[0]
    return columns.index(missing) if missing in columns else -1
