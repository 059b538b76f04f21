"""The indicators of one instrument's bars, each computed once, whichever documents ask for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from markets.bars import Bars, FloatArray
from strategies.catalog import INDICATORS
from strategies.errors import BarsInvalid
from strategies.indicators import oscillators, ranges, single_bars, trend, volume
from strategies.indicators.candle_patterns import candle
from strategies.indicators.volume import TakerVolume
from strategies.indicators.windows import finite, highest, lowest

_COLUMNS = ("open", "high", "low", "close", "volume")


@dataclass(frozen=True, slots=True, eq=False)
class IndicatorCall:
    """One indicator with its numbers: what a frame computes once. One object for each meaning (`figures.the`)."""

    kind: str
    source: str
    params: tuple[tuple[str, float], ...]
    numbers: tuple[float, ...] = field(init=False, repr=False)  # as the catalog orders them, bars as int
    history: int = field(init=False, repr=False)  # how many bars a settled value needs, its own included

    def __post_init__(self) -> None:
        given, kind = dict(self.params), INDICATORS[self.kind]
        numbers = tuple(int(given[name]) if each.whole else given[name] for name, each in kind.params.items())
        object.__setattr__(self, "numbers", numbers)
        object.__setattr__(self, "history", kind.warm_up(given))


class Frame:
    """The bars of one instrument with every indicator asked of them so far, each computed once.

    Documents evaluated on the same frame share the arrays; nobody writes into them. `taker` is for the bars' fund flow,
    where a venue tells it. Here, and nowhere behind it, figures are checked: raises BarsInvalid for NaN, or taker volume
    of other bars. `is_checked`: the caller has seen that every figure is a finite float64.
    """

    def __init__(self, bars: Bars, taker: TakerVolume | None = None, *, is_checked: bool = False) -> None:
        self.bars = bars
        self.taker = taker
        if taker is not None and not len(taker.bought) == len(taker.total) == len(bars):
            raise BarsInvalid(f"taker volume of {len(taker.bought)} bars for {len(bars)}")
        columns = {name: getattr(bars, name) for name in _COLUMNS}
        self._columns = columns if is_checked else {name: finite(values) for name, values in columns.items()}
        self._computed: dict[tuple[IndicatorCall, str], FloatArray] = {}
        self._candles: dict[str, FloatArray] = {}

    def column(self, name: str) -> FloatArray:
        """A column of the bars, or their "range" (high - low), shape (n,)."""
        if name == "range" and name not in self._columns:
            self._columns[name] = self._columns["high"] - self._columns["low"]
        return self._columns[name]

    def indicator(self, call: IndicatorCall, output: str = "value") -> FloatArray:
        """The array `call` names, shape (n,)."""
        known = self._computed.get((call, output))
        if known is not None:
            return known
        recipe = COMPUTE[call.kind, output]
        made = recipe.compute(self, call)
        if isinstance(made, tuple):
            self._computed.update({(call, name): array for name, array in zip(recipe.outputs, made, strict=True)})
            return self._computed[call, output]
        self._computed[call, output] = made
        return made

    def forget(self) -> None:
        """Let go of every indicator and pattern: an array of each bar is much to keep where one bar was asked for."""
        self._computed.clear()
        self._candles.clear()

    def candle(self, pattern: str) -> FloatArray:
        """Where the candlestick pattern ends, shape (n,): 1 a rising one, -1 a falling one, else 0."""
        if pattern not in self._candles:
            self._candles[pattern] = candle(pattern, *map(self.column, ("open", *_PRICES)))
        return self._candles[pattern]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How outputs that are made together are made: an array for each, or one alone."""

    outputs: tuple[str, ...]
    compute: Callable[[Frame, IndicatorCall], FloatArray | tuple[FloatArray, ...]]


_HIGH_LOW = ("high", "low")
_PRICES = ("high", "low", "close")
_TRADES = ("high", "low", "close", "volume")


def _of_source(function: Callable[..., Any], *outputs: str) -> Recipe:
    """Made by `function` from the call's source column and its numbers."""
    return Recipe(outputs or _VALUE, lambda frame, call: function(frame.column(call.source), *call.numbers))


def _of(columns: tuple[str, ...], function: Callable[..., Any], *outputs: str) -> Recipe:
    """Made by `function` from these columns and the call's numbers."""
    return Recipe(outputs or _VALUE, lambda frame, call: function(*map(frame.column, columns), *call.numbers))


_VALUE = ("value",)


def _fund_flow(frame: Frame, call: IndicatorCall) -> FloatArray:
    high, low, close, volumes = map(frame.column, _TRADES)
    (period,) = call.numbers
    return volume.fund_flow(high, low, close, volumes, int(period), frame.taker)


_RECIPES: Mapping[str, tuple[Recipe, ...]] = {
    "sma": (_of_source(trend.sma),),
    "ema": (_of_source(trend.ema),),
    "wma": (_of_source(trend.wma),),
    "macd": (_of_source(trend.macd, "value", "signal", "histogram"),),
    "adx": (
        _of(_PRICES, trend.adx),
        _of(_PRICES, trend.plus_di, "plus_di"),
        _of(_PRICES, trend.minus_di, "minus_di"),
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
    "fund_flow": (Recipe(_VALUE, _fund_flow),),
    "ibs": (_of(_PRICES, single_bars.ibs),),
    "consecutive": (_of(("close",), single_bars.consecutive, "up", "down"),),
    "bar_return": (_of(("close",), single_bars.bar_return),),
}

COMPUTE: Mapping[tuple[str, str], Recipe] = {
    (kind, output): recipe for kind, recipes in _RECIPES.items() for recipe in recipes for output in recipe.outputs
}
