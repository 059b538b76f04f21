"""What no backtest can be made of is refused with a name for it, before anything is computed (K05)."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from backtests.bars import check_bars
from backtests.engine import run
from backtests.errors import BacktestRefused, BarsRefused, SetupRefused
from backtests.setup import Setup
from markets.bars import Bars
from strategies.compiler import compile_document
from tests.backtests.scenes import COIN, flat, free, rule


def changed(column: str, place: int, value: float) -> Bars:
    bars = flat(*[100] * 5)
    columns = {name: getattr(bars, name).copy() for name in Bars.__slots__}
    columns[column][place] = value
    return Bars(**columns)


@pytest.mark.parametrize(
    ("bars", "code"),
    [
        (flat(), "no_bars"),
        (flat(100), "too_few_bars"),
        (changed("close", 2, np.nan), "not_finite"),
        (changed("volume", 2, np.nan), "not_finite"),
        (changed("high", 2, np.inf), "not_finite"),
        (changed("low", 2, -5), "not_positive"),
        (changed("open", 2, 0), "not_positive"),
        (changed("volume", 2, -1), "negative_volume"),
        (changed("high", 2, 99), "not_a_range"),
        (changed("close", 2, 101), "not_a_range"),
        (changed("opened_at", 3, flat(*[100] * 5).opened_at[2]), "duplicate_time"),
        (changed("opened_at", 3, 0), "not_ascending"),
        (changed("closed_at", 3, 0), "closes_before_it_opens"),
    ],
)
def test_bars_that_are_no_market_are_refused_by_name(bars: Bars, code: str) -> None:
    with pytest.raises(BarsRefused) as refused:
        check_bars(bars)
    assert refused.value.code == code


def test_columns_of_different_lengths_are_refused() -> None:
    bars = flat(*[100] * 5)
    short = Bars(*(getattr(bars, name)[: 4 if name == "close" else 5] for name in Bars.__slots__))
    with pytest.raises(BarsRefused, match="columns_differ"):
        check_bars(short)


def test_unsorted_bars_are_refused_with_the_place() -> None:
    bars = flat(*[100] * 5)
    order = [0, 1, 3, 2, 4]
    with pytest.raises(BarsRefused) as refused:
        check_bars(Bars(*(getattr(bars, name)[order] for name in Bars.__slots__)))
    assert refused.value.facts["bar"] == 3


def test_a_warm_up_longer_than_the_data_is_refused_with_both_numbers() -> None:
    evaluator = compile_document(rule(stop_loss_rate=0.1))
    with pytest.raises(BarsRefused) as refused:
        run(evaluator, flat(*[100] * 250), COIN, free())
    assert (refused.value.code, refused.value.facts) == ("warm_up_longer_than_data", {"bars": 250, "needed": 251})
    assert run(evaluator, flat(*[100] * 251), COIN, free()).fills == ()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cash": Decimal(0)}, "zero_cash"),
        ({"cash": Decimal("NaN")}, "zero_cash"),
        ({"budget": Decimal(-1)}, "bad_budget"),
        ({"first_share": Decimal(0)}, "bad_share"),
        ({"quantity": Decimal(0)}, "bad_quantity"),
        ({"cooldown_bars": -1}, "bad_cooldown"),
        ({"participation": (2, 1)}, "bad_participation"),
        ({"spread_ticks": -1}, "bad_spread"),
        ({"slippage_rate": Decimal(1)}, "bad_slippage"),
        ({"commission": Decimal(-1)}, "bad_commission"),
        ({"fills": "close"}, "bad_fills"),
        ({"exits": "never"}, "bad_exits"),
        ({"fills": "ticks", "exits": "inside_bar"}, "exits_need_open_fills"),
        ({"warm_up": 0}, "bad_warm_up"),
    ],
)
def test_a_setup_that_cannot_trade_is_refused_by_name(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(SetupRefused) as refused:
        Setup(**({"cash": Decimal(100)} | changes))
    assert refused.value.code == code
    assert isinstance(refused.value, BacktestRefused)


def test_cash_finer_than_the_currency_is_refused() -> None:
    with pytest.raises(ValueError, match="more than 0 decimals"):
        run(compile_document(rule(stop_loss_rate=0.1)), flat(*[100] * 260), COIN, free(cash=Decimal("0.5")))
