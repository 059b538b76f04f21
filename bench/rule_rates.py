"""`make rule-rates`: how often the swing rule fires on all of ../shared/data, by its readings. The tables of docs/strategies.md.

Counted are bars on which a rule holds, not trades: a plan buys its second step only after its first, and sells what it holds.
"""

import csv
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np

from markets.bars import Bars
from strategies.compiler import Evaluation, compile_document
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters, swing_document

DATA = Path(__file__).resolve().parents[1] / ".." / "shared" / "data"
SERIES = (
    *(f"krx-daily/{code}" for code in ("000660", "005380", "005930", "035420", "069500")),
    *("crypto/UNITTEST_BTC-1m", "crypto/XRPUSDT-perp-1h"),
)
# The requirement word for word: every filter on the very bar of the cross, OBV as a plain difference, selling mirrored.
LITERAL = SwingParameters(rsi_mode="same_bar", obv_mode="raw", exit_use_rsi=True, exit_use_adx=True, exit_use_obv=True)
READINGS = {"default": DEFAULT_SWING, "active": ACTIVE_SWING, "literal": LITERAL}
UNSETTLED = 100  # bars at the start of each series that are not counted
FIRED = (2, 5, 7)  # of what is counted: first buys, second buys, sales
A_YEAR = 365.25 * 86_400


@cache
def bars_of(series: str) -> Bars:
    """A series of the shared data with its own opening times; bars are said to close as they open, for no rule looks."""
    with (DATA / f"{series}.csv").open() as file:
        lines = list(csv.DictReader(file))
    opened = np.array([line["date"].removesuffix("Z") for line in lines], dtype="datetime64[s]").astype(np.int64)
    prices = [np.array([float(line[key]) for line in lines]) for key in ("open", "high", "low", "close", "volume")]
    return Bars(opened, opened, *prices)


@cache
def counted(series: str, reading: str) -> tuple[int, ...]:
    """Upward crosses of the first step, those its RSI lets by, first buys; the same of the second; the exit's crosses, sales."""
    return counts(compile_document(swing_document(READINGS[reading])).evaluate(bars_of(series)))


def counts(evaluation: Evaluation) -> tuple[int, ...]:
    passed = {rows.condition.label: rows.passed for rows in evaluation.conditions}
    found: list[np.ndarray] = []
    for step, fires in (("first", evaluation.entries[0]), ("second", evaluation.entries[1])):
        crosses = passed[f"{step}.cross"]
        found += [crosses, crosses & passed.get(f"{step}.rsi", crosses), fires]
    found += [passed["exit.cross"], evaluation.exit]
    return tuple(int(each[UNSETTLED:].sum()) for each in found)


def crosses_table() -> list[str]:
    """What each filter leaves of the crosses, series by series."""
    head = "| Series | Bars | Reading | Crosses | 1st RSI | 1st buy | Crosses | 2nd RSI | 2nd buy | Crosses | Sell |"
    lines = [head, "|---|---|---|" + "---|" * 8]
    for series in SERIES:
        name, count = series.split("/")[1], f"{len(bars_of(series)):,}"
        lines += [_line(name, count, reading, *_whole(counted(series, reading))) for reading in READINGS]
    for reading in READINGS:
        total = [sum(each) for each in zip(*(counted(series, reading) for series in SERIES), strict=True)]
        lines.append(_line("**all**", "", reading, *_whole(total)))
    return lines


def rates_table() -> list[str]:
    """How often each step fires: in a year of the market's own time, and on a thousand bars."""
    lines = ["| Series | Years | Reading | 1st buy a year | 2nd | Sell | 1st buy on 1,000 bars | 2nd | Sell |"]
    lines.append("|---|---|---|" + "---|" * 6)
    krx = [series for series in SERIES if series.startswith("krx")]
    groups = {series.split("/")[1]: [series] for series in SERIES} | {"**all KRX**": krx}
    for name, members in groups.items():
        years, bars = sum(map(_years, members)), sum(len(bars_of(series)) - UNSETTLED for series in members)
        if bars <= 0:
            continue  # nothing is left once the first bars are
        for reading in READINGS:
            fired = [sum(counted(series, reading)[kind] for series in members) for kind in FIRED]
            yearly = [f"{count / years:.2f}" if years >= 1 else "–" for count in fired]  # days say nothing of a year
            lines.append(_line(name, f"{years:.2f}", reading, *yearly, *(f"{1000 * n / bars:.2f}" for n in fired)))
    return lines


def _years(series: str) -> float:
    opened = bars_of(series).opened_at
    return float(opened[-1] - opened[min(UNSETTLED, len(opened) - 1)]) / A_YEAR


def _whole(numbers: Sequence[int]) -> list[str]:
    return [f"{number:,}" for number in numbers]


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"rule-rates needs {DATA}")
    print("\n".join([*crosses_table(), "", *rates_table()]))
