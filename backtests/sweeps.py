"""Many runs of one rule over the same bars: which parameters, and what each came to. Each run knows only its own.

Points are plain data in a fixed order, so that any slice of them may be run anywhere and the slices laid together again.
"""

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from itertools import product
from math import prod
from random import Random

from backtests import metrics
from backtests.engine import Result, in_step, stages
from backtests.errors import BacktestRefused
from backtests.family import Family
from backtests.ground import Ground
from backtests.results import Parameters, Point
from backtests.setup import Setup
from markets.bars import Bars
from markets.types import InstrumentRules
from strategies import checks
from strategies.document import ParameterSpec, RuleDocument
from strategies.errors import DocumentInvalid

MOST_POINTS = 10_000
TRIES = 50  # drawn for each point wanted, before the ranges are said to hold no more
MOST_AT_ONCE, BARS_AT_ONCE = 16, 400_000  # points that go on side by side, and bars of all of them: memory is bounded
Progress = Callable[[int, int], None]


class SweepRefused(BacktestRefused):
    """No sweep can be made of this: too many points, none, or a parameter that the rule does not have."""


def grid(document: RuleDocument, values: Mapping[str, Sequence[float]]) -> tuple[Parameters, ...]:
    """Every combination of the values that the rule allows, the last name moving fastest.

    Combinations that it does not (a fast average slower than the slow one) are left out. Raises SweepRefused.
    """
    _refuse_unknown(document, values)
    if prod(len(each) for each in values.values()) > MOST_POINTS:
        raise SweepRefused("too_many_points", most=MOST_POINTS)
    combinations = (dict(zip(values, each, strict=True)) for each in product(*values.values()))
    return _not_none(tuple(point for point in combinations if is_allowed(document, point)))


def drawn(document: RuleDocument, names: Sequence[str], count: int, seed: int) -> tuple[Parameters, ...]:
    """`count` different combinations drawn from the ranges the rule gives these parameters, on their steps.

    Fewer where the ranges hold no more. The same seed draws the same. Raises SweepRefused.
    """
    _refuse_unknown(document, names)
    if not 0 < count <= MOST_POINTS:
        raise SweepRefused("too_many_points" if count > 0 else "no_points", most=MOST_POINTS)
    random = Random(seed)  # noqa: S311
    found: dict[tuple[float, ...], Parameters] = {}
    for _ in range(count * TRIES):
        point = {name: _draw(document.parameters[name], random) for name in names}
        if is_allowed(document, point):
            found.setdefault(tuple(point.values()), point)
        if len(found) == count:
            break
    return _not_none(tuple(found.values()))


def is_allowed(document: RuleDocument, point: Parameters) -> bool:
    """Whether the rule may have these values: within their ranges, and in their order."""
    return not any(True for _ in checks.problems_of_values(document, point))


def run_points(
    document: RuleDocument,
    points: Iterable[Parameters],
    bars: Bars,
    rules: InstrumentRules,
    setup: Setup,
    *,
    ground: Ground | None = None,
    progress: Progress | None = None,
) -> tuple[Point, ...]:
    """What each point comes to, in their order; a point that cannot be run says why instead of ending the sweep.

    Raises BarsRefused, and what `progress` raises.
    """
    ground, asked, family = ground or Ground(bars), list(points), Family(document)
    at_once = max(1, min(MOST_AT_ONCE, BARS_AT_ONCE // len(bars)))
    told: list[Point] = []
    for start in range(0, len(asked), at_once):
        some = asked[start : start + at_once]
        results = in_step([_result_in_stages(family, point, ground, rules, setup) for point in some])
        for point in some:
            if progress is not None:
                progress(len(told), len(asked))
            told.append(_told_of(point, results.pop(0)))
    return tuple(told)


def run_point(family: Family, parameters: Parameters, ground: Ground, rules: InstrumentRules, setup: Setup) -> Point:
    """What one point comes to: of the very run that its parameters would have by themselves."""
    (result,) = in_step([_result_in_stages(family, parameters, ground, rules, setup)])
    return _told_of(parameters, result)


def _result_in_stages(
    family: Family, parameters: Parameters, ground: Ground, rules: InstrumentRules, setup: Setup
) -> Generator[None, None, Result | str]:
    """The run of a point, or the code of why it cannot be."""
    try:
        evaluator, version_hash = family.member(parameters)
        yield
        return (yield from stages(evaluator, ground, rules, setup, version_hash))
    except DocumentInvalid as refused:
        return refused.problems[0].code
    except BacktestRefused as refused:
        return refused.code


def _told_of(parameters: Parameters, result: Result | str) -> Point:
    return Point(parameters=parameters, refused=result) if isinstance(result, str) else point_of(parameters, result)


def point_of(parameters: Parameters, result: Result) -> Point:
    first = result.first_bar
    closed_at, days = result.bars.closed_at[first:], result.ground.days_since(first)
    gain, won = metrics.gain(closed_at, result.equity[first:], days), metrics.won(metrics.trade_results(result))
    return Point(
        parameters=parameters,
        result_hash=result.result_hash,
        total_return=gain.total_return,
        cagr=gain.cagr,
        sharpe=gain.sharpe,
        sortino=gain.sortino,
        calmar=gain.calmar,
        max_drawdown=gain.max_drawdown,
        profit_factor=won.profit_factor,
        win_rate=won.win_rate,
        trades=won.count,
        exposure=metrics.exposure(result),
    )


def best(points: Iterable[Point], figure: str = "sharpe", *, least_trades: int = 1) -> Point | None:
    """The point with the highest figure of those that traded enough; of equals the first. None where there is none."""
    known = [each for each in points if each.trades >= least_trades and getattr(each, figure) is not None]
    return max(known, key=lambda each: float(getattr(each, figure)), default=None)


def neighbours(document: RuleDocument, parameters: Parameters) -> Iterator[Parameters]:
    """The points one step away: each parameter in turn a step lower and a step higher, as far as the rule allows."""
    for name, spec in document.parameters.items():
        value = parameters.get(name, spec.default)
        for moved in (value - _step_of(spec, value), value + _step_of(spec, value)):
            point = {**parameters, name: _clean(spec, moved)}
            if is_allowed(document, point):
                yield point


def _step_of(spec: ParameterSpec, value: float) -> float:
    """A tenth of the value, in whole steps of the parameter, and at least one of them."""
    step = _unit(spec) or (spec.maximum - spec.minimum) / 100
    return step * max(1, round(abs(value) / 10 / step))


def _draw(spec: ParameterSpec, random: Random) -> float:
    step = _unit(spec)
    if step is None:
        return random.uniform(spec.minimum, spec.maximum)
    return _clean(spec, spec.minimum + step * random.randint(0, int((spec.maximum - spec.minimum) / step + 1e-9)))


def _unit(spec: ParameterSpec) -> float | None:
    return spec.step or (1 if spec.kind == "int" else None)


def _clean(spec: ParameterSpec, value: float) -> float:
    """The number a person would write: 0.3, not 0.30000000000000004."""
    return int(value) if spec.kind == "int" else round(value, 12)


def _refuse_unknown(document: RuleDocument, names: Iterable[str]) -> None:
    for name in names:
        if name not in document.parameters:
            raise SweepRefused("unknown_parameter", name=name)


def _not_none(points: tuple[Parameters, ...]) -> tuple[Parameters, ...]:
    if not points:
        raise SweepRefused("no_points")
    return points
