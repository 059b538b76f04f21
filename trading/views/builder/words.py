"""What the builder calls the words of a rule. A word it does not know stands there as the document writes it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

KINDS: Mapping[str, Any] = {
    "compare": _("비교"),
    "cross_above": _("위로 돌파"),
    "cross_below": _("아래로 돌파"),
    "was_below_within": _("아래였다가 지금은 위"),
    "was_above_within": _("위였다가 지금은 아래"),
    "between": _("두 값 사이"),
    "change": _("여러 봉 동안의 변화"),
    "candle": _("캔들 패턴"),
}
FIELDS: Mapping[str, Any] = {
    "left": _("보는 값"),
    "right": _("견줄 값"),
    "series": _("보는 값"),
    "threshold": _("기준"),
    "low": _("아래 끝"),
    "high": _("위 끝"),
    "op": _("비교"),
    "bars": _("봉 수"),
    "unit": _("단위"),
    "pattern": _("패턴"),
    "signal": _("방향"),
}
CHOICES: Mapping[str, Mapping[str, Any]] = {
    "op": {
        "gt": _("> 보다 큼"),
        "ge": _("≥ 이상"),
        "lt": _("< 보다 작음"),
        "le": _("≤ 이하"),
        "eq": _("= 같음"),
        "ne": _("≠ 다름"),
    },
    "unit": {"raw": _("그대로"), "average_volume": _("평균 거래량의 배수")},
    "signal": {"bullish": _("상승형"), "bearish": _("하락형"), "detected": _("상승형 또는 하락형")},
}
RISKS: Mapping[str, tuple[Any, Any]] = {  # what it is called, and what it means
    "stop_loss_rate": (_("손절"), _("평균 매수가에서 이만큼 내리면 전량 매도")),
    "take_profit_rate": (_("익절"), _("평균 매수가에서 이만큼 오르면 전량 매도")),
    "trailing_stop_rate": (_("추적 손절"), _("매수 후 최고 종가에서 이만큼 내리면 전량 매도")),
    "time_stop_bars": (_("보유 기간"), _("이만큼 봉을 들고 있으면 다음 봉 시가에 전량 매도")),
    "max_position_rate": (_("최대 비중"), _("계좌 평가액에서 이 전략이 차지할 수 있는 몫")),
}
JOINS = [("all", _("다음을 모두 만족할 때")), ("any", _("다음 중 하나라도 만족할 때"))]
RISK_ONLY = ("risk_only", _("매도 규칙 없이 아래 위험 한도로만"))
WAYS = [
    ("open", _("다음 봉 시가에 산다")),
    ("level", _("다음 봉이 이 가격에 닿으면 산다")),
    ("above_open", _("다음 봉이 시가에서 이만큼 오르면 산다")),
]
PARAMETER_KINDS: Mapping[str, Any] = {"int": _("정수"), "number": _("소수")}
STEPS = [_("1차 매수"), _("2차 매수")]
INDICATOR_GROUPS: Mapping[str, Any] = {
    "trend": _("추세"),
    "oscillators": _("과열과 침체"),
    "ranges": _("변동 폭"),
    "volume": _("거래량"),
    "single_bars": _("봉 하나"),
}
_PLACES: Mapping[str, Any] = {
    "name": _("이름"),
    "alias": _("별명"),
    "description": _("설명"),
    "exit": _("매도"),
    "stop": _("사는 때"),
    "level": _("진입 가격"),
    "number": _("숫자"),
    "scale": _("곱하기"),
    "offset": _("더하기"),
    "ago": _("몇 봉 전"),
    "default": _("기본값"),
    "minimum": _("최솟값"),
    "maximum": _("최댓값"),
    "step": _("증감 단위"),
    "increasing": _("차례로 커져야 하는 것"),
    "parameters": _("매개변수"),
    "indicators": _("지표"),
    "entries": _("매수"),
    "members": _("조건"),
    "risk": _("위험 한도"),
    "label": _("이름표"),
    **FIELDS,
}


def place_words(name: str) -> str:
    """Where a field is, as people say it: `1차 매수 › 조건 2 › 견줄 값`."""
    return " › ".join(str(each) for each in _places(name.split(".")))


def _places(steps: list[str]) -> Iterator[Any]:
    for step, after in zip(steps, [*steps[1:], ""], strict=True):
        if step.isdecimal():
            continue
        number = int(after) + 1 if after.isdecimal() else 0
        if step == "entries" and 0 < number <= len(STEPS):
            yield STEPS[number - 1]
        elif step in RISKS:
            yield RISKS[step][0]
        elif step in _PLACES:
            yield (
                gettext("%(what)s %(number)s") % {"what": _PLACES[step], "number": number} if number else _PLACES[step]
            )
