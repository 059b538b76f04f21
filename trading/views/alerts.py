"""Alerts: what a person has to see, until they say that they have."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from trading.errors import NotAllowed, TradingError
from trading.services.safeguards import alerts, safety
from trading.views.access import PersonRequest, refused, signed_in

PER_PAGE = 25


@require_GET
@signed_in
def alert_list(request: PersonRequest) -> HttpResponse:
    """Open ones first, then what has been seen."""
    rows = safety.alerts_of(request.user).select_related("closed_by")
    rows = rows.order_by(F("closed_at").desc(nulls_first=True), "-last_at", "-pk")
    page = Paginator(rows, PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "trading/safety_alerts.html", {"page": page, "filters": ""})


@require_POST
@signed_in
def alert_acknowledge(request: PersonRequest, alert_id: int) -> HttpResponse:
    """Seen. What caused it may go on, and then a new thread begins."""
    get_object_or_404(safety.alerts_of(request.user), pk=alert_id)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    try:
        alerts.acknowledge(request.user, alert_id)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, _("알림을 확인했습니다."))
    return redirect("trading:safety" if request.POST.get("back") == "safety" else "trading:alert_list")
