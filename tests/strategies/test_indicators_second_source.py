"""Each indicator, once settled, against a source that did not compute it, to a billionth.

`make indicator-sources` prints the table of docs/indicators.md: indicator | second source | largest difference.
"""

from pathlib import Path

import numpy as np
import pytest

from strategies.catalog import INDICATORS
from strategies.indicators import COMPUTE, Frame, IndicatorCall, TakerVolume
from tests.strategies.second_sources import SECOND_SOURCES
from tests.strategies.series import defaults, random_bars, real_bars, scaled, twice_as_long
from tests.strategies.told_apart import REAL, largest_difference

TOLERANCE = 1e-9  # of the figure, or of its usual size where that is larger
DOCS = Path(__file__).resolve().parents[2] / "docs" / "indicators.md"


@pytest.mark.parametrize("kind", INDICATORS)
@pytest.mark.parametrize("series", REAL)
def test_on_real_prices_a_second_source_says_the_same(series: str, kind: str) -> None:
    assert largest_difference(kind, real_bars(series), defaults(kind)) <= TOLERANCE


@pytest.mark.parametrize("kind", INDICATORS)
def test_the_documented_second_source_is_the_one_that_is_asked(kind: str) -> None:
    assert f"| `{kind}` | {SECOND_SOURCES[kind].source} | " in DOCS.read_text(encoding="utf-8")


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
