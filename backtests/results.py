"""What a backtest, a sweep, a walk-forward and a scorecard give, as plain data: to be stored, shown and exported.

`plain(result)` turns any of them into what JSON can say: Decimal and datetime become text, NaN cannot occur. Rates and
returns are fractions, amounts in the instrument's currency; None: the figure does not exist.

    report = reports.report(engine.run(compile_document(document, parameters), bars, rules, setup))
    points = sweeps.grid(document, {"fast": (5, 10, 20), "slow": (40, 60)})     or sweeps.drawn(document, names, count, seed)
    rows   = sweeps.run_points(document, points, bars, rules, setup, progress=told)     any slice of `points`, on any worker
    walked = walk_forward.walk(document, points, bars, rules, setup, windows=5, progress=told)
    card   = scorecard.score(document, parameters, bars, rules, setup, progress=told)

`progress(done, of)` is called between runs; what it raises (a cancellation) passes through, and there is no result.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from backtests.metrics import Metrics
from backtests.series import Series

Parameters = Mapping[str, float]
Verdict = Literal["pass", "warn", "fail", "unknown"]
Grade = Literal["A", "B", "C", "D", "F"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade:
    """One cycle of one instrument: everything bought until everything was sold. `closed_at` None: still held.

    `bought_at` and `sold_at` are average prices. `profit` is after all costs, `rate` of what was paid for the purchase;
    of a trade that is open both are None. `bars_held` counts the bars at whose close something was held.
    """

    number: int  # 1, 2, ...
    instrument: str
    opened_at: datetime
    closed_at: datetime | None
    first_bar: int  # place of the bar of the first fill, for a marker
    last_bar: int  # and of the last one so far
    bars_held: int
    quantity: Decimal
    bought_at: Decimal
    sold_at: Decimal | None
    fee: Decimal
    tax: Decimal
    profit: Decimal | None
    rate: float | None
    entry_reasons: tuple[str, ...]
    exit_reason: str


@dataclass(frozen=True, slots=True)
class Month:
    month: str  # "2024-03"
    strategy: float
    hold: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything that is kept of one run. Made by `backtests.reports.report`.

    `series` has one place for each bar from the first tradable one on: thin it for a chart, pack it for a row.
    """

    version_hash: str
    inputs_hash: str
    result_hash: str
    seed: int
    instruments: tuple[str, ...]
    bars: int
    first_bar: int  # the first whose close was decided on
    first_at: datetime  # when that bar closed
    last_at: datetime
    metrics: Metrics
    trades: tuple[Trade, ...]
    months: tuple[Month, ...]
    series: Series


# Many runs, made in `backtests.sweeps`


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One run of a sweep. `refused` is the code of what made the run impossible; its figures are then None and 0."""

    parameters: Parameters
    refused: str = ""
    result_hash: str = ""
    total_return: float | None = None
    cagr: float | None = None
    sharpe: float | None = None
    sortino: float | None = None
    calmar: float | None = None
    max_drawdown: float | None = None
    profit_factor: float | None = None
    win_rate: float | None = None
    trades: int = 0
    exposure: float | None = None


# Training and testing by turns, made in `backtests.walk_forward`


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One step: the parameters that were best on the bars before `tested_from`, and what they made after it.

    `trained_yearly` and `tested_yearly` are log returns made yearly: a long training and a short test can be compared.
    """

    number: int  # 1, 2, ...
    trained_from: datetime
    tested_from: datetime
    tested_to: datetime
    parameters: Parameters
    trained: Point
    tested: Point
    trained_yearly: float | None
    tested_yearly: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkForward:
    """`total_return` is of the tests one after another; `kept` is the mean yearly return of the tests over that of the
    trainings (1: nothing was lost, 0 or below: nothing is left), None where the trainings made nothing."""

    windows: tuple[Window, ...]
    total_return: float | None
    hold_return: float | None
    kept: float | None
    profitable_windows: int


# Questions to a result, asked in `backtests.scorecard`


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One question to a result. `number` is the answer's one figure, `facts` what a sentence about it needs.

    `code` is one of `backtests.scorecard.CHECKS`; "unknown" where the question could not be asked, `facts["why"]` says why.
    """

    code: str
    verdict: Verdict
    number: float | None
    facts: Mapping[str, str | int | float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scorecard:
    """`grade`: A every check passed, F a result that must not be believed. The same seed gives the same card."""

    grade: Grade
    checks: tuple[Check, ...]
    seed: int
    version_hash: str
    inputs_hash: str
    result_hash: str


def plain(value: Any) -> Any:
    """What JSON can say of a result: dataclasses become objects, Decimal and datetime text, a series its columns."""
    if isinstance(value, Series):
        return value.as_data()
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return [plain(each) for each in value]
    if isinstance(value, Decimal):
        return f"{value:f}"
    return value.isoformat() if isinstance(value, datetime) else value
