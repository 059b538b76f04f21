"""KIS's master files of listed instruments, `kospi_code.mst` and `kosdaq_code.mst`, as they come or zipped. Pure.

One line per instrument, in CP949: short code (9 bytes), standard code (12), Korean name, and a tail of fixed width from the
line's end, 227 bytes for KOSPI and 221 for KOSDAQ (KIS's own `stocks_info` structures). Only what orders need is read.
"""

import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple

from markets.types import InstrumentKind

MOST_BYTES = 64 * 1024 * 1024  # of an unpacked file; a real one has less than one
HEAD = 21
LONGEST_NAME = 64
_CODE = re.compile(r"[0-9A-Z]{6}")
_DIGITS = re.compile(r"[0-9]+")


class _Tail(NamedTuple):
    width: int
    etp: int  # ETP_PROD_CLS_CODE
    lot: int  # FRML_MRKT_DEAL_QTY_UNIT, 5 bytes
    halted: int
    liquidation: int


class Market(Enum):
    """Which of the two files it is, by the shape of its lines."""

    KOSPI = _Tail(width=227, etp=22, lot=50, halted=60, liquidation=61)
    KOSDAQ = _Tail(width=221, etp=18, lot=45, halted=55, liquidation=56)


KINDS = {
    "ST": InstrumentKind.STOCK,
    "FS": InstrumentKind.STOCK,  # of a foreign company
    "DR": InstrumentKind.STOCK,
    "RT": InstrumentKind.STOCK,
    "IF": InstrumentKind.STOCK,
    "MF": InstrumentKind.STOCK,
    "SC": InstrumentKind.STOCK,
    "EF": InstrumentKind.ETF,
    "FE": InstrumentKind.ETF,
}


class NoMasterFile(ValueError):
    """The file is none of KIS's; the message says what is wrong and where."""

    code = "no_master_file"


@dataclass(frozen=True, slots=True)
class Listed:
    """One instrument as KIS lists it."""

    symbol: str
    name: str
    kind: InstrumentKind
    lot: int
    is_halted: bool


@dataclass(frozen=True, slots=True)
class MasterFile:
    """`skipped`: what is listed and not taken, counted by its group: warrants, notes, rights and the like."""

    market: Market
    listed: tuple[Listed, ...]
    skipped: Counter[str] = field(default_factory=Counter)


def read_master(data: bytes) -> MasterFile:
    """A whole file. Raises NoMasterFile where any line is not what it should be."""
    lines = [line for line in _unpacked(data).splitlines() if line.strip(b" \0\x1a")]
    market = _market_of(lines)
    listed: dict[str, Listed] = {}
    skipped: Counter[str] = Counter()
    for number, line in enumerate(lines, start=1):
        found = _listed(line, market, number)
        if isinstance(found, str):
            skipped[found] += 1
        elif listed.setdefault(found.symbol, found) != found:
            raise NoMasterFile(f"line {number}: {found.symbol} stands there twice")
    return MasterFile(market, tuple(listed.values()), skipped)


def _unpacked(data: bytes) -> bytes:
    if not data.startswith(b"PK\x03\x04"):
        return data
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            names = [each for each in packed.infolist() if each.filename.lower().endswith(".mst")]
            if len(names) != 1 or names[0].file_size > MOST_BYTES:
                raise NoMasterFile("the archive holds not one .mst file, or one that is far too large")
            with packed.open(names[0]) as inside:
                unpacked = inside.read(MOST_BYTES + 1)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, OSError) as e:
        raise NoMasterFile(f"the archive cannot be unpacked: {type(e).__name__}") from None
    if len(unpacked) > MOST_BYTES:
        raise NoMasterFile("the archive holds a file that is far too large")
    return unpacked


def _market_of(lines: list[bytes]) -> Market:
    """The one market whose shape every line has."""
    if not lines:
        raise NoMasterFile("the file is empty")
    fitting = [market for market in Market if all(_fits(line, market) for line in lines)]
    if len(fitting) == 1:
        return fitting[0]
    nearest = max(Market, key=lambda market: sum(_fits(line, market) for line in lines))
    wrong = next((number for number, line in enumerate(lines, start=1) if not _fits(line, nearest)), 1)
    raise NoMasterFile(f"line {wrong}: neither a line of kospi_code.mst nor of kosdaq_code.mst")


def _fits(line: bytes, market: Market) -> bool:
    tail = market.value
    if len(line) <= HEAD + tail.width:
        return False
    rest = line[-tail.width :]
    group, flags = rest[:2], rest[tail.halted : tail.liquidation + 1]
    digits = rest[tail.lot - 9 : tail.lot + 10]  # base price, lot, lot after hours
    return rest.isascii() and group.isalpha() and set(flags) <= set(b"YN") and digits.replace(b" ", b"0").isdigit()


def _listed(line: bytes, market: Market, number: int) -> Listed | str:
    """The instrument of one line, or the group of one that is not taken."""
    tail = market.value
    rest = line[-tail.width :].decode("ascii")
    group = rest[:2]
    kind = KINDS.get(group)
    if kind is None:
        return group
    try:
        symbol = line[:9].decode("ascii").strip()
        name = " ".join(line[HEAD : -tail.width].decode("cp949").split())
    except UnicodeDecodeError:
        raise NoMasterFile(f"line {number}: not in CP949") from None
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        raise NoMasterFile(f"line {number}: no name")
    if not _CODE.fullmatch(symbol):
        raise NoMasterFile(f"line {number}: no short code")
    if rest[tail.liquidation] == "Y":
        return f"{group} in liquidation"
    lot = rest[tail.lot : tail.lot + 5].strip()
    if not _DIGITS.fullmatch(lot) or int(lot) < 1:
        raise NoMasterFile(f"line {number}: no trading unit")
    return Listed(symbol, name, kind, int(lot), is_halted=rest[tail.halted] == "Y")
