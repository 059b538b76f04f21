"""What a broker's key can do, and how long it lasts, in words."""

from datetime import date
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from brokers.kis.inspection import Permission
from markets.types import market_day
from trading.services.running.account_keys import EXPIRES_SOON, KeyCard
from trading.templatetags.reasons import sentence

register = template.Library()

PERMISSIONS: dict[str, Any] = {
    Permission.QUOTES: gettext_lazy("시세 조회"),
    Permission.BALANCE: gettext_lazy("잔고 조회"),
    Permission.ORDERS: gettext_lazy("주문과 주문 내역"),
    Permission.BUYABLE: gettext_lazy("주문 가능 금액 조회"),
    Permission.STREAM: gettext_lazy("실시간 접속"),
}
STATES: dict[str, tuple[Any, str]] = {
    "works": (gettext_lazy("연결됨"), "good"),
    "failed": (gettext_lazy("쓸 수 없음"), "bad"),
    "unchecked": (gettext_lazy("확인 전"), "warn"),
    "off": (gettext_lazy("실전 꺼짐"), "warn"),
    "removed": (gettext_lazy("키 없음"), "warn"),
}


@register.filter
def key_state(card: KeyCard) -> Any:
    return STATES[card.state][0]


@register.filter
def key_tone(card: KeyCard) -> str:
    return STATES[card.state][1]


@register.filter
def key_permissions(card: KeyCard) -> list[tuple[Any, bool, str]]:
    """Each thing the last check tried: its name, whether it may, and why not."""
    found: dict[str, str] = card.credential.permissions
    return [(name, not found[key], sentence(found[key])) for key, name in PERMISSIONS.items() if key in found]


@register.filter
def key_expiry(card: KeyCard) -> str:
    """How long the key lasts, in words; "" where its owner has not said."""
    left = card.days_left(_today())
    if left is None:
        return ""
    if left < 0:
        return _("만료되었습니다. 새 키로 바꿔 주세요.")
    return ngettext("%(days)s일 남음", "%(days)s일 남음", left) % {"days": left}


@register.filter
def key_warning(card: KeyCard) -> str:
    """The same as a warning; "" while there is time."""
    if not ends_soon(card):
        return ""
    left = card.days_left(_today()) or 0
    if left <= 0:
        return key_expiry(card) if left < 0 else _("이 키는 오늘 만료됩니다. 새 키로 바꿔 주세요.")
    return ngettext(
        "이 키는 %(days)s일 뒤 만료됩니다. 새 키로 바꿔 주세요.",
        "이 키는 %(days)s일 뒤 만료됩니다. 새 키로 바꿔 주세요.",
        left,
    ) % {"days": left}


def ends_soon(card: KeyCard) -> bool:
    left = card.days_left(_today())
    return left is not None and left <= EXPIRES_SOON.days


def _today() -> date:
    return market_day(timezone.now())  # a broker's key ends with a day of its country
