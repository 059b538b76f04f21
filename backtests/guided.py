"""A search that learns: each next point is chosen by what the earlier ones came to. By Optuna, where it is installed.

One search is one worker's, point after point: the same seed, bars and values give the same points in the same order.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from math import prod
from typing import TYPE_CHECKING

from backtests.results import Parameters, Point
from backtests.sweeps import Progress, grid, is_allowed
from strategies.document import RuleDocument

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

MOST_DRAWS = 300  # each choice looks at all before it: three hundred are seconds, a thousand are minutes
TRIES = 3  # choices for each point wanted, before the search is said to have settled
SMALL = 1000  # combinations that are counted, to end once all of them were tried


def is_installed() -> bool:
    return find_spec("optuna") is not None


def search(
    document: RuleDocument,
    axes: Mapping[str, Sequence[float]],
    *,
    draws: int,
    goal: str,
    seed: int,
    compute: Callable[[Parameters], Point],
    progress: Progress | None = None,
) -> tuple[Point, ...]:
    """What up to `draws` different points come to, in the order they were tried; `goal` is the figure of which more is better.

    Fewer where the values hold no more, or where the search has settled. `compute` is asked once for each point. Raises what
    `compute` and `progress` raise, ModuleNotFoundError without Optuna.
    """
    study, found = _study(seed), dict[tuple[float, ...], Point]()
    most = min(draws, _allowed(document, axes))
    for _ in range(most * TRIES):
        trial = study.ask()
        # By place, not by value: neighbours are neighbours, whatever the distance of their values.
        point = {name: each[trial.suggest_int(name, 0, len(each) - 1)] for name, each in axes.items()}
        place = tuple(point.values())
        if not is_allowed(document, point):
            _tell(study, trial, None)
            continue
        if place not in found:
            if progress is not None:
                progress(len(found), most)
            found[place] = compute(point)
        _tell(study, trial, getattr(found[place], goal))
        if len(found) == most:
            break
    return tuple(found.values())


def _allowed(document: RuleDocument, axes: Mapping[str, Sequence[float]]) -> int:
    """How many combinations the rule allows; of very many, how many there are."""
    count = prod(len(each) for each in axes.values())
    return len(grid(document, axes)) if count <= SMALL else count


def _study(seed: int) -> "Study":
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)  # a line for each point is too much
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _tell(study: "Study", trial: "Trial", figure: float | None) -> None:
    """What the point came to; None: it could not be run, or the figure does not exist."""
    from optuna.trial import TrialState

    if figure is None:
        study.tell(trial, state=TrialState.FAIL)
    else:
        study.tell(trial, figure)
