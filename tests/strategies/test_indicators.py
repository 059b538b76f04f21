"""The indicators of the swing rule against hand-worked tables and second implementations: W03."""

from dataclasses import replace

import numpy as np
import pytest

from strategies.catalog import INDICATORS, NEGLIGIBLE, settled_after
from strategies.errors import BarsInvalid
from strategies.figures import the
from strategies.indicators import (
    COMPUTE,
    Frame,
    IndicatorCall,
    before,
    ema,
    highest,
    lowest,
    obv,
    rsi,
    sma,
    window_sum,
)
from tests.contracts.strategy import window
from tests.strategies.series import random_bars, real_bars

NAN = float("nan")


def array(*values: float) -> np.ndarray:
    return np.array(values, dtype=np.float64)


def test_ema_starts_from_a_simple_average_and_then_moves_by_its_weight() -> None:
    np.testing.assert_allclose(ema(array(1, 2, 3, 6, 2), 3), [NAN, NAN, 2, 4, 3])


def test_sma_is_the_mean_of_the_window() -> None:
    np.testing.assert_allclose(sma(array(1, 2, 6, 4), 3), [NAN, NAN, 3, 4])


def test_rsi_smooths_gains_and_losses_as_wilder_did() -> None:
    # gains 1 0 2, losses 0 1 0; averages 0.5 and 0.5, then (0.5 + 2) / 2 = 1.25 and 0.25
    np.testing.assert_allclose(rsi(array(10, 11, 10, 12), 2), [NAN, NAN, 50, 100 * 1.25 / 1.5])


def test_obv_adds_the_volume_of_rising_bars_and_takes_that_of_falling_ones() -> None:
    total = obv(array(10, 11, 11, 9), array(5, 3, 7, 2))
    np.testing.assert_allclose(np.diff(total), [3, 0, -2])


def test_lowest_and_highest_count_the_bar_itself() -> None:
    values = array(NAN, 3, 1, 2, 5)
    np.testing.assert_array_equal(lowest(values, 2), [NAN, NAN, 1, 1, 2])
    np.testing.assert_array_equal(highest(values, 2), [NAN, NAN, 3, 2, 5])
    np.testing.assert_array_equal(lowest(values, 1), values)


@pytest.mark.parametrize("bars", [2, 3, 4, 7, 20])
def test_an_extreme_is_that_of_its_whole_window_or_there_is_none(bars: int) -> None:
    values = np.random.default_rng(3).normal(size=300)
    values[[0, 1, 60, 150, 151, 152, 299]] = NAN
    windows = np.lib.stride_tricks.sliding_window_view(values, bars)
    np.testing.assert_array_equal(lowest(values, bars)[bars - 1 :], windows.min(axis=1))  # NaN where one is in it
    np.testing.assert_array_equal(highest(values, bars)[bars - 1 :], windows.max(axis=1))
    assert np.isnan(lowest(values, bars)[: bars - 1]).all()


@pytest.mark.parametrize("bars", [1, 2, 5, 20, 37, 500])
def test_a_windows_sum_is_that_of_its_values_alone(bars: int) -> None:
    values = np.random.default_rng(3).integers(-50, 50, 600).astype(np.float64)  # whole numbers: every sum is exact
    values[200] = NAN
    sums = np.lib.stride_tricks.sliding_window_view(values, bars).sum(axis=1)
    np.testing.assert_array_equal(window_sum(values, bars), [NAN] * (bars - 1) + sums.tolist())
    np.testing.assert_array_equal(window_sum(values[: bars - 1], bars), [NAN] * (bars - 1))


def test_before_looks_back_and_knows_nothing_of_what_came_before_the_first_bar() -> None:
    np.testing.assert_array_equal(before(array(1, 2, 3), 2), [NAN, NAN, 1])
    np.testing.assert_array_equal(before(array(1, 2), 5), [NAN, NAN])


@pytest.mark.parametrize("bad", [NAN, float("inf")])
@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_a_single_bad_number_is_refused_instead_of_poisoning_every_later_average(column: str, bad: float) -> None:
    bars = random_bars(20)
    getattr(bars, column)[7] = bad
    with pytest.raises(BarsInvalid, match="value 7 of 20"):
        Frame(bars)


def test_whole_numbers_are_refused_before_the_library_stumbles_over_them() -> None:
    bars = random_bars(3)
    with pytest.raises(BarsInvalid, match="float64"):
        Frame(replace(bars, close=np.array([1, 2, 3])))


def test_every_output_in_the_catalog_is_computed() -> None:
    assert set(COMPUTE) == {(name, output) for name, kind in INDICATORS.items() for output in kind.outputs}


def test_a_frame_computes_each_indicator_once() -> None:
    frame = Frame(random_bars(100))
    assert frame.indicator(call("ema", 5)) is frame.indicator(call("ema", 5))
    assert frame.indicator(call("ema", 5)) is not frame.indicator(call("ema", 6))


@pytest.mark.parametrize("name", ["ema", "adx"])
def test_two_hundred_and_fifty_bars_alone_do_not_settle_the_long_ones(name: str) -> None:
    bars, asked = real_bars("krx-daily/005930"), call(name, 60)
    whole = Frame(bars).indicator(asked)
    errors = [
        abs(Frame(window(bars, last + 1 - 250, last + 1)).indicator(asked)[-1] / whole[last] - 1)
        for last in range(2000, 8000, 100)
    ]
    assert max(errors) > 1e-5


@pytest.mark.parametrize("alpha", [0.5, 2 / 61, 1 / 14])
@pytest.mark.parametrize("smoothings", [1, 2])
def test_settling_is_over_on_the_first_bar_that_has_forgotten_its_start(alpha: float, smoothings: int) -> None:
    bars, states = 0, [1.0] * smoothings  # all started wrong by one
    while states[-1] > NEGLIGIBLE:
        fed = 0.0
        for number, state in enumerate(states):
            fed = states[number] = state + alpha * (fed - state)
        bars += 1
    assert settled_after(alpha, smoothings) == bars


def call(name: str, period: int) -> IndicatorCall:
    return the(IndicatorCall, name, "close", (("period", period),) if INDICATORS[name].params else ())
