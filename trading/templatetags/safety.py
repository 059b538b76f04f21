"""Stops and alerts in words, and the glance at them that every page takes once."""

from typing import Any, cast

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import User
from trading.models import Alert, Halt
from trading.models.safety import SCOPES
from trading.services.safeguards import safety
from trading.services.safeguards.safety import Glance, Stop, Switch
from trading.templatetags.reasons import SENTENCES, sentence

register = template.Library()

STOP_WORDS = {
    ("site", "halted"): _("사이트 전체의 거래가 정지되어 있습니다."),
    ("site", "reduce_only"): _("사이트 전체가 청산만 할 수 있습니다."),
    ("user", "halted"): _("내 모든 거래가 정지되어 있습니다."),
    ("user", "reduce_only"): _("내 모든 거래가 청산만 할 수 있습니다."),
    ("account", "halted"): _("계좌 ‘%(name)s’의 거래가 정지되어 있습니다."),
    ("account", "reduce_only"): _("계좌 ‘%(name)s’은(는) 청산만 할 수 있습니다."),
    ("plan", "halted"): _("오토 스윙 ‘%(name)s’이(가) 정지되어 있습니다."),
    ("plan", "reduce_only"): _("오토 스윙 ‘%(name)s’은(는) 청산만 할 수 있습니다."),
    ("instrument", "halted"): _("종목 ‘%(name)s’의 거래가 정지되어 있습니다."),
    ("instrument", "reduce_only"): _("종목 ‘%(name)s’은(는) 청산만 할 수 있습니다."),
}
EVERYTHING = {"site": _("사이트 전체"), "user": _("내 모든 거래")}


@register.simple_tag(takes_context=True)
def safety_glance(context: template.Context) -> Glance | None:
    """`{% safety_glance as safety %}`: what is stopped and unread for the person of this page."""
    user = getattr(context.get("request"), "user", None)
    return safety.glance(cast("User", user)) if user is not None and user.is_authenticated else None


@register.inclusion_tag("components/_nav_item.html", takes_context=True)
def safety_nav_item(context: template.Context, glance: Glance | None, label: str) -> dict[str, Any]:
    """The navigation's entry, with how many alerts are open."""
    url = reverse("trading:safety")
    here = bool(context["request"].path.startswith(url))
    return {"url": url, "label": label, "icon": "safety", "is_here": here, "count": glance.unread if glance else 0}


@register.filter
def stop_words(stop: Stop) -> str:
    """One stop as a sentence."""
    return str(STOP_WORDS[stop.scope, stop.mode]) % {"name": stop.name}


@register.filter
def others(glance: Glance) -> int:
    """How many stops there are besides the one that is told in words."""
    return len(glance.stops) - 1


@register.filter
def scope_name(scope: str) -> str:
    return str(SCOPES.get(scope, scope))


@register.filter
def switch_name(switch: Switch) -> str:
    """What is switched, for a button read out without its row."""
    return switch.name or str(EVERYTHING.get(switch.scope, ""))


@register.filter
def halt_reason(halt: Halt) -> str:
    """Why it was stopped: a code of ours in words, a person's own words as they were typed."""
    if halt.by_id is None or halt.reason in SENTENCES:
        return sentence(halt.reason, halt.facts) or str(_("사유 없음"))
    return halt.reason or str(_("사유를 적지 않음"))


@register.filter
def alert_words(alert: Alert) -> str:
    """What happened, with its numbers."""
    return sentence(alert.cause, alert.facts)


SUBJECT_PAGES = {
    "order": "trading:order",
    "account": "trading:reconciliation",
    "difference": "trading:difference",
    "plan": "trading:plan",
}


@register.filter
def alert_url(alert: Alert) -> str:
    """The page of what an alert is about; '' where there is none, or where it is somebody else's."""
    kind, _separator, key = alert.subject.partition(":")
    if alert.user_id is None or kind not in SUBJECT_PAGES or not key:
        return ""
    try:
        return reverse(SUBJECT_PAGES[kind], args=[key])
    except NoReverseMatch:  # such as an account's word with more behind it
        return ""


@register.filter
def alert_subject(alert: Alert) -> str:
    """What an alert without a page of its own is about: a wider scope in words, anything else by its key."""
    kind, _separator, _key = alert.subject.partition(":")
    return scope_name(kind) if kind in {"site", "user"} else alert.subject


BROKER_STATUS = {
    "accepted": _("접수"),
    "rejected": _("접수 거부"),
    "canceled": pgettext_lazy("order status", "취소"),
    "expired": _("기한 만료"),
}


@register.filter
def broker_status(status: str) -> str:
    """What the broker's list says of an order."""
    return str(BROKER_STATUS.get(status, status))
