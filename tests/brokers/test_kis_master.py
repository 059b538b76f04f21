"""KIS's master files become instruments: every line as its structure says, or none of the file."""

import io
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from brokers.kis.master import Listed, Market, NoMasterFile, read_master
from markets.models import Instrument
from markets.types import InstrumentKind, Source
from tests.factories import make_instrument

# The widths of the tail's fields as KIS's own structures give them: what the offsets of the reader are held against.
KOSPI = [2, 1, 4, 4, 4, *[1] * 26, 9, 5, 5, 1, 1, 1, 2, 1, 1, 1, 2, 2, 2, 3, 1, 3, 12, 12, 8, 15, 21, 2, 7]
KOSPI += [1, 1, 1, 1, 1, 9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1]
KOSDAQ = [2, 1, 4, 4, 4, *[1] * 21, 9, 5, 5, 1, 1, 1, 2, 1, 1, 1, 2, 2, 2, 3, 1, 3, 12, 12, 8, 15, 21, 2, 7]
KOSDAQ += [1, 1, 1, 1, 9, 9, 9, 5, 9, 8, 9, 3, 1, 1, 1]
WIDTHS = {Market.KOSPI: KOSPI, Market.KOSDAQ: KOSDAQ}
SINGLES = {Market.KOSPI: 26, Market.KOSDAQ: 21}


def line(
    code: str = "005930",
    name: str = "삼성전자",
    market: Market = Market.KOSPI,
    group: str = "ST",
    lot: str = "00001",
    halted: str = "N",
    liquidation: str = "N",
) -> bytes:
    """One line, field by field, in the order of the structure."""
    singles = SINGLES[market]
    told = [group, "1", "0027", "0013", "0000", *["N"] * singles, "000070500", lot, "00001", halted, liquidation]
    widths = WIDTHS[market]
    told += ["0"] * (len(widths) - len(told))
    tail = "".join(value.ljust(width)[:width] for value, width in zip(told, widths, strict=True))
    head = code.ljust(9) + "KR7005930003"
    return head.encode() + name.encode("cp949").ljust(40) + tail.encode() + b"\n"


def test_the_structures_have_the_widths_of_the_files() -> None:
    assert {market: sum(widths) for market, widths in WIDTHS.items()} == {Market.KOSPI: 227, Market.KOSDAQ: 221}
    assert {market: market.value.width for market in Market} == {Market.KOSPI: 227, Market.KOSDAQ: 221}


@pytest.mark.parametrize("market", list(Market), ids=lambda market: market.name)
def test_a_line_is_read_by_its_structure(market: Market) -> None:
    lines = [
        line(market=market),
        line("069500", "KODEX 200", market, group="EF", lot="00010"),
        line("900110", "이스트아시아홀딩스", market, group="FS", halted="Y"),
        line("0036R0", "새 규칙 코드", market),
    ]
    master = read_master(b"".join(lines))
    assert master.market is market
    assert master.listed == (
        Listed("005930", "삼성전자", InstrumentKind.STOCK, 1, is_halted=False),
        Listed("069500", "KODEX 200", InstrumentKind.ETF, 10, is_halted=False),
        Listed("900110", "이스트아시아홀딩스", InstrumentKind.STOCK, 1, is_halted=True),
        Listed("0036R0", "새 규칙 코드", InstrumentKind.STOCK, 1, is_halted=False),
    )


def test_what_is_no_share_is_counted_and_left_out() -> None:
    lines = [
        line(),
        line("Q500001", "신한 ETN", group="EN"),
        line("58J297", "ELW", group="EW"),
        line("000001", "정리매매", liquidation="Y"),
    ]
    master = read_master(b"".join(lines))
    assert [each.symbol for each in master.listed] == ["005930"]
    assert master.skipped == {"EN": 1, "EW": 1, "ST in liquidation": 1}


def packed(*files: tuple[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return data.getvalue()


def test_a_file_may_come_zipped_and_with_other_line_ends() -> None:
    windows = line().rstrip(b"\n") + b"\r\n" + line("000660", "SK하이닉스").rstrip(b"\n") + b"\r\n\x1a"
    assert read_master(packed(("kospi_code.mst", windows))) == read_master(line() + line("000660", "SK하이닉스"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"<html>not found</html>", "line 1"),
        (line() + line()[:-40] + b"\n", "line 2"),
        (line() + b"x" + line("000660"), "line 2"),
        (line(market=Market.KOSPI) + line("000660", market=Market.KOSDAQ), "line 2"),
        (line() + line("000660", lot="00000"), "line 2: no trading unit"),
        (line() + line("1234567"), "line 2: no short code"),
        (line() + line("000660", " "), "line 2: no name"),
        (line() + line(name="다른 이름"), "005930 stands there twice"),
        (line().replace("삼성전자".encode("cp949"), b"\xff\xff\xff\xff    "), "CP949"),
        (packed(("readme.txt", b"")), "not one .mst"),
        (packed(("a.mst", line()), ("b.mst", line())), "not one .mst"),
        (packed(("a.mst", line()))[:-30], "unpacked"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_with_its_line(data: bytes, why: str) -> None:
    with pytest.raises(NoMasterFile, match=why):
        read_master(data)


@given(st.binary(max_size=600), st.integers(0, 300))
def test_no_bytes_break_the_reader(noise: bytes, place: int) -> None:
    for data in (noise, line()[:place] + noise + line()[place:], b"PK\x03\x04" + noise):
        try:
            read_master(data)
        except NoMasterFile:
            continue


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "kospi_code.mst").write_bytes(line() + line("069500", "KODEX 200", group="EF"))
    (tmp_path / "kosdaq_code.mst").write_bytes(line("035720", "카카오", Market.KOSDAQ))
    return tmp_path


@pytest.mark.django_db
def test_files_become_instruments_that_follow_the_exchanges_rules(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("import_instruments", folder / "kospi_code.mst", folder / "kosdaq_code.mst")
    assert capsys.readouterr().out == (
        "kospi_code.mst: KOSPI added=2 changed=0 same=0 skipped=none\n"
        "kosdaq_code.mst: KOSDAQ added=1 changed=0 same=0 skipped=none\n"
    )
    fund = Instrument.objects.by_key("KRX:069500")
    assert (fund.tick_table, fund.kind, fund.calendar, fund.currency) == ("krx-etf", "etf", "krx", "KRW")
    assert (fund.price_limit_rate, fund.source, fund.name_ko) == (Decimal("0.3"), Source.KIS, "KODEX 200")


@pytest.mark.django_db
def test_a_known_instrument_keeps_its_prices_and_follows_its_name(folder: Path) -> None:
    known = make_instrument(name_ko="옛 이름", source=Source.SIMULATOR, name_en="Samsung Electronics")
    call_command("import_instruments", folder / "kospi_code.mst")
    known.refresh_from_db()
    assert (known.name_ko, known.name_en, known.source) == ("삼성전자", "Samsung Electronics", Source.SIMULATOR)
    call_command("import_instruments", folder / "kospi_code.mst")
    assert Instrument.objects.count() == 2


@pytest.mark.django_db
def test_of_two_files_one_bad_one_leaves_nothing(folder: Path) -> None:
    (folder / "kosdaq_code.mst").write_bytes(b"half a li")
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_instruments", folder / "kospi_code.mst", folder / "kosdaq_code.mst")
    assert not Instrument.objects.exists()
