"""What the catalog says about an indicator, as data: its words, its numbers, what it gives and how much history it needs."""

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import Literal

from strategies.errors import Language

Numbers = Mapping[str, float]

# price and volume: as the bars have them; source: as the column it is computed from; percent: 100 is the whole;
# fraction: 1 is the whole; bars: a count of them; direction: 1 up, -1 down; points: a scale of the indicator's own.
Unit = Literal["price", "volume", "source", "percent", "fraction", "bars", "direction", "points"]


@dataclass(frozen=True, slots=True)
class Words:
    """The same words in both languages."""

    ko: str
    en: str

    def said_in(self, language: Language) -> str:
        return self.ko if language == "ko" else self.en


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a number may be: `minimum` to `maximum`, and only whole ones if `whole`."""

    minimum: float
    maximum: float
    whole: bool = True


@dataclass(frozen=True, slots=True)
class IndicatorParam(Bounds):
    """One number an indicator takes, and what a form offers for it. A document states every number, defaults too."""

    _: KW_ONLY
    default: float
    title: Words


@dataclass(frozen=True, slots=True)
class Output:
    """One series an indicator gives: its name in a sentence, its unit, and the range it cannot leave, where it has one."""

    title: Words
    unit: Unit
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class IndicatorKind:
    """One indicator. `warm_up(params)` is how many bars a settled value needs, its own bar included.

    `cumulative`: a running total since the first bar loaded, so its level depends on where history begins and only its
    change means anything. `takes_source`: computed from any one bar column, rather than from fixed ones.
    `increasing`: parameters that must differ, in ascending order. An output called "value" is the one meant where a
    document names none.
    """

    name: Words
    meaning: Words
    params: Mapping[str, IndicatorParam]
    outputs: Mapping[str, Output]
    warm_up: Callable[[Numbers], int]
    takes_source: bool = False
    cumulative: bool = False
    increasing: tuple[str, ...] = ()


_TITLES: Mapping[str, Words] = {
    "period": Words("기간", "period"),
    "fast": Words("단기", "fast"),
    "slow": Words("장기", "slow"),
    "signal": Words("시그널", "signal"),
    "std": Words("표준편차 배수", "standard deviations"),
    "multiplier": Words("배수", "multiplier"),
    "average": Words("평균 기간", "average over"),
    "atr_period": Words("ATR 기간", "ATR period"),
    "k_period": Words("%K 기간", "%K period"),
    "d_period": Words("%D 기간", "%D period"),
    "slowing": Words("%K 평활", "%K slowing"),
    "rsi_period": Words("RSI 기간", "RSI period"),
    "stoch_period": Words("스토캐스틱 기간", "stochastic period"),
    "tenkan": Words("전환선 기간", "conversion line"),
    "kijun": Words("기준선 기간", "base line"),
    "senkou_b": Words("선행스팬 2 기간", "leading span B"),
    "af_start": Words("가속 시작", "first acceleration"),
    "af_step": Words("가속 증가", "acceleration step"),
    "af_max": Words("가속 한도", "greatest acceleration"),
}


def bars(name: str, default: int, minimum: int = 2, maximum: int = 500) -> dict[str, IndicatorParam]:
    """A parameter that counts bars."""
    return {name: IndicatorParam(minimum, maximum, default=default, title=_TITLES[name])}


def number(name: str, default: float, minimum: float, maximum: float) -> dict[str, IndicatorParam]:
    """A parameter that need not be whole."""
    return {name: IndicatorParam(minimum, maximum, whole=False, default=default, title=_TITLES[name])}


def alone(symbol: str, unit: Unit, lowest: float | None = None, highest: float | None = None) -> dict[str, Output]:
    """The only output of an indicator that traders write the same way everywhere."""
    return {"value": Output(Words(symbol, symbol), unit, lowest, highest)}
