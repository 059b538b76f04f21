"""The figures of a run against numbers worked out by hand."""

from decimal import Decimal
from math import sqrt

import numpy as np
import pytest

from backtests import metrics
from tests.backtests.scenes import bars_of, evaluation, flat, free, played

DAY = 86400
NOON = 1_600_000_000 // DAY * DAY + 3 * 3600  # 12:00 in Seoul


def daily(*equity: float) -> metrics.Curve:
    closed_at = NOON + DAY * np.arange(len(equity), dtype=np.int64)
    return metrics.curve(closed_at, np.array(equity, dtype=np.float64))


def test_returns_drawdown_and_its_length() -> None:
    curve = daily(100, 110, 99, 104.5, 121)
    assert curve.total_return == pytest.approx(0.21)
    assert curve.max_drawdown == pytest.approx(-0.1)
    assert curve.longest_drawdown_days == 3  # from 110 until 121
    assert curve.best_day == pytest.approx(121 / 104.5 - 1)
    assert curve.worst_day == pytest.approx(-0.1)
    assert curve.cagr == pytest.approx(1.21 ** (365.25 / 4) - 1)
    assert curve.calmar == pytest.approx((1.21 ** (365.25 / 4) - 1) / 0.1)


def test_volatility_sharpe_and_sortino_are_of_daily_returns() -> None:
    curve = daily(100, 110, 99, 108.9)
    returns = [0.1, -0.1, 0.1]
    per_year = 3 / (3 / 365.25)
    mean = sum(returns) / 3
    deviation = sqrt(sum((each - mean) ** 2 for each in returns) / 2)
    assert curve.annual_return == pytest.approx(mean * per_year)
    assert curve.volatility == pytest.approx(deviation * sqrt(per_year))
    assert curve.sharpe == pytest.approx(mean / deviation * sqrt(per_year))
    assert curve.sortino == pytest.approx(mean / sqrt(0.01 / 3) * sqrt(per_year))


def test_the_best_and_worst_month_are_counted_from_month_to_month() -> None:
    """20 September to 8 December 2020, every 20 days: 100, then 110 to September's end, 99 in October, 121 and 115 after it."""
    closed_at = NOON + DAY * np.array([7, 16, 36, 56, 86], dtype=np.int64)
    curve = metrics.curve(closed_at, np.array([100.0, 110.0, 99.0, 121.0, 115.0]))
    assert curve.best_month == pytest.approx(121 / 99 - 1)
    assert curve.worst_month == pytest.approx(99 / 110 - 1)


def test_turnover_is_what_was_traded_over_the_mean_worth() -> None:
    """10 bought at 100 and sold at 120: 2,200 of 100,000, 100,000, 100,200 and 100,200."""
    seen = evaluation(flat(100, 100, 120, 120), first=[0], sells=[1])
    assert metrics.trades(played(seen)).turnover == pytest.approx(2_200 / 100_100)


def test_bars_within_a_day_are_one_day() -> None:
    closed_at = NOON + 3600 * np.array([0, 1, 2, 24, 25], dtype=np.int64)
    curve = metrics.curve(closed_at, np.array([100.0, 90.0, 110.0, 100.0, 121.0]))
    assert curve.worst_day == pytest.approx(0.1)
    assert curve.best_day == pytest.approx(0.1)  # 100 to 110 within the first day, 110 to 121 over the second
    assert curve.max_drawdown == pytest.approx(-0.1)


def test_a_drawdown_that_never_ends_lasts_to_the_end() -> None:
    assert daily(100, 90, 95, 99).longest_drawdown_days == 3
    assert daily(100, 100, 101).longest_drawdown_days == 0


def test_what_cannot_be_said_of_one_bar_is_none() -> None:
    curve = daily(100)
    assert (curve.cagr, curve.sharpe, curve.sortino, curve.calmar, curve.volatility) == (None,) * 5
    assert (curve.total_return, curve.max_drawdown) == (0, 0)


def test_a_curve_that_stands_still_has_no_sharpe() -> None:
    assert daily(100, 100, 100).sharpe is None


def test_trades_after_all_costs() -> None:
    """Two trades: bought at 100 and sold at 120, bought at 120 and sold at 110; 1 % each way, 10 units."""
    bars = flat(100, 100, 120, 120, 120, 110, 110)
    seen = evaluation(bars, first=[0, 2, 3], sells=[1, 4])
    figures = metrics.trades(played(seen, free(commission=Decimal("0.01"))))
    assert figures.count == 2
    assert (figures.best, figures.worst) == (200 - 10 - 12, -100 - 12 - 11)
    assert (figures.wins, figures.win_rate) == (1, 0.5)
    assert figures.profit_factor == pytest.approx(178 / 123)
    assert figures.expectancy == pytest.approx((178 - 123) / 2)
    assert (figures.average_win, figures.average_loss) == (178, -123)
    assert (figures.fees, figures.tax, figures.slippage) == (10 + 12 + 12 + 11, 0, 0)
    assert figures.exposure == pytest.approx(2 / 6)  # bars 1 and 4 of the six that could be traded
    assert not figures.is_open


def test_slippage_is_what_the_spread_and_the_ticks_cost() -> None:
    seen = evaluation(flat(100, 100, 100), first=[0], sells=[1])
    figures = metrics.trades(played(seen, free(spread_ticks=2, slippage_ticks=1)))
    assert figures.slippage == 3 * 10 + 3 * 10


def test_a_position_still_held_is_no_trade_yet() -> None:
    figures = metrics.trades(played(evaluation(flat(100, 100, 100), first=[0])))
    assert (figures.count, figures.is_open, figures.win_rate, figures.expectancy) == (0, True, None, None)


def test_holding_is_bought_with_all_the_cash_at_the_first_open_that_can_be_traded() -> None:
    bars = bars_of([(100,) * 4, (200, 220, 190, 210), (210, 300, 200, 300)])
    figures = metrics.of(played(evaluation(bars), free(commission=Decimal("0.25"))))
    assert figures.hold.final_equity == pytest.approx(100_000 / 250 * 300)
    assert figures.strategy.final_equity == 100_000


def test_months_are_korean_months() -> None:
    midnight = 1_598_886_000  # 2020-09-01 00:00 in Seoul
    bars = flat(100, 100, 110, 99, start=midnight - 2 * 3600)
    monthly = metrics.monthly_returns(bars.closed_at, np.array([100.0, 105.0, 110.0, 99.0]))
    assert [month for month, _ in monthly] == ["2020-08", "2020-09"]
    assert [change for _, change in monthly] == pytest.approx([0.05, 99 / 105 - 1])
