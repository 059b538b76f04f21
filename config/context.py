"""What every page needs to know about the site."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def site(_request: HttpRequest) -> dict[str, Any]:
    return {"registration_open": settings.REGISTRATION_OPEN, "live_trading": settings.LIVE_TRADING}
