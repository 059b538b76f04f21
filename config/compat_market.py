"""The PRD's live data (D04, D05): bars of one share, and what the person's running strategies look at."""

from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText, Strict
from accounts.api.problems import NotFound
from accounts.api.view import ApiRequest, ApiView, operation
from config import compat_bodies as bodies
from markets import services as markets
from markets.api.instruments import MOST_BARS, BarAnswer
from markets.models import LatestQuote
from markets.types import Interval
from trading.api.order_rows import SIDES
from trading.errors import OrderRefused
from trading.models import Fill, SwingPlan

# How the PRD names intervals (pandas' words), and ours.
BAR_SIZES = {
    "1Min": Interval.M1,
    "5Min": Interval.M5,
    "15Min": Interval.M15,
    "1H": Interval.H1,
    "4H": Interval.H4,
    "1D": Interval.D1,
}
SHOWN = 50


class OhlcQuery(Strict):
    bar_size = serializers.ChoiceField(choices=list(BAR_SIZES), default="1Min")
    limit = serializers.IntegerField(min_value=1, max_value=MOST_BARS, default=200)


class OhlcAnswer(Answer):
    status = serializers.CharField()
    data = BarAnswer(many=True)  # type: ignore[assignment]  # the PRD's word


class ContractAnswer(Answer):
    stock_code = serializers.CharField()
    price = NumberText()
    day_volume = NumberText()
    at = serializers.DateTimeField()


class ExecutedAnswer(Answer):
    stock_code = serializers.CharField()
    side = serializers.ChoiceField(choices=SIDES)
    quantity = NumberText()
    price = NumberText()
    at = serializers.DateTimeField()


class ActiveAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    stock_code = serializers.CharField()
    strategy_type = serializers.CharField()
    signal_code = serializers.IntegerField()


class StrategyPartsAnswer(Answer):
    contract_data = ContractAnswer(many=True)
    executed_data = ExecutedAnswer(many=True)
    active_strategies = ActiveAnswer(many=True)


class StrategyDataAnswer(Answer):
    status = serializers.CharField()
    data = StrategyPartsAnswer()  # type: ignore[assignment]  # the PRD's word


class Ohlc(ApiView):
    """D04: time and volume besides."""

    tag = "aliases"

    @operation("Bars of a share, oldest first", query=OhlcQuery, answer=OhlcAnswer)
    def get(self, request: ApiRequest, stock_code: str) -> Response:
        try:
            instrument = bodies.instrument_of(stock_code)
        except OrderRefused:
            raise NotFound from None
        bars = markets.rows(instrument, BAR_SIZES[self.query["bar_size"]], self.query["limit"])
        return Response({"status": "success", "data": bars})


class StrategyData(ApiView):
    """D05: last prices of what is watched, the person's last fills, and the plans that run."""

    tag = "aliases"

    @operation("What the running strategies see and did", answer=StrategyDataAnswer)
    def get(self, request: ApiRequest) -> Response:
        plans = (
            SwingPlan.objects.for_user(request.user)
            .running()
            .select_related("instrument", "strategy_version__strategy")
        )
        running = list(plans.order_by("created_at", "pk")[:SHOWN])
        quotes = LatestQuote.objects.filter(instrument__in=[plan.instrument_id for plan in running])
        fills = Fill.objects.filter(order__user=request.user).select_related("order__instrument").order_by("-id")
        data = {
            "contract_data": [_contract(quote) for quote in quotes.select_related("instrument").defer("book")],
            "executed_data": [_executed(fill) for fill in fills[:SHOWN]],
            "active_strategies": [_active(plan) for plan in running],
        }
        return Response({"status": "success", "data": data})


def _contract(quote: LatestQuote) -> dict[str, Any]:
    shown = {name: getattr(quote, name) for name in ("price", "day_volume", "at")}
    return {"stock_code": quote.instrument.symbol} | shown


def _executed(fill: Fill) -> dict[str, Any]:
    order = fill.order
    shown = {"stock_code": order.instrument.symbol, "side": order.side}
    return shown | {name: getattr(fill, name) for name in ("quantity", "price", "at")}


def _active(plan: SwingPlan) -> dict[str, Any]:
    return {
        "id": plan.pk,
        "name": plan.name,
        "stock_code": plan.instrument.symbol,
        "strategy_type": plan.strategy_version.strategy.kind,
        "signal_code": plan.signal,
    }
