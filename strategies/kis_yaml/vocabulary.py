"""What the format's names mean here: its 80 indicators, its operators, and where upstream programs read them otherwise.

Source: the format's reference, read from koreainvestment/open-trading-api @ 885dd4e. An indicator that is not computed
here, or whose file leaves its definition open, is refused; nothing similar is ever put in its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strategies.catalog import Words


@dataclass(frozen=True, slots=True)
class KisIndicator:
    """One of the format's indicators as one of ours.

    `params`: their names for our parameters, with the default their catalogue gives. `fixed`: our parameters the file
    cannot set. `outputs`: their names for ours. `differs`: how an upstream program departs from what we compute.
    `portable`: the outputs that mean the same in both of theirs.
    """

    kind: str
    params: Mapping[str, tuple[str, float]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)
    outputs: Mapping[str, str] = field(default_factory=lambda: {"value": "value"})
    differs: Words | None = None
    portable: frozenset[str] = frozenset()


def _same(*names: str) -> dict[str, str]:
    return {name: name for name in names}


def _period(default: float) -> dict[str, tuple[str, float]]:
    return {"period": ("period", default)}


def _params(**defaults: float) -> dict[str, tuple[str, float]]:
    return {name: (name, default) for name, default in defaults.items()}


_VALUE = frozenset({"value"})

INDICATORS: Mapping[str, KisIndicator] = {
    "sma": KisIndicator("sma", _period(20), portable=_VALUE),
    "ema": KisIndicator(
        "ema",
        _period(20),
        portable=_VALUE,
        differs=Words(
            "전략 빌더는 짧은 구간의 첫 종가에서 EMA를 시작합니다", "the builder starts an EMA from a short window"
        ),
    ),
    "lwma": KisIndicator("wma", _period(20), portable=_VALUE),
    "rsi": KisIndicator(
        "rsi",
        _period(14),
        differs=Words(
            "전략 빌더의 RSI는 와일더가 아니라 EMA로 평활합니다", "the builder smooths RSI by EMA, not Wilder"
        ),
    ),
    "cci": KisIndicator("cci", _period(20), portable=_VALUE),
    "williams_r": KisIndicator("williams_r", _period(14), portable=_VALUE),
    "roc": KisIndicator("roc", _period(10), portable=_VALUE),
    "momentum": KisIndicator(
        "roc",
        _period(10),
        differs=Words(
            "momentum을 백테스터처럼 변화율(%)로 읽습니다. 전략 빌더는 가격 차이로 읽습니다",
            "momentum is read as a percentage, as the backtester does; the builder takes a price difference",
        ),
    ),
    "returns": KisIndicator(
        "roc",
        _period(60),
        differs=Words(
            "returns를 변화율(%)로 읽습니다. 백테스터는 100을 한 번 더 곱합니다",
            "returns is read as percent; the backtester multiplies by 100 once more",
        ),
    ),
    "change": KisIndicator("bar_return"),
    "macd": KisIndicator(
        "macd",
        _params(fast=12, slow=26, signal=9),
        outputs=_same("value", "signal", "histogram"),
        portable=frozenset({"value", "signal"}),
        differs=Words(
            "전략 빌더의 MACD histogram은 MACD 선입니다", "the builder's MACD histogram returns the MACD line"
        ),
    ),
    "stochastic": KisIndicator(
        "stochastic",
        _params(k_period=14, d_period=3),
        fixed={"slowing": 1},
        outputs=_same("k", "d"),
        differs=Words("전략 빌더의 %D 기간은 언제나 3입니다", "the builder's %D is always over 3"),
    ),
    "stochrsi": KisIndicator(
        "stochrsi",
        _params(rsi_period=14, stoch_period=14, k_period=3, d_period=3),
        outputs=_same("k", "d"),
        differs=Words(
            "전략 빌더는 %K와 %D가 같은 값입니다", "the builder gives one unsmoothed series for both outputs"
        ),
    ),
    "adx": KisIndicator(
        "adx",
        _params(period=14),
        outputs=_same("value", "plus_di", "minus_di"),
        differs=Words("전략 빌더는 +DI와 −DI도 ADX로 읽습니다", "the builder returns ADX for both DIs"),
    ),
    "ichimoku": KisIndicator(
        "ichimoku",
        _params(tenkan=9, kijun=26, senkou_b=52),
        outputs=_same("tenkan", "kijun", "senkou_a", "senkou_b", "chikou"),
        differs=Words(
            "전략 빌더는 선행·후행스팬을 기준선으로 읽습니다", "the builder returns the base line for all three spans"
        ),
    ),
    "supertrend": KisIndicator(
        "supertrend",
        _params(period=10, multiplier=3),
        differs=Words(
            "슈퍼트렌드를 백테스터처럼 선(가격)으로 읽습니다. 전략 빌더는 방향(+1/−1)으로 읽습니다",
            "supertrend is the line, as in the backtester; the builder gives its direction",
        ),
    ),
    "sar": KisIndicator(
        "psar",
        _params(af_start=0.02, af_step=0.02, af_max=0.2),
        differs=Words("전략 빌더는 SAR의 매개변수를 쓰지 않습니다", "the builder ignores SAR's parameters"),
    ),
    "obv": KisIndicator("obv"),
    "mfi": KisIndicator("mfi", _period(14), portable=_VALUE),
    "cmf": KisIndicator("cmf", _period(20), portable=_VALUE),
    "vwap": KisIndicator(
        "vwap",
        _period(14),
        differs=Words(
            "전략 빌더의 VWAP는 기간을 쓰지 않고 약 10봉을 누적합니다",
            "the builder's VWAP runs over about ten bars, whatever the period",
        ),
    ),
    "atr": KisIndicator(
        "atr",
        _period(14),
        differs=Words(
            "ATR은 와일더 평균입니다. 백테스터는 단순 평균, 전략 빌더는 EMA입니다",
            "ATR is Wilder's here, a simple average in the backtester, an EMA in the builder",
        ),
    ),
    "std": KisIndicator(
        "std",
        _period(20),
        differs=Words(
            "표준편차는 모집단 기준입니다. 전략 빌더의 단순 비교에서는 늘 0입니다",
            "the deviation is a population's; the builder compares a constant 0",
        ),
    ),
    "bollinger": KisIndicator(
        "bollinger",
        {"period": ("period", 20), "std": ("std", 2)},
        outputs=_same("upper", "middle", "lower"),
        differs=Words(
            "볼린저의 표준편차는 모집단 기준입니다. 전략 빌더는 표본 기준입니다",
            "the bands use a population's deviation, the builder's a sample's",
        ),
    ),
    "donchian": KisIndicator(
        "donchian", _period(20), outputs=_same("upper", "lower"), portable=frozenset({"upper", "lower"})
    ),
    "maximum": KisIndicator(
        "highest",
        _period(20),
        differs=Words(
            "최고 종가입니다. 전략 빌더는 최고 고가로 읽습니다",
            "the highest close, as in the backtester; the builder takes highs",
        ),
    ),
    "minimum": KisIndicator(
        "lowest",
        _period(20),
        differs=Words(
            "최저 종가입니다. 전략 빌더는 최저 저가로 읽습니다",
            "the lowest close, as in the backtester; the builder takes lows",
        ),
    ),
    "ibs": KisIndicator(
        "ibs",
        differs=Words(
            "폭이 없는 봉에는 IBS가 없습니다. 전략 빌더는 0.5로 봅니다",
            "a bar without range has no IBS; the builder says 0.5",
        ),
    ),
    "consecutive": KisIndicator(
        "consecutive",
        outputs={"value": "up"},  # or down: its `direction` says
        differs=Words("전략 빌더는 연속을 9봉까지만 셉니다", "the builder counts runs up to 9"),
    ),
}

UNDERDETERMINED = frozenset({"keltner"})
_UNSUPPORTED = """
    dema tema hma trima zlema kama wma frama vidya alma t3 apo ppo aroon cmo trix rvi dpo chop cho ao ultosc tsi kvo adxr
    kst coppock mass_index schaff adl bop ad force vwma vortex eom natr accbands variance beta alpha midpoint midprice
    logr regression pivot augen fisher disparity volatility_ind
"""
UNSUPPORTED = frozenset(_UNSUPPORTED.split())

OPERATORS: Mapping[str, str] = {
    **dict.fromkeys(("greater_than", ">", "gt"), "greater_than"),
    **dict.fromkeys(("less_than", "<", "lt"), "less_than"),
    **dict.fromkeys(("greater_equal", ">=", "gte"), "greater_equal"),
    **dict.fromkeys(("less_equal", "<=", "lte"), "less_equal"),
    **dict.fromkeys(("cross_above", "crosses_above", "crossover", "indicator_cross_above"), "cross_above"),
    **dict.fromkeys(("cross_below", "crosses_below", "crossunder", "indicator_cross_below"), "cross_below"),
    **dict.fromkeys(("equal", "==", "equals", "eq"), "equal"),
    **dict.fromkeys(("not_equal", "!="), "not_equal"),
}
REFUSED_OPERATORS = frozenset(("breaks", "between"))
COMPARISONS: Mapping[str, str] = {
    "greater_than": "gt",
    "less_than": "lt",
    "greater_equal": "ge",
    "less_equal": "le",
    "equal": "eq",
    "not_equal": "ne",
}
PRICES: Mapping[str, str] = {name: name for name in ("open", "high", "low", "close", "volume")} | {"price": "close"}

# Of the bar itself and of its own extremes: what can never lie beyond them.
NEVER: frozenset[tuple[str, str, str, str]] = frozenset(
    (column, operator, kind, output)
    for columns, operators, lines in (
        (("close",), ("greater_than", "cross_above"), (("highest", "value"),)),
        (("close",), ("less_than", "cross_below"), (("lowest", "value"),)),
        (("open", "high", "close"), ("greater_than", "cross_above"), (("donchian", "upper"),)),
        (("open", "low", "close"), ("less_than", "cross_below"), (("donchian", "lower"),)),
    )
    for column in columns
    for operator in operators
    for kind, output in lines
)
