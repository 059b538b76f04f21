"""How widely a series moves, and channels drawn from that."""

from collections.abc import Mapping

from strategies.catalog import warm_up
from strategies.catalog.kinds import IndicatorKind, Output, Unit, Words, alone, bars, number


def _channel(ko: str, en: str, unit: Unit) -> dict[str, Output]:
    return {
        "upper": Output(Words(f"{ko} 상단", f"{en} upper"), unit),
        "middle": Output(Words(f"{ko} 중앙", f"{en} middle"), unit),
        "lower": Output(Words(f"{ko} 하단", f"{en} lower"), unit),
    }


RANGES: Mapping[str, IndicatorKind] = {
    "bollinger": IndicatorKind(
        Words("볼린저 밴드", "Bollinger bands"),
        Words(
            "단순이동평균에서 표준편차(모집단)의 배수만큼 위아래로 벌린 띠, 그 폭과 띠 안의 위치(%B)입니다.",
            "A band of so many (population) standard deviations around the simple average; its width; the place in it (%B).",
        ),
        bars("period", 20) | number("std", 2, 0.1, 10),
        _channel("볼린저", "Bollinger", "source")
        | {
            "width": Output(Words("볼린저 폭", "Bollinger width"), "percent"),
            "percent_b": Output(Words("볼린저 %B", "Bollinger %B"), "fraction"),
        },
        warm_up.window,
        takes_source=True,
    ),
    "keltner": IndicatorKind(
        Words("켈트너 채널", "Keltner channel"),
        Words(
            "대표 가격의 EMA에서 ATR의 배수만큼 위아래로 벌린 띠입니다.",
            "A band of so many average true ranges around the EMA of the typical price.",
        ),
        bars("period", 20) | bars("atr_period", 10) | number("multiplier", 2, 0.1, 10),
        _channel("켈트너", "Keltner", "price"),
        warm_up.keltner,
    ),
    "donchian": IndicatorKind(
        Words("돈치안 채널", "Donchian channel"),
        Words(
            "최근 N봉의 최고 고가와 최저 저가, 그 가운데입니다 (이 봉 포함).",
            "The highest high and lowest low of the last N bars, this one counted, and their middle.",
        ),
        bars("period", 20),
        _channel("돈치안", "Donchian", "price"),
        warm_up.window,
    ),
    "atr": IndicatorKind(
        Words("평균 진폭", "Average true range"),
        Words(
            "전 봉 종가와의 틈까지 센 봉의 진폭을 와일더 방식으로 평균합니다.",
            "The average range of a bar, gaps from the close before it counted (Wilder).",
        ),
        bars("period", 14),
        alone("ATR", "price", 0),
        warm_up.wilder,
    ),
    "atr_mean": IndicatorKind(
        Words("평소 ATR", "Usual average true range"),
        Words("ATR의 최근 M봉 단순 평균입니다.", "The plain mean of the last M average true ranges."),
        bars("period", 14) | bars("average", 20),
        {"value": Output(Words("ATR 평균", "ATR mean"), "price", 0)},
        warm_up.wilder_mean,
    ),
    "std": IndicatorKind(
        Words("표준편차", "Standard deviation"),
        Words("최근 N봉 값의 (모집단) 표준편차입니다.", "The (population) standard deviation of the last N values."),
        bars("period", 20),
        {"value": Output(Words("표준편차", "Standard deviation"), "source", 0)},
        warm_up.window,
        takes_source=True,
    ),
    "highest": IndicatorKind(
        Words("최고값", "Highest"),
        Words(
            "최근 N봉 값 가운데 가장 큰 값입니다 (이 봉 포함).", "The largest of the last N values, this bar's counted."
        ),
        bars("period", 20),
        {"value": Output(Words("최고", "Highest"), "source")},
        warm_up.window,
        takes_source=True,
    ),
    "lowest": IndicatorKind(
        Words("최저값", "Lowest"),
        Words(
            "최근 N봉 값 가운데 가장 작은 값입니다 (이 봉 포함).",
            "The smallest of the last N values, this bar's counted.",
        ),
        bars("period", 20),
        {"value": Output(Words("최저", "Lowest"), "source")},
        warm_up.window,
        takes_source=True,
    ),
}
