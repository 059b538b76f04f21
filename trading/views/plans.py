"""Swing plans: the list, the form with its rule in sentences, and the page that says why a plan did what it did."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from markets.models import Instrument
from markets.templatetags.figures import price, rate
from strategies.document import RuleDocument
from strategies.library.swing import MEASURED_RSI_PASSES, SwingParameters, swing_document
from strategies.sentences import document_sentences
from trading import services
from trading.errors import NotAllowed, TradingError
from trading.forms import PRESETS, SwingPlanForm, preset_values, sentence_language
from trading.models import PlanEvaluation, SwingPlan
from trading.models.plans import SwingPlanQuerySet
from trading.templatetags.reasons import error_sentence
from trading.views.access import PersonRequest, refused, signed_in
from trading.views.outlook import Explained, outlooks

PER_PAGE = 25
LOOKS_PER_PAGE = 10


@require_GET
@signed_in
def plan_list(request: PersonRequest) -> HttpResponse:
    plans = SwingPlan.objects.for_user(request.user).select_related("instrument", "broker_account")
    page = Paginator(plans.order_by("-created_at"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "plans": outlooks(page)}
    return render(request, "trading/_plan_table.html" if request.htmx else "trading/plans.html", context)


@require_http_methods(["GET", "POST"])
@signed_in
def plan_new(request: PersonRequest) -> HttpResponse:
    """The plan form. A POST with `preset` or `preview` only fills it in or shows its rule; the rest registers."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if request.method == "GET":
        return _form_page(
            request, SwingPlanForm.blank(request.user, _preset(request.GET.get("preset")), **_wished(request))
        )
    if "preset" in request.POST:
        return _form_page(request, _filled_in(request, _preset(request.POST["preset"])))
    form = SwingPlanForm(request.user, request.POST)
    if "preview" in request.POST:
        return _form_page(request, form)
    if form.is_valid():
        try:
            plan = services.register_plan(request.user, **form.as_plan())
        except TradingError as e:
            form.blame(e.code, error_sentence(e))
        else:
            messages.success(request, _("오토 스윙 등록 성공"))
            return redirect("trading:plan", plan_id=plan.pk)
    return _form_page(request, form, status=422)


@require_POST
@signed_in
def plan_preview(request: PersonRequest) -> HttpResponse:
    """The rule the form describes now, in sentences."""
    return render(request, "trading/_plan_preview.html", preview(SwingPlanForm(request.user, request.POST)))


@require_GET
@signed_in
def plan_detail(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    plan = _own(request, plan_id, SwingPlan.objects.select_related("instrument", "broker_account", "strategy_version"))
    looks = PlanEvaluation.objects.filter(plan=plan).order_by("-bar_closed_at").select_related("order")
    page = Paginator(looks, LOOKS_PER_PAGE).get_page(request.GET.get("page"))
    latest = looks.first()
    context = {
        "plan": plan,
        "outlook": outlooks([plan])[0],
        "latest": Explained(latest) if latest else None,
        "steps": list(plan.steps.select_related("order").order_by("-id")[:PER_PAGE]),
        "orders": list(plan.orders.order_by("-created_at")[:10]),
        "page": page,
        "held_note": _held_note(plan),
        "share_note": _("1차 %(share)s") % {"share": rate(plan.first_share, 0)},
        "history": [Explained(evaluation) for evaluation in page],
    }
    if request.htmx:
        return render(request, "trading/_plan.html", context)
    rule = document_sentences(_document(plan), sentence_language())
    return render(request, "trading/plan.html", context | {"rule": rule})


@require_POST
@signed_in
def plan_evaluate(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    """One look on the last closed bar, now."""
    plan = _own(request, plan_id)
    try:
        evaluation = services.evaluate_plan_now(request.user, plan.pk)
    except NotAllowed as e:
        return refused(request, e)
    except TradingError as e:
        messages.error(request, error_sentence(e))
    else:
        messages.info(request, Explained(evaluation).sentence)
    return redirect("trading:plan", plan_id=plan.pk)


@require_POST
@signed_in
def plan_pause(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    return _change(request, plan_id, services.pause_plan, _("오토 스윙을 멈췄습니다. 들고 있는 수량은 그대로입니다."))


@require_POST
@signed_in
def plan_resume(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    return _change(request, plan_id, services.resume_plan, _("오토 스윙을 다시 시작했습니다."))


def _own(request: PersonRequest, plan_id: UUID, plans: SwingPlanQuerySet | None = None) -> SwingPlan:
    return get_object_or_404((SwingPlan.objects.all() if plans is None else plans).for_user(request.user), pk=plan_id)


def _held_note(plan: SwingPlan) -> str:
    cost = plan.average_cost
    return _("평균 매수가 %(price)s") % {"price": price(cost, plan.instrument)} if cost is not None else ""


def _change(
    request: PersonRequest, plan_id: UUID, change: Callable[[User, UUID], SwingPlan], done: str
) -> HttpResponse:
    plan = _own(request, plan_id)
    try:
        change(request.user, plan.pk)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, done)
    return redirect("trading:plan", plan_id=plan.pk)


def _preset(asked: str | None) -> str:
    return asked if asked in PRESETS else "default"


def _wished(request: PersonRequest) -> dict[str, Any]:
    """What the link that led here already says: the instrument."""
    venue, _separator, symbol = request.GET.get("instrument", "").partition(":")
    instrument = Instrument.objects.active().filter(venue=venue, symbol=symbol).first()
    return {"instrument": instrument, "name": instrument.name} if instrument else {}


def _filled_in(request: PersonRequest, preset: str) -> SwingPlanForm:
    """The preset's numbers in place of the rule's fields; everything else stays as it was typed."""
    typed = {
        name: request.POST.get(name, "")
        for name in SwingPlanForm.base_fields
        if name not in SwingParameters.model_fields
    }
    return SwingPlanForm(request.user, initial=typed | {"repeat": "repeat" in request.POST} | preset_values(preset))


def _form_page(request: PersonRequest, form: SwingPlanForm, status: int = 200) -> HttpResponse:
    return render(request, "trading/plan_new.html", {"form": form} | preview(form), status=status)


def preview(form: SwingPlanForm) -> dict[str, Any]:
    """The rule in sentences and what to be warned about; no rule while its numbers are wrong."""
    parameters = form.rule()
    if parameters is None:
        return {"rule": [], "warning": None}
    passed, crossed = MEASURED_RSI_PASSES["same_bar"]
    literal = parameters.rsi_mode == "same_bar" and any(parameters.uses(step, "rsi") for step in ("first", "second"))
    warning = {"passed": passed, "crossed": crossed} if literal else None
    return {"rule": document_sentences(swing_document(parameters), sentence_language()), "warning": warning}


def _document(plan: SwingPlan) -> RuleDocument:
    return RuleDocument.from_data(plan.strategy_version.document)
