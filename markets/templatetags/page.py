"""The frame around every page: where you are, light or dark, and what time it is in the market."""

from typing import Any

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from markets.models import PriceFeed
from markets.services.quotes import STALE_AFTER

register = template.Library()

THEMES = ("auto", "light", "dark")
SPEEDS = (1, 60, 3600)


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """The person's choice of light or dark, from the cookie; `auto` follows the system."""
    request = context.get("request")
    chosen = request.COOKIES.get("theme") if request else None
    return chosen if chosen in THEMES else "auto"


@register.inclusion_tag("components/_nav_item.html", takes_context=True)
def nav_item(context: template.Context, url_name: str, label: str, icon: str, place: str = "") -> dict[str, Any]:
    """One entry of the navigation, marked when the page lies under it; `place="desk"` keeps it off the phone."""
    try:
        url = reverse(url_name)
    except NoReverseMatch:  # the app that owns the page is not installed here
        url = ""
    request = context.get("request")
    here = bool(url and request and request.path.startswith(url))
    return {"url": url, "label": label, "icon": icon, "is_here": here, "place": place}


@register.inclusion_tag("components/_market_clock.html", takes_context=True)
def market_clock(context: template.Context) -> dict[str, Any]:
    """The clock of the source behind this page's instrument, else of the source that beat last."""
    feeds = PriceFeed.objects.order_by("-heartbeat_at")
    instrument = context.get("instrument")
    if instrument is not None:
        feeds = feeds.filter(source=instrument.source)
    feed = feeds.defer("state").first()
    request = context.get("request")
    return {
        "feed": feed,
        "is_silent": feed is not None and timezone.now() - feed.heartbeat_at > STALE_AFTER,
        "speeds": SPEEDS,
        "may_set_speed": feed is not None and may_set_speed(getattr(request, "user", None), feed),
        "request": request,
        "csrf_token": context.get("csrf_token"),
    }


def may_set_speed(user: Any, feed: PriceFeed) -> bool:
    """Whether this person may turn the market's clock: staff anywhere; who may trade, outside production."""
    if not feed.is_simulated or not getattr(user, "is_authenticated", False):
        return False
    return bool(user.is_staff or (user.may_trade and settings.ENVIRONMENT.mode != "production"))


@register.filter
def epoch(moment: Any) -> str:
    """A moment as milliseconds since 1970, for a script to count on from."""
    return str(int(moment.timestamp() * 1000)) if moment else ""
