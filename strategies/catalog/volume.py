"""What volume says about a move."""

from collections.abc import Mapping

from strategies.catalog import warm_up
from strategies.catalog.kinds import IndicatorKind, Output, Words, alone, bars

VOLUME: Mapping[str, IndicatorKind] = {
    "obv": IndicatorKind(
        Words("누적 거래량", "On-balance volume"),
        Words(
            "오른 봉의 거래량은 더하고 내린 봉의 거래량은 뺀 누적값입니다.",
            "A running total: the volume of rising bars added, that of falling bars taken away.",
        ),
        {},
        alone("OBV", "volume"),
        warm_up.one_bar,
        cumulative=True,
    ),
    "mfi": IndicatorKind(
        Words("자금흐름지수", "Money flow index"),
        Words(
            "오른 봉의 거래대금이 전체 거래대금에서 차지하는 몫입니다.",
            "The share of rising bars in the money traded over the last N bars.",
        ),
        bars("period", 14),
        alone("MFI", "percent", 0, 100),
        warm_up.window_of_changes,
    ),
    "cmf": IndicatorKind(
        Words("차이킨 자금 흐름", "Chaikin money flow"),
        Words(
            "종가가 봉의 고저 어디에서 끝났는지를 거래량으로 가중해 평균합니다.",
            "Where bars closed between their low (−1) and high (1), averaged by volume.",
        ),
        bars("period", 20),
        alone("CMF", "fraction", -1, 1),
        warm_up.window,
    ),
    "vwap": IndicatorKind(
        Words("거래량 가중 평균가", "Volume-weighted average price"),
        Words(
            "최근 N봉의 대표 가격을 거래량으로 가중해 평균합니다.",
            "The typical price of the last N bars, averaged by volume.",
        ),
        bars("period", 14, minimum=1),
        alone("VWAP", "price"),
        warm_up.window,
    ),
    "fund_flow": IndicatorKind(
        Words("자금 흐름", "Fund flow"),
        Words(
            "최근 N봉에서 (시장가 매수 대금 − 시장가 매도 대금) ÷ 전체 대금이고, 매수·매도 구분이 없으면 차이킨 자금 흐름입니다.",
            "(What takers bought − what takers sold) ÷ all money traded over the last N bars; "
            "Chaikin money flow where the sides are not known.",
        ),
        bars("period", 20),
        {"value": Output(Words("자금 흐름", "Fund flow"), "fraction", -1, 1)},
        warm_up.window,
    ),
}
