"""Keeping one's strategies in order: another name, into the archive, out of it. Versions and what follows them stay."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from strategies.models import Strategy
from strategies.services import LONGEST_NAME, StrategyRefused, archive_strategy, rename_strategy, restore_strategy
from trading.errors import NotAllowed
from trading.templatetags.reasons import sentence
from trading.views.access import PersonRequest, refused, signed_in


class RenameForm(forms.Form):
    """What no name can hold, a NUL say, is no name."""

    name = forms.CharField(max_length=LONGEST_NAME)


@require_POST
@signed_in
def strategy_rename(request: PersonRequest, strategy_id: UUID) -> HttpResponse:
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    form = RenameForm(request.POST)
    try:
        renamed = rename_strategy(request.user, strategy_id, form.cleaned_data["name"] if form.is_valid() else "")
    except Strategy.DoesNotExist:
        raise Http404 from None
    except StrategyRefused as e:
        messages.error(request, sentence(e.code, e.facts))
    else:
        messages.success(request, _("이름을 %(name)s(으)로 바꾸었습니다.") % {"name": renamed.name})
    return redirect("trading:strategy", strategy_id=strategy_id)


@require_POST
@signed_in
def strategy_archive(request: PersonRequest, strategy_id: UUID) -> HttpResponse:
    """Out of the lists; plans that follow one of its versions go on."""
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    try:
        archived = archive_strategy(request.user, strategy_id)
    except Strategy.DoesNotExist:
        raise Http404 from None
    said = _("%(name)s 전략을 보관했습니다. 이 전략을 따르는 오토 스윙은 그대로 움직입니다.")
    messages.success(request, said % {"name": archived.name})
    return redirect("trading:strategy_list")


@require_POST
@signed_in
def strategy_restore(request: PersonRequest, strategy_id: UUID) -> HttpResponse:
    if not request.user.may_trade:
        return refused(request, NotAllowed())
    try:
        restored = restore_strategy(request.user, strategy_id)
    except Strategy.DoesNotExist:
        raise Http404 from None
    except StrategyRefused as e:
        messages.error(request, sentence(e.code, e.facts))
    else:
        messages.success(request, _("%(name)s 전략을 다시 꺼냈습니다.") % {"name": restored.name})
    return redirect("trading:strategy", strategy_id=strategy_id)
