"""Every execution of a person, newest first."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from markets.models import Instrument
from trading.models import Fill
from trading.views.access import PersonRequest, signed_in

PER_PAGE = 50


@require_GET
@signed_in
def fill_list(request: PersonRequest) -> HttpResponse:
    """Narrowed to one instrument where its key is given and known."""
    traded = Instrument.objects.filter(orders__user=request.user, orders__fills__isnull=False).distinct()
    chosen = next((each for each in traded if each.key == request.GET.get("instrument", "")), None)
    fills = Fill.objects.filter(order__user=request.user)
    if chosen is not None:
        fills = fills.filter(order__instrument=chosen)
    fills = fills.select_related("order__instrument", "order__broker_account", "order__plan").order_by("-at", "-pk")
    context = {
        "page": Paginator(fills, PER_PAGE).get_page(request.GET.get("page")),
        "instruments": traded,
        "chosen": chosen,
        "filters": f"instrument={chosen.key}&" if chosen else "",
    }
    return render(request, "trading/fills.html", context)
