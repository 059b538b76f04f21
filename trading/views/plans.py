"""Swing plans: the list, the page that says why a plan did what it did, and what a person can tell a plan to do."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from markets.templatetags.figures import price, rate
from strategies.document import RuleDocument
from strategies.sentences import document_sentences
from trading import services
from trading.errors import NotAllowed, SecondFactorMissing, TradingError
from trading.forms import INTERVALS, sentence_language
from trading.models import Order, PlanEvaluation, SwingPlan
from trading.models.plans import SwingPlanQuerySet
from trading.services.planning.evaluation.deadman import switch_of
from trading.services.planning.plan_now import Obstacle, plan_now
from trading.templatetags.reasons import error_sentence, sentence
from trading.views.access import PersonRequest, refused, require_factor, signed_in
from trading.views.outlook import Explained, outlook_of, outlooks

PER_PAGE = 25
LOOKS_PER_PAGE = 10
CHART_INTERVALS = tuple(INTERVALS)
SHOWN = ("instrument", "broker_account", "strategy_version__strategy", "user")


@require_GET
@signed_in
def plan_list(request: PersonRequest) -> HttpResponse:
    plans = SwingPlan.objects.for_user(request.user).select_related("instrument", "broker_account")
    page = Paginator(plans.order_by("-created_at"), PER_PAGE).get_page(request.GET.get("page"))
    context = {"page": page, "plans": outlooks(page)}
    return render(request, "trading/_plan_table.html" if request.htmx else "trading/plans.html", context)


@require_GET
@signed_in
def plan_detail(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    plan = _own(request, plan_id, SwingPlan.objects.select_related(*SHOWN))
    looks = PlanEvaluation.objects.filter(plan=plan).order_by("-bar_closed_at").select_related("order")
    page = Paginator(looks, LOOKS_PER_PAGE).get_page(request.GET.get("page"))
    latest = page[0] if page.number == 1 and page.object_list else looks.first()
    now = plan_now(plan)
    context = {
        "plan": plan,
        "outlook": outlook_of(plan, latest),
        "latest": Explained(latest) if latest else None,
        "steps": list(plan.steps.select_related("order").order_by("-id")[:PER_PAGE]),
        "orders": list(plan.orders.select_related("instrument", "broker_account").order_by("-created_at")[:10]),
        "page": page,
        "held_note": _held_note(plan),
        "now": now,
        **_watch(plan),
        "buy_obstacle": _obstacle_words(now.buy_obstacle),
        "sale_obstacle": _obstacle_words(now.sale_obstacle),
        "share_note": _("1차 %(share)s") % {"share": rate(plan.first_share, 0)},
        "intervals": CHART_INTERVALS,
        "marks_url": reverse("trading:plan_marks", args=[plan.pk]),
        "history": [Explained(evaluation) for evaluation in page],
    }
    if request.htmx:
        return render(request, "trading/_plan.html", context)
    rule = document_sentences(RuleDocument.from_data(plan.strategy_version.document), sentence_language())
    return render(request, "trading/plan.html", context | {"rule": rule})


@require_POST
@signed_in
def plan_evaluate(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    """One look on the last closed bar, now."""
    plan = _own(request, plan_id, SwingPlan.objects.select_related("broker_account"))
    try:
        require_factor(request, plan.broker_account)
        evaluation = services.evaluate_plan_now(request.user, plan.pk)
    except (NotAllowed, SecondFactorMissing) as e:
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
    plan = _own(request, plan_id, SwingPlan.objects.select_related("broker_account"))
    try:
        require_factor(request, plan.broker_account)
    except SecondFactorMissing as e:
        return refused(request, e)
    return _change(request, plan_id, services.resume_plan, _("오토 스윙을 다시 시작했습니다."))


@require_http_methods(["GET", "POST"])
@signed_in
def plan_stop(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    """Stop a plan, keeping what it holds or, with `sell`, selling it first. A GET asks which."""
    plan = _own(request, plan_id, SwingPlan.objects.select_related(*SHOWN))
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    if request.method == "GET":
        has_open_order = Order.objects.open().filter(plan=plan).exists()
        context = {"plan": plan, "outlook": outlooks([plan])[0], "has_open_order": has_open_order}
        return render(request, "trading/plan_stop.html", context)
    try:
        stopped = services.stop_plan(request.user, plan.pk, sell="sell" in request.POST)
    except TradingError as e:
        return refused(request, e)
    _tell(request, stopped)
    return redirect("trading:plan", plan_id=plan.pk)


def _tell(request: PersonRequest, stopped: services.Stopped) -> None:
    if stopped.plan.mode == "off":
        messages.success(request, _("오토 스윙을 멈췄습니다."))
    elif stopped.sale is not None:
        messages.success(request, _("들고 있는 수량을 파는 주문을 냈습니다. 다 팔리면 멈춥니다."))
    elif stopped.reason:
        why = {"why": sentence(stopped.reason, stopped.facts)}
        messages.warning(request, _("지금은 팔 수 없어 봉이 마감될 때마다 다시 팝니다. %(why)s") % why)
    else:
        messages.info(request, _("낸 주문을 거두는 중입니다. 끝나면 남은 것을 팔고 멈춥니다."))


def _own(request: PersonRequest, plan_id: UUID, plans: SwingPlanQuerySet | None = None) -> SwingPlan:
    return get_object_or_404((SwingPlan.objects.all() if plans is None else plans).for_user(request.user), pk=plan_id)


def _watch(plan: SwingPlan) -> dict[str, Any]:
    """The dead man's switch of the plan, and why its account is stopped now."""
    watch = switch_of(plan)
    return {"watch": watch, "watch_minutes": watch.look_limit // 60, "closed_words": sentence(watch.closed_by)}


def _obstacle_words(obstacle: Obstacle | None) -> str:
    return sentence(obstacle.code, obstacle.facts) if obstacle else ""


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
