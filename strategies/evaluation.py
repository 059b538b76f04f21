"""What a compiled rule says about bars: arrays for a backtest, the last row for a live plan."""

from dataclasses import dataclass
from math import isfinite

import numpy as np
import numpy.typing as npt

from markets.bars import Bars, FloatArray
from strategies.conditions import Condition, IndicatorOperand, operands
from strategies.document import RiskLimits, RuleDocument, StagedEntry
from strategies.figures import Values
from strategies.indicators import before
from strategies.rows import ConditionRow, EntryRow, Row

BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ConditionRows:
    """One condition on every bar: arrays of shape (n,), `threshold` a single number where it is one."""

    path: str
    condition: Condition
    value: Values
    threshold: Values
    passed: BoolArray
    extreme: Values | None = None
    upper: Values | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a rule says about every bar, oldest first: arrays of shape (n,), one per entry and one for the exit.

    `levels` has an array for each entry that waits at a price, None for one bought at the next open. `document` has
    numbers for its parameters.
    """

    document: RuleDocument
    bars: Bars
    entries: tuple[BoolArray, ...]
    exit: BoolArray
    conditions: tuple[ConditionRows, ...]
    levels: tuple[FloatArray | None, ...]

    @property
    def risk(self) -> RiskLimits:
        return self.document.risk.limits()

    def stop_prices(self, entry: int) -> FloatArray | None:
        """The price at which the entry's order waits inside each bar, in the bars' currency; NaN where none waits.

        Decided on the bar before and, for a distance above the open, on the bar's own open: nothing looks ahead. None
        for an entry bought at the next open.
        """
        levels, stop = self.levels[entry], self.document.entries[entry].stop
        if levels is None or stop is None:
            return None
        waiting = before(np.where(self.entries[entry], levels, np.nan), 1)
        return waiting + self.bars.open if stop.above_open else waiting

    def row(self, index: int = -1) -> Row:
        """The bar at `index` as plain data, by default the last. Raises IndexError where there is no such bar."""
        return Row(
            closed_at=int(self.bars.closed_at[index]),
            close=float(self.bars.close[index]),
            entries=tuple(self._entry_row(n, entry, index) for n, entry in enumerate(self.document.entries)),
            exit=bool(self.exit[index]),
            conditions=tuple(self._condition_row(each, index) for each in self.conditions),
        )

    def _entry_row(self, number: int, entry: StagedEntry, index: int) -> EntryRow:
        levels = self.levels[number]
        return EntryRow(
            name=entry.name,
            passed=bool(self.entries[number][index]),
            level=None if levels is None else _figure(levels, index),
            above_open=entry.stop is not None and entry.stop.above_open,
        )

    def _condition_row(self, rows: ConditionRows, index: int) -> ConditionRow:
        value, threshold = _figure(rows.value, index), _figure(rows.threshold, index)
        aliases = [side.indicator for _, side in operands(rows.condition) if isinstance(side, IndicatorOperand)]
        return ConditionRow(
            path=rows.path,
            label=rows.condition.label or rows.path,
            condition=rows.condition,
            indicators={alias: self.document.indicators[alias] for alias in aliases},
            value=value,
            threshold=threshold,
            distance=None if value is None or threshold is None else value - threshold,
            extreme=None if rows.extreme is None else _figure(rows.extreme, index),
            upper=None if rows.upper is None else _figure(rows.upper, index),
            passed=bool(rows.passed[index]),
        )


def _figure(values: Values, index: int) -> float | None:
    number = float(values[index]) if isinstance(values, np.ndarray) else float(values)
    return number if isfinite(number) else None
