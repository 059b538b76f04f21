"""Where one is signed in (A17), and signing out elsewhere."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from accounts.models import Device
from accounts.services import api_devices, sessions
from accounts.views.personal import PersonRequest, page, personal


@require_GET
@personal
def devices(request: PersonRequest) -> HttpResponse:
    """Browsers and apps, this one first."""
    this = sessions.device_id(request)
    rows = sorted(api_devices.live_devices(request.user), key=lambda each: (each.pk != this, -each.seen_at.timestamp()))
    return page(request, "devices", "devices", {"devices": rows, "this": this})


@require_POST
@personal
def device_end(request: PersonRequest, device_id: UUID) -> HttpResponse:
    try:
        api_devices.end_device(request.user, device_id)
    except Device.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("그 기기에서 로그아웃했습니다."))
    return redirect("accounts:devices")


@require_POST
@personal
def devices_end_others(request: PersonRequest) -> HttpResponse:
    keep = sessions.device_id(request)
    ended = api_devices.end_devices(request.user, api_devices.ELSEWHERE, keep=keep, kinds=api_devices.SIGNED_IN)
    if ended:
        messages.success(request, _("다른 기기 %(n)s대에서 로그아웃했습니다.") % {"n": ended})
    else:
        messages.info(request, _("다른 기기에는 로그인되어 있지 않습니다."))
    return redirect("accounts:devices")
