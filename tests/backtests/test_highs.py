"""How far a curve fell and where it was highest, told from stretches of it, is what looking at every bar tells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.highs import STRETCH, Highs, lowest_share
from markets.bars import FloatArray


@settings(deadline=None)
@given(
    st.sampled_from([1, 2, STRETCH - 1, STRETCH, 2 * STRETCH, 2 * STRETCH + 1, 20 * STRETCH + 7]),
    st.integers(0, 2**32),
    st.sampled_from([-0.001, 0.0, 0.001]),
    st.booleans(),
)
def test_stretches_tell_what_every_bar_tells(count: int, seed: int, drift: float, is_rough: bool) -> None:
    equity = 1000 * np.exp(np.cumsum(np.random.default_rng(seed).normal(drift, 0.01, count)))
    if is_rough:  # many bars are as high as the highest, and many as low as the lowest
        equity = np.ceil(equity / 100) * 100
    _same_as_looking_at_each(equity)


@pytest.mark.parametrize("equity", [np.full(1000, 5.0), np.arange(1.0, 1001), np.arange(1000.0, 0, -1)])
def test_curves_that_stand_rise_or_fall_all_the_way(equity: FloatArray) -> None:
    _same_as_looking_at_each(equity)


def _same_as_looking_at_each(equity: FloatArray) -> None:
    highest = np.maximum.accumulate(equity)
    told = Highs.of(equity)
    assert told.lowest == lowest_share(equity) == (equity / highest).min()
    assert told.tops.tolist() == np.flatnonzero(equity >= highest).tolist()
