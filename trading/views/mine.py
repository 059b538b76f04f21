"""What a person holds and has ordered of one instrument: beside its chart, refreshed by the stream of hints."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from markets.models import Instrument
from trading.templatetags.trading_tags import mine
from trading.views.access import PersonRequest, signed_in


@require_GET
@signed_in
def instrument_mine(request: PersonRequest, instrument_id: int) -> HttpResponse:
    instrument = get_object_or_404(Instrument, pk=instrument_id)
    return render(request, "trading/_mine.html", mine(request, instrument))
