"""Several results side by side."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from backtests.models import BacktestResult
from backtests.services.shown import overlaid
from backtests.templatetags.backtest_words import ratio
from markets.templatetags.figures import money, rate, signed_rate
from trading.views.access import PersonRequest, signed_in

MOST = 4  # curves that can still be told apart
# (label, part of the figures, name, how it is written, whether more is better)
ROWS: tuple[tuple[Any, str, str, str, bool | None], ...] = (
    (gettext_lazy("총수익률"), "strategy", "total_return", "signed", True),
    (gettext_lazy("보유했다면"), "hold", "total_return", "signed", None),
    (gettext_lazy("연복리 수익률"), "strategy", "cagr", "signed", True),
    (gettext_lazy("변동성 (연)"), "strategy", "volatility", "rate", False),
    (gettext_lazy("최대 낙폭"), "strategy", "max_drawdown", "signed", True),
    (gettext_lazy("샤프"), "strategy", "sharpe", "ratio", True),
    (gettext_lazy("소르티노"), "strategy", "sortino", "ratio", True),
    (gettext_lazy("칼마"), "strategy", "calmar", "ratio", True),
    (gettext_lazy("거래"), "trades", "count", "count", None),
    (gettext_lazy("승률"), "trades", "win_rate", "rate", True),
    (gettext_lazy("손익비 (PF)"), "trades", "profit_factor", "ratio", True),
    (gettext_lazy("거래당 손익"), "trades", "expectancy", "money", True),
    (gettext_lazy("보유 기간 비중"), "trades", "exposure", "rate", None),
    (gettext_lazy("수수료"), "trades", "fees", "money", False),
    (gettext_lazy("세금"), "trades", "tax", "money", False),
    (gettext_lazy("슬리피지"), "trades", "slippage", "money", False),
)


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    is_best: bool


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    cells: list[Cell]


@require_GET
@signed_in
def compare(request: PersonRequest) -> HttpResponse:
    """Two to four results of one's own, named by `run`."""
    chosen = list(dict.fromkeys(_uuids(request.GET.getlist("run"))))
    found = {
        result.pk: result
        for result in BacktestResult.objects.filter(backtest__user=request.user, pk__in=chosen)
        .select_related("backtest__instrument", "backtest__strategy_version__strategy", "backtest__job")
        .prefetch_related("backtest__companions")
    }
    results = [found[run_id] for run_id in chosen if run_id in found]
    if not 2 <= len(results) <= MOST:
        messages.info(request, _("끝난 백테스트를 둘에서 넷까지 골라 주세요."))
        return redirect("backtests:list")
    context = {"results": results, "lines": list(_lines(results)), "paths": overlaid(results)}
    return render(request, "backtests/compare.html", context)


def _lines(results: list[BacktestResult]) -> Iterable[Line]:
    for label, part, name, kind, more_is_better in ROWS:
        values = [result.figures[part][name] for result in results]
        known = [value for value in values if value is not None]
        best = None
        if more_is_better is not None and len(set(known)) > 1:
            best = max(known) if more_is_better else min(known)
        texts = (
            _written(value, kind, result.backtest.instrument.currency)
            for value, result in zip(values, results, strict=True)
        )
        cells = (Cell(text, best is not None and value == best) for text, value in zip(texts, values, strict=True))
        yield Line(str(label), list(cells))


def _written(value: Any, kind: str, currency: str) -> str:
    if kind == "money":
        return money(value, currency)
    if kind == "count":
        return f"{value:,}"
    return {"signed": signed_rate, "rate": rate, "ratio": ratio}[kind](value)


def _uuids(texts: Iterable[str]) -> Iterable[UUID]:
    for text in texts:
        try:
            yield UUID(text)
        except ValueError:
            continue
