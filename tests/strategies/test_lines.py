"""Indicators as a chart draws them: the rules' own figures, over the prices or below them."""

import numpy as np
import pytest

from strategies.catalog import INDICATORS
from strategies.document import IndicatorSpec
from strategies.errors import Language
from strategies.indicators import rsi, sma
from strategies.lines import OVER_PRICES, history_of, lines_of
from tests.strategies.series import random_bars


def spec(kind: str, source: str = "close", **params: float) -> IndicatorSpec:
    numbers = {name: param.default for name, param in INDICATORS[kind].params.items()} | params
    return IndicatorSpec.from_data({"kind": kind, "source": source, "params": numbers})


def test_a_line_is_what_the_rules_see_to_nine_digits() -> None:
    bars = random_bars(300)
    mean, strength = lines_of(bars, {"mean": spec("sma"), "strength": spec("rsi")}, "ko", 120)
    assert (mean.name, mean.over_prices, len(mean.values)) == ("SMA(20)", True, 120)
    assert (strength.name, strength.over_prices) == ("RSI(14)", False)
    assert mean.values == pytest.approx(sma(bars.close, 20)[-120:].tolist(), rel=1e-8)
    assert strength.values == pytest.approx(rsi(bars.close, 14)[-120:].tolist(), rel=1e-8)


def test_where_there_is_no_figure_there_is_none_to_draw() -> None:
    (mean,) = lines_of(random_bars(30), {"mean": spec("sma")}, "ko", 30)
    assert mean.values[:19] == [None] * 19
    assert None not in mean.values[19:]


@pytest.mark.parametrize("kind", sorted(INDICATORS))
def test_every_indicator_can_be_drawn_in_both_languages(kind: str) -> None:
    bars = random_bars(700)
    languages: tuple[Language, ...] = ("ko", "en")
    for language in languages:
        lines = lines_of(bars, {"it": spec(kind)}, language, 50)
        assert lines
        assert all(line.name and len(line.values) == 50 for line in lines)


@pytest.mark.parametrize("kind", sorted(OVER_PRICES))
def test_what_lies_over_the_prices_is_never_far_from_them(kind: str) -> None:
    bars = random_bars(700)
    for line in lines_of(bars, {"it": spec(kind)}, "ko", 100):
        values = np.array(line.values, dtype=np.float64)
        assert line.over_prices
        assert np.all(np.abs(values / bars.close[-100:] - 1) < 0.3)


def test_an_average_of_volumes_is_not_drawn_over_prices() -> None:
    (line,) = lines_of(random_bars(60), {"volume": spec("sma", "volume")}, "ko", 10)
    assert not line.over_prices
    assert line.name == "거래량 SMA(20)"


def test_nothing_asked_is_nothing_drawn() -> None:
    assert lines_of(random_bars(10), {}, "ko", 10) == []
    assert history_of({}) == 1
    assert lines_of(random_bars(0), {"mean": spec("sma")}, "ko", 0)[0].values == []
