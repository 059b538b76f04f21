"""Asking for a backtest."""

from functools import partial
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from backtests import services
from backtests.forms import RunForm, again, blank, of_other_strategy, typed
from backtests.templatetags.backtest_words import language
from backtests.views.access import number_of, own_run
from backtests.views.acting import begin
from strategies.sentences import document_sentences
from trading.views.access import PersonRequest, signed_in


@require_http_methods(["GET", "POST"])
@signed_in
def run_new(request: PersonRequest) -> HttpResponse:
    """The start form. A POST with `choose` only shows the fields of another strategy; any other starts a run."""
    if request.method == "GET":
        return _page(request, blank(request.user, request.GET))
    if "choose" in request.POST:
        return _page(request, of_other_strategy(request.user, request.POST))
    form = typed(request.user, request.POST)
    asked = form.asked()
    if asked is not None:
        given = form.cleaned_data
        start = partial(services.start_run, request.user, asked, name=given["name"], client_key=given["client_key"])
        run = begin(form, start)
        if run is not None:
            messages.success(request, _("백테스트를 시작했습니다."))
            return redirect("backtests:run", run_id=run.pk)
    return _page(request, form, status=422)


@require_GET
@signed_in
def run_again(request: PersonRequest, run_id: UUID) -> HttpResponse:
    """The start form, filled in as the run was asked for; with `only` one of its instruments alone."""
    return _page(request, again(request.user, own_run(request, run_id), only=number_of(request, "only")))


@require_GET
@signed_in
def parameters(request: PersonRequest) -> HttpResponse:
    """The fields and sentences of the strategy that was picked."""
    return render(request, "backtests/_rule_fields.html", _context(blank(request.user, request.GET)))


@require_GET
@signed_in
def stored(request: PersonRequest) -> HttpResponse:
    """What is stored of the instrument that was picked, beside what the rule needs."""
    form = blank(request.user, request.GET)
    return render(request, "backtests/_stored.html", stored_context(form))


def _page(request: PersonRequest, form: RunForm, status: int = 200) -> HttpResponse:
    return render(request, "backtests/new.html", _context(form), status=status)


def _context(form: RunForm) -> dict[str, object]:
    return {"form": form, "rule": document_sentences(form.rule.document.bind(), language()), **stored_context(form)}


def stored_context(form: RunForm) -> dict[str, object]:
    needed = services.bars_needed(form.rule)
    kept = services.stored_of(form.chosen) if form.chosen else []
    return {"stored": [(each, each.bars >= needed) for each in kept], "needed": needed}
