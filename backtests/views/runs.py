"""A person's backtests: the list, one of them while it runs and afterwards, and what can be done with it."""

from functools import partial
from typing import Any
from uuid import UUID

from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh

from backtests import services, tasks
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BacktestResult, Scorecard
from backtests.services.shown import chart_of, curves_of, parts_of, trades_of, years_of
from backtests.templatetags.backtest_words import language
from backtests.terms import Terms
from backtests.views.access import number_of, own_result, own_run, tell_refusal
from backtests.views.acting import call_off, forget
from strategies.document import RuleDocument
from strategies.parameter_words import is_rate, plain_number
from strategies.sentences import document_sentences
from trading.views.access import PersonRequest, signed_in

PER_PAGE, TRADES_PER_PAGE = 25, 20


@require_GET
@signed_in
def run_list(request: PersonRequest) -> HttpResponse:
    page = Paginator(services.list_runs(request.user), PER_PAGE).get_page(request.GET.get("page"))
    runs = list(page)
    context = {"page": page, "runs": runs, "is_moving": any(not run.job.has_ended for run in runs)}
    return render(request, "backtests/_runs.html" if request.htmx else "backtests/list.html", context)


@require_GET
@signed_in
def run_detail(request: PersonRequest, run_id: UUID) -> HttpResponse:
    """The run: how far it is, why it could not be done, or what came of it."""
    run = own_run(request, run_id)
    if request.htmx and request.GET.get("part") == "progress":
        return (
            HttpResponseClientRefresh()
            if run.job.has_ended
            else render(request, "backtests/_progress.html", {"run": run})
        )
    context: dict[str, Any] = {"run": run, "terms": Terms.from_data(run.terms), **_rule(run)}
    if run.job.state != "done":
        return render(request, "backtests/run.html", context)
    result = BacktestResult.objects.get(backtest=run)
    if request.htmx and request.GET.get("part") == "scorecard":
        return render(request, "backtests/_scorecard.html", {"run": run, "card": _card(run)})
    context |= _result(request, result) | {"card": _card(run)}
    return render(request, "backtests/_trades.html" if request.htmx else "backtests/run.html", context)


@require_POST
@signed_in
def run_cancel(request: PersonRequest, run_id: UUID) -> HttpResponse:
    cancel, back = partial(services.cancel_run, request.user, run_id), _address(own_run(request, run_id))
    return call_off(request, cancel, _("백테스트를 취소했습니다."), _("이미 끝난 백테스트입니다."), back)


@require_POST
@signed_in
def run_delete(request: PersonRequest, run_id: UUID) -> HttpResponse:
    delete, back = partial(services.delete_run, request.user, run_id), _address(own_run(request, run_id))
    return forget(request, delete, _("백테스트를 지웠습니다."), back, reverse("backtests:list"))


@require_POST
@signed_in
def run_scorecard(request: PersonRequest, run_id: UUID) -> HttpResponse:
    """Ask for the scorecard of a finished run."""
    run = own_run(request, run_id)
    try:
        with transaction.atomic():
            services.start_scorecard(request.user, run.pk)
            transaction.on_commit(partial(tasks.ring))
    except BacktestRefused as e:
        tell_refusal(request, e)
    return redirect("backtests:run", run_id=run.pk)


@require_GET
@signed_in
def chart(request: PersonRequest, run_id: UUID) -> JsonResponse:
    result = own_result(request, run_id)
    parts = result.parts.select_related("instrument")
    return JsonResponse(chart_of(result, parts.filter(number=number_of(request, "of") or 0).first() or parts.first()))


def _address(run: Backtest) -> str:
    return reverse("backtests:run", args=[run.pk])


def _rule(run: Backtest) -> dict[str, Any]:
    document = RuleDocument.from_data(run.strategy_version.document)
    names = services.parameter_names(document, language())
    numbers = {name: spec.default for name, spec in document.parameters.items()} | run.parameters
    return {
        "rule": document_sentences(document.bind(run.parameters), language()),
        "numbers": [(names[name], written(name, number), name in run.parameters) for name, number in numbers.items()],
    }


def written(name: str, number: float) -> str:
    """One of a rule's numbers as its form writes it: rates in percent."""
    return plain_number(round(number * (100 if is_rate(name) else 1), 9))


def _result(request: PersonRequest, result: BacktestResult) -> dict[str, Any]:
    parts = parts_of(result)
    chosen = next((part for part in parts if part.number == number_of(request, "of")), None)
    trades = [trade for trade in trades_of(result, parts) if chosen is None or trade["of"] == chosen.instrument]
    return {
        "result": result,
        "parts": parts,
        "chosen": chosen,
        "drawn": chosen or (parts[0] if parts else None),
        "figures": result.figures,
        "years": years_of(result),
        "months": range(1, 13),
        "curves": curves_of(result),
        "page": Paginator(trades[::-1], TRADES_PER_PAGE).get_page(request.GET.get("page")),
    }


def _card(run: Backtest) -> Scorecard | None:
    return Scorecard.objects.select_related("job").filter(backtest=run).first()
