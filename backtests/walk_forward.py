"""Training and testing by turns: parameters chosen on one stretch of bars, judged on the next, which they have not seen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import log1p

from backtests.engine import run
from backtests.errors import BarsRefused
from backtests.ground import Ground
from backtests.metrics import YEAR_SECONDS
from backtests.results import Parameters, Point, WalkForward, Window
from backtests.setup import Setup
from backtests.sweeps import Progress, best, point_of, run_points
from markets.bars import Bars
from markets.types import InstrumentRules, from_epoch
from strategies.compiler import compile_document
from strategies.document import RuleDocument

TRAINED = 3  # stretches trained on before each one that is tested
LEAST_BARS = 20  # in a stretch


@dataclass(frozen=True, slots=True)
class Span:
    """The places of one window's bars: trained in [`trained_from`, `tested_from`), tested in [`tested_from`, `tested_to`).

    `warm_up` bars stand before each, as many as the slowest of all points needs, so that all decide from the same bar.
    """

    number: int
    trained_from: int
    tested_from: int
    tested_to: int
    warm_up: int


def spans(
    document: RuleDocument, points: Iterable[Parameters], bars: Bars, setup: Setup, *, windows: int
) -> tuple[Span, ...]:
    """The windows, oldest first; each may be walked anywhere. Raises BarsRefused where the bars are too few for them."""
    warm_up = setup.warm_up or max(compile_document(document, point).warm_up for point in points)
    stretch = (len(bars) - warm_up) // (windows + TRAINED)
    if stretch < LEAST_BARS:
        raise BarsRefused("too_few_bars", bars=len(bars), needed=warm_up + LEAST_BARS * (windows + TRAINED))
    starts = [len(bars) - (windows - number) * stretch for number in range(windows)]
    return tuple(
        Span(number + 1, start - TRAINED * stretch, start, start + stretch, warm_up)
        for number, start in enumerate(starts)
    )


def walk(
    document: RuleDocument,
    points: Sequence[Parameters],
    bars: Bars,
    rules: InstrumentRules,
    setup: Setup,
    *,
    windows: int = 5,
    figure: str = "sharpe",
    progress: Progress | None = None,
) -> WalkForward:
    """All windows. Raises BarsRefused, and what `progress` raises."""
    asked = spans(document, points, bars, setup, windows=windows)
    walked = []
    for span in asked:
        if progress is not None:
            progress(span.number - 1, len(asked))
        walked.append(walk_one(document, points, bars, rules, setup, span, figure=figure))
    return together(walked, bars, asked)


def walk_one(
    document: RuleDocument,
    points: Sequence[Parameters],
    bars: Bars,
    rules: InstrumentRules,
    setup: Setup,
    span: Span,
    *,
    figure: str = "sharpe",
) -> Window:
    """One window: the best of the training by `figure`, tested. Where no point traded in it, the first one is."""
    on_terms = replace(setup, warm_up=span.warm_up)
    training = _part(bars, span.trained_from - span.warm_up, span.tested_from)
    trained = run_points(document, points, training, rules, on_terms)
    chosen = best(trained, figure) or trained[0]
    test = Ground(_part(bars, span.tested_from - span.warm_up, span.tested_to))
    result = run(compile_document(document, chosen.parameters), test.bars, rules, on_terms, ground=test)
    tested = point_of(chosen.parameters, result)
    begins, turns = int(bars.opened_at[span.trained_from]), int(bars.opened_at[span.tested_from])
    ends = int(bars.closed_at[span.tested_to - 1])
    return Window(
        number=span.number,
        trained_from=from_epoch(begins),
        tested_from=from_epoch(turns),
        tested_to=from_epoch(ends),
        parameters=chosen.parameters,
        trained=chosen,
        tested=tested,
        trained_yearly=_yearly(chosen, turns - begins),
        tested_yearly=_yearly(tested, ends - turns),
    )


def together(windows: Sequence[Window], bars: Bars, asked: Sequence[Span]) -> WalkForward:
    """The windows laid together, in their order."""
    growth = 1.0
    for window in windows:
        growth *= 1 + (window.tested.total_return or 0.0)
    first, last = asked[0].tested_from, asked[-1].tested_to - 1
    return WalkForward(
        windows=tuple(windows),
        total_return=growth - 1,
        hold_return=float(bars.close[last] / bars.open[first] - 1),
        kept=_kept(windows),
        profitable_windows=sum((window.tested.total_return or 0.0) > 0 for window in windows),
    )


def _kept(windows: Sequence[Window]) -> float | None:
    both = [(each.trained_yearly, each.tested_yearly) for each in windows]
    known = [(trained, tested) for trained, tested in both if trained is not None and tested is not None]
    trained = sum(trained for trained, _ in known)
    return sum(tested for _, tested in known) / trained if trained > 0 else None


def _yearly(point: Point, seconds: int) -> float | None:
    """A return made yearly, continuously compounded: of a long training and a short test alike."""
    if point.total_return is None or point.total_return <= -1 or seconds <= 0:
        return None
    return log1p(point.total_return) * YEAR_SECONDS / seconds


def _part(bars: Bars, start: int, stop: int) -> Bars:
    return Bars(*(getattr(bars, name)[start:stop] for name in Bars.__slots__))
