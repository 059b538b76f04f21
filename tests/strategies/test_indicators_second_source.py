"""Each indicator, once settled, against a source that did not compute it, to a billionth.

`pytest -s` on this file prints the table of docs/indicators.md: indicator | second source | largest difference.
"""

from collections.abc import Iterator

import numpy as np
import pytest

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.indicators import COMPUTE, Frame, IndicatorCall, TakerVolume
from tests.strategies.second_sources import SECOND_SOURCES
from tests.strategies.series import defaults, random_bars, real_bars, scaled, twice_as_long

TOLERANCE = 1e-9  # of the figure, or of its usual size where that is larger
REAL = ("krx-daily/005930", "krx-daily/035420", "crypto/UNITTEST_BTC-1m")

Findings = dict[str, float]


@pytest.fixture(scope="module")
def findings() -> Iterator[Findings]:
    found: Findings = {}
    yield found
    print("\n| Indicator | Second source | Largest difference |\n|---|---|---|")
    for kind, largest in found.items():
        print(f"| `{kind}` | {SECOND_SOURCES[kind].source} | {f'{largest:.0e}' if largest else '0'} |")


def largest_difference(kind: str, bars: Bars, numbers: dict[str, float]) -> float:
    """Over all outputs and settled bars, of those where ours has a figure; the other source must have one there too."""
    theirs = SECOND_SOURCES[kind].compute(bars, numbers)
    frame, call = Frame(bars), IndicatorCall(kind, "close", tuple(sorted(numbers.items())))
    settled = INDICATORS[kind].warm_up(numbers) - 1
    assert theirs.keys() == INDICATORS[kind].outputs.keys()
    return max(difference(frame.indicator(call, o)[settled:], theirs[o][settled:], kind) for o in theirs)


def difference(ours: FloatArray, theirs: FloatArray, kind: str) -> float:
    if INDICATORS[kind].cumulative:  # only its changes mean anything
        ours, theirs = np.diff(ours), np.diff(theirs)
    told = ~np.isnan(ours)
    ours, theirs = ours[told], theirs[told]
    assert told.mean() > 0.8, "hardly anything to compare"
    assert np.isfinite(theirs).all(), "the second source has no figure where we have one"
    size = np.maximum(np.maximum(np.abs(ours), np.abs(theirs)), np.median(np.abs(ours)))
    apart = np.abs(ours - theirs)
    return float(np.divide(apart, size, out=np.zeros(len(size)), where=apart > 0).max())


@pytest.mark.parametrize("kind", INDICATORS)
@pytest.mark.parametrize("series", REAL)
def test_on_real_prices_a_second_source_says_the_same(series: str, kind: str, findings: Findings) -> None:
    largest = largest_difference(kind, real_bars(series), defaults(kind))
    findings[kind] = max(largest, findings.get(kind, 0.0))
    assert largest <= TOLERANCE


@pytest.mark.parametrize("kind", [name for name, kind in INDICATORS.items() if kind.params])
def test_with_other_numbers_a_second_source_says_the_same(kind: str) -> None:
    numbers = twice_as_long(kind)
    assert largest_difference(kind, random_bars(6000), numbers) <= TOLERANCE


@pytest.mark.parametrize("kind", INDICATORS)
@pytest.mark.parametrize("power", [-40, 40])
def test_the_size_of_prices_and_volumes_changes_nothing_but_the_unit(power: int, kind: str) -> None:
    """A power of two is exact in floating point, so every figure must be as well: no hidden threshold, no overflow."""
    call = IndicatorCall(kind, "close", tuple(sorted(defaults(kind).items())))
    bars = random_bars(1500)
    usual, larger = Frame(bars), Frame(scaled(bars, 2.0**power))
    for output, told in INDICATORS[kind].outputs.items():
        factor = 2.0**power if told.unit in {"price", "source", "volume"} else 1.0
        np.testing.assert_array_equal(larger.indicator(call, output), usual.indicator(call, output) * factor)


def test_fund_flow_is_what_takers_bought_less_what_they_sold_in_parts_of_all() -> None:
    bars = random_bars(200)
    total = bars.volume * bars.close
    bought = total * np.random.default_rng(1).uniform(0, 1, len(bars))
    flow = Frame(bars, TakerVolume(bought, total)).indicator(IndicatorCall("fund_flow", "close", (("period", 5),)))
    for last in (4, 50, 199):
        window = slice(last - 4, last + 1)
        sold = total[window] - bought[window]
        assert flow[last] == pytest.approx((bought[window].sum() - sold.sum()) / total[window].sum(), rel=1e-12)


def test_where_a_window_lacks_taker_volume_fund_flow_is_chaikins() -> None:
    bars = random_bars(60)
    total = bars.volume.copy()
    total[30] = np.nan
    call = (("period", 5),)
    frame = Frame(bars, TakerVolume(total * 0.75, total))
    flow, chaikin = (frame.indicator(IndicatorCall(kind, "close", call)) for kind in ("fund_flow", "cmf"))
    np.testing.assert_allclose(np.r_[flow[4:30], flow[35:]], 0.5)
    np.testing.assert_array_equal(flow[30:35], chaikin[30:35])


def test_every_indicator_has_a_second_source() -> None:
    assert SECOND_SOURCES.keys() == INDICATORS.keys() == {kind for kind, _ in COMPUTE}
