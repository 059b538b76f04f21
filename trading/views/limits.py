"""Pre-trade limits of one account: what holds, who set it; tightened at once, loosened with the password and later."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_POST

from accounts.forms import StepUpForm
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from trading.errors import NotAllowed, TradingError
from trading.forms.safety import LimitForm
from trading.limits import loosens
from trading.models import RiskLimit
from trading.services.safeguards import limit_rows
from trading.services.safeguards.limit_rows import LimitView
from trading.templatetags.limit_words import limit_text
from trading.templatetags.reasons import error_sentence
from trading.views.access import PersonRequest, refused, signed_in

OF_EVERYBODY = {"orders_per_minute_site"}  # shown to all, no account's own to set


@require_GET
@signed_in
def limits(request: PersonRequest, account_id: UUID) -> HttpResponse:
    return _page(request, _own(request, account_id))


@require_POST
@signed_in
@sensitive_post_parameters("password")
def limit_change(request: PersonRequest, account_id: UUID, name: str) -> HttpResponse:
    """Set one limit, or with `reset` take it back to its start value. Looser on a real account: the password first."""
    account = _own(request, account_id)
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    limit = next((each for each in limit_rows.limits_of(account) if each.name == name), None)
    if limit is None or name in OF_EVERYBODY:
        raise Http404
    wanted: Decimal | None = None
    if "reset" not in request.POST:
        form = LimitForm(limit, request.POST)
        if not form.is_valid():
            return _page(request, account, form, name)
        wanted = form.cleaned_data["value"]
    if _needs_password(account, limit, wanted):
        step_up = StepUpForm(request, request.user, request.POST if "password" in request.POST else None)
        if not step_up.is_valid():
            return _ask_password(request, account, limit, wanted, step_up)
    return _set(request, account, limit, wanted)


def _set(request: PersonRequest, account: BrokerAccount, limit: LimitView, wanted: Decimal | None) -> HttpResponse:
    try:
        row = limit_rows.set_limit(request.user, "account", str(account.pk), limit.name, wanted)
    except NotAllowed as e:
        return refused(request, e)
    except TradingError as e:
        form = LimitForm(limit, request.POST)
        form.full_clean()
        form.add_error(None if wanted is None else "value", error_sentence(e))
        return _page(request, account, form, limit.name)
    messages.success(request, _from_when(row))
    return redirect("trading:limits", account_id=account.pk)


def _from_when(row: RiskLimit | None) -> str:
    if row is None or row.since <= timezone.now():
        return _("한도를 바꿨습니다. 지금부터 적용됩니다.")
    at = date_format(timezone.localtime(row.since), "H:i")
    return _("한도를 늘리는 일은 서두르지 않습니다. %(at)s부터 적용되고, 그때까지는 지금 한도가 그대로입니다.") % {
        "at": at
    }


def _needs_password(account: BrokerAccount, limit: LimitView, wanted: Decimal | None) -> bool:
    """Tightening never asks. Where a wider scope sets what counts, the account's own value is not seen here: ask."""
    if account.environment == Environment.VIRTUAL:
        return False
    is_own = limit.scope in {"account", "start"}
    return not is_own or loosens(limit.name, limit.value, limit.start if wanted is None else wanted)


def _ask_password(
    request: PersonRequest, account: BrokerAccount, limit: LimitView, wanted: Decimal | None, form: StepUpForm
) -> HttpResponse:
    after = limit.start if wanted is None else wanted
    context = {
        "account": account,
        "limit": limit,
        "after": limit_text(limit.unit, after, account.currency),
        "typed": request.POST.get(f"{limit.name}-value", ""),
        "is_reset": wanted is None,
        "is_live": account.environment == Environment.LIVE,
        "form": form,
    }
    response = render(request, "trading/limit_confirm.html", context, status=422 if form.errors else 200)
    if form.refusal:
        response.status_code = 429
        response["Retry-After"] = str(form.refusal.seconds)
    return response


def _page(
    request: PersonRequest, account: BrokerAccount, typed: LimitForm | None = None, name: str = ""
) -> HttpResponse:
    rows: list[dict[str, Any]] = [
        {
            "limit": limit,
            "form": typed if typed is not None and limit.name == name else LimitForm(limit),
            "is_editable": limit.name not in OF_EVERYBODY,
        }
        for limit in limit_rows.limits_of(account)
    ]
    context = {"account": account, "rows": rows, "is_live": account.environment == Environment.LIVE}
    return render(request, "trading/limits.html", context, status=422 if typed is not None else 200)


def _own(request: PersonRequest, account_id: UUID) -> BrokerAccount:
    return get_object_or_404(BrokerAccount.objects.for_user(request.user), pk=account_id)
