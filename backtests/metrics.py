"""What a run is worth in numbers: of its equity, the same of holding, and of its trades. Pure, from the first tradable bar.

Returns are fractions. A day is a Korean calendar day and has the equity of its last bar; volatility, Sharpe and Sortino are
of daily returns, made yearly by the days that the run itself had in a year, against a riskless rate of zero. A figure that
does not exist (a ratio to nothing, a year's figure of less than two days) is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from backtests.engine import Result
from backtests.fills import Fills, summed
from backtests.ground import Days, day_numbers
from backtests.highs import Highs, lowest_share
from backtests.venue import DAY_SECONDS
from markets.bars import FloatArray, IntArray

YEAR_SECONDS = 365.25 * DAY_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Figures of one equity curve. `longest_drawdown_days` is from a highest equity to the next one, or to the end."""

    final_equity: float
    total_return: float
    annual_return: float | None  # mean daily return x days in a year
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float  # 0 or below
    longest_drawdown_days: float
    best_day: float | None
    worst_day: float | None
    best_month: float | None
    worst_month: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trades:
    """Figures of closed trades (all fills of one cycle that ended with nothing held), after all costs, in the currency.

    `exposure` is the share of bars at whose close something was held, `turnover` what was bought and sold over the mean
    equity. `fees`, `tax`, `slippage` (against the traded price, spread included) and `turnover` count every fill.
    """

    count: int
    is_open: bool  # the last cycle still holds something
    wins: int
    win_rate: float | None
    profit_factor: float | None
    expectancy: float | None
    average_win: float | None
    average_loss: float | None
    best: float | None
    worst: float | None
    exposure: float
    turnover: float
    fees: float
    tax: float
    slippage: float


@dataclass(frozen=True, slots=True)
class Metrics:
    strategy: Curve
    hold: Curve
    trades: Trades


def of(result: Result) -> Metrics:
    """All figures of a run."""
    first = result.first_bar
    closed_at, days = result.bars.closed_at[first:], result.ground.days_since(first)
    return Metrics(
        strategy=curve(closed_at, result.equity[first:], days),
        hold=curve(closed_at, held_from(result), days),
        trades=trades(result),
    )


def held_from(result: Result) -> FloatArray:
    """The equity of who put all the cash into the instrument at the first open that could be traded, and held.

    The cash stands before that open; bought with the commission of that day, in any fraction, at the traded price.
    """
    bars, first = result.bars, result.first_bar
    commission = result.venue.day(int(bars.opened_at[first + 1])).sizing_fee
    cash = float(result.setup.cash)
    units = cash / (float(bars.open[first + 1]) * (1 + float(commission)))
    worth = np.empty(len(bars) - first)
    worth[0] = cash
    np.multiply(bars.close[first + 1 :], units, out=worth[1:])
    return worth


@dataclass(frozen=True, slots=True, kw_only=True)
class Gain:
    """The figures of an equity curve by which the points of a sweep are compared: those of `Curve`."""

    total_return: float
    annual_return: float | None
    cagr: float | None
    volatility: float | None
    sharpe: float | None
    sortino: float | None
    calmar: float | None
    max_drawdown: float


def gain(closed_at: IntArray, equity: FloatArray, days: Days) -> Gain:
    """Those figures alone, of a curve as `curve` takes it."""
    return _gain(closed_at, equity, _daily(equity, days), lowest_share(equity) - 1)


def curve(closed_at: IntArray, equity: FloatArray, days: Days | None = None) -> Curve:
    """The figures of an equity curve, shape (n,), n >= 1, with the times of its bars in seconds since 1970, and their days."""
    days = days or Days.of(closed_at)
    returns, highs = _daily(equity, days), Highs.of(equity)
    monthly = _returns(np.concatenate([equity[:1], equity[days.months]]))
    told = _gain(closed_at, equity, returns, highs.lowest - 1)
    return Curve(
        final_equity=float(equity[-1]),
        total_return=told.total_return,
        annual_return=told.annual_return,
        cagr=told.cagr,
        volatility=told.volatility,
        sharpe=told.sharpe,
        sortino=told.sortino,
        calmar=told.calmar,
        max_drawdown=told.max_drawdown,
        longest_drawdown_days=_longest_below(closed_at, highs.tops),
        best_day=_of(returns, "max"),
        worst_day=_of(returns, "min"),
        best_month=_of(monthly, "max"),
        worst_month=_of(monthly, "min"),
    )


def _gain(closed_at: IntArray, equity: FloatArray, returns: FloatArray, drawdown: float) -> Gain:
    """`returns` of its days."""
    count = len(returns)
    years = (closed_at.item(-1) - closed_at.item(0)) / YEAR_SECONDS
    per_year = count / years if years > 0 else 0.0
    growth = equity.item(-1) / equity.item(0)
    has_year = years > 0 and count > 1
    cagr = growth ** (1 / years) - 1 if has_year and growth > 0 else None
    mean = returns.sum().item() / count if count else 0.0
    deviation = sqrt(_squares(returns - mean) / (count - 1)) if count > 1 else 0.0
    downside = sqrt(_squares(np.minimum(returns, 0)) / count) if count else 0.0
    return Gain(
        total_return=growth - 1,
        annual_return=mean * per_year if has_year else None,
        cagr=cagr,
        volatility=deviation * sqrt(per_year) if has_year else None,
        sharpe=_ratio(mean * sqrt(per_year), deviation) if has_year else None,
        sortino=_ratio(mean * sqrt(per_year), downside) if has_year else None,
        calmar=None if cagr is None else _ratio(cagr, -drawdown),
        max_drawdown=drawdown,
    )


def _daily(equity: FloatArray, days: Days) -> FloatArray:
    """The returns of the days; what the first one began with counts too where the curve has no bar before it."""
    daily = equity[days.days]
    return _returns(np.concatenate([equity[:1], daily]) if days.days[0] else daily)


def _squares(values: FloatArray) -> float:
    return float((values * values).sum())


@dataclass(frozen=True, slots=True)
class Won:
    """The figures of trades by which the points of a sweep are compared: those of `Trades`."""

    count: int
    win_rate: float | None
    profit_factor: float | None


def won(made: FloatArray) -> Won:
    """Those figures alone; `made`: what each closed trade made."""
    wins, losses = made[made > 0], made[made < 0]
    return Won(len(made), _ratio(len(wins), len(made)), _ratio(wins.sum().item(), -losses.sum().item()))


def trades(result: Result) -> Trades:
    """The figures of a run's trades."""
    return trades_of((result,), float(result.equity[result.first_bar :].mean()), exposure(result))


def exposure(result: Result) -> float:
    """The share of bars, from the first that could be traded, at whose close something was held."""
    return result.bars_held / (len(result.bars) - result.first_bar - 1)


def trades_of(results: Sequence[Result], mean_worth: float, exposure: float) -> Trades:
    """The figures of all trades of runs in one currency; `mean_worth` of the account, `exposure` as measured on it."""
    unit = results[0].venue.cash_scale
    made = np.concatenate([trade_results(result) for result in results])
    wins, losses, told = made[made > 0], made[made < 0], won(made)
    return Trades(
        count=told.count,
        is_open=any(result.is_holding for result in results),
        wins=len(wins),
        win_rate=told.win_rate,
        profit_factor=told.profit_factor,
        expectancy=_of(made, "mean"),
        average_win=_of(wins, "mean"),
        average_loss=_of(losses, "mean"),
        best=_of(made, "max"),
        worst=_of(made, "min"),
        exposure=exposure,
        turnover=sum(summed(result.filled.columns.amount) for result in results) / unit / mean_worth,
        fees=sum(summed(result.filled.columns.fee) for result in results) / unit,
        tax=sum(summed(result.filled.columns.tax) for result in results) / unit,
        slippage=sum(map(_slipped, results)),
    )


def _slipped(result: Result) -> float:
    fills, venue = result.filled.columns, result.venue
    units = float((fills.worse_by * fills.quantity.astype(np.float64)).sum())
    return units / (venue.price_scale * venue.quantity_scale)


def trade_results(result: Result) -> FloatArray:
    """What each closed trade made after all costs, oldest first, in the currency."""
    return cycle_results(result.filled, result.venue.cash_scale)[0]


def cycle_results(fills: Fills, unit: float) -> tuple[FloatArray, IntArray]:
    """Of each cycle that ended with nothing held: what came in less what went out, and the bar of its first fill."""
    if not len(fills):
        return np.empty(0), np.empty(0, dtype=np.int64)
    told = fills.columns
    starts = np.concatenate([[0], np.flatnonzero(np.diff(told.cycle)) + 1])
    made = np.add.reduceat(told.moved, starts)
    closed = np.add.reduceat(told.quantity * told.ways, starts) == 0
    return np.asarray(made[closed] / unit, dtype=np.float64), told.bar[starts][closed]


def monthly_returns(closed_at: IntArray, equity: FloatArray) -> list[tuple[str, float]]:
    """("2024-03", return) of each month; the first is counted from the first bar."""
    lasts = Days.of(closed_at).months
    returns = _returns(np.concatenate([equity[:1], equity[lasts]]))
    months = day_numbers(closed_at[lasts]).astype("datetime64[D]").astype("datetime64[M]").astype(str)
    return list(zip(months.tolist(), returns.tolist(), strict=True))


def _returns(worth: FloatArray) -> FloatArray:
    return worth[1:] / worth[:-1] - 1


def _longest_below(closed_at: IntArray, tops: IntArray) -> float:
    """Days from a bar with the highest equity so far to the next such bar with lower ones between, or to the end."""
    ends = np.append(tops[1:], len(closed_at))
    apart = ends - tops > 1
    if not apart.any():
        return 0.0
    ends = np.minimum(ends[apart], len(closed_at) - 1)
    return float((closed_at[ends] - closed_at[tops[apart]]).max() / DAY_SECONDS)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _of(values: FloatArray, what: str) -> float | None:
    return float(getattr(values, what)()) if len(values) else None
