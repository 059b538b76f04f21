"""What is kept of a run: trades, months and curves in plain data."""

import json
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.reports import report
from backtests.results import plain
from backtests.series import Series, SeriesUnreadable
from tests.backtests.scenes import evaluation, flat, free, played


def test_a_trade_tells_prices_costs_and_profit_of_its_cycle() -> None:
    """Bought 10 at 100, sold 10 at 120, 1 % each way: 200 less 10 and 12."""
    seen = evaluation(flat(100, 100, 110, 120, 120), first=[0], sells=[2])
    trade = report(played(seen, free(commission=Decimal("0.01")))).trades[0]
    assert (trade.number, trade.first_bar, trade.last_bar, trade.bars_held) == (1, 1, 3, 2)
    assert [str(each) for each in (trade.quantity, trade.bought_at, trade.sold_at)] == ["10", "100.0000", "120.0000"]
    assert [str(each) for each in (trade.fee, trade.tax, trade.profit)] == ["22", "0", "178"]
    assert trade.rate == pytest.approx(178 / 1010)
    assert (trade.entry_reasons, trade.exit_reason) == (("first_entry",), "exit_rule")


def test_a_purchase_in_steps_has_its_average_price() -> None:
    seen = evaluation(flat(100, 100, 110, 110, 120, 120), first=[0], second=[1], sells=[3])
    trade = report(played(seen)).trades[0]
    assert [str(each) for each in (trade.quantity, trade.bought_at, trade.profit)] == ["20", "105.0000", "300"]
    assert trade.entry_reasons == ("first_entry", "second_entry")


def test_what_is_still_held_is_an_open_trade_without_profit() -> None:
    trade = report(played(evaluation(flat(100, 100, 110), first=[0]))).trades[0]
    assert (trade.closed_at, trade.sold_at, trade.profit, trade.rate, trade.exit_reason) == (None, None, None, None, "")
    assert trade.bars_held == 2


def test_a_report_is_plain_data_that_json_can_say() -> None:
    seen = evaluation(flat(100, 100, 110, 120, 120), first=[0], sells=[2])
    told = json.loads(json.dumps(plain(report(played(seen))), allow_nan=False))
    assert told["trades"][0]["bought_at"] == "100.0000"
    assert told["metrics"]["trades"]["count"] == 1
    assert told["series"]["drawdown"] == [0.0] * 5
    assert [month["month"] for month in told["months"]] == ["2020-09"]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(1, 1e9), min_size=1, max_size=200), st.integers(1, 10**6))
def test_a_packed_series_comes_back_whole(equity: list[float], step: int) -> None:
    closed_at = 1_600_000_000 + step * np.arange(len(equity), dtype=np.int64)
    series = Series(closed_at, np.array(equity), np.array(equity[::-1]))
    back = Series.unpack(series.pack())
    for name in ("closed_at", "equity", "hold"):
        np.testing.assert_array_equal(getattr(back, name), getattr(series, name))


@pytest.mark.parametrize("packed", [b"", b"KBT1", b"KBT1" + bytes(8) + b"x", b"XXXX" + bytes(20)])
def test_bytes_that_are_no_series_are_refused(packed: bytes) -> None:
    with pytest.raises(SeriesUnreadable):
        Series.unpack(packed)


def test_a_thinned_series_keeps_its_ends_and_extremes() -> None:
    equity = np.full(10_000, 100.0)
    equity[3_333], equity[7_777] = 1.0, 900.0
    series = Series(np.arange(10_000, dtype=np.int64), equity, equity)
    thin = series.thinned(100)
    assert len(thin) <= 102
    assert (thin.closed_at[0], thin.closed_at[-1]) == (0, 9_999)
    assert {3_333, 7_777} <= set(thin.closed_at.tolist())
    assert thin.drawdown.min() == series.drawdown.min()
