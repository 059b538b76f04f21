"""An account's statement, orders and fills as table files (CSV), streamed: a file of any length takes little memory.

Numbers stand as they are, exact and without separators, so that a spreadsheet counts with them. Text that a spreadsheet
would take for a formula gets an apostrophe before it.
"""

import csv
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from decimal import Decimal
from io import StringIO
from typing import cast
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone, translation
from django.utils.http import content_disposition_header
from django.utils.text import get_valid_filename
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_GET

from brokers.models import BrokerAccount
from markets.templatetags.figures import quantity_unit
from trading import services
from trading.models import Fill, Order
from trading.services.ledger.statements import StatementEntry
from trading.templatetags.reasons import reason_sentence
from trading.templatetags.statements import line_name
from trading.templatetags.trading_tags import pricing_words
from trading.views.access import PersonRequest, freshly_proven, signed_in
from trading.views.accounts import own_account

Cell = str | int | float | Decimal | datetime | None
BYTE_ORDER_MARK = "\ufeff"  # by which Excel knows UTF-8, and Korean stays readable
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
LINES_AT_ONCE = 200


@require_GET
@signed_in
@freshly_proven
def account_statement_csv(request: PersonRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    head = (_("시장 시각"), _("번호"), _("구분"), _("항목"), _("종목"), _("금액 또는 수량"), _("단위"), _("근거"))
    return _file(request, account, _("거래 내역"), head, lambda: _statement_rows(account))


@require_GET
@signed_in
@freshly_proven
def account_orders_csv(request: PersonRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    return _file(request, account, _("주문"), _order_head(), lambda: map(_order_row, services.all_orders(account)))


@require_GET
@signed_in
@freshly_proven
def account_fills_csv(request: PersonRequest, account_id: UUID) -> HttpResponse:
    account = own_account(request, account_id)
    return _file(
        request,
        account,
        pgettext("execution", "체결"),
        _fill_head(),
        lambda: map(_fill_row, services.all_fills(account)),
    )


def _statement_rows(account: BrokerAccount) -> Iterator[tuple[Cell, ...]]:
    for entry in services.all_entries(account):
        yield from _entry_rows(entry)


def _entry_rows(entry: StatementEntry) -> Iterator[tuple[Cell, ...]]:
    journal = entry.journal
    for line in entry.lines:
        unit = quantity_unit(line.instrument) if line.is_units and line.instrument else line.asset
        key = line.instrument.key if line.instrument else ""
        kind = journal.get_kind_display()
        yield entry.at, journal.pk, kind, line_name(line), key, line.amount, unit, journal.source


def _order_head() -> tuple[str, ...]:
    return (
        _("시장 시각"), _("주문 번호"), _("종목 코드"), _("종목"), _("매매 구분"), _("주문 종류"), _("유효 기간"), _("수량"),
        _("지정가"), _("스톱 가격"), _("체결 수량"), _("체결 금액"), _("평균 체결가"), _("수수료"), _("세금"), _("통화"),
        _("상태"), _("사유"), _("목적"), pgettext("one plan", "오토 스윙"), _("끝난 시각"),
    )  # fmt: skip


def _order_row(order: Order) -> tuple[Cell, ...]:
    instrument = order.instrument
    return (
        order.market_at, str(order.pk), instrument.key, instrument.name, order.get_side_display(),
        order.kind_label, order.get_time_in_force_display(), order.quantity, order.limit_price,
        order.stop_price, order.filled_quantity, order.filled_amount, order.average_price, order.fee, order.tax,
        instrument.currency, order.get_state_display(), reason_sentence(order), order.get_purpose_display(),
        order.plan.name if order.plan else "", order.finished_at,
    )  # fmt: skip


def _fill_head() -> tuple[str, ...]:
    return (
        _("시장 시각"), _("체결 번호"), _("주문 번호"), _("종목 코드"), _("종목"), _("매매 구분"), _("수량"), _("가격"),
        _("금액"), _("수수료"), _("세금"), _("통화"), _("가격 근거"), pgettext("one plan", "오토 스윙"),
    )  # fmt: skip


def _fill_row(fill: Fill) -> tuple[Cell, ...]:
    order, instrument = fill.order, fill.order.instrument
    return (
        fill.at, fill.key, str(order.pk), instrument.key, instrument.name, order.get_side_display(), fill.quantity,
        fill.price, fill.amount, fill.fee, fill.tax, instrument.currency, pricing_words(fill.pricing),
        order.plan.name if order.plan else "",
    )  # fmt: skip


def _file(
    request: PersonRequest,
    account: BrokerAccount,
    subject: str,
    head: tuple[str, ...],
    rows: Callable[[], Iterable[tuple[Cell, ...]]],
) -> HttpResponse:
    return csv_file(request, f"{get_valid_filename(account.name)}-{subject}", head, rows)


def csv_file(
    request: PersonRequest, subject: str, head: tuple[str, ...], rows: Callable[[], Iterable[tuple[Cell, ...]]]
) -> HttpResponse:
    """A table file named after its subject and today, streamed in the reader's language and time zone."""
    name = f"{subject}-{timezone.localdate():%Y%m%d}.csv"
    reader = translation.get_language() or "ko", timezone.get_current_timezone()
    texts = _texts(head, rows, *reader)
    served_async = isinstance(request, ASGIRequest)
    response = StreamingHttpResponse(
        _without_blocking(texts) if served_async else texts,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": content_disposition_header(as_attachment=True, filename=name) or "attachment"},
    )
    return cast("HttpResponse", response)  # a sibling of it: guards and middleware treat both alike


def _texts(
    head: tuple[str, ...], rows: Callable[[], Iterable[tuple[Cell, ...]]], language: str, zone: tzinfo
) -> Iterator[str]:
    """The file piece by piece. It is sent when the request is over: each piece takes up the reader's language and zone."""
    source = iter(rows())
    piece = BYTE_ORDER_MARK + _as_csv([head])
    while piece:
        yield piece
        with translation.override(language), timezone.override(zone):
            piece = _as_csv([row for _number, row in zip(range(LINES_AT_ONCE), source, strict=False)])


async def _without_blocking(texts: Iterator[str]) -> AsyncIterator[str]:
    def following() -> str:
        return next(texts, "")

    while piece := await sync_to_async(following)():
        yield piece


def _as_csv(rows: Iterable[tuple[Cell, ...]]) -> str:
    text = StringIO()
    csv.writer(text).writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    text = str(value)
    return f"'{text}" if isinstance(value, str) and text.lstrip().startswith(FORMULA_STARTS) else text
