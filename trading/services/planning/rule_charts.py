"""A rule on stored bars, to be drawn: candles of the last year, its indicators, and every bar on which a step's rule held.

Only read. The bars and the count are those of `rehearsal`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from markets import services as markets
from markets.bars import Bars
from markets.models import Instrument
from markets.types import Interval
from strategies.catalog import Words
from strategies.conditions import RiskOnly
from strategies.document import IndicatorSpec, RuleDocument
from strategies.errors import Language
from trading.services.planning import rehearsal

if TYPE_CHECKING:  # TA-Lib is loaded by the first chart: the web process starts without
    from strategies.lines import Line

MOST_DRAWN = 1500  # bars: what a screen can tell apart, and what is sent in a fraction of a second
MOST_MARKED = 300  # of each step, the newest

CHART_INDICATORS: Mapping[str, tuple[Words, Mapping[str, IndicatorSpec]]] = {
    "ma": (
        Words("이동평균 5·20·60", "MA 5·20·60"),
        {f"ma_{n}": IndicatorSpec(kind="sma", params={"period": n}) for n in (5, 20, 60)},
    ),
    "ema": (
        Words("지수이동평균 20", "EMA 20"),
        {"ema": IndicatorSpec(kind="ema", params={"period": 20})},
    ),
    "bollinger": (
        Words("볼린저 밴드", "Bollinger bands"),
        {"bollinger": IndicatorSpec(kind="bollinger", params={"period": 20, "std": 2})},
    ),
    "rsi": (Words("RSI", "RSI"), {"rsi": IndicatorSpec(kind="rsi", params={"period": 14})}),
    "macd": (
        Words("MACD", "MACD"),
        {"macd": IndicatorSpec(kind="macd", params={"fast": 12, "slow": 26, "signal": 9})},
    ),
}  # what a chart offers beside its candles, in the order of the buttons


@dataclass(frozen=True, slots=True)
class Drawn:
    """Indicators on the newest bars: `bars` has exactly those that `lines` speak of."""

    bars: Bars
    lines: "list[Line]"


@dataclass(frozen=True, slots=True)
class RuleMark:
    """A bar on which a step's rule held: `step` 1 and 2 for the buys, 3 for the sale; `opened_at` in seconds since 1970."""

    opened_at: int
    step: int


@dataclass(frozen=True, slots=True)
class RuleChart(Drawn):
    marks: list[RuleMark]


def indicators_drawn(
    instrument: Instrument, interval: Interval, chosen: list[str], language: Language, last: int
) -> Drawn:
    """Indicators of CHART_INDICATORS by their keys, on the last bars of the instrument's present series. KeyError for others."""
    from strategies.lines import history_of, lines_of

    specs = {alias: spec for key in chosen for alias, spec in CHART_INDICATORS[key][1].items()}
    bars = markets.read_bars(instrument, interval, last + history_of(specs), markets.market_now(instrument))
    shown = min(last, len(bars))
    return Drawn(_newest(bars, shown), lines_of(bars, specs, language, shown))


def rule_chart(
    document: RuleDocument, instrument: Instrument, interval: Interval, language: Language
) -> RuleChart | None:
    """The rule over the last year of stored bars, at most MOST_DRAWN of them; None without bars. Raises BarsInvalid."""
    newest = markets.newest_close(instrument, interval, markets.market_now(instrument))
    if newest is None:
        return None
    from strategies.compiler import compile_document
    from strategies.lines import lines_of

    bars = rehearsal.year_of_bars(instrument, interval, newest)
    since = int((newest - rehearsal.YEAR).timestamp())
    first = max(int(np.searchsorted(bars.closed_at, since, side="right")), len(bars) - MOST_DRAWN)
    evaluator = compile_document(document)
    seen = evaluator.evaluate(bars)
    ready = max(first, evaluator.warm_up - 1)
    steps = [(step, held) for step, held in enumerate(seen.entries, start=1)]
    if not isinstance(document.exit, RiskOnly):
        steps.append((3, seen.exit))
    marks = [mark for step, held in steps for mark in _marks(bars, held, ready, step)]
    shown = len(bars) - first
    lines = lines_of(bars, evaluator.document.indicators, language, shown)
    return RuleChart(_newest(bars, shown), lines, sorted(marks, key=lambda mark: (mark.opened_at, mark.step)))


def _marks(bars: Bars, held: "np.typing.NDArray[np.bool_]", first: int, step: int) -> Iterator[RuleMark]:
    for place in np.flatnonzero(held[first:])[-MOST_MARKED:]:
        yield RuleMark(int(bars.opened_at[first + place]), step)


def _newest(bars: Bars, count: int) -> Bars:
    return Bars(*(getattr(bars, name)[len(bars) - count :] for name in bars.__slots__))
