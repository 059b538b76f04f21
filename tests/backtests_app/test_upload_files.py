"""Bar files as the usual sources write them, and every way in which one can be broken. Pure: no database."""
# ruff: noqa: E501 the files are quoted as they are

from datetime import UTC, datetime
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backtests.errors import BarsRefused
from backtests.upload.lines import backwards, forwards
from backtests.upload.moments import NotAMoment, read_day, read_moment
from backtests.upload.reading import PersonsFile
from markets.bar_csv import BarRow
from markets.bar_problems import BarFileInvalid
from markets.calendars import load_default
from markets.types import Interval

SEOUL = ZoneInfo("Asia/Seoul")
KRX = load_default()["krx"]
ALWAYS = load_default()["always"]


def krx(text: str | bytes, interval: Interval | None = None) -> list[BarRow]:
    file = PersonsFile(BytesIO(text if isinstance(text, bytes) else text.encode()), SEOUL, interval)
    return list(file.bars(day_bounds=KRX.daily_bar_bounds, bounds=KRX.bar_bounds, session=KRX.session))


def coin(text: str | bytes, interval: Interval | None = None) -> list[BarRow]:
    file = PersonsFile(BytesIO(text if isinstance(text, bytes) else text.encode()), ZoneInfo("UTC"), interval)
    return list(file.bars(day_bounds=ALWAYS.daily_bar_bounds, bounds=None, session=None))


def opened(rows: list[BarRow]) -> list[str]:
    return [f"{datetime.fromtimestamp(row[0], UTC):%Y-%m-%d %H:%M}" for row in rows]


DAILY = {
    "KRX": '"일자","종가","대비","등락률","시가","고가","저가","거래량"\n"2023/12/21","75000","1","0.1","74600","75000","74300","100"\n"2023/12/22","75900","900","1.2","75800","76300","75400","200"\n',
    "home trading system": "일자\t시가\t고가\t저가\t현재가\t거래량\n20231221\t74,600\t75,000\t74,300\t75,000\t100\n20231222\t75,800\t76,300\t75,400\t75,900\t200\n",
    "investing.com": '\ufeff"날짜","종가","시가","고가","저가","거래량","변동 %"\n"2023- 12- 22","75,900","75,800","76,300","75,400","0.2K","1.20%"\n"2023- 12- 21","75,000","74,600","75,000","74,300","0.1K","0.27%"\n',
    "yfinance": "Date,Open,High,Low,Close,Adj Close,Volume\n2023-12-21 00:00:00+09:00,74600,75000,74300,75000,74000,100\n2023-12-22 00:00:00+09:00,75800,76300,75400,75900,75000,200\n",
    "TradingView": "time,open,high,low,close,Volume\n1703116800,74600,75000,74300,75000,100\n1703203200,75800,76300,75400,75900,200\n",
    "MetaTrader": "<DATE>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<VOL>\n2023.12.21\t74600\t75000\t74300\t75000\t100\n2023.12.22\t75800\t76300\t75400\t75900\t200\n",
    "pandas": ",Open,High,Low,Close,Volume\n2023-12-21,74600.0,75000.0,74300.0,75000.0,100\n2023-12-22,75800.0,76300.0,75400.0,75900.0,200\n",
    "an open API": "stck_bsop_date,stck_clpr,stck_oprc,stck_hgpr,stck_lwpr,acml_vol\n20231221,75000,74600,75000,74300,100\n20231222,75900,75800,76300,75400,200\n",
    "Europe": "Date;Open;High;Low;Close;Volume\n21.12.2023;74600;75000;74300;75000;100\n22.12.2023;75800;76300;75400;75900;200\n",
    "a title above": "삼성전자 (005930)\n\n날짜,시가,고가,저가,종가,거래량\n2023-12-21,74600,75000,74300,75000,100\n2023-12-22,75800,76300,75400,75900,200\n",
}


@pytest.mark.parametrize("text", DAILY.values(), ids=DAILY)
def test_the_usual_daily_files_are_read_alike(text: str) -> None:
    """K02: columns in Korean or English, in any order, newest first or last."""
    rows = krx(text)
    assert [row[2:] for row in rows] == [(74600, 75000, 74300, 75000, 100), (75800, 76300, 75400, 75900, 200)]
    assert opened(rows) == ["2023-12-21 00:00", "2023-12-22 00:00"]


def test_a_korean_file_in_cp949_is_read_like_one_in_utf_8() -> None:
    text = DAILY["KRX"]
    assert krx(text.encode("cp949")) == krx(text)


MINUTES = {
    "ISO": "date,open,high,low,close,volume\n2017-11-04T23:02:00Z,1,2,1,2,5\n2017-11-04T23:03:00Z,2,3,2,3,5\n",
    "Binance without a header": "1509836520000,1,2,1,2,5,1509836579999,0,0,0,0,0\n1509836580000,2,3,2,3,5,1509836639999,0,0,0,0,0\n",
    "microseconds": "open_time,open,high,low,close,volume\n1509836520000000,1,2,1,2,5\n1509836580000000,2,3,2,3,5\n",
    "seconds": "unix,open,high,low,close,Volume BTC,Volume USD\n1509836520,1,2,1,2,5,9\n1509836580,2,3,2,3,5,9\n",
    "an address above": "https://www.example.com\nunix,date,symbol,open,high,low,close,Volume BTC\n1509836580,2017-11-04 23:03:00,X,2,3,2,3,5\n1509836520,2017-11-04 23:02:00,X,1,2,1,2,5\n",
    "Upbit": "candle_date_time_utc,candle_date_time_kst,opening_price,high_price,low_price,trade_price,timestamp,candle_acc_trade_volume\n2017-11-04T23:02:00,2017-11-05T08:02:00,1,2,1,2,9,5\n2017-11-04T23:03:00,2017-11-05T08:03:00,2,3,2,3,9,5\n",
    "a clock of its own": "Date,Time,Open,High,Low,Close,Volume\n2017.11.04,23:02,1,2,1,2,5\n2017.11.04,23:03,2,3,2,3,5\n",
    "with a zone": "datetime,open,high,low,close,volume\n2017-11-05 08:02:00+09:00,1,2,1,2,5\n2017-11-05 08:03:00+09:00,2,3,2,3,5\n",
    "Greenwich": "Gmt time,Open,High,Low,Close,Volume\n04.11.2017 23:02:00.000,1,2,1,2,5\n04.11.2017 23:03:00.000,2,3,2,3,5\n",
}


@pytest.mark.parametrize("text", MINUTES.values(), ids=MINUTES)
def test_the_usual_minute_files_are_read_alike(text: str) -> None:
    rows = coin(text)
    assert opened(rows) == ["2017-11-04 23:02", "2017-11-04 23:03"]
    assert [row[2:] for row in rows] == [(1, 2, 1, 2, 5), (2, 3, 2, 3, 5)]


def test_a_time_without_a_zone_is_one_of_the_zone_that_was_chosen() -> None:
    text = "체결시간,시가,고가,저가,현재가,거래량\n20231222090000,1,2,1,2,5\n20231222090100,2,3,2,3,5\n"
    assert opened(krx(text)) == ["2023-12-22 00:00", "2023-12-22 00:01"]


def problems(text: str | bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(BarFileInvalid) as caught:
        krx(text)
    return [(each.line, each.code, each.column) for each in caught.value.problems]


HEAD = "date,open,high,low,close,volume\n"
GOOD = ["2023-12-20,10,12,9,11,5", "2023-12-21,11,13,10,12,5", "2023-12-22,12,14,11,13,5"]


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ([GOOD[0], "2023-12-21,=1+1,13,10,12,5"], [(3, "not_a_number", "open")]),
        ([GOOD[0], "=cmd|' /C calc'!A0,11,13,10,12,5"], [(3, "bad_date", "date")]),
        ([GOOD[0], "@SUM(A1),11,13,10,12,5"], [(3, "bad_date", "date")]),
        ([GOOD[0], "2023-12-21,nan,13,10,12,5"], [(3, "not_finite", "open")]),
        ([GOOD[0], "2023-12-21,-11,13,10,12,5"], [(3, "not_positive", "open")]),
        ([GOOD[0], "2023-12-21,11,13,10,12,-5"], [(3, "negative", "volume")]),
        ([GOOD[0], "2023-12-21,,13,10,12,5"], [(3, "empty_value", "open")]),
        ([GOOD[0], "2023-12-21,11,10,10,12,5"], [(3, "high_inside_bar", "high")]),
        ([GOOD[0], "2023-12-21,11,13,10"], [(3, "column_count", "")]),
        ([GOOD[0], GOOD[0]], [(3, "duplicate_time", "date")]),
        ([GOOD[0], GOOD[2], GOOD[1], "2023-12-26,1,1,1,1,1"], [(4, "not_ascending", "date")]),
        ([GOOD[0], '2023-12-21,"11,13,10,12,5'], [(3, "column_count", "")]),
        ([GOOD[0], "x" * 5000, GOOD[1]], [(3, "line_too_long", "")]),
        ([GOOD[0], "2023-12-21,11,13,10,12,5\0"], [(3, "nul_byte", "volume")]),
        ([], [(1, "no_rows", "")]),
    ],
)
def test_each_bad_row_is_named_by_its_line_and_reason(rows: list[str], told: list[tuple[int, str, str]]) -> None:
    assert problems(HEAD + "\n".join(rows) + ("\n" if rows else "")) == told


def test_the_lines_of_a_file_that_is_read_from_its_end_are_its_own() -> None:
    assert problems("title\n" + HEAD + "\n".join([GOOD[2], "2023-12-21,bad,13,10,12,5", GOOD[0]])) == [
        (4, "not_a_number", "open")
    ]


@pytest.mark.parametrize(
    ("text", "code", "column"),
    [
        (b"", "empty_file", ""),
        (b"\n\n", "empty_file", ""),
        (b"date,open,high,low,close\n2023-12-20,1,1,1,1\n", "missing_column", "volume (거래량)"),
        ("일자,시가,고가,저가,거래량\n2023-12-20,1,1,1,1\n".encode(), "missing_column", "close (종가)"),
        (b"\xff\xfe\x00\x81\xff\n", "not_utf8", ""),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "missing_column", "date (일자)"),
    ],
)
def test_a_file_without_a_header_says_what_is_missing(text: bytes, code: str, column: str) -> None:
    with pytest.raises(BarFileInvalid) as caught:
        krx(text)
    assert (caught.value.problems[0].code, caught.value.problems[0].column) == (code, column)


def test_a_file_whose_interval_nobody_trades_is_refused() -> None:
    with pytest.raises(BarsRefused, match="unknown_interval"):
        coin(HEAD + "2017-11-04T23:00:00Z,1,2,1,2,5\n2017-11-04T23:30:00Z,2,3,2,3,5\n")


@pytest.mark.parametrize(
    "text", ["", "yesterday", "12/22/2023", "2023-13-01", "2023-12-32", "99999999999999999999", "=1"]
)
def test_what_is_no_date_is_never_guessed(text: str) -> None:
    """12/22/2023 could be a day or a month first: nobody guesses."""
    with pytest.raises(NotAMoment):
        read_moment(text, "", SEOUL)
    with pytest.raises(NotAMoment):
        read_day(text, "", SEOUL)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2100, 1, 1)))  # noqa: DTZ001 the zone is the question
def test_an_instant_written_in_any_way_is_the_same_instant(naive: datetime) -> None:
    at = naive.replace(microsecond=0, tzinfo=UTC)
    local = at.astimezone(SEOUL)
    written = [
        (at.isoformat(), ""),
        (f"{at:%Y-%m-%d %H:%M:%S} UTC", ""),
        (f"{local:%Y%m%d%H%M%S}", ""),
        (f"{local:%Y/%m/%d}", f"{local:%H%M%S}"),
        (f"{local:%Y.%m.%d}", f"{local:%H:%M:%S}"),
        (local.isoformat(), ""),
    ]
    seconds = int(at.timestamp())
    if seconds >= 1_000_000_000:
        written += [(f"{seconds}", ""), (f"{seconds}000", ""), (f"{seconds}000000", "")]
    assert {read_moment(day, clock, SEOUL)[0] for day, clock in written} == {at}


@given(
    st.lists(st.binary(max_size=30).filter(lambda line: b"\n" not in line), min_size=1, max_size=30), st.integers(0, 2)
)
def test_lines_from_the_end_are_the_lines_from_the_beginning(lines: list[bytes], skipped: int) -> None:
    file = BytesIO(b"\n".join([*lines, b"end"]) + b"\n")
    there = [line.rstrip(b"\n") for line in forwards(file, skipped)]
    assert [line.rstrip(b"\n") for line in backwards(file, skipped)] == there[::-1]
