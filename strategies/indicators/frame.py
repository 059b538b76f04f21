"""The indicators of one instrument's bars, each computed once, whichever documents ask for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.errors import BarsInvalid
from strategies.indicators import oscillators, ranges, single_bars, trend, volume
from strategies.indicators.volume import TakerVolume
from strategies.indicators.windows import finite, highest, lowest

_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True)
class IndicatorCall:
    """One indicator with its numbers: what a frame computes once."""

    kind: str
    source: str
    params: tuple[tuple[str, float], ...]

    def numbers(self) -> tuple[float, ...]:
        """The numbers in the catalog's order, those that count bars as int."""
        given = dict(self.params)
        kinds = INDICATORS[self.kind].params
        return tuple(int(given[name]) if kinds[name].whole else given[name] for name in kinds)


class Frame:
    """The bars of one instrument with every indicator asked of them so far, each computed once.

    Documents evaluated on the same frame share the arrays; nobody writes into them. `taker` is for the bars' fund flow,
    where a venue tells it. Raises BarsInvalid for NaN, or taker volume of other bars.
    """

    def __init__(self, bars: Bars, taker: TakerVolume | None = None) -> None:
        self.bars = bars
        self.taker = taker
        if taker is not None and not len(taker.bought) == len(taker.total) == len(bars):
            raise BarsInvalid(f"taker volume of {len(taker.bought)} bars for {len(bars)}")
        self._columns = {name: finite(getattr(bars, name)) for name in _COLUMNS}
        self._computed: dict[tuple[IndicatorCall, str], FloatArray] = {}

    def column(self, name: str) -> FloatArray:
        return self._columns[name]

    def indicator(self, call: IndicatorCall, output: str = "value") -> FloatArray:
        """The array `call` names, shape (n,)."""
        if (call, output) not in self._computed:
            recipe = COMPUTE[call.kind, output]
            arrays = recipe.compute(self, call)
            self._computed |= {(call, name): array for name, array in zip(recipe.outputs, arrays, strict=True)}
        return self._computed[call, output]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How outputs that are made together are made."""

    outputs: tuple[str, ...]
    compute: Callable[[Frame, IndicatorCall], tuple[FloatArray, ...]]


_HIGH_LOW = ("high", "low")
_PRICES = ("high", "low", "close")
_TRADES = ("high", "low", "close", "volume")


def _of_source(function: Callable[..., Any], *outputs: str) -> Recipe:
    """Made by `function` from the call's source column and its numbers."""
    return _made(function, lambda frame, call: (frame.column(call.source),), outputs)


def _of(columns: tuple[str, ...], function: Callable[..., Any], *outputs: str) -> Recipe:
    """Made by `function` from these columns and the call's numbers."""
    return _made(function, lambda frame, call: tuple(frame.column(name) for name in columns), outputs)


def _made(
    function: Callable[..., Any],
    columns: Callable[[Frame, IndicatorCall], tuple[FloatArray, ...]],
    outputs: tuple[str, ...],
) -> Recipe:
    if outputs:
        return Recipe(outputs, lambda frame, call: function(*columns(frame, call), *call.numbers()))
    return Recipe(("value",), lambda frame, call: (function(*columns(frame, call), *call.numbers()),))


def _fund_flow(frame: Frame, call: IndicatorCall) -> tuple[FloatArray, ...]:
    high, low, close, volumes = (frame.column(name) for name in _TRADES)
    (period,) = call.numbers()
    return (volume.fund_flow(high, low, close, volumes, int(period), frame.taker),)


_RECIPES: Mapping[str, tuple[Recipe, ...]] = {
    "sma": (_of_source(trend.sma),),
    "ema": (_of_source(trend.ema),),
    "wma": (_of_source(trend.wma),),
    "macd": (_of_source(trend.macd, "value", "signal", "histogram"),),
    "adx": (
        _of(_PRICES, trend.adx),
        _of(_PRICES, lambda *given: (trend.plus_di(*given),), "plus_di"),
        _of(_PRICES, lambda *given: (trend.minus_di(*given),), "minus_di"),
    ),
    "supertrend": (_of(_PRICES, trend.supertrend, "value", "direction"),),
    "psar": (_of(_HIGH_LOW, trend.psar, "value", "direction"),),
    "ichimoku": (_of(_PRICES, trend.ichimoku, "tenkan", "kijun", "senkou_a", "senkou_b", "chikou"),),
    "rsi": (_of_source(oscillators.rsi),),
    "stochastic": (_of(_PRICES, oscillators.stochastic, "k", "d"),),
    "stochrsi": (_of_source(oscillators.stochrsi, "k", "d"),),
    "cci": (_of(_PRICES, oscillators.cci),),
    "williams_r": (_of(_PRICES, oscillators.williams_r),),
    "roc": (_of_source(oscillators.roc),),
    "momentum": (_of_source(oscillators.momentum),),
    "bollinger": (_of_source(ranges.bollinger, "upper", "middle", "lower", "width", "percent_b"),),
    "keltner": (_of(_PRICES, ranges.keltner, "upper", "middle", "lower"),),
    "donchian": (_of(_HIGH_LOW, ranges.donchian, "upper", "middle", "lower"),),
    "atr": (_of(_PRICES, ranges.atr),),
    "atr_mean": (_of(_PRICES, ranges.atr_mean),),
    "std": (_of_source(ranges.std),),
    "highest": (_of_source(highest),),
    "lowest": (_of_source(lowest),),
    "obv": (_of(("close", "volume"), volume.obv),),
    "mfi": (_of(_TRADES, volume.mfi),),
    "cmf": (_of(_TRADES, volume.cmf),),
    "vwap": (_of(_TRADES, volume.vwap),),
    "fund_flow": (Recipe(("value",), _fund_flow),),
    "ibs": (_of(_PRICES, single_bars.ibs),),
    "consecutive": (_of(("close",), single_bars.consecutive, "up", "down"),),
    "bar_return": (_of(("close",), single_bars.bar_return),),
}

COMPUTE: Mapping[tuple[str, str], Recipe] = {
    (kind, output): recipe for kind, recipes in _RECIPES.items() for recipe in recipes for output in recipe.outputs
}
