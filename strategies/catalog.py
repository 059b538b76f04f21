"""Which indicators exist: what each is called, takes and gives, and how much history it needs.

Description only, so that pages and forms can read it without loading the libraries that compute (`indicators.py`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log

NEGLIGIBLE = 1e-10  # the weight a start value may still have; leaves a row within 1e-9 of one with endless history

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be: `minimum` to `maximum`, and only whole ones if `whole`."""

    minimum: float
    maximum: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class IndicatorKind:
    """One indicator. `warm_up(params)` is how many bars a settled value needs, its own bar included.

    `cumulative`: a running total since the first bar loaded, so its level depends on where history begins and only its
    change means anything. `takes_source`: computed from any one bar column, rather than from fixed ones.
    """

    title: str
    params: Mapping[str, Bounds]
    warm_up: Callable[[Numbers], int]
    outputs: tuple[str, ...] = ("value",)
    takes_source: bool = True
    cumulative: bool = False


def settled_after(alpha: float, smoothings: int = 1) -> int:
    """Bars after which an exponential average of weight `alpha` has forgotten its start, smoothed once or twice.

    One smoothing leaves decay ** n of the start; a second one, fed that fading error, adds n * alpha times as much.
    """
    decay = 1 - alpha
    bars = ceil(log(NEGLIGIBLE) / log(decay))
    while (1 + (smoothings - 1) * bars * alpha) * decay**bars > NEGLIGIBLE:
        bars += 1
    return bars


def _ema_warm_up(params: Numbers) -> int:
    return int(params["period"]) + settled_after(2 / (params["period"] + 1))


def _rsi_warm_up(params: Numbers) -> int:
    return int(params["period"]) + 1 + settled_after(1 / params["period"])


def _adx_warm_up(params: Numbers) -> int:
    return 2 * int(params["period"]) + settled_after(1 / params["period"], smoothings=2)


def _sma_warm_up(params: Numbers) -> int:
    return int(params["period"])


def _one_bar(params: Numbers) -> int:
    return 1


_PERIOD = {"period": Bounds(2, 500)}

INDICATORS: Mapping[str, IndicatorKind] = {
    "ema": IndicatorKind("EMA", _PERIOD, _ema_warm_up),
    "sma": IndicatorKind("SMA", _PERIOD, _sma_warm_up),
    "rsi": IndicatorKind("RSI", _PERIOD, _rsi_warm_up),
    "adx": IndicatorKind("ADX", _PERIOD, _adx_warm_up, outputs=("value", "plus_di", "minus_di"), takes_source=False),
    "obv": IndicatorKind("OBV", {}, _one_bar, takes_source=False, cumulative=True),
}
