"""Registering and editing a plan: its form on whatever strategy was picked, and the rule it describes in sentences."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from markets.models import Instrument
from trading import services
from trading.errors import NotAllowed, PlanRefused, TradingError
from trading.forms import (
    PRESETS,
    PlanTermsForm,
    SwingPlanForm,
    edit_form,
    new_form,
    picked_form,
    preset_values,
)
from trading.models import SwingPlan
from trading.plan_rules import SWING
from trading.services.planning.plans import terms_mark
from trading.templatetags.reasons import error_sentence
from trading.views.access import PersonRequest, refused, require_factor, signed_in
from trading.views.plan_preview import preview


@require_http_methods(["GET", "POST"])
@signed_in
def plan_new(request: PersonRequest) -> HttpResponse:
    """The plan form. A POST with `preset`, `choose` or `preview` only fills it in or shows its rule; the rest registers."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    draft = _blank(request) if request.method == "GET" else _draft(request)
    if draft is not None:
        return _form_page(request, draft)
    return _save(request, None, partial(services.register_plan, request.user), _("오토 스윙 등록 성공"))


@require_http_methods(["GET", "POST"])
@signed_in
def plan_edit(request: PersonRequest, plan_id: UUID) -> HttpResponse:
    """Other terms or another rule for a plan that is there; what it trades, where and how often stays."""
    plan = _own(request, plan_id)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    draft = edit_form(request.user, plan) if request.method == "GET" else _draft(request, plan)
    if draft is not None:
        return _form_page(request, draft)
    done = _("바꾸었습니다. 다음 봉부터 이 내용으로 판단합니다.")
    return _save(request, plan, partial(services.edit_plan, request.user, plan.pk, as_seen=plan), done)


def _draft(request: PersonRequest, plan: SwingPlan | None = None) -> PlanTermsForm | None:
    """The form as a button other than the last one leaves it; None where it is to be saved."""
    if "preset" in request.POST:
        return _with_preset(request, plan)
    if _is_other_strategy(request):
        return _on_other_strategy(request, plan)
    return picked_form(request.user, request.POST, plan) if "preview" in request.POST else None


def _save(request: PersonRequest, plan: SwingPlan | None, save: Callable[..., SwingPlan], done: str) -> HttpResponse:
    form = picked_form(request.user, request.POST, plan)
    rule = form.chosen()
    if rule is not None and form.is_valid():
        try:
            terms = form.as_terms()
            _check_as_seen(request, plan)
            require_factor(request, plan.broker_account if plan else terms["broker_account"])
            saved = save(parameters=rule, **terms)
        except TradingError as e:
            form.blame(e.code, error_sentence(e))
        else:
            messages.success(request, done)
            return redirect("trading:plan", plan_id=saved.pk)
    return _form_page(request, form, status=422)


def _check_as_seen(request: PersonRequest, plan: SwingPlan | None) -> None:
    """Raise PlanRefused where somebody has changed the plan since the form was shown: nobody undoes what they never saw."""
    if plan is not None and request.POST.get("seen", "") not in {"", terms_mark(plan)}:
        raise PlanRefused("changed_meanwhile")


@require_POST
@signed_in
def plan_preview(request: PersonRequest, plan_id: UUID | None = None) -> HttpResponse:
    """What the form describes now, of a new plan or of one that is there; of a strategy just picked, as it begins."""
    plan = None if plan_id is None else _own(request, plan_id)
    other = _is_other_strategy(request)
    form = _on_other_strategy(request, plan) if other else picked_form(request.user, request.POST, plan)
    return render(request, "trading/_plan_preview.html", preview(form))


def _own(request: PersonRequest, plan_id: UUID) -> SwingPlan:
    plans = SwingPlan.objects.select_related("instrument", "broker_account", "strategy_version__strategy")
    return get_object_or_404(plans.for_user(request.user), pk=plan_id)


def _blank(request: PersonRequest) -> PlanTermsForm:
    """What the link that led here already says: the strategy, a preset of the swing rule, the instrument."""
    form = new_form(request.user, request.GET.get("strategy", SWING), **_wished(request))
    if isinstance(form, SwingPlanForm):
        form.initial = {**form.initial, **preset_values(_preset(request.GET.get("preset")))}
    return form


def _preset(asked: str | None) -> str:
    return asked if asked in PRESETS else "default"


def _wished(request: PersonRequest) -> dict[str, Any]:
    venue, _separator, symbol = request.GET.get("instrument", "").partition(":")
    instrument = Instrument.objects.active().filter(venue=venue, symbol=symbol).first()
    return {"instrument": instrument, "name": instrument.name} if instrument else {}


def _is_other_strategy(request: PersonRequest) -> bool:
    """Whether the fields on the page were another strategy's than the one picked now: they are shown first."""
    picked = request.POST.get("strategy")
    return "choose" in request.POST or bool(picked and request.POST.get("shown", picked) != picked)


def _typed(request: PersonRequest) -> dict[str, Any]:
    """The terms as they were typed; the rule's own fields begin anew."""
    kept = (name for name in PlanTermsForm.base_fields if name not in {"strategy", "shown"} and name in request.POST)
    return {name: request.POST[name] for name in kept} | {"repeat": "repeat" in request.POST}


def _on_other_strategy(request: PersonRequest, plan: SwingPlan | None = None) -> PlanTermsForm:
    key = request.POST.get("strategy", SWING)
    if plan is not None:
        return edit_form(request.user, plan, key, **_typed(request))
    return new_form(request.user, key, **_typed(request))


def _with_preset(request: PersonRequest, plan: SwingPlan | None = None) -> PlanTermsForm:
    """The preset's numbers in place of the rule's fields; everything else stays as it was typed."""
    typed = _typed(request) | preset_values(_preset(request.POST["preset"]))
    return edit_form(request.user, plan, SWING, **typed) if plan else new_form(request.user, SWING, **typed)


def _form_page(request: PersonRequest, form: PlanTermsForm, status: int = 200) -> HttpResponse:
    seen = request.POST.get("seen") or (terms_mark(form.plan) if form.plan else "")
    context = {"form": form, "plan": form.plan, "is_swing": isinstance(form, SwingPlanForm), "seen": seen}
    return render(request, "trading/plan_new.html", context | preview(form), status=status)
