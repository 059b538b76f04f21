"""What an indicator says on a bar depends on that bar and those before it, and only so far back as it declares; and it
stays a figure, or honestly none, on series nobody would draw.
"""

from dataclasses import replace
from math import nan

import numpy as np
import pytest

from markets.bars import Bars
from strategies.catalog import INDICATORS
from strategies.errors import BarsInvalid
from strategies.indicators import COMPUTE, Frame, IndicatorCall, mfi, sma
from tests.contracts.strategy import close, typical, window
from tests.strategies.series import (
    bars_closing_at,
    bars_of,
    defaults,
    hostile_bars,
    random_bars,
    real_bars,
    twice_as_long,
)

SETTLING = [kind for kind in INDICATORS if not INDICATORS[kind].cumulative]
HOSTILE = ("constant", "a halt", "no volume", "one spike", "spiky volume", "one bar", "two bars", "no bars")


def call(kind: str, numbers: dict[str, float] | None = None) -> IndicatorCall:
    return IndicatorCall(kind, "close", tuple(sorted((defaults(kind) if numbers is None else numbers).items())))


def outputs(kind: str, bars: Bars, numbers: dict[str, float] | None = None) -> dict[str, np.ndarray]:
    frame = Frame(bars)
    return {output: frame.indicator(call(kind, numbers), output) for output in INDICATORS[kind].outputs}


@pytest.mark.parametrize("kind", INDICATORS)
@pytest.mark.parametrize("series", ["random", *HOSTILE])
def test_no_later_bar_changes_what_was_said(series: str, kind: str) -> None:
    """To the last bit, whatever the bars: no look-ahead."""
    bars = random_bars(700) if series == "random" else hostile_bars(series)
    whole = outputs(kind, bars)
    for count in {*range(0, 40, 3), *range(1, len(bars), 41), len(bars)}:
        for output, values in outputs(kind, bars.prefix(count)).items():
            np.testing.assert_array_equal(values, whole[output][:count])


@pytest.mark.parametrize("kind", INDICATORS)
def test_the_future_could_be_anything(kind: str) -> None:
    bars = random_bars(400)
    for output, values in outputs(kind, joined(bars.prefix(300), hostile_bars("one spike"))).items():
        np.testing.assert_array_equal(values[:300], outputs(kind, bars)[output][:300])


@pytest.mark.parametrize("kind", SETTLING)
@pytest.mark.parametrize("series", ["krx-daily/000660", "krx-daily/005930", "crypto/UNITTEST_BTC-1m"])
def test_more_history_than_declared_changes_nothing_beyond_a_billionth(series: str, kind: str) -> None:
    assert_settled(kind, real_bars(series), defaults(kind), samples=80)


@pytest.mark.parametrize("kind", [kind for kind in SETTLING if INDICATORS[kind].params])
def test_with_longer_numbers_the_declared_history_suffices_too(kind: str) -> None:
    assert_settled(kind, real_bars("krx-daily/005380"), twice_as_long(kind), samples=40)


def assert_settled(kind: str, bars: Bars, numbers: dict[str, float], samples: int) -> None:
    needed, whole = INDICATORS[kind].warm_up(numbers), outputs(kind, bars, numbers)
    sizes = {output: typical(values) for output, values in whole.items()}
    for last in np.linspace(needed + 200, len(bars) - 1, samples, dtype=int):
        for output, values in outputs(kind, window(bars, int(last) + 1 - needed, int(last) + 1), numbers).items():
            short, long = float(values[-1]), float(whole[output][last])
            assert np.isnan(short) == np.isnan(long), (output, int(last), short, long)
            assert np.isnan(long) or close(short, long, sizes[output]), (output, int(last), short, long)


@pytest.mark.parametrize("kind", SETTLING)
def test_a_settled_indicator_has_a_figure_on_every_bar_of_a_moving_market(kind: str) -> None:
    bars, needed = random_bars(1500), INDICATORS[kind].warm_up(defaults(kind))
    for values in outputs(kind, bars).values():
        assert np.isfinite(values[needed - 1 :]).all()


@pytest.mark.parametrize("kind", INDICATORS)
@pytest.mark.parametrize("series", HOSTILE)
def test_on_any_series_there_is_a_figure_within_its_range_or_none(series: str, kind: str) -> None:
    bars = hostile_bars(series)
    for output, values in outputs(kind, bars).items():
        told = INDICATORS[kind].outputs[output]
        assert values.shape == (len(bars),)
        assert values.dtype == np.float64
        assert not np.isinf(values).any()
        assert not (values < (told.lowest if told.lowest is not None else -np.inf) - 1e-9).any(), output
        assert not (values > (told.highest if told.highest is not None else np.inf) + 1e-9).any(), output


@pytest.mark.parametrize("kind", INDICATORS)
def test_real_figures_stay_within_the_range_that_is_told(kind: str) -> None:
    for output, values in outputs(kind, real_bars("krx-daily/000660")).items():
        told = INDICATORS[kind].outputs[output]
        assert told.lowest is None or np.nanmin(values) >= told.lowest - 1e-9
        assert told.highest is None or np.nanmax(values) <= told.highest + 1e-9


EDGES = [
    pytest.param(kind, edge, id=f"{kind}-{edge}")
    for kind in INDICATORS
    if INDICATORS[kind].params
    for edge in ("minimum", "maximum")
]


@pytest.mark.parametrize(("kind", "edge"), EDGES)
def test_the_least_and_the_greatest_numbers_allowed_are_computed(kind: str, edge: str) -> None:
    numbers = {name: getattr(param, edge) for name, param in INDICATORS[kind].params.items()}
    for step, name in enumerate(reversed(INDICATORS[kind].increasing) if edge == "maximum" else ()):
        numbers[name] -= step
    for step, name in enumerate(INDICATORS[kind].increasing if edge == "minimum" else ()):
        numbers[name] += step
    bars = random_bars(3000)
    for count in (0, 1, 2, 3, len(bars)):
        for values in outputs(kind, bars.prefix(count), numbers).values():
            assert values.shape == (count,)
    assert all(np.isfinite(values[-1]) for values in outputs(kind, bars, numbers).values())


# What stands still: averages are its price, moves are nothing, and a share of nothing or a place in no range is no figure.
STILL = {
    **{kind: {"value": 0.1} for kind in ("sma", "ema", "wma", "vwap", "highest", "lowest")},
    **{
        kind: {"value": 0.0} for kind in ("atr", "atr_mean", "std", "roc", "momentum", "bar_return", "cmf", "fund_flow")
    },
    **{kind: {"value": nan} for kind in ("rsi", "cci", "williams_r", "mfi", "ibs")},
    **{kind: {"upper": 0.1, "middle": 0.1, "lower": 0.1} for kind in ("keltner", "donchian")},
    "bollinger": {"upper": 0.1, "middle": 0.1, "lower": 0.1, "width": 0.0, "percent_b": nan},
    "macd": {"value": 0.0, "signal": 0.0, "histogram": 0.0},
    "adx": {"value": 0.0, "plus_di": 0.0, "minus_di": 0.0},
    "stochastic": {"k": nan, "d": nan},
    "stochrsi": {"k": nan, "d": nan},
    "consecutive": {"up": 0.0, "down": 0.0},
    "ichimoku": dict.fromkeys(("tenkan", "kijun", "senkou_a", "senkou_b", "chikou"), 0.1),
}


@pytest.mark.parametrize("kind", STILL)
def test_a_price_that_stands_still_is_told_as_such(kind: str) -> None:
    last = {output: float(values[-1]) for output, values in outputs(kind, hostile_bars("constant")).items()}
    assert last == pytest.approx(STILL[kind], rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("kind", ["mfi", "cmf", "vwap", "fund_flow"])
def test_without_volume_there_is_nothing_to_weigh_by(kind: str) -> None:
    assert np.isnan(outputs(kind, hostile_bars("no volume"))["value"]).all()


@pytest.mark.parametrize("kind", ["sma", "wma", "std", "mfi", "cmf", "vwap", "bollinger", "stochastic", "cci"])
@pytest.mark.parametrize("series", ["one spike", "spiky volume"])
def test_a_huge_value_leaves_no_trace_once_its_window_has_passed(series: str, kind: str) -> None:
    """A running total would keep its rounding for good."""
    bars, needed = hostile_bars(series), INDICATORS[kind].warm_up(defaults(kind))
    short = outputs(kind, window(bars, len(bars) - needed, len(bars)))
    for output, values in outputs(kind, bars).items():
        assert values[-1] == pytest.approx(short[output][-1], rel=1e-12, nan_ok=True)


def test_an_average_of_no_volume_after_a_huge_one_is_exactly_nothing() -> None:
    assert sma(np.array([1e15, 1.1, 0.3, 0, 0, 0]), 3)[-1] == 0.0


def test_a_typical_price_that_differs_by_rounding_alone_has_not_moved() -> None:
    columns = ([0.00195, 0.00194999], [0.00193979, 0.0019398], [0.00194999, 0.00194999])
    high, low, price = (np.array([column[0], *column]) for column in columns)
    assert np.isnan(mfi(high, low, price, np.ones(3), 2)).all()


@pytest.mark.parametrize("kind", INDICATORS)
def test_missing_bars_are_not_filled_in(kind: str) -> None:
    """The bars there are follow one another, whatever lies between them."""
    bars = random_bars(600)
    late = np.where(np.arange(len(bars)) > 300, 86_400 * 30, 0)
    gapped = replace(bars, opened_at=bars.opened_at + late, closed_at=bars.closed_at + late)
    for output, values in outputs(kind, gapped).items():
        np.testing.assert_array_equal(values, outputs(kind, bars)[output])


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_a_single_nan_in_any_column_is_refused(column: str) -> None:
    bars = random_bars(50)
    getattr(bars, column)[20] = nan
    with pytest.raises(BarsInvalid):
        Frame(bars)


def test_runs_of_closes_are_counted_no_further_than_told() -> None:
    ups = outputs("consecutive", bars_closing_at(*range(1, 400)))["up"]
    np.testing.assert_array_equal(ups[:4], [nan, 1, 2, 3])
    assert ups[-1] == np.nanmax(ups) == 250


def test_every_output_is_asked_about_here() -> None:
    assert {kind for kind, _ in COMPUTE} - STILL.keys() == {"obv", "supertrend", "psar"}  # those have no still figure


def joined(first: Bars, then: Bars) -> Bars:
    columns = ("open", "high", "low", "close", "volume")
    return bars_of(*(np.concatenate([getattr(first, name), getattr(then, name)]) for name in columns))
