"""Averages of a series, and lines that say which way it goes."""

from collections.abc import Mapping

from strategies.catalog import warm_up
from strategies.catalog.kinds import IndicatorKind, Output, Words, alone, bars, number

TREND: Mapping[str, IndicatorKind] = {
    "sma": IndicatorKind(
        Words("단순이동평균", "Simple moving average"),
        Words("최근 N봉의 값을 똑같은 무게로 평균합니다.", "The plain mean of the last N values."),
        bars("period", 20),
        alone("SMA", "source"),
        warm_up.window,
        takes_source=True,
    ),
    "ema": IndicatorKind(
        Words("지수이동평균", "Exponential moving average"),
        Words(
            "최근 값일수록 무겁게 평균합니다.", "An average in which each newer value weighs more than the one before."
        ),
        bars("period", 20),
        alone("EMA", "source"),
        warm_up.ema,
        takes_source=True,
    ),
    "wma": IndicatorKind(
        Words("가중이동평균", "Weighted moving average"),
        Words(
            "최근 N봉을 1, 2, …, N의 무게로 평균합니다.",
            "The mean of the last N values, weighted 1, 2, … N towards the newest.",
        ),
        bars("period", 20),
        alone("WMA", "source"),
        warm_up.window,
        takes_source=True,
    ),
    "macd": IndicatorKind(
        Words("MACD", "MACD"),
        Words(
            "단기 EMA에서 장기 EMA를 뺀 선, 그 EMA인 시그널, 그리고 둘의 차이입니다.",
            "The fast EMA less the slow one, that line's own EMA (signal), and the difference of the two (histogram).",
        ),
        bars("fast", 12) | bars("slow", 26) | bars("signal", 9, minimum=1),
        {
            "value": Output(Words("MACD", "MACD"), "source"),
            "signal": Output(Words("MACD 시그널", "MACD signal"), "source"),
            "histogram": Output(Words("MACD 히스토그램", "MACD histogram"), "source"),
        },
        warm_up.macd,
        takes_source=True,
        increasing=("fast", "slow"),
    ),
    "adx": IndicatorKind(
        Words("평균 방향성 지수", "Average directional index"),
        Words(
            "추세의 세기를 방향과 관계없이 나타내고, +DI와 −DI가 방향을 말합니다 (와일더).",
            "How strong a trend is, whichever its direction; +DI and −DI tell the direction (Wilder).",
        ),
        bars("period", 14),
        {
            "value": Output(Words("ADX", "ADX"), "percent", 0, 100),
            "plus_di": Output(Words("+DI", "+DI"), "percent", 0, 100),
            "minus_di": Output(Words("−DI", "−DI"), "percent", 0, 100),
        },
        warm_up.adx,
    ),
    "supertrend": IndicatorKind(
        Words("슈퍼트렌드", "Supertrend"),
        Words(
            "ATR의 배수만큼 떨어져 추세를 따라가다가 종가가 넘으면 뒤집히는 선입니다.",
            "A line that trails the trend by a multiple of ATR and changes sides when a close passes it.",
        ),
        bars("period", 10) | number("multiplier", 3, 0.1, 10),
        {
            "value": Output(Words("슈퍼트렌드", "Supertrend"), "price"),
            "direction": Output(Words("슈퍼트렌드 방향", "Supertrend direction"), "direction", -1, 1),
        },
        warm_up.supertrend,
    ),
    "psar": IndicatorKind(
        Words("파라볼릭 SAR", "Parabolic SAR"),
        Words(
            "추세가 이어질수록 빠르게 다가오다가 가격이 닿으면 뒤집히는 선입니다 (와일더).",
            "A stop that closes in ever faster while the trend lasts, and changes sides when the price touches it (Wilder).",
        ),
        number("af_start", 0.02, 0.001, 0.5) | number("af_step", 0.02, 0.001, 0.5) | number("af_max", 0.2, 0.01, 1),
        {
            "value": Output(Words("SAR", "SAR"), "price"),
            "direction": Output(Words("SAR 방향", "SAR direction"), "direction", -1, 1),
        },
        warm_up.psar,
    ),
    "ichimoku": IndicatorKind(
        Words("일목균형표", "Ichimoku"),
        Words(
            "기간별 고저 중간값의 선들입니다. 선행스팬은 기준선 기간만큼 전에 계산되어 이 봉에 그려지는 값이고, "
            "후행스팬은 기준선 기간만큼 전의 종가로서 지금 종가와 견줍니다.",
            "Midpoints of past ranges. The leading spans are those computed one base period ago and drawn at this bar; "
            "the lagging span is the close of one base period ago, to be compared with the close now.",
        ),
        bars("tenkan", 9) | bars("kijun", 26) | bars("senkou_b", 52),
        {
            "tenkan": Output(Words("전환선", "Conversion line"), "price"),
            "kijun": Output(Words("기준선", "Base line"), "price"),
            "senkou_a": Output(Words("선행스팬 1", "Leading span A"), "price"),
            "senkou_b": Output(Words("선행스팬 2", "Leading span B"), "price"),
            "chikou": Output(Words("후행스팬", "Lagging span"), "price"),
        },
        warm_up.ichimoku,
        increasing=("tenkan", "kijun", "senkou_b"),
    ),
}
