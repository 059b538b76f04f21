"""The search that learns: better than chance on a hill, the same with the same seed, and honest about where it is missing."""

import pytest

from backtests import guided
from backtests.results import Parameters, Point
from strategies.library.shelf import LIBRARY

needs_optuna = pytest.mark.skipif(not guided.is_installed(), reason="Optuna, an optional extra, is not installed")
DOCUMENT = LIBRARY["sma_crossover"].build()
AXES = {"fast": list(range(2, 40)), "slow": list(range(20, 100))}  # 3,040 combinations, of which some are not allowed


def hill(point: Parameters) -> Point:
    """Highest at 12 and 60."""
    return Point(parameters=point, sharpe=-((point["fast"] - 12) ** 2) - (point["slow"] - 60) ** 2 / 4, trades=1)


def search(seed: int = 1, draws: int = 60) -> tuple[Point, ...]:
    return guided.search(DOCUMENT, AXES, draws=draws, goal="sharpe", seed=seed, compute=hill)


@needs_optuna
def test_it_climbs() -> None:
    """Of sixty points the later half is better than the first, which was drawn before anything was known."""
    figures = [point.sharpe or 0.0 for point in search()]
    assert len(figures) == 60
    early, late = sorted(figures[:20]), sorted(figures[-20:])
    assert late[10] > early[10]
    assert max(figures) > -30


@needs_optuna
def test_the_same_seed_finds_the_same_in_the_same_order() -> None:
    assert search() == search()
    assert search() != search(seed=2)


@needs_optuna
def test_points_without_a_figure_and_points_the_rule_forbids_do_not_end_it() -> None:
    told = guided.search(
        DOCUMENT,
        AXES,
        draws=30,
        goal="sharpe",
        seed=1,
        compute=lambda point: Point(parameters=point, refused="no_bars"),
    )
    assert len(told) == 30
    assert all(point.parameters["fast"] < point.parameters["slow"] for point in told)


@needs_optuna
def test_it_tells_how_far_it_is_and_what_is_raised_ends_it() -> None:
    told: list[tuple[int, int]] = []

    def progress(done: int, of: int) -> None:
        told.append((done, of))
        if done == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        guided.search(DOCUMENT, AXES, draws=10, goal="sharpe", seed=1, compute=hill, progress=progress)
    assert told == [(0, 10), (1, 10), (2, 10), (3, 10)]
