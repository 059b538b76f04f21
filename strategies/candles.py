"""The candlestick patterns a rule may ask for, as TA-Lib draws them: their names, and nothing that computes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from strategies.catalog import Words


@dataclass(frozen=True, slots=True)
class Pattern:
    """`function` is TA-Lib's; `only`, where that draws two patterns at once, says which of them is meant."""

    title: Words
    function: str
    only: Literal["bullish", "bearish"] | None = None


PATTERN_BARS = 30  # of history every pattern can do with: five bars, and the ten whose usual size they are held against


def _pattern(ko: str, en: str, function: str, only: Literal["bullish", "bearish"] | None = None) -> Pattern:
    return Pattern(Words(ko, en), f"CDL{function}", only)


PATTERNS: Mapping[str, Pattern] = {
    "doji": _pattern("도지", "Doji", "DOJI"),
    "dragonfly_doji": _pattern("잠자리형 도지", "Dragonfly doji", "DRAGONFLYDOJI"),
    "gravestone_doji": _pattern("비석형 도지", "Gravestone doji", "GRAVESTONEDOJI"),
    "long_legged_doji": _pattern("긴 다리 도지", "Long-legged doji", "LONGLEGGEDDOJI"),
    "hammer": _pattern("망치형", "Hammer", "HAMMER"),
    "hanging_man": _pattern("교수형", "Hanging man", "HANGINGMAN"),
    "inverted_hammer": _pattern("역망치형", "Inverted hammer", "INVERTEDHAMMER"),
    "shooting_star": _pattern("유성형", "Shooting star", "SHOOTINGSTAR"),
    "marubozu": _pattern("마루보즈", "Marubozu", "MARUBOZU"),
    "closing_marubozu": _pattern("종가 마루보즈", "Closing marubozu", "CLOSINGMARUBOZU"),
    "spinning_top": _pattern("팽이형", "Spinning top", "SPINNINGTOP"),
    "belt_hold": _pattern("샅바형", "Belt hold", "BELTHOLD"),
    "high_wave": _pattern("높은 파도형", "High wave", "HIGHWAVE"),
    "rickshaw_man": _pattern("인력거꾼형", "Rickshaw man", "RICKSHAWMAN"),
    "engulfing": _pattern("장악형", "Engulfing", "ENGULFING"),
    "harami": _pattern("잉태형", "Harami", "HARAMI"),
    "harami_cross": _pattern("십자 잉태형", "Harami cross", "HARAMICROSS"),
    "piercing": _pattern("관통형", "Piercing", "PIERCING"),
    "dark_cloud_cover": _pattern("흑운형", "Dark cloud cover", "DARKCLOUDCOVER"),
    "counterattack": _pattern("반격형", "Counterattack", "COUNTERATTACK"),
    "on_neck": _pattern("걸침형", "On neck", "ONNECK"),
    "in_neck": _pattern("진입형", "In neck", "INNECK"),
    "thrusting": _pattern("찌름형", "Thrusting", "THRUSTING"),
    "separating_lines": _pattern("갈림길형", "Separating lines", "SEPARATINGLINES"),
    "kicking": _pattern("발차기형", "Kicking", "KICKING"),
    "kicking_by_length": _pattern("발차기형 (긴 쪽 기준)", "Kicking by length", "KICKINGBYLENGTH"),
    "matching_low": _pattern("같은 저점형", "Matching low", "MATCHINGLOW"),
    "gap_side_by_side_white": _pattern("갭 나란히 양봉형", "Gap side-by-side white", "GAPSIDESIDEWHITE"),
    "homing_pigeon": _pattern("비둘기형", "Homing pigeon", "HOMINGPIGEON"),
    "dojistar": _pattern("도지별형", "Doji star", "DOJISTAR"),
    "morning_star": _pattern("샛별형", "Morning star", "MORNINGSTAR"),
    "morning_doji_star": _pattern("십자 샛별형", "Morning doji star", "MORNINGDOJISTAR"),
    "evening_star": _pattern("석별형", "Evening star", "EVENINGSTAR"),
    "evening_doji_star": _pattern("십자 석별형", "Evening doji star", "EVENINGDOJISTAR"),
    "three_white_soldiers": _pattern("적삼병", "Three white soldiers", "3WHITESOLDIERS"),
    "three_black_crows": _pattern("흑삼병", "Three black crows", "3BLACKCROWS"),
    "three_inside": _pattern("잉태 확인형", "Three inside", "3INSIDE"),
    "three_outside": _pattern("장악 확인형", "Three outside", "3OUTSIDE"),
    "abandoned_baby": _pattern("버려진 아기형", "Abandoned baby", "ABANDONEDBABY"),
    "three_stars_in_south": _pattern("남쪽 세 별형", "Three stars in the south", "3STARSINSOUTH"),
    "advance_block": _pattern("전진 저지형", "Advance block", "ADVANCEBLOCK"),
    "stalled_pattern": _pattern("지연형", "Stalled pattern", "STALLEDPATTERN"),
    "tasuki_gap": _pattern("타스키 갭형", "Tasuki gap", "TASUKIGAP"),
    "upside_gap_two_crows": _pattern("상승 갭 두 까마귀형", "Upside gap two crows", "UPSIDEGAP2CROWS"),
    "stick_sandwich": _pattern("샌드위치형", "Stick sandwich", "STICKSANDWICH"),
    "three_line_strike": _pattern("세 줄 반격형", "Three-line strike", "3LINESTRIKE"),
    "two_crows": _pattern("두 까마귀형", "Two crows", "2CROWS"),
    "unique_three_river": _pattern("세 강 바닥형", "Unique three river", "UNIQUE3RIVER"),
    "concealing_baby_swallow": _pattern("숨은 아기 제비형", "Concealing baby swallow", "CONCEALBABYSWALL"),
    "breakaway": _pattern("이탈형", "Breakaway", "BREAKAWAY"),
    "mat_hold": _pattern("깔개형", "Mat hold", "MATHOLD"),
    "rising_three_methods": _pattern("상승 삼법형", "Rising three methods", "RISEFALL3METHODS", "bullish"),
    "falling_three_methods": _pattern("하락 삼법형", "Falling three methods", "RISEFALL3METHODS", "bearish"),
    "ladder_bottom": _pattern("사다리 바닥형", "Ladder bottom", "LADDERBOTTOM"),
    "tristar": _pattern("세 별형", "Tristar", "TRISTAR"),
    "identical_three_crows": _pattern("같은 흑삼병", "Identical three crows", "IDENTICAL3CROWS"),
    "up_down_gap_three_methods": _pattern("갭 삼법형", "Up/down gap three methods", "XSIDEGAP3METHODS"),
}
