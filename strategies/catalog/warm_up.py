"""How many bars of history a settled value needs: pure sums, each named for the kind of memory an indicator has.

A window forgets exactly. An exponential average forgets by a factor each bar, so it is settled once the weight of its
start is negligible. A line that turns around (Parabolic SAR, Supertrend) forgets at a turn, and no number of bars is
certain to hold one: what is declared for those was measured, with room to spare (docs/indicators.md).
"""

from functools import cache
from math import ceil, log

from strategies.catalog.kinds import Numbers

NEGLIGIBLE = 1e-10  # the weight a start value may still have; leaves a row within 1e-9 of one with endless history
FINER = 1e-12  # for averages of ranges and moves, which start further off, and for shares and differences of averages
LONGEST_RUN = 250  # bars; runs of closes are counted no further, so that a count never depends on older history


@cache
def settled_after(alpha: float, smoothings: int = 1, negligible: float = NEGLIGIBLE) -> int:
    """Bars after which an exponential average of weight `alpha` has forgotten its start, smoothed once or twice.

    One smoothing leaves decay ** n of the start; a second one, fed that fading error, adds n * alpha times as much.
    """
    decay = 1 - alpha
    bars = ceil(log(negligible) / log(decay))
    while (1 + (smoothings - 1) * bars * alpha) * decay**bars > negligible:
        bars += 1
    return bars


def _ema_bars(period: float, negligible: float = NEGLIGIBLE) -> int:
    return int(period) + (settled_after(2 / (period + 1), negligible=negligible) if period > 1 else 0)


def _wilder_bars(period: float) -> int:
    return int(period) + 1 + settled_after(1 / period, negligible=FINER)


def one_bar(params: Numbers) -> int:
    return 1


def two_bars(params: Numbers) -> int:
    return 2


def longest_run(params: Numbers) -> int:
    return LONGEST_RUN + 1


def window(params: Numbers) -> int:
    return int(params["period"])


def window_of_changes(params: Numbers) -> int:
    return int(params["period"]) + 1


def ema(params: Numbers) -> int:
    return _ema_bars(params["period"])


def wilder(params: Numbers) -> int:
    return _wilder_bars(params["period"])


def wilder_mean(params: Numbers) -> int:
    return _wilder_bars(params["period"]) + int(params["average"])


def adx(params: Numbers) -> int:
    return 2 * int(params["period"]) + settled_after(1 / params["period"], smoothings=2, negligible=FINER)


def macd(params: Numbers) -> int:
    return _ema_bars(params["slow"], FINER) + _ema_bars(params["signal"], FINER)


def keltner(params: Numbers) -> int:
    return max(_ema_bars(params["period"]), _wilder_bars(params["atr_period"]))


def stochastic(params: Numbers) -> int:
    return int(params["k_period"] + params["slowing"] + params["d_period"]) - 2


def stochrsi(params: Numbers) -> int:
    smoothed = int(params["stoch_period"] + params["k_period"] + params["d_period"])
    return _wilder_bars(params["rsi_period"]) + smoothed


def ichimoku(params: Numbers) -> int:
    return int(max(params["tenkan"], params["kijun"], params["senkou_b"]) + params["kijun"])


def supertrend(params: Numbers) -> int:
    """The average range's own, and the time a price that wanders one range a bar takes to leave the bands."""
    return _wilder_bars(params["period"]) + 100 + ceil(15 * params["multiplier"] ** 2)


def psar(params: Numbers) -> int:
    """The slower it accelerates, the longer it follows one trend before it turns."""
    return 300 + ceil(8 / (params["af_start"] + params["af_step"]))
