"""The person's own rows, or 404; refusals as a notice on the page that was left."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404

from backtests import services
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BacktestResult, BarUpload
from backtests.templatetags.backtest_words import sentence
from trading.views.access import PersonRequest


def own_run(request: PersonRequest, run_id: UUID) -> Backtest:
    try:
        return services.get_run(request.user, run_id)
    except Backtest.DoesNotExist:
        raise Http404 from None


def own_result(request: PersonRequest, run_id: UUID) -> BacktestResult:
    """The result of one's own run; 404 while there is none."""
    found = BacktestResult.objects.select_related(
        "backtest__instrument", "backtest__strategy_version__strategy", "backtest__upload", "backtest__job"
    ).filter(backtest__user=request.user, backtest_id=run_id)
    result = found.prefetch_related("backtest__companions__instrument").first()
    if result is None:
        raise Http404
    return result


def own_upload(request: PersonRequest, upload_id: UUID) -> BarUpload:
    try:
        return services.get_upload(request.user, upload_id)
    except BarUpload.DoesNotExist:
        raise Http404 from None


def tell_refusal(request: PersonRequest, refused: BacktestRefused) -> None:
    messages.error(request, sentence(refused.code, refused.facts))


def number_of(request: PersonRequest, name: str) -> int | None:
    """Which of a run's instruments the address names, from 0; None where it names none."""
    asked = request.GET.get(name, "")
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 4 else None
