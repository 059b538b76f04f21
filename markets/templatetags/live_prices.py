"""Why a price of the real market may stand still: more is wished than a broker lets us listen to, or its line is lost."""

from datetime import timedelta
from typing import Any

from django import template
from django.utils import timezone
from django.utils.translation import gettext as _

from markets.models import Instrument, PriceFeed
from markets.types import Source

register = template.Library()

RECENT = timedelta(minutes=1)  # an older word of a feed says nothing of now


@register.inclusion_tag("markets/_live_notice.html")
def live_notice(instrument: Instrument | None = None) -> dict[str, Any]:
    """A sentence for a page of one instrument, or of all; none where all is well."""
    if instrument is not None and not Source(instrument.source).is_real:
        return {}
    feed = PriceFeed.objects.filter(source=Source.KIS, heartbeat_at__gt=timezone.now() - RECENT).first()
    if feed is None:
        return {}
    if feed.state.get("problems"):
        return {"text": _("한국투자증권 실시간 시세에 다시 연결하고 있습니다. 그동안 시세가 갱신되지 않습니다.")}
    waiting = feed.state.get("waiting", [])
    if instrument is not None:
        return {"text": _waits_itself(feed)} if instrument.key in waiting else {}
    return {"text": _some_wait(feed, len(waiting))} if waiting else {}


def _waits_itself(feed: PriceFeed) -> str:
    told = _(
        "실시간으로 받을 수 있는 등록은 %(places)s건입니다. 이 종목은 지금 차례를 기다리고 있어 시세가 오래될 수 있습니다."
    )
    return told % {"places": feed.state.get("places", 0)}


def _some_wait(feed: PriceFeed, waiting: int) -> str:
    told = _(
        "실시간으로 받을 수 있는 등록은 %(places)s건입니다. 지금 %(waiting)s종목은 차례로 갱신되어 시세가 오래될 수 있습니다."
    )
    return told % {"places": feed.state.get("places", 0), "waiting": waiting}
