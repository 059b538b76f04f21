"""What single bars look like, one by one or in a row."""

from collections.abc import Mapping

from strategies.catalog import warm_up
from strategies.catalog.kinds import IndicatorKind, Output, Words, alone

SINGLE_BARS: Mapping[str, IndicatorKind] = {
    "ibs": IndicatorKind(
        Words("봉 내부 강도", "Internal bar strength"),
        Words(
            "종가가 봉의 저가(0)와 고가(1) 사이 어디인지 나타냅니다.",
            "Where the close stands between the bar's low (0) and high (1).",
        ),
        {},
        alone("IBS", "fraction", 0, 1),
        warm_up.one_bar,
    ),
    "consecutive": IndicatorKind(
        Words("연속 상승·하락", "Consecutive closes"),
        Words(
            f"종가가 전 봉보다 잇달아 오른(내린) 봉 수입니다 (최대 {warm_up.LONGEST_RUN}).",
            f"How many closes in a row were above (below) the one before, counted up to {warm_up.LONGEST_RUN}.",
        ),
        {},
        {
            "up": Output(Words("연속 상승", "Closes up in a row"), "bars", 0, warm_up.LONGEST_RUN),
            "down": Output(Words("연속 하락", "Closes down in a row"), "bars", 0, warm_up.LONGEST_RUN),
        },
        warm_up.longest_run,
    ),
    "bar_return": IndicatorKind(
        Words("1봉 수익률", "One-bar return"),
        Words(
            "종가가 전 봉 종가보다 몇 % 변했는지 나타냅니다.",
            "The change of the close from the one before, in percent.",
        ),
        {},
        {"value": Output(Words("1봉 수익률", "One-bar return"), "percent")},
        warm_up.two_bars,
    ),
}
