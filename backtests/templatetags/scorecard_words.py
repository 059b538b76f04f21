"""The scorecard in words: what each check looks at, and its answer with its numbers."""

from collections.abc import Mapping
from typing import Any

from django import template
from django.utils.translation import gettext_lazy as _

from backtests.templatetags.backtest_words import WithGaps, ratio, shown
from markets.templatetags.figures import NOTHING, signed_rate

register = template.Library()

VERDICTS = {"pass": _("괜찮음"), "warn": _("주의"), "fail": _("나쁨"), "unknown": _("알 수 없음")}


@register.filter
def verdict_word(check: Mapping[str, Any]) -> str:
    return str(VERDICTS[check["verdict"]])


@register.filter
def check_name(check: Mapping[str, Any]) -> str:
    """What a check of the scorecard looks at."""
    return str(CHECKS[check["code"]][0])


@register.filter
def check_sentence(check: Mapping[str, Any]) -> str:
    """A check's answer, with its numbers."""
    facts = {name: _fact(name, value) for name, value in check["facts"].items()}
    why = check["facts"].get("why")
    if why in WHY_UNKNOWN:
        return str(WHY_UNKNOWN[why]) % WithGaps(facts)
    return str(CHECKS[check["code"]][1]) % WithGaps(facts)


# code → (what it looks at, its answer)
CHECKS: Mapping[str, tuple[Any, Any]] = {
    "trade_count": (
        _("거래 횟수"),
        _("%(trades)s번 거래했습니다. %(few)s번이 안 되면 우연이고, %(enough)s번은 되어야 믿을 만합니다."),
    ),
    "look_ahead": (
        _("미래를 본 흔적"),
        _("뒤의 봉을 잘라 내고 %(cuts)s번 다시 계산해 체결 %(compared)s건을 견주었더니 %(changed)s건이 달라졌습니다."),
    ),
    "warm_up": (
        _("앞선 봉의 양"),
        _("지표에 앞선 봉을 넉넉히 주면 %(long)s, 선언한 만큼(%(bars)s봉)만 주면 %(short)s입니다."),
    ),
    "costs_doubled": (_("비용이 두 배라면"), _("수익률이 %(before)s에서 %(after)s(으)로 바뀝니다.")),
    "neighbourhood": (
        _("값을 조금 바꾸면"),
        _(
            "이웃한 값 %(points)s가지 가운데 %(profitable)s가지가 벌었고, "
            "가운데 값은 %(middle)s, 가장 나쁜 것은 %(worst)s입니다. (지금 %(own)s)"
        ),
    ),
    "walk_forward": (
        _("고른 뒤의 기간"),
        _(
            "앞 기간에서 고른 값을 다음 기간에 시험한 %(windows)s번 가운데 %(profitable)s번 "
            "벌었습니다. 이어 붙이면 %(total_return)s, 보유했다면 %(hold_return)s입니다."
        ),
    ),
    "trade_order": (
        _("거래 순서가 달랐다면"),
        _("순서를 %(draws)s번 섞으면 스무 번에 한 번은 낙폭이 %(worst)s보다 깊습니다. (지금 %(measured)s)"),
    ),
    "block_bootstrap": (
        _("다른 날들이 왔다면"),
        _(
            "날들을 덩어리로 %(draws)s번 다시 뽑으면 스무 번에 한 번은 %(low)s보다 못하고, "
            "가운데는 %(middle)s입니다. 잃은 경우는 %(lost)s입니다."
        ),
    ),
    "against_holding": (
        _("그냥 들고 있었다면"),
        _(
            "이 규칙은 %(own)s, 보유는 %(hold)s입니다. 샤프 %(own_sharpe)s 대 "
            "%(hold_sharpe)s, 낙폭 %(own_drawdown)s 대 %(hold_drawdown)s."
        ),
    ),
}
WHY_UNKNOWN: Mapping[str, Any] = {
    "no_trades": _("한 번도 거래하지 않아 믿을 근거가 없습니다."),
    "no_parameters": _("바꿔 볼 값이 없는 규칙입니다."),
    "too_few_trades": _("거래가 적어 따질 수 없습니다."),
    "too_few_days": _("날이 적어 따질 수 없습니다."),
    "too_few_bars": _("봉이 적어 따질 수 없습니다."),
    "warm_up_longer_than_data": _("봉이 적어 따질 수 없습니다."),
    "training_made_nothing": _(
        "앞 기간에서 고른 값이 벌지 못해 따질 것이 없습니다. %(windows)s번 가운데 %(profitable)s번 벌었습니다."
    ),
}
PLAIN_FACTS = {"own_sharpe", "hold_sharpe"}


def _fact(name: str, value: Any) -> str:
    """Whole numbers as counts, fractions as returns, ratios as they are."""
    if value is None:
        return NOTHING
    if name in PLAIN_FACTS:
        return ratio(value)
    return signed_rate(value, 1) if isinstance(value, float) else shown(name, value)
