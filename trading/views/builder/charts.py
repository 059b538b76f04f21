"""A rule drawn on stored bars: of a form that is being filled in, or of a strategy that is there."""

from typing import Any

from django.http import JsonResponse
from django.views.decorators.http import require_GET, require_POST

from strategies.document import RuleDocument
from strategies.drafts import composed
from strategies.drafts.tree import part_of
from strategies.errors import BarsInvalid
from trading.forms import sentence_language
from trading.forms.watched import WatchedForm, preview_form
from trading.services.planning.rule_charts import RuleMark, rule_chart
from trading.views.access import PersonRequest, signed_in
from trading.views.builder.fields import draft_sent
from trading.views.charts import STEPS, bars_as_data, lines_as_data
from trading.views.strategies import from_source


@require_POST
@signed_in
def strategy_build_chart(request: PersonRequest) -> JsonResponse:
    """The chart of the rule in the form; 422 while there is none."""
    draft = draft_sent(request)
    return _chart(composed(draft).document, WatchedForm(part_of(draft, "preview")))


@require_GET
@signed_in
def strategy_chart(request: PersonRequest) -> JsonResponse:
    """The chart of the strategy that `from` names."""
    source = from_source(request, request.GET.get("from", ""))
    typed = {
        key: request.GET[f"preview.{key}"] for key in ("instrument", "interval") if f"preview.{key}" in request.GET
    }
    return _chart(source.document, preview_form(typed))


def _chart(document: RuleDocument | None, watched: WatchedForm) -> JsonResponse:
    """Candles, lines and marks, oldest first; times in seconds since 1970 UTC."""
    if document is None:
        return JsonResponse({"code": "no_rule"}, status=422)
    instrument, interval = watched.watched()
    if instrument is None or interval is None:
        return JsonResponse({"code": "no_instrument"}, status=422)
    try:
        found = rule_chart(document, instrument, interval, sentence_language())
    except BarsInvalid as e:
        return JsonResponse({"code": e.code}, status=422)
    about = {"name": instrument.name, "decimals": instrument.price_decimals, "interval": interval}
    if found is None:
        return JsonResponse({**about, "bars": [], "times": [], "lines": [], "marks": []})
    marks = [_mark(mark) for mark in found.marks]
    return JsonResponse({**about, "bars": bars_as_data(found.bars), **lines_as_data(found), "marks": marks})


def _mark(mark: RuleMark) -> dict[str, Any]:
    return {"time": mark.opened_at, "kind": "sell" if mark.step == 3 else "buy", "text": str(STEPS[mark.step])}
