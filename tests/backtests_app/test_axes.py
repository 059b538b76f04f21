"""Values as people type them, and the map of a sweep. Pure."""

from decimal import Decimal

import pytest

from backtests.axes import AxisUnreadable, read_axis
from backtests.heatmap import best_of, heat_map, ranked


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("20", [20]),
        ("20, 5,10, 5", [5, 10, 20]),
        ("5~30:5", [5, 10, 15, 20, 25, 30]),
        ("5 ~ 12 : 5", [5, 10]),
        ("0.1~0.3:0.1, 1", ["0.1", "0.2", "0.3", 1]),
        ("-1~1:1", [-1, 0, 1]),
    ],
)
def test_values_are_read_in_order_and_each_once(text: str, values: list[str | int]) -> None:
    assert read_axis(text) == [Decimal(value) for value in values]


@pytest.mark.parametrize("text", ["", ",", "a", "5~1:1", "1~5:0", "1~5:-1", "1~1000:1", "1e3", "=1", "1~2", "nan"])
def test_what_is_no_list_of_values_is_refused(text: str) -> None:
    with pytest.raises(AxisUnreadable):
        read_axis(text)


def point(fast: int, slow: int, sharpe: float | None, trades: int = 5, third: int = 0) -> dict[str, object]:
    return {"parameters": {"fast": fast, "slow": slow, "third": third}, "sharpe": sharpe, "trades": trades}


POINTS = [point(5, 20, 1.0), point(10, 20, 0.5), point(5, 40, -1.0), point(10, 40, None), point(5, 20, 2.0, third=1)]


def test_a_map_shows_the_best_of_what_is_not_on_it() -> None:
    columns, lines = heat_map(POINTS, "fast", "slow", "sharpe")
    assert columns == [5, 10]
    assert [[cell.figure for cell in line.cells] for line in lines] == [[2.0, 0.5], [-1.0, None]]
    assert [[cell.level for cell in line.cells] for line in lines] == [[4, 2], [0, 0]]
    assert [[cell.is_best for cell in line.cells] for line in lines] == [[True, False], [False, False]]


def test_with_one_parameter_the_map_has_one_line() -> None:
    columns, lines = heat_map(POINTS, "slow", "", "sharpe")
    assert columns == [20, 40]
    assert [cell.figure for cell in lines[0].cells] == [2.0, -1.0]


def test_the_best_has_traded() -> None:
    lucky = point(1, 2, 9.0, trades=0)
    best = best_of([*POINTS, lucky], "sharpe")
    assert best is not None
    assert best["sharpe"] == 2.0
    assert [row["sharpe"] for row in ranked(POINTS, "sharpe", 3)] == [2.0, 1.0, 0.5]
