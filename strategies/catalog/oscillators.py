"""How fast a series moves, and where it stands within what it did lately."""

from collections.abc import Mapping

from strategies.catalog import warm_up
from strategies.catalog.kinds import IndicatorKind, Output, Words, alone, bars

OSCILLATORS: Mapping[str, IndicatorKind] = {
    "rsi": IndicatorKind(
        Words("상대강도지수", "Relative strength index"),
        Words(
            "오른 폭이 전체 움직임에서 차지하는 몫입니다 (와일더).",
            "The share of rises in all movement (Wilder).",
        ),
        bars("period", 14),
        alone("RSI", "percent", 0, 100),
        warm_up.wilder,
        takes_source=True,
    ),
    "stochastic": IndicatorKind(
        Words("스토캐스틱", "Stochastic"),
        Words(
            "최근 고저 범위에서 종가의 위치(%K, 평활)와 그 평균(%D)입니다.",
            "Where the close stands in the range of the last bars (%K, slowed) and the average of that (%D).",
        ),
        bars("k_period", 14) | bars("slowing", 3, minimum=1) | bars("d_period", 3, minimum=1),
        {
            "k": Output(Words("스토캐스틱 %K", "Stochastic %K"), "percent", 0, 100),
            "d": Output(Words("스토캐스틱 %D", "Stochastic %D"), "percent", 0, 100),
        },
        warm_up.stochastic,
    ),
    "stochrsi": IndicatorKind(
        Words("스토캐스틱 RSI", "Stochastic RSI"),
        Words(
            "최근 RSI 범위에서 지금 RSI의 위치(%K, 평활)와 그 평균(%D)입니다.",
            "Where RSI stands in its own range of the last bars (%K, smoothed) and the average of that (%D).",
        ),
        bars("rsi_period", 14)
        | bars("stoch_period", 14)
        | bars("k_period", 3, minimum=1)
        | bars("d_period", 3, minimum=1),
        {
            "k": Output(Words("스토캐스틱 RSI %K", "Stochastic RSI %K"), "percent", 0, 100),
            "d": Output(Words("스토캐스틱 RSI %D", "Stochastic RSI %D"), "percent", 0, 100),
        },
        warm_up.stochrsi,
        takes_source=True,
    ),
    "cci": IndicatorKind(
        Words("상품채널지수", "Commodity channel index"),
        Words(
            "대표 가격이 평균에서 벗어난 정도를 평소 벗어난 폭의 1.5 %를 한 점으로 나타냅니다.",
            "How far the typical price is from its mean, in points of 1.5 % of its usual distance.",
        ),
        bars("period", 20),
        alone("CCI", "points"),
        warm_up.window,
    ),
    "williams_r": IndicatorKind(
        Words("윌리엄스 %R", "Williams %R"),
        Words(
            "최근 고저 범위에서 종가가 고점보다 얼마나 아래인지 나타냅니다 (0이 고점, −100이 저점).",
            "How far below the top of the last bars' range the close stands (0 the top, −100 the bottom).",
        ),
        bars("period", 14),
        alone("%R", "percent", -100, 0),
        warm_up.window,
    ),
    "roc": IndicatorKind(
        Words("변화율", "Rate of change"),
        Words("N봉 전보다 몇 % 변했는지 나타냅니다.", "The change from N bars ago, in percent."),
        bars("period", 10, minimum=1),
        alone("ROC", "percent"),
        warm_up.window_of_changes,
        takes_source=True,
    ),
    "momentum": IndicatorKind(
        Words("모멘텀", "Momentum"),
        Words("N봉 전 값과의 차이입니다.", "The difference from the value of N bars ago."),
        bars("period", 10, minimum=1),
        {"value": Output(Words("모멘텀", "Momentum"), "source")},
        warm_up.window_of_changes,
        takes_source=True,
    ),
}
