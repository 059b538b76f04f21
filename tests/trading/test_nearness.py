"""How near a condition is to holding: the bar beside its figures never contradicts the verdict (G01)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.rows import ConditionRow
from tests.trading import scene
from trading.views.outlook import nearness

figures = st.one_of(st.none(), st.floats(-1e12, 1e12))


def row(kind: str, **changes: Any) -> ConditionRow:
    rows = scene.make_row(0)["conditions"]
    found = next(each for each in rows if each["condition"]["kind"] == kind)
    return ConditionRow.from_data(found | changes)


@given(st.sampled_from(["compare", "cross_above", "cross_below"]), figures, figures, st.booleans())
def test_only_what_holds_fills_the_bar(kind: str, value: float | None, threshold: float | None, passed: bool) -> None:
    near = nearness(row(kind, value=value, threshold=threshold, passed=passed))
    assert (near == 100) is passed
    assert 0 <= near <= 100


@pytest.mark.parametrize(("value", "near"), [(22.5, 90), (12.5, 50), (0, 0), (-25, 0)])
def test_against_a_number_the_share_of_it_is_shown(value: float, near: int) -> None:
    assert nearness(row("compare", value=value, threshold=25, passed=False)) == near


@pytest.mark.parametrize(("value", "near"), [(100_000, 99), (99_000, 80), (95_000, 0), (50_000, 0)])
def test_two_lines_a_twentieth_apart_are_far_from_crossing(value: float, near: int) -> None:
    assert nearness(row("cross_above", value=value, threshold=100_000, passed=False)) == near


def test_a_figure_that_is_missing_is_near_nothing() -> None:
    assert nearness(row("compare", value=None, threshold=25, passed=False)) == 0
    assert nearness(row("compare", value=0, threshold=0, passed=False)) == 0
