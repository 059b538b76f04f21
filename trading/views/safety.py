"""The kill switch (G04): stopping takes one press and no question, letting orders out again takes the password."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from trading.errors import NotAllowed, TradingError
from trading.forms.safety import HaltForm, InstrumentHaltForm, ReleaseForm
from trading.models import SwingPlan
from trading.services.safeguards import halts, safety
from trading.views.access import PersonRequest, refused, signed_in

ALERTS_SHOWN = 5


@require_GET
@signed_in
def safety_page(request: PersonRequest) -> HttpResponse:
    """What is stopped, what could be, and what waits for the person's eye."""
    return _page(request, InstrumentHaltForm() if request.user.is_staff else None)


@require_GET
@signed_in
def halt_banner(request: PersonRequest) -> HttpResponse:
    """The line over every page, for one that has been open since before something stopped by itself."""
    return render(request, "trading/_halt_banner.html", {"safety": safety.glance(request.user)})


@require_POST
@signed_in
def safety_halt(request: PersonRequest) -> HttpResponse:
    """Stop. Needs nothing but the database: neither Redis, nor Celery, nor dispatch has to be there."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = HaltForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return redirect("trading:safety")
    scope, target, mode = form.cleaned_data["stop"]
    return _halt(request, scope, target, mode, form.cleaned_data["reason"])


@require_POST
@signed_in
def safety_halt_instrument(request: PersonRequest) -> HttpResponse:
    """Stop one instrument for everybody: staff alone."""
    if not request.user.is_staff:
        return refused(request, NotAllowed())
    form = InstrumentHaltForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    wanted = form.cleaned_data
    return _halt(request, "instrument", str(wanted["instrument"].pk), wanted["mode"], wanted["reason"])


@require_http_methods(["GET", "POST"])
@signed_in
@sensitive_post_parameters("password")
def safety_release(request: PersonRequest, scope: str, target: str = "") -> HttpResponse:
    """Let orders out again: what was stopped, why and what is still unconfirmed is read first, then the password given."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    name = _name_of(request.user, scope, target)
    latch = safety.latch_of(scope, target)
    if latch is None or latch.mode == "active":
        messages.info(request, _("이미 거래할 수 있는 상태입니다."))
        return redirect("trading:safety")
    form = ReleaseForm(request, request.user, latch, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            halts.release(request.user, scope, target)
        except TradingError as e:
            return refused(request, e)
        messages.success(request, _("다시 거래합니다. 멈춘 동안 취소된 주문은 되살아나지 않습니다."))
        return redirect("trading:safety")
    context = {"latch": latch, "name": name, "form": form, "unconfirmed": halts.unconfirmed(scope, target)}
    response = render(request, "trading/safety_release.html", context, status=422 if form.errors else 200)
    if form.refusal:
        response.status_code = 429
        response["Retry-After"] = str(form.refusal.seconds)
    return response


def _page(request: PersonRequest, instrument_form: InstrumentHaltForm | None, status: int = 200) -> HttpResponse:
    rows = safety.switches(request.user)
    context: dict[str, Any] = {
        "everything": rows[0],
        "switches": rows[1:],
        "alerts": list(safety.alerts_of(request.user).filter(closed_at=None)[:ALERTS_SHOWN]),
        "staff_switches": safety.staff_switches() if instrument_form else [],
        "instrument_form": instrument_form,
    }
    return render(request, "trading/safety.html", context, status=status)


def _halt(request: PersonRequest, scope: str, target: str, mode: str, reason: str) -> HttpResponse:
    _name_of(request.user, scope, target)
    try:
        halts.halt(request.user, scope, target, mode, reason)
    except TradingError as e:
        return refused(request, e)
    messages.success(request, _said(mode, halts.unconfirmed(scope, target)))
    return redirect("trading:safety")


def _said(mode: str, unconfirmed: int) -> str:
    """What has happened, and how much the venues have yet to confirm."""
    done = _("정지했습니다. 새 주문은 나가지 않습니다.") if mode == "halted" else _("이제 줄이는 주문만 나갑니다.")
    if not unconfirmed:
        none = _("미확인 주문은 없습니다.")
        return f"{done} {none}"
    left = (
        ngettext("취소를 확인하고 있습니다: 미확인 %(n)s건.", "취소를 확인하고 있습니다: 미확인 %(n)s건.", unconfirmed)
        if mode == "halted"
        else ngettext("확인 중인 주문: 미확인 %(n)s건.", "확인 중인 주문: 미확인 %(n)s건.", unconfirmed)
    )
    return f"{done} {left % {'n': unconfirmed}}"


def _name_of(user: User, scope: str, target: str) -> str:
    """What the person calls the thing to be stopped. Not found for anything of others, and for what only staff may stop."""
    found: str | None = None
    if (scope == "user" and target == str(user.pk)) or (scope == "site" and not target and user.is_staff):
        found = ""
    elif scope == "account":
        found = _named(BrokerAccount.objects.for_user(user), target)
    elif scope == "plan":
        found = _named(SwingPlan.objects.for_user(user), target)
    elif scope == "instrument" and user.is_staff:
        found = next((each.name for each in Instrument.objects.all() if str(each.pk) == target), None)
    if found is None:
        raise Http404
    return found


def _named(rows: Any, target: str) -> str | None:
    """The name of the row with this key among rows of the person's own; any text may be asked for."""
    return next((name for pk, name in rows.values_list("pk", "name") if str(pk) == target), None)
