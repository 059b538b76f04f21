"""Bar files: what is read, what is refused and how it is told."""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from markets.bar_csv import SHOWN_PROBLEMS, BarFile, BarRow
from markets.bar_problems import SENTENCES, BadRow, BarFileInvalid, tolerance
from markets.calendars import load_default
from markets.types import Interval

SHARED = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
HEADER = "date,open,high,low,close,volume\n"
GOOD = "2023-12-22,100,110,90,105,7\n"


def krx_day(day: date) -> tuple[datetime, datetime]:
    opened_at = datetime(day.year, day.month, day.day, tzinfo=UTC)  # 09:00 in Seoul
    return opened_at, opened_at + timedelta(hours=6, minutes=30)


def bar_file(text: str | bytes, interval: Interval = Interval.D1) -> BarFile:
    raw = text.encode() if isinstance(text, str) else text
    return BarFile(io.BytesIO(raw), interval, day_bounds=krx_day)


def problems(text: str | bytes, interval: Interval = Interval.D1) -> list[tuple[int, str, str]]:
    with pytest.raises(BarFileInvalid) as refused:
        list(bar_file(text, interval))
    assert refused.value.total == len(refused.value.problems)
    return [(bad.line, bad.column, bad.code) for bad in refused.value.problems]


def epoch(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc]


def test_a_trading_day_gets_the_bounds_of_its_session() -> None:
    assert list(bar_file(HEADER + GOOD)) == [
        (epoch(2023, 12, 22), epoch(2023, 12, 22, 6, 30), 100.0, 110.0, 90.0, 105.0, 7.0)
    ]


def test_an_instant_opens_a_bar_of_the_interval_whatever_its_offset() -> None:
    rows = "2017-11-04T23:02:00Z,1,1,1,1,0.5\n2017-11-05T08:03:00+09:00,1,1,1,1,0\n"
    assert [row[:2] for row in bar_file(HEADER + rows, Interval.M1)] == [
        (epoch(2017, 11, 4, 23, 2), epoch(2017, 11, 4, 23, 3)),
        (epoch(2017, 11, 4, 23, 3), epoch(2017, 11, 4, 23, 4)),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace("\n", "\r\n"),
        (HEADER + GOOD).rstrip(),
        "volume,Close,low,high,open,Date\n7,105,90,110,100,2023-12-22\n",
        '"date","open","high","low","close","volume"\n"2023-12-22","100","110","90","105","7"\n',
        "date, open, high, low, close, volume\n2023-12-22 , 100, 110, 90, 105, 7\n",
        "date,open,high,low,close,volume\n2023-12-22,1e2,1.1E2,90.0,+105,7.\n",
    ],
    ids=["bom", "crlf", "no last newline", "any order and case", "quoted", "spaces", "other number forms"],
)
def test_the_same_bar_may_be_written_in_several_ways(text: str) -> None:
    assert list(bar_file(text)) == list(bar_file(HEADER + GOOD))


@pytest.mark.parametrize(
    ("row", "column", "code"),
    [
        ("2023-12-22,1e400,110,90,105,7", "open", "not_finite"),
        ("2023-12-22,100,NaN,90,105,7", "high", "not_finite"),
        ("2023-12-22,100,110,90,105,inf", "volume", "not_finite"),
        ("2023-12-22,−5,110,90,105,7", "open", "not_a_number"),
        ("2023-12-22,-5,110,90,105,7", "open", "not_positive"),
        ("2023-12-22,100,110,0,105,7", "low", "not_positive"),
        ("2023-12-22,100,110,90,105,-1", "volume", "negative"),
        ("2023-12-22,1_000,1100,90,105,7", "open", "not_a_number"),
        ("2023-12-22,１００,110,90,105,7", "open", "not_a_number"),
        ('2023-12-22,"1,234",1300,90,105,7', "open", "not_a_number"),
        ("2023-12-22,1,234,1300,90,105,7", "", "column_count"),
        ("2023-12-22,100,110,90,105", "", "column_count"),
        ('2023-12-22,"100,110,90,105,7', "", "bad_quotes"),
        ("2023-12-22,,110,90,105,7", "open", "empty_value"),
        ("2023-12-22,100,110,90,105,", "volume", "empty_value"),
        ("2023-12-22,100,110,90,10\0,7", "close", "nul_byte"),
        ("\0\0\0\0", "", "nul_byte"),
        ("2023-12-22,1e15,1e15,90,105,7", "open", "too_large"),
        ("2023-12-22,100,104,90,105,7", "high", "high_inside_bar"),
        ("2023-12-22,100,110,101,105,7", "low", "low_inside_bar"),
        ("2023-12-22,100,80,90,95,7", "high", "high_inside_bar"),
        ("22.12.2023,100,110,90,105,7", "date", "bad_date"),
        ("2023-W51-5,100,110,90,105,7", "date", "bad_date"),
        ("2023-02-30,100,110,90,105,7", "date", "bad_date"),
        ("20231222,100,110,90,105,7", "date", "bad_date"),
        ("0001-01-01,100,110,90,105,7", "date", "bad_date"),
        (",100,110,90,105,7", "date", "bad_date"),
        ("2023-12-22T00:00:00,100,110,90,105,7", "date", "naive_time"),
        ("2023-12-22T00:00:01Z,100,110,90,105,7", "date", "not_aligned"),
        ("2023-12-22T00:00:00.5Z,100,110,90,105,7", "date", "not_aligned"),
        ("9" * 10_000_000, "", "line_too_long"),
    ],
)
def test_a_bad_row_is_told_by_line_column_and_reason(row: str, column: str, code: str) -> None:
    assert problems(f"{HEADER}{row}\n") == [(2, column, code)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", [(1, "", "empty_file")]),
        (HEADER, [(1, "", "no_rows")]),
        ("date,open,high,low,close\n", [(1, "volume", "missing_column")]),
        (
            "date,open,open,low,close,volume\n",
            [(1, "open", "duplicate_column"), (1, "open", "duplicate_column"), (1, "high", "missing_column")],
        ),
        (HEADER.strip() + ",adjusted\n", [(1, "adjusted", "unknown_column")]),
        ((HEADER + GOOD).encode("utf-16"), [(1, "", "not_utf8")]),
        (b"x" * 5_000_000, [(1, "", "line_too_long")]),
    ],
)
def test_a_file_without_a_usable_header_is_refused_at_once(
    text: str | bytes, found: list[tuple[int, str, str]]
) -> None:
    assert problems(text) == found


def test_bars_must_come_oldest_first_and_once_each() -> None:
    rows = [f"2023-12-{day},1,1,1,1,1" for day in ("20", "20", "19", "21")]
    assert problems(HEADER + "\n".join(rows)) == [(3, "date", "duplicate_time"), (4, "date", "not_ascending")]


def test_days_and_instants_do_not_mix() -> None:
    assert problems(HEADER + GOOD + "2023-12-23T00:00:00Z,1,1,1,1,1\n") == [(3, "date", "mixed_dates")]


def test_a_day_alone_cannot_name_an_hourly_bar() -> None:
    assert problems(HEADER + GOOD, Interval.H1) == [(2, "date", "time_missing")]


def test_a_day_or_an_hour_the_venue_was_closed_is_refused() -> None:
    by_day = BarFile(io.BytesIO((HEADER + GOOD).encode()), Interval.D1, day_bounds=lambda day: None)
    hourly = HEADER + "2023-12-22T01:00:00Z,1,1,1,1,1\n"
    by_hour = BarFile(io.BytesIO(hourly.encode()), Interval.H1, bounds=lambda interval, at: None)
    for file, code in ((by_day, "closed_day"), (by_hour, "closed_time")):
        with pytest.raises(BarFileInvalid) as refused:
            list(file)
        assert refused.value.problems[0].code == code


def test_intraday_bars_of_a_venue_with_sessions_take_their_ends_from_its_calendar() -> None:
    opened_at = datetime(2023, 12, 22, 6, tzinfo=UTC)
    half_hour = (opened_at, opened_at + timedelta(minutes=30))
    text = HEADER + "2023-12-22T06:00:00Z,1,1,1,1,1\n2023-12-22T06:10:00Z,1,1,1,1,1\n"
    rows = iter(BarFile(io.BytesIO(text.encode()), Interval.H1, bounds=lambda interval, at: half_hour))
    assert next(rows)[:2] == (epoch(2023, 12, 22, 6), epoch(2023, 12, 22, 6, 30))
    with pytest.raises(BarFileInvalid) as refused:
        next(rows)
    assert refused.value.problems[0].code == "not_aligned"


def test_after_the_first_bad_row_nothing_more_is_handed_out_but_all_is_checked() -> None:
    rows = iter(bar_file(HEADER + "2023-12-20,1,1,1,1,1\nrubbish\n2023-12-21,1,1,1,1,1\n2023-12-22,x,1,1,1,1\n"))
    assert next(rows)[2] == 1.0
    with pytest.raises(BarFileInvalid) as refused:
        next(rows)
    assert [(bad.line, bad.code) for bad in refused.value.problems] == [(3, "column_count"), (5, "not_a_number")]


def test_only_the_first_problems_are_shown_and_all_are_counted() -> None:
    with pytest.raises(BarFileInvalid) as refused:
        list(bar_file(HEADER + "rubbish\n" * 5000))
    assert (len(refused.value.problems), refused.value.total) == (SHOWN_PROBLEMS, 5000)


def test_rows_without_volume_and_blank_lines_are_accepted_and_counted() -> None:
    file = bar_file(HEADER + "2023-12-21,5,5,5,5,0\n\n" + GOOD)
    assert len(list(file)) == file.rows == 2
    assert file.tolerated == {"zero_volume": 1, "blank_line": 1}


def test_days_the_calendar_has_as_closed_are_accepted_and_counted() -> None:
    text = HEADER + "1995-03-03,5,5,5,5,1\n1995-03-04,5,5,5,5,1\n"  # a Friday and a Saturday
    krx = load_default()["krx"]
    file = BarFile(io.BytesIO(text.encode()), Interval.D1, day_bounds=krx.daily_bar_bounds, session=krx.session)
    assert len(list(file)) == 2
    assert file.tolerated == {"closed_day": 1}
    assert tolerance("closed_day", 1234, "ko") == "거래소 일정에 없는 날의 봉 1,234개"


def test_a_problem_speaks_korean_and_english_and_shortens_what_it_quotes() -> None:
    bad = BadRow.of(7, "open", b"9" * 500, "not_a_number")
    assert bad.sentence("ko") == f"7번째 줄: open 값이 숫자가 아닙니다. [{'9' * 40}…]"
    assert bad.sentence("en") == f"Line 7: open is not a number. [{'9' * 40}…]"


@pytest.mark.parametrize("code", SENTENCES)
def test_every_problem_has_a_sentence_in_both_languages(code: str) -> None:
    bad = BadRow.of(1, "open", b"", code)
    assert bad.sentence("ko") != bad.sentence("en")


@given(st.lists(st.binary(max_size=120) | st.text('0123456789,-T:Z.eE_"naif \0', max_size=60).map(str.encode)))
def test_no_bytes_whatsoever_crash_the_parser(lines: list[bytes]) -> None:
    """A file is either bars or a list of problems, each with a sentence."""
    file = bar_file(HEADER.encode() + b"\n".join(lines))
    told: tuple[BadRow, ...] = ()
    try:
        list(file)
    except BarFileInvalid as refused:
        told = refused.problems
    assert bool(told) or file.rows > 0
    assert all(bad.sentence("ko") and bad.sentence("en") for bad in told)


class Endless:
    """A stream of one endless bar file that counts what was read of it."""

    def __init__(self) -> None:
        self.lines = self._write()
        self.read = 0

    def _write(self) -> Iterator[bytes]:
        yield HEADER.encode()
        at = datetime(2020, 1, 1, tzinfo=UTC)
        while True:
            yield f"{at:%Y-%m-%dT%H:%M:%SZ},1,1,1,1,1\n".encode()
            at += timedelta(minutes=1)

    def readline(self, limit: int = -1) -> bytes:
        self.read += 1
        return next(self.lines)


def test_rows_are_handed_out_while_the_file_is_still_being_read() -> None:
    stream = Endless()
    rows = iter(BarFile(stream, Interval.M1))  # type: ignore[arg-type]
    for _ in range(10):
        next(rows)
    assert stream.read <= 12


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price data is not beside this repository")
@pytest.mark.parametrize(
    ("name", "calendar", "interval", "count", "tolerated"),
    [
        ("krx-daily/000660.csv", "krx", Interval.D1, 6693, {"zero_volume": 14, "closed_day": 83}),
        ("krx-daily/005380.csv", "krx", Interval.D1, 8343, {"closed_day": 360}),
        ("krx-daily/005930.csv", "krx", Interval.D1, 8343, {"zero_volume": 3, "closed_day": 360}),
        ("krx-daily/035420.csv", "krx", Interval.D1, 5232, {"zero_volume": 24}),
        ("krx-daily/069500.csv", "krx", Interval.D1, 5243, {}),
        ("crypto/UNITTEST_BTC-1m.csv", "always", Interval.M1, 13681, {"float_noise": 5655}),
        ("crypto/XRPUSDT-perp-1h.csv", "always", Interval.H1, 100, {"float_noise": 10}),
    ],
)
def test_real_price_files_are_read_whole_and_what_they_need_forgiven_is_told(
    name: str, calendar: str, interval: Interval, count: int, tolerated: dict[str, int]
) -> None:
    days = load_default()[calendar]
    with (SHARED / name).open("rb") as stream:
        file = BarFile(stream, interval, day_bounds=days.daily_bar_bounds, bounds=days.bar_bounds, session=days.session)
        rows: list[BarRow] = list(file)
    assert (len(rows), dict(file.tolerated)) == (count, tolerated)


def test_the_noise_of_a_float_written_out_is_cut_to_the_digits_that_count() -> None:
    row = b"2017-11-04T23:05:00Z,0.00161,0.0016200000000000001,0.00161,0.0016200000000000001,64.53000899"
    file = BarFile(io.BytesIO(b"date,open,high,low,close,volume\n" + row), Interval.M1)
    assert [bar[2:] for bar in file] == [(0.00161, 0.00162, 0.00161, 0.00162, 64.53000899)]
    assert file.tolerated == {"float_noise": 1}
