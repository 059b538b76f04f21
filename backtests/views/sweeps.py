"""Sweeps: asking for one, watching it grow, and its map."""

from functools import partial
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from backtests import services
from backtests.forms import SweepForm, again, blank, of_other_strategy, typed
from backtests.forms.sweeps import GOALS
from backtests.heatmap import best_of, heat_map, ranked
from backtests.models import Sweep
from backtests.results import Window
from backtests.services.sweeps import PARTS
from backtests.templatetags.backtest_words import language, ratio
from backtests.terms import Terms
from backtests.views.access import own_run
from backtests.views.acting import begin, call_off, forget
from backtests.views.forms import stored_context
from markets.templatetags.figures import signed_rate
from strategies.document import RuleDocument
from strategies.parameter_words import is_rate, plain_number
from strategies.sentences import document_sentences
from trading.views.access import PersonRequest, signed_in

PER_PAGE, BEST, SHORT = 25, 20, 8
RATES = ("total_return", "cagr", "max_drawdown", "win_rate")


@require_GET
@signed_in
def sweep_list(request: PersonRequest) -> HttpResponse:
    page = Paginator(services.list_sweeps(request.user), PER_PAGE).get_page(request.GET.get("page"))
    sweeps = list(page)
    told = services.standing(sweeps)
    context = {"page": page, "sweeps": [(sweep, told[sweep.pk]) for sweep in sweeps]}
    return render(request, "backtests/sweeps.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def sweep_new(request: PersonRequest) -> HttpResponse:
    """The form of a sweep, empty or as a run (`from`) was asked for. A POST with `choose` shows another strategy's fields."""
    if request.method == "GET":
        return _form_page(request, _first(request))
    if "choose" in request.POST:
        return _form_page(request, _as_sweep(of_other_strategy(request.user, request.POST, SweepForm)))
    form = _as_sweep(typed(request.user, request.POST, SweepForm))
    asked = form.asked()
    if asked is not None:
        given = form.cleaned_data
        start = partial(services.start_sweep, request.user, asked, form.searched())
        sweep = begin(form, partial(start, name=given["name"], client_key=given["client_key"]), PARTS)
        if sweep is not None:
            messages.success(request, _("탐색을 시작했습니다."))
            return redirect("backtests:sweep", sweep_id=sweep.pk)
    return _form_page(request, form, status=422)


@require_GET
@signed_in
def sweep_parameters(request: PersonRequest) -> HttpResponse:
    return render(
        request, "backtests/_rule_fields.html", _context(_as_sweep(blank(request.user, request.GET, SweepForm)))
    )


@require_GET
@signed_in
def sweep_detail(request: PersonRequest, sweep_id: UUID) -> HttpResponse:
    """What has been found so far: the map and the best, or the windows of a walk-forward."""
    sweep = _own(request, sweep_id)
    told = services.standing([sweep])[sweep.pk]
    document = RuleDocument.from_data(sweep.strategy_version.document)
    names = services.parameter_names(document, language())
    context: dict[str, Any] = {
        "sweep": sweep,
        "standing": told,
        "failed": services.why_failed(sweep) if told.failed else None,
        "goal": GOALS.get(sweep.goal, sweep.goal),
        "axes": [(names[name], _axis(name, values)) for name, values in sweep.axes.items()],
        "terms": Terms.from_data(sweep.terms),
        "run": sweep,  # the terms' fragment reads its instrument
    }
    rows = services.results_of(sweep)
    context |= _windows(sweep, rows, names) if sweep.kind == "walk_forward" else _map(request, sweep, rows, names)
    return render(request, "backtests/_sweep.html" if request.htmx else "backtests/sweep.html", context)


@require_POST
@signed_in
def sweep_cancel(request: PersonRequest, sweep_id: UUID) -> HttpResponse:
    cancel, back = partial(services.cancel_sweep, request.user, sweep_id), _address(_own(request, sweep_id))
    said = _("탐색을 멈췄습니다. 그때까지 찾은 것은 남아 있습니다.")
    return call_off(request, cancel, said, _("이미 끝난 탐색입니다."), back)


@require_POST
@signed_in
def sweep_delete(request: PersonRequest, sweep_id: UUID) -> HttpResponse:
    delete, back = partial(services.delete_sweep, request.user, sweep_id), _address(_own(request, sweep_id))
    return forget(request, delete, _("탐색을 지웠습니다."), back, reverse("backtests:sweeps"))


def _address(sweep: Sweep) -> str:
    return reverse("backtests:sweep", args=[sweep.pk])


def _own(request: PersonRequest, sweep_id: UUID) -> Sweep:
    try:
        return services.get_sweep(request.user, sweep_id)
    except Sweep.DoesNotExist:
        raise Http404 from None


def _first(request: PersonRequest) -> SweepForm:
    try:
        run_id = UUID(request.GET.get("from", ""))
    except ValueError:
        return _as_sweep(blank(request.user, request.GET, SweepForm))
    return _as_sweep(again(request.user, own_run(request, run_id), SweepForm))


def _as_sweep(form: Any) -> SweepForm:
    if not isinstance(form, SweepForm):
        raise TypeError("not the form of a sweep")
    return form


def _form_page(request: PersonRequest, form: SweepForm, status: int = 200) -> HttpResponse:
    return render(request, "backtests/sweep_new.html", _context(form), status=status)


def _context(form: SweepForm) -> dict[str, object]:
    rule = document_sentences(form.rule.document.bind(), language())
    return {"form": form, "rule": rule, "is_sweep": True, **stored_context(form)}


def _map(request: PersonRequest, sweep: Sweep, rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    axes = list(sweep.axes)
    across = request.GET.get("x") if request.GET.get("x") in axes else axes[0]
    others = [name for name in axes if name != across]
    down = request.GET.get("y") if request.GET.get("y") in others else (others[0] if others else "")
    if not rows:
        return {"best": None}
    columns, lines = heat_map(rows, str(across), str(down), sweep.goal)
    best = best_of(rows, sweep.goal)
    return {
        "columns": [_written(str(across), value) for value in columns],
        "lines": [
            (
                _written(str(down), line.value) if down else "",
                [(cell, _figure(sweep.goal, cell.figure), _link(sweep, cell.point)) for cell in line.cells],
            )
            for line in lines
        ],
        "across": names[str(across)],
        "down": names.get(str(down), ""),
        "choices": [(name, names[name]) for name in axes],
        "chosen": (across, down),
        "best": _told(sweep, best, names) if best else None,
        "ranked": [_told(sweep, row, names) for row in ranked(rows, sweep.goal, BEST)],
        "tried": len(rows),
        "gained": sum((row["total_return"] or 0) > 0 for row in rows),
    }


def _told(sweep: Sweep, row: dict[str, Any] | Any, names: dict[str, str]) -> dict[str, Any]:
    values = [(names[name], _written(name, row["parameters"][name])) for name in sweep.axes]
    return {"values": values, "row": row, "figure": _figure(sweep.goal, row[sweep.goal]), "link": _link(sweep, row)}


def _windows(sweep: Sweep, rows: list[dict[str, Any]], names: dict[str, str]) -> dict[str, Any]:
    fields = {name for name in Window.__dataclass_fields__ if name.endswith(("_from", "_to"))}
    windows = []
    growth = 1.0
    for row in rows:
        growth *= 1 + (row["tested"]["total_return"] or 0.0)
        values = [(names[name], _written(name, row["parameters"][name])) for name in sweep.axes]
        windows.append({**row, **{name: row[name][:10] for name in fields}, "values": values})
    kept = [(row["trained_yearly"], row["tested_yearly"]) for row in rows]
    trained = sum(a for a, b in kept if a is not None and b is not None)
    tested = sum(b for a, b in kept if a is not None and b is not None)
    return {
        "windows": windows,
        "total_return": growth - 1 if windows else None,
        "kept": tested / trained if trained > 0 else None,
        "profitable": sum((row["tested"]["total_return"] or 0) > 0 for row in rows),
    }


def _figure(goal: str, value: float | None) -> str:
    return signed_rate(value, 1) if goal in RATES else ratio(value)


def _written(name: str, value: float) -> str:
    return plain_number(round(value * (100 if is_rate(name) else 1), 9)) + ("%" if is_rate(name) else "")


def _axis(name: str, values: list[float]) -> str:
    """The values that were tried: in a row, or of many in even steps as they are typed, `5~30:5`."""
    steps = {round(after - before, 9) for before, after in pairwise(values)}
    if len(values) > SHORT and len(steps) == 1:
        return f"{_written(name, values[0])}~{_written(name, values[-1])}:{_written(name, steps.pop())}"
    return ", ".join(_written(name, value) for value in values)


def _link(sweep: Sweep, point: Any) -> str:
    """The start form with these numbers."""
    if point is None:
        return ""
    asked = {
        "strategy": str(sweep.strategy_version_id),
        "instrument": sweep.instrument.key,
        "interval": sweep.interval,
        "upload": str(sweep.upload_id or ""),
        "starts_on": sweep.starts_on or "",
        "ends_on": sweep.ends_on or "",
        **{f"p_{name}": number for name, number in point["parameters"].items()},
    }
    return f"{reverse('backtests:new')}?{urlencode({name: value for name, value in asked.items() if value != ''})}"
