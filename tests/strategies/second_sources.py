"""Every indicator a second time, by a source that did not compute it: another library, or the definition bar by bar."""

import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import talib

from markets.bars import Bars, FloatArray
from tests.strategies import definitions
from tests.strategies.definitions import Arrays, Numbers, exponential, named, running, true_ranges, value


@dataclass(frozen=True)
class SecondSource:
    """`source`: who computes. Each of the arrays belongs to the output of its name."""

    source: str
    compute: Callable[[Bars, Numbers], Arrays]


STOCH_SPANS = {"fastk_period": "k_period", "slowk_period": "slowing", "slowd_period": "d_period"}


def stochastic(bars: Bars, numbers: Numbers) -> Arrays:
    spans = {ours: numbers[theirs] for ours, theirs in STOCH_SPANS.items()}
    k, d = talib.STOCH(bars.high, bars.low, bars.close, **spans)
    return named(k=k, d=d)


def library(name: str, outputs: Mapping[str, str], columns: str, **arguments: str) -> SecondSource:
    """pandas-ta-classic's own code. `outputs`: how its columns begin; `arguments`: which of our numbers each one is."""

    def compute(bars: Bars, numbers: Numbers) -> Arrays:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it still asks pandas for a name that pandas means to drop
            import pandas_ta_classic as other

        given = {column: pd.Series(getattr(bars, column)) for column in columns.split()}
        chosen = {theirs: numbers[ours] for theirs, ours in arguments.items()} | EXTRA.get(name, {})
        made = getattr(other, name)(**given, **chosen)
        if isinstance(made, pd.Series):
            return value(made.to_numpy())
        return {
            ours: made[next(c for c in made if c.startswith(begins))].to_numpy() for ours, begins in outputs.items()
        }

    return SecondSource("pandas-ta-classic", compute)


EXTRA: Mapping[str, dict[str, Any]] = {
    **{name: {"talib": False} for name in ("wma", "obv", "willr", "roc", "mom")},
    **{name: {"talib": False, "ddof": 0} for name in ("stdev", "bbands")},
    "ichimoku": {"as_dataframe": True},
}


def ichimoku(bars: Bars, numbers: Numbers) -> Arrays:
    """Its lines, but for the lagging one: drawn on a chart that would be a close of the future."""
    begins = {"tenkan": "ITS", "kijun": "IKS", "senkou_a": "ISA", "senkou_b": "ISB"}
    lines = library("ichimoku", begins, "high low close", tenkan="tenkan", kijun="kijun", senkou="senkou_b")
    return {**lines.compute(bars, numbers), **named(chikou=close(bars).shift(numbers["kijun"]))}


def plain(compute: Callable[[Bars, Numbers], Arrays]) -> SecondSource:
    return SecondSource("the definition, bar by bar", compute)


def by_talib(compute: Callable[[Bars, Numbers], FloatArray]) -> SecondSource:
    return SecondSource("TA-Lib", lambda bars, numbers: value(compute(bars, numbers)))


def by_pandas(compute: Callable[[Bars, Numbers], Any]) -> SecondSource:
    return SecondSource("pandas", lambda bars, numbers: value(np.asarray(compute(bars, numbers))))


def close(bars: Bars) -> "pd.Series[float]":
    return pd.Series(bars.close)


SECOND_SOURCES: Mapping[str, SecondSource] = {
    "sma": by_talib(lambda bars, n: talib.SMA(bars.close, n["period"])),
    "ema": plain(lambda bars, n: value(exponential(bars.close.tolist(), n["period"]))),
    "wma": library("wma", {}, "close", length="period"),
    "macd": plain(definitions.macd),
    "adx": plain(definitions.adx),
    "supertrend": plain(definitions.supertrend),
    "psar": plain(definitions.psar),
    "ichimoku": SecondSource("pandas-ta-classic", ichimoku),
    "rsi": plain(definitions.rsi),
    "stochastic": SecondSource("TA-Lib", stochastic),
    "stochrsi": plain(definitions.stochrsi),
    "cci": plain(definitions.cci),
    "williams_r": library("willr", {}, "high low close", length="period"),
    "roc": library("roc", {}, "close", length="period"),
    "momentum": library("mom", {}, "close", length="period"),
    "bollinger": library(
        "bbands",
        {"upper": "BBU", "middle": "BBM", "lower": "BBL", "width": "BBB", "percent_b": "BBP"},
        "close",
        length="period",
        std="std",
    ),
    "keltner": plain(definitions.keltner),
    "donchian": library(
        "donchian",
        {"upper": "DCU", "middle": "DCM", "lower": "DCL"},
        "high low",
        lower_length="period",
        upper_length="period",
    ),
    "atr": plain(lambda bars, n: value(running(true_ranges(bars), n["period"]))),
    "atr_mean": plain(definitions.atr_mean),
    "std": library("stdev", {}, "close", length="period"),
    "highest": by_pandas(lambda bars, n: close(bars).rolling(n["period"]).max()),
    "lowest": by_pandas(lambda bars, n: close(bars).rolling(n["period"]).min()),
    "obv": library("obv", {}, "close volume"),
    "mfi": by_talib(lambda bars, n: talib.MFI(bars.high, bars.low, bars.close, bars.volume, n["period"])),
    "cmf": by_talib(lambda bars, n: talib.CMF(bars.high, bars.low, bars.close, bars.volume, n["period"])),
    "vwap": plain(definitions.vwap),
    "fund_flow": library("cmf", {}, "high low close volume", length="period"),
    "ibs": plain(definitions.ibs),
    "consecutive": plain(definitions.consecutive),
    "bar_return": by_pandas(lambda bars, n: 100 * close(bars).pct_change()),
}
