"""The portfolio: worth day by day, where it lies, months, and what each instrument has brought; and its file."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from trading import services
from trading.services.valuation.results import results_by_instrument
from trading.services.valuation.worth import Worth, worth_by_day
from trading.views.access import PersonRequest, freshly_proven, signed_in
from trading.views.account_files import csv_file
from trading.views.curves import curve
from trading.views.overview import totals_by_currency

DAYS = {"30": 30, "90": 90, "365": 365}
DEFAULT_DAYS = "90"


@require_GET
@signed_in
def portfolio(request: PersonRequest) -> HttpResponse:
    chosen = request.GET.get("days", "")
    chosen = chosen if chosen in DAYS else DEFAULT_DAYS
    portfolios = [each for each in services.portfolios(request.user) if each.account.is_active]
    values = {each.account.pk: each.known_value for each in portfolios}
    found = worth_by_day([each.account for each in portfolios], DAYS[chosen], values)
    context = {
        "totals": totals_by_currency(portfolios),
        "curves": [curve(each) for each in found],
        "shares": _shares(portfolios),
        "results": results_by_instrument(request.user),
        "spans": [(key, int(key), key == chosen) for key in DAYS],
        "chosen": chosen,
    }
    return render(request, "trading/portfolio.html", context)


@require_GET
@signed_in
@freshly_proven
def portfolio_csv(request: PersonRequest) -> HttpResponse:
    """Every evening of the last year, one line per currency and day."""
    accounts = [each.account for each in services.portfolios(request.user) if each.account.is_active]
    found = worth_by_day(accounts, DAYS["365"])
    head = (_("날짜"), _("통화"), _("평가 금액"), _("넣은 돈"), _("손익"))
    return csv_file(request, pgettext("portfolio", "자산"), head, lambda: _lines(found))


def _lines(found: Sequence[Worth]) -> Iterator[tuple[Any, ...]]:
    for each in found:
        for day in each.days:
            yield day.on.isoformat(), each.currency, day.value, day.paid_in, day.profit


def _shares(portfolios: Sequence[Any]) -> list[dict[str, Any]]:
    """Where the money lies, per currency: cash first, then what is worth most. `share` is a fraction of that currency."""
    lying: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for each in portfolios:
        lying[each.currency][_("현금")] += each.cash_available + each.cash_reserved
        for position in each.positions:
            lying[each.currency][position.instrument.name] += position.value or Decimal(0)
    rows = []
    for currency, names in lying.items():
        whole = sum(names.values(), Decimal(0))
        for name, value in sorted(names.items(), key=lambda row: (row[0] != _("현금"), -row[1])):
            if value:
                share = value / whole
                rows.append(
                    {
                        "currency": currency,
                        "name": name,
                        "value": value,
                        "share": share,
                        "percent": f"{share * 100:.1f}",
                    }
                )
    return rows
