"""A result as files: CSV for a spreadsheet, JSON for a program, and a report of one file that asks nothing of the network."""

import csv
from collections.abc import Iterable, Iterator
from datetime import datetime
from io import StringIO
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

from django.contrib.staticfiles import finders
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from backtests.models import BacktestResult, Scorecard
from backtests.packing import unpack_data
from backtests.series import Series
from backtests.services.shown import curves_of, fills_of, parts_of, series_of_result, trades_of, years_of
from backtests.templatetags.backtest_words import fill_reason
from backtests.terms import Terms
from backtests.views.access import own_result
from markets.types import from_epoch
from trading.views.access import PersonRequest, signed_in
from trading.views.account_files import BYTE_ORDER_MARK, FORMULA_STARTS, csv_file

FORMAT = "kairos-backtest/1"
AT_ONCE = 10_000  # rows of a file made at once
MOST_TRADES = 1_000  # in a report, the newest; the CSV has all
MOST_POINTS = 20_000  # of a curve as JSON, its lowest and highest among them; the CSV has all


@require_GET
@signed_in
def trades_csv(request: PersonRequest, run_id: UUID) -> HttpResponse:
    result = own_result(request, run_id)
    head = (
        _("번호"), _("종목 코드"), _("매수 시각"), _("매도 시각"), _("수량"), _("평균 매수가"), _("평균 매도가"), _("수수료"),
        _("세금"), _("손익"), _("수익률"), _("보유 봉"), _("매수 사유"), _("매도 사유"),
    )  # fmt: skip
    rows = (
        (
            trade["number"], trade["instrument"], trade["opened_at"], trade["closed_at"], trade["quantity"],
            trade["bought_at"], trade["sold_at"], trade["fee"], trade["tax"], trade["profit"], trade["rate"],
            trade["bars_held"], " · ".join(map(fill_reason, trade["entry_reasons"])), fill_reason(trade["exit_reason"]),
        )
        for trade in trades_of(result)
    )  # fmt: skip
    return _csv(result, _("거래"), head, rows)


@require_GET
@signed_in
def fills_csv(request: PersonRequest, run_id: UUID) -> HttpResponse:
    result = own_result(request, run_id)
    head = (
        _("시각"), _("종목 코드"), _("회차"), "SIGNAL", _("매매 구분"), _("가격"), _("시세보다 불리하게"),
        _("수량"), _("금액"), _("수수료"), _("세금"), _("남은 돈"), _("사유"),
    )  # fmt: skip
    sides = {"buy": _("매수"), "sell": _("매도")}
    rows = (
        (
            fill["at"], fill["instrument"], fill["cycle"], fill["signal"], sides[fill["side"]], fill["price"],
            fill["worse_by"], fill["quantity"],
            fill["amount"], fill["fee"], fill["tax"], fill["cash_after"], fill_reason(fill["reason"]),
        )
        for fill in fills_of(result)
    )  # fmt: skip
    return _csv(result, pgettext("execution", "체결"), head, rows)


@require_GET
@signed_in
def equity_csv(request: PersonRequest, run_id: UUID) -> HttpResponse:
    """Sent as it is made: of a million bars it is 80 MB."""
    result = own_result(request, run_id)
    series, head = series_of_result(result), (_("봉 마감"), _("자산"), _("보유했다면"), _("낙폭"))
    return csv_file(request, _file_name(result, _("자산")), head, lambda: _equity_rows(series))


def _equity_rows(series: Series) -> Iterator[tuple[datetime | float, ...]]:
    """A row for each bar, some at a time: a million of them are much more memory as Python's numbers than as arrays."""
    columns = (series.closed_at, series.equity, series.hold, series.drawdown)
    for start in range(0, len(series), AT_ONCE):
        part = (column[start : start + AT_ONCE].tolist() for column in columns)
        yield from ((from_epoch(at), *numbers) for at, *numbers in zip(*part, strict=True))


@require_GET
@signed_in
def result_json(request: PersonRequest, run_id: UUID) -> JsonResponse:
    result = own_result(request, run_id)
    return JsonResponse(as_data(result), headers={"Content-Disposition": _as_file(result, "", "json")})


@require_GET
@signed_in
def report_html(request: PersonRequest, run_id: UUID) -> HttpResponse:
    """One file with everything in it: styles, curves as SVG, tables. No script, no address is asked."""
    result = own_result(request, run_id)
    run, parts = result.backtest, parts_of(result)
    context = {
        "result": result,
        "parts": parts,
        "run": run,
        "terms": Terms.from_data(run.terms),
        "figures": result.figures,
        "years": years_of(result),
        "months": range(1, 13),
        "curves": curves_of(result),
        "trades": trades_of(result, parts)[-MOST_TRADES:],
        "most_trades": MOST_TRADES,
        "card": Scorecard.objects.filter(backtest=run, job__state="done").first(),
        "styles": _styles(),
        "now": timezone.now(),
    }
    response = render(request, "backtests/report.html", context)
    response["Content-Disposition"] = _as_file(result, _("보고서"), "html")
    return response


def as_data(result: BacktestResult) -> dict[str, Any]:
    """Everything of a result that a program may want."""
    run = result.backtest
    return {
        "format": FORMAT,
        "id": str(run.pk),
        "name": run.name,
        "strategy": str(run.strategy_version),
        "parameters": run.parameters,
        "instrument": run.instrument.key,
        "instruments": [member.instrument.key for member in run.members],
        "interval": run.interval,
        "bars_from": run.source or run.upload_name,
        "terms": run.terms,
        "bars": result.bars,
        "first_at": result.first_at.isoformat(),
        "last_at": result.last_at.isoformat(),
        "seed": result.seed,
        "version_hash": result.version_hash,
        "inputs_hash": result.inputs_hash,
        "result_hash": result.result_hash,
        "figures": result.figures,
        "months": result.months,
        "trades": unpack_data(result.trades),
        "fills": unpack_data(result.fills),
        "parts": [part.figures for part in parts_of(result)],
        "series": series_of_result(result).thinned(MOST_POINTS).as_data(),
    }


def _csv(result: BacktestResult, subject: str, head: tuple[Any, ...], rows: Iterable[tuple[Any, ...]]) -> HttpResponse:
    text = StringIO()
    csv.writer(text).writerows(_cells(chain([head], rows)))
    return HttpResponse(
        BYTE_ORDER_MARK + text.getvalue(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": _as_file(result, subject, "csv")},
    )


def _cells(rows: Iterable[Iterable[Any]]) -> Iterator[list[str]]:
    for row in rows:
        yield [_cell(value) for value in row]


def _cell(value: Any) -> str:
    """Numbers as they are; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    text = str(value)
    if isinstance(value, str) and text.lstrip(" ").startswith(FORMULA_STARTS) and not _is_number(text):
        return f"'{text}"
    return text


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _as_file(result: BacktestResult, subject: str, kind: str) -> str:
    name = f"{_file_name(result, subject)}.{kind}"
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"


def _file_name(result: BacktestResult, subject: str) -> str:
    parts = (result.backtest.name, subject, result.result_hash[:8])
    return get_valid_filename("-".join(part for part in parts if part))


def _styles() -> str:
    """The report's own style sheet, from our static files."""
    path = finders.find("css/backtest-report.css")
    if not isinstance(path, str):
        raise FileNotFoundError("css/backtest-report.css")
    return Path(path).read_text(encoding="utf-8")
