"""How often the swing rule says buy or sell on all shared price data, by its default and its literal reading: W04, C29.

`make rule-rates` prints the tables that docs/strategies.md shows.
"""

from pathlib import Path

import pytest

from bench.rule_rates import DATA, READINGS, SERIES, counted, crosses_table, rates_table

DOCS = Path(__file__).resolve().parents[2] / "docs" / "strategies.md"
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs the shared price data: ../shared/data")


@pytest.mark.parametrize("table", [crosses_table, rates_table])
def test_the_documented_fire_rates_are_those_of_the_data(table: object) -> None:
    assert callable(table)
    assert "\n".join(table()) in DOCS.read_text(encoding="utf-8")


def test_the_literal_reading_never_buys_and_the_default_one_does() -> None:
    """C29: RSI(14) below 30 on the bar of an upward cross never happens in this data."""
    bought = {reading: sum(counted(series, reading)[2] for series in SERIES) for reading in READINGS}
    assert [counted(series, "literal")[1] for series in SERIES] == [0] * len(SERIES)
    assert bought["literal"] == 0
    assert 0 < bought["default"] < bought["active"]
