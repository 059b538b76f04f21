"""What it all adds up to: worth by currency, results by day, and the trades of the sources' read model (O06, O07, P11)."""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from decimal import Decimal
from io import StringIO
from typing import Any
from uuid import UUID

from django.db.models import Count
from django.http import StreamingHttpResponse
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, InstrumentKey, NumberText
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation
from accounts.models import User
from markets.models import ExactSum
from markets.models.fields import exact
from markets.types import Side
from trading import ledger, services
from trading.api.accounts import BalanceAnswer, PositionAnswer, balance_row, position_rows
from trading.api.history import RESULTS
from trading.api.order_rows import SIDES, STATES, TYPES
from trading.lifecycle import OrderState
from trading.models import Fill, Order, PlanEvaluation, Posting

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")


class TotalAnswer(Answer):
    """Currencies stand side by side, and are never added to one another."""

    currency = serializers.CharField()
    total_value = NumberText()
    cash_available = NumberText()
    cash_reserved = NumberText()
    positions_value = NumberText()
    deposited = NumberText()
    profit = NumberText()


class SummaryAnswer(Answer):
    totals = TotalAnswer(many=True)
    accounts = BalanceAnswer(many=True)
    positions = PositionAnswer(many=True)


class StatisticAnswer(Answer):
    currency = serializers.CharField()
    fills = serializers.IntegerField()
    bought = NumberText()
    sold = NumberText()
    fees = NumberText()
    taxes = NumberText()
    realised = NumberText()


class StatisticsAnswer(Answer):
    orders = serializers.IntegerField()
    open_orders = serializers.IntegerField()
    by_currency = StatisticAnswer(many=True)


class TradeQuery(PageQuery):
    symbol = InstrumentKey(required=False)
    status = serializers.ChoiceField(choices=STATES, required=False)


class TradeAnswer(Answer):
    """An order and what became of it, in the sources' words (O06)."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    symbol = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    position_side = serializers.CharField(help_text="Empty for cash accounts.")
    order_type = serializers.ChoiceField(choices=TYPES)
    quantity = NumberText()
    price = NumberText(allow_null=True)
    executed_price = NumberText(allow_null=True)
    status = serializers.ChoiceField(choices=STATES)
    strategy_name = serializers.CharField(allow_null=True)
    signal_source = serializers.DictField(allow_null=True, help_text="The plan, its step, the bar and the decision.")
    pnl = NumberText(allow_null=True, help_text="Of a sale, after its fees and taxes.")
    created_at = serializers.DateTimeField()
    executed_at = serializers.DateTimeField(allow_null=True)


class TradesAnswer(Answer):
    results = TradeAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class Summary(ApiView):
    @operation("Everything the person has, at last prices", answer=SummaryAnswer)
    def get(self, request: ApiRequest) -> Response:
        portfolios = [each for each in services.portfolios(request.user) if each.account.is_active]
        accounts = [balance_row(each) for each in portfolios]
        summed = [name for name in TotalAnswer.names() if name != "currency"]
        totals: dict[str, dict[str, Any]] = {}
        for row in accounts:
            total = totals.setdefault(
                row["currency"], {"currency": row["currency"]} | dict.fromkeys(summed, Decimal(0))
            )
            for name in summed:
                total[name] += row[name]
        return Response({"totals": list(totals.values()), "accounts": accounts, "positions": position_rows(portfolios)})


class Statistics(ApiView):
    @operation("How much was traded, and what it brought", answer=StatisticsAnswer)
    def get(self, request: ApiRequest) -> Response:
        orders = Order.objects.for_user(request.user)
        return Response(
            {
                "orders": orders.count(),
                "open_orders": orders.open().count(),
                "by_currency": list(_by_currency(request.user)),
            }
        )


class Trades(ApiView):
    @operation("Trades, newest first", query=TradeQuery, answer=TradesAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(trades_page(request, self.query))


class TradesCsv(ApiView):
    """A table file, not JSON; it leaves the system, and so it needs a fresh proof of who asks (I39)."""

    @operation("Every trade as a table file (CSV)", answer=str, media_type="text/csv", steps_up=True)
    def get(self, request: ApiRequest) -> Any:
        texts = _csv(request)
        headers = {"Content-Disposition": 'attachment; filename="trades.csv"'}
        return StreamingHttpResponse(texts, content_type="text/csv; charset=utf-8", headers=headers)


def trades_page(request: ApiRequest, query: dict[str, Any]) -> dict[str, Any]:
    """One page of trades with their results: four queries, however many rows."""
    orders = Order.objects.for_user(request.user)
    if "status" in query:
        orders = orders.filter(state=query["status"])
    if key := query.get("symbol"):
        venue, _colon, symbol = key.partition(":")
        orders = orders.filter(instrument__venue=venue, instrument__symbol=symbol)
    together = orders.select_related("instrument", "plan__strategy_version__strategy")
    found = page(together, query, _itself)
    found["results"] = trade_rows([each["row"] for each in found["results"]])
    return found


def _itself(order: Order) -> dict[str, Any]:
    return {"row": order}


def trade_rows(orders: list[Order]) -> list[dict[str, Any]]:
    """The orders come with instrument and plan."""
    ids = [order.pk for order in orders]
    results = _results(ids)
    looks: dict[UUID, dict[str, Any]] = {
        look["order_id"]: dict(look)
        for look in PlanEvaluation.objects.filter(order__in=ids).values(
            "order_id", "bar_closed_at", "outcome", "reason"
        )
    }
    return [_trade(order, results.get(order.pk), looks.get(order.pk)) for order in orders]


def _trade(order: Order, realised: Decimal | None, look: dict[str, Any] | None) -> dict[str, Any]:
    plan, filled = order.plan, order.average_price
    source = None
    if plan is not None:
        source = {"plan": plan.pk, "step": order.step, "cycle": order.cycle}
        source |= {} if look is None else {name: look[name] for name in ("bar_closed_at", "outcome", "reason")}
    is_sale = order.side == Side.SELL and filled is not None
    return {
        "id": order.pk,
        "user_id": order.user_id,
        "symbol": order.instrument.key,
        "side": order.side,
        "position_side": order.position_side,
        "order_type": order.order_type,
        "quantity": order.quantity,
        "price": order.limit_price,
        "executed_price": None if filled is None else exact(round(filled, 8)),
        "status": order.state,
        "strategy_name": plan.strategy_version.strategy.name if plan else None,
        "signal_source": source,
        "pnl": (realised or Decimal(0)) - order.fee - order.tax if is_sale else None,
        "created_at": order.created_at,
        "executed_at": order.finished_at if order.state == OrderState.FILLED else None,
    }


def _results(orders: list[UUID]) -> dict[UUID, Decimal]:
    """What each sale has brought above what its units had cost, before fees and taxes."""
    of_fill = {f"fill:{pk}": order for pk, order in Fill.objects.filter(order__in=orders).values_list("pk", "order_id")}
    found = Posting.objects.filter(journal__kind="fill", journal__source__in=of_fill, bucket=ledger.REALISED)
    results: dict[UUID, Decimal] = defaultdict(Decimal)
    for source, amount in found.values_list("journal__source", "amount"):
        results[of_fill[source]] -= amount
    return results


def _by_currency(user: User) -> Iterable[dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    groups = Fill.objects.filter(order__user=user).order_by().values("order__instrument__currency", "order__side")
    for each in groups.annotate(n=Count("pk"), amounts=ExactSum("amount"), fees=ExactSum("fee"), taxes=ExactSum("tax")):
        currency = each["order__instrument__currency"]
        zero = dict.fromkeys(("bought", "sold", "fees", "taxes", "realised"), Decimal(0))
        row = rows.setdefault(currency, {"currency": currency, "fills": 0, **zero})
        row["fills"] += each["n"]
        row["bought" if each["order__side"] == Side.BUY else "sold"] += each["amounts"]
        row["fees"], row["taxes"] = row["fees"] + each["fees"], row["taxes"] + each["taxes"]
    results = Posting.objects.filter(journal__broker_account__user=user, bucket__in=RESULTS).order_by()
    for currency, amount in results.values_list("asset").annotate(ExactSum("amount")):
        if currency in rows:
            rows[currency]["realised"] = -amount
    return rows.values()


def _csv(request: ApiRequest) -> Iterator[str]:
    names = TradeAnswer.names()
    yield "\ufeff" + _line(names)
    query: dict[str, Any] = {"limit": 200}
    while True:
        found = trades_page(request, query)
        for row in found["results"]:
            yield _line([row[name] for name in names])
        if found["next_cursor"] is None:
            return
        query = {"limit": 200, "cursor": found["next_cursor"]}


def _line(cells: list[Any]) -> str:
    text = StringIO()
    csv.writer(text).writerow([_cell(each) for each in cells])
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
