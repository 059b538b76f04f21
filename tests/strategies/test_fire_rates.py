"""How often the swing rule says buy or sell on all shared price data, by its default and its literal reading: W04, C29.

`pytest -s tests/strategies/test_fire_rates.py` prints the table that docs/strategies.md shows.
"""

from pathlib import Path

import numpy as np

from strategies.compiler import Evaluation, compile_document
from strategies.library.swing import ACTIVE_SWING, DEFAULT_SWING, SwingParameters, swing_document
from tests.strategies.series import KRX, real_bars

# The requirement word for word: every filter on the very bar of the cross, OBV as a plain difference, selling mirrored.
LITERAL = SwingParameters(rsi_mode="same_bar", obv_mode="raw", exit_use_rsi=True, exit_use_adx=True, exit_use_obv=True)
READINGS = {"default": DEFAULT_SWING, "active": ACTIVE_SWING, "literal": LITERAL}
SERIES = (*(f"krx-daily/{code}" for code in KRX), "crypto/UNITTEST_BTC-1m", "crypto/XRPUSDT-perp-1h")
UNSETTLED = 100  # bars at the start of each series that are not counted
HEAD = "| Series | Bars | Reading | Crosses | 1st RSI | 1st buy | Crosses | 2nd RSI | 2nd buy | Crosses | Sell |"


def rows_of(series: str) -> list[list[int]]:
    """Per reading: upward crosses of the first step, those its RSI lets by, first buys; the second step's; the exit's."""
    bars = real_bars(series)
    return [counts(compile_document(swing_document(chosen)).evaluate(bars)) for chosen in READINGS.values()]


def counts(evaluation: Evaluation) -> list[int]:
    passed = {rows.condition.label: rows.passed for rows in evaluation.conditions}
    found: list[np.ndarray] = []
    for step, fires in (("first", evaluation.entries[0]), ("second", evaluation.entries[1])):
        crosses = passed[f"{step}.cross"]
        found += [crosses, crosses & passed.get(f"{step}.rsi", crosses), fires]
    found += [passed["exit.cross"], evaluation.exit]
    return [int(each[UNSETTLED:].sum()) for each in found]


def table() -> list[str]:
    lines = [HEAD, "|---|---|---|" + "---|" * 8]
    total = np.zeros((len(READINGS), 8), dtype=int)
    for series in SERIES:
        measured = rows_of(series)
        total += np.array(measured)
        name, count = series.split("/")[1], f"{len(real_bars(series)):,}"
        for reading, numbers in zip(READINGS, measured, strict=True):
            lines.append(line(name, count, reading, numbers))
    for reading, numbers in zip(READINGS, total.tolist(), strict=True):
        lines.append(line("**all**", "", reading, numbers))
    return lines


def line(*cells: object) -> str:
    *words, numbers = cells
    assert isinstance(numbers, list)
    return "| " + " | ".join([*map(str, words), *(f"{number:,}" for number in numbers)]) + " |"


def test_the_documented_fire_rates_are_those_of_the_data() -> None:
    measured = "\n".join(table())
    print("\n" + measured)  # what -s is for
    docs = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"
    assert measured in docs.read_text(encoding="utf-8")


def test_the_literal_reading_never_buys_and_the_default_one_does() -> None:
    """C29: RSI(14) below 30 on the bar of an upward cross never happens in this data."""
    totals = dict.fromkeys(READINGS, 0)
    for series in SERIES:
        for reading, numbers in zip(READINGS, rows_of(series), strict=True):
            totals[reading] += numbers[2]
            if reading == "literal":
                assert numbers[1] == 0
    assert totals["literal"] == 0
    assert 0 < totals["default"] < totals["active"]
