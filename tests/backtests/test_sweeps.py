"""Sweeps and walk-forward: which points, what they come to, and that nobody sees what comes later."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from backtests import metrics
from backtests.engine import run
from backtests.results import Parameters, Point
from backtests.setup import Setup
from backtests.sweeps import SweepRefused, best, drawn, grid, neighbours, point_of, run_points
from backtests.walk_forward import spans, walk, walk_one
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from tests.backtests.scenes import COIN, cross_rule, waves

SETUP = Setup(cash=Decimal(10_000_000), cooldown_bars=0)
WAVES = waves()


class Canceled(Exception):
    pass


def test_a_grid_has_every_combination_that_the_rule_allows() -> None:
    points = grid(cross_rule(), {"fast": (5, 20), "slow": (10, 30)})
    assert points == ({"fast": 5, "slow": 10}, {"fast": 5, "slow": 30}, {"fast": 20, "slow": 30})


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"nothing": (1,)}, "unknown_parameter"),
        ({"fast": (60, 70)}, "no_points"),
        ({"fast": tuple(range(2, 50)), "slow": tuple(np.linspace(3, 100, 300))}, "too_many_points"),
    ],
)
def test_a_grid_that_cannot_be_is_refused(values: dict[str, tuple[float, ...]], code: str) -> None:
    with pytest.raises(SweepRefused) as refused:
        grid(cross_rule(), values)
    assert refused.value.code == code


def test_drawn_points_are_different_allowed_and_the_same_for_the_same_seed() -> None:
    points = drawn(cross_rule(), ("fast", "slow"), 30, seed=1)
    assert len({tuple(point.values()) for point in points}) == 30
    assert all(2 <= point["fast"] < point["slow"] <= 100 for point in points)
    assert all(isinstance(value, int) for point in points for value in point.values())
    assert points == drawn(cross_rule(), ("fast", "slow"), 30, seed=1)
    assert points != drawn(cross_rule(), ("fast", "slow"), 30, seed=2)


def test_drawing_more_than_there_are_gives_all_there_are() -> None:
    data = cross_rule().as_data()
    data["parameters"]["fast"] |= {"minimum": 4, "maximum": 6}
    points = drawn(RuleDocument.from_data(data), ("fast",), 100, seed=1)
    assert sorted(point["fast"] for point in points) == [4, 5, 6]


def test_a_point_of_a_sweep_is_the_run_with_its_parameters() -> None:
    points = grid(cross_rule(), {"fast": (4, 8), "slow": (20, 60)})
    told = run_points(cross_rule(), points, WAVES, COIN, SETUP)
    for point in told:
        alone = run(compile_document(cross_rule(), point.parameters), WAVES, COIN, SETUP)
        assert point == point_of(point.parameters, alone)
        assert point.result_hash == alone.result_hash
        assert point.trades > 3
        _has_the_figures_of(point, metrics.of(alone))
    assert len({point.result_hash for point in told}) == 4


def _has_the_figures_of(point: Point, told: metrics.Metrics) -> None:
    for name in ("total_return", "cagr", "sharpe", "sortino", "calmar", "max_drawdown"):
        assert getattr(point, name) == getattr(told.strategy, name), name
    for name in ("profit_factor", "win_rate", "exposure"):
        assert getattr(point, name) == getattr(told.trades, name), name
    assert point.trades == told.trades.count


def test_slices_of_a_sweep_laid_together_are_the_sweep() -> None:
    points = grid(cross_rule(), {"fast": (4, 8, 12), "slow": (20, 60)})
    parts = [run_points(cross_rule(), points[start : start + 2], WAVES, COIN, SETUP) for start in (0, 2, 4)]
    assert sum(parts, ()) == run_points(cross_rule(), points, WAVES, COIN, SETUP)


def test_a_point_that_cannot_be_run_says_why_and_the_others_go_on() -> None:
    points: list[Parameters] = [{"fast": 30, "slow": 20}, {"fast": 5, "slow": 20}]
    refused, done = run_points(cross_rule(), points, WAVES, COIN, SETUP)
    assert (refused.refused, refused.trades, refused.total_return) == ("not_increasing", 0, None)
    assert (done.refused, done.total_return is not None) == ("", True)
    short = run_points(cross_rule(), points[1:], WAVES.prefix(200), COIN, SETUP)
    assert [each.refused for each in short] == ["warm_up_longer_than_data"]


def test_progress_is_told_and_a_cancellation_ends_the_sweep() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if done == 2:
            raise Canceled

    points = grid(cross_rule(), {"fast": (4, 5, 6, 7)})
    with pytest.raises(Canceled):
        run_points(cross_rule(), points, WAVES, COIN, SETUP, progress=progress)
    assert told == [(0, 4), (1, 4), (2, 4)]


def test_the_best_is_of_those_that_traded_enough() -> None:
    points = [
        Point(parameters={"n": 1}, sharpe=3.0, trades=0),
        Point(parameters={"n": 2}, sharpe=None, trades=9),
        Point(parameters={"n": 3}, sharpe=1.0, trades=9),
        Point(parameters={"n": 4}, sharpe=1.0, trades=9),
    ]
    found = best(points)
    assert found is not None
    assert found.parameters == {"n": 3}
    assert best(points[:2]) is None


def test_neighbours_are_one_step_away_and_allowed() -> None:
    near = list(neighbours(cross_rule(), {"fast": 20, "slow": 21}))
    assert near == [{"fast": 18, "slow": 21}, {"fast": 20, "slow": 23}]  # 22 and 19 would change their order


def test_the_windows_of_a_walk_follow_one_another_to_the_last_bar() -> None:
    found = spans(cross_rule(), [{}], WAVES, SETUP, windows=4)
    assert [span.tested_to for span in found[:-1]] == [span.tested_from for span in found[1:]]
    assert found[-1].tested_to == len(WAVES)
    assert all(span.trained_from - span.warm_up >= 0 for span in found)
    assert {span.tested_from - span.trained_from for span in found} == {3 * (found[0].tested_to - found[0].tested_from)}


def test_a_walk_chooses_by_training_alone() -> None:
    """What comes after a test changes neither its parameters nor what it made."""
    points = grid(cross_rule(), {"fast": (4, 8, 12), "slow": (20, 60)})
    span = spans(cross_rule(), points, WAVES, SETUP, windows=4)[1]
    known = walk_one(cross_rule(), points, WAVES, COIN, SETUP, span)
    nothing_after = walk_one(cross_rule(), points, WAVES.prefix(span.tested_to), COIN, SETUP, span)
    assert nothing_after == known
    doubled = replace(WAVES, **{name: getattr(WAVES, name).copy() for name in ("open", "high", "low", "close")})
    for name in ("open", "high", "low", "close"):
        getattr(doubled, name)[span.tested_from :] *= 2
    other = walk_one(cross_rule(), points, doubled, COIN, SETUP, span)
    assert (other.parameters, other.trained) == (known.parameters, known.trained)
    assert other.tested != known.tested


def test_a_walk_adds_its_tests_up() -> None:
    walked = walk(cross_rule(), grid(cross_rule(), {"fast": (4, 8), "slow": (20, 40)}), WAVES, COIN, SETUP, windows=3)
    growth = np.prod([1 + (window.tested.total_return or 0) for window in walked.windows])
    assert walked.total_return == pytest.approx(growth - 1)
    assert walked.profitable_windows == sum((window.tested.total_return or 0) > 0 for window in walked.windows)
    trained = [window.trained_yearly or 0 for window in walked.windows]
    tested = [window.tested_yearly or 0 for window in walked.windows]
    assert walked.kept == pytest.approx(sum(tested) / sum(trained))
