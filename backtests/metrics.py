"""What a run is worth in numbers: of its equity, the same of holding, and of its trades. Pure, from the first tradable bar.

Returns are fractions. A day is a Korean calendar day and has the equity of its last bar; volatility, Sharpe and Sortino are
of daily returns, made yearly by the days that the run itself had in a year, against a riskless rate of zero. A figure that
does not exist (a ratio to nothing, a year's figure of less than two days) is None.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from backtests.engine import Result
from backtests.venue import DAY_SECONDS, SEOUL_SECONDS
from markets.bars import FloatArray, IntArray
from markets.types import Side

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
    return Metrics(
        strategy=curve(result.bars.closed_at[result.first_bar :], result.equity[result.first_bar :]),
        hold=curve(result.bars.closed_at[result.first_bar :], held_from(result)),
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
    return np.concatenate([[cash], units * bars.close[first + 1 :]])


def curve(closed_at: IntArray, equity: FloatArray) -> Curve:
    """The figures of an equity curve, shape (n,), n >= 1, with the times of its bars in seconds since 1970."""
    days = _last_of_each_day(closed_at)
    daily = equity[days]
    # The equity that the first day began with is a return too where the curve has no bar before it.
    returns = _returns(np.concatenate([equity[:1], daily]) if days[0] else daily)
    years = (int(closed_at[-1]) - int(closed_at[0])) / YEAR_SECONDS
    per_year = len(returns) / years if years > 0 else 0.0
    growth = float(equity[-1] / equity[0])
    highest = np.maximum.accumulate(equity)
    drawdown = float((equity / highest).min() - 1)
    monthly = _returns(np.concatenate([equity[:1], equity[_last_of_each_month(closed_at, days)]]))
    has_year = years > 0 and len(returns) > 1
    cagr = growth ** (1 / years) - 1 if has_year and growth > 0 else None
    mean = float(returns.mean()) if len(returns) else 0.0
    deviation = float(returns.std(ddof=1)) if len(returns) > 1 else 0.0
    downside = sqrt(float((np.minimum(returns, 0) ** 2).mean())) if len(returns) else 0.0
    return Curve(
        final_equity=float(equity[-1]),
        total_return=growth - 1,
        annual_return=mean * per_year if has_year else None,
        cagr=cagr,
        volatility=deviation * sqrt(per_year) if has_year else None,
        sharpe=_ratio(mean * sqrt(per_year), deviation) if has_year else None,
        sortino=_ratio(mean * sqrt(per_year), downside) if has_year else None,
        calmar=None if cagr is None else _ratio(cagr, -drawdown),
        max_drawdown=drawdown,
        longest_drawdown_days=_longest_below(closed_at, equity, highest),
        best_day=_of(returns, "max"),
        worst_day=_of(returns, "min"),
        best_month=_of(monthly, "max"),
        worst_month=_of(monthly, "min"),
    )


def trades(result: Result) -> Trades:
    """The figures of a run's trades."""
    fills, unit = result.unit_fills, result.venue.cash_scale
    made = trade_results(result)
    wins, losses = made[made > 0], made[made < 0]
    amounts = sum(fill.amount for fill in fills) / unit
    slipped = sum(fill.worse_by * fill.quantity for fill in fills)
    tradable = slice(result.first_bar + 1, None)
    return Trades(
        count=len(made),
        is_open=bool(result.held[-1] > 0),
        wins=len(wins),
        win_rate=_ratio(len(wins), len(made)),
        profit_factor=_ratio(float(wins.sum()), -float(losses.sum())),
        expectancy=_of(made, "mean"),
        average_win=_of(wins, "mean"),
        average_loss=_of(losses, "mean"),
        best=_of(made, "max"),
        worst=_of(made, "min"),
        exposure=float((result.held[tradable] > 0).mean()),
        turnover=amounts / float(result.equity[result.first_bar :].mean()),
        fees=sum(fill.fee for fill in fills) / unit,
        tax=sum(fill.tax for fill in fills) / unit,
        slippage=slipped / (result.venue.price_scale * result.venue.quantity_scale),
    )


def trade_results(result: Result) -> FloatArray:
    """What each closed trade made after all costs, oldest first, in the currency."""
    made: dict[int, int] = {}
    held: dict[int, int] = {}
    for fill in result.unit_fills:
        bought = fill.side is Side.BUY
        moved = -fill.amount - fill.fee - fill.tax if bought else fill.amount - fill.fee - fill.tax
        made[fill.cycle] = made.get(fill.cycle, 0) + moved
        held[fill.cycle] = held.get(fill.cycle, 0) + (fill.quantity if bought else -fill.quantity)
    unit = result.venue.cash_scale
    return np.array([amount / unit for cycle, amount in made.items() if not held[cycle]], dtype=np.float64)


def monthly_returns(closed_at: IntArray, equity: FloatArray) -> list[tuple[str, float]]:
    """("2024-03", return) of each month; the first is counted from the first bar."""
    lasts = _last_of_each_month(closed_at, _last_of_each_day(closed_at))
    returns = _returns(np.concatenate([equity[:1], equity[lasts]]))
    months = _day_numbers(closed_at[lasts]).astype("datetime64[D]").astype("datetime64[M]").astype(str)
    return list(zip(months.tolist(), returns.tolist(), strict=True))


def _day_numbers(closed_at: IntArray) -> IntArray:
    """The Korean day of each bar, counted from 1970; one that closes at midnight belongs to the day it ends."""
    return (closed_at + (SEOUL_SECONDS - 1)) // DAY_SECONDS


def _last_of_each_day(closed_at: IntArray) -> IntArray:
    """The places of the last bar of each day."""
    return _lasts(_day_numbers(closed_at))


def _last_of_each_month(closed_at: IntArray, days: IntArray) -> IntArray:
    months = _day_numbers(closed_at[days]).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return days[_lasts(months)]


def _lasts(numbers: IntArray) -> IntArray:
    return np.append(np.flatnonzero(numbers[1:] != numbers[:-1]), len(numbers) - 1)


def _returns(worth: FloatArray) -> FloatArray:
    return worth[1:] / worth[:-1] - 1


def _longest_below(closed_at: IntArray, equity: FloatArray, highest: FloatArray) -> float:
    """Days from a bar with the highest equity so far to the next such bar with lower ones between, or to the end."""
    tops = np.append(np.flatnonzero(equity >= highest), len(equity))
    apart = np.flatnonzero(np.diff(tops) > 1)
    if not len(apart):
        return 0.0
    ends = np.minimum(tops[apart + 1], len(equity) - 1)
    return float((closed_at[ends] - closed_at[tops[apart]]).max() / DAY_SECONDS)


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator > 0 else None


def _of(values: FloatArray, what: str) -> float | None:
    return float(getattr(values, what)()) if len(values) else None
