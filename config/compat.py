"""The literal addresses of the five systems Kairos grew out of, with their literal keys, bound to our own services.

Each is a thin translation: into the same call that the address under /api/v1/ makes, and back into the words they use.
"""

from dataclasses import replace
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseRedirect
from django.urls import path, register_converter
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api import people
from accounts.api.fields import Answer
from accounts.api.problems import NotFound, Problem
from accounts.api.view import ApiRequest, ApiView, operation
from brokers.protocol import Environment, OrderType
from config import compat_bodies as bodies
from config.compat_backtests import BacktestHistory, BacktestShown, BacktestStart
from config.compat_drafts import GenerateStrategy
from config.compat_leverage import Leverage
from config.compat_market import Ohlc, StrategyData
from config.compat_money import DefaultBalance, DefaultPositions, PrdBalance
from markets.types import Interval, Side
from strategies.errors import DocumentInvalid
from strategies.errors import Problem as Mistake
from strategies.library.swing import SwingParameters
from trading import services
from trading.api import order_rows as rows
from trading.api import orders
from trading.api.accounts import typed_key
from trading.api.order_lists import orders_page
from trading.models import Order, SwingPlan
from trading.services.running import account_keys

HALF = Decimal("0.5")
MOST_PLANS = 200
TERMS = {"short_ema": "short_term", "medium_ema": "medium_term", "long_ema": "long_term"}  # our name: the sources'
SIGNAL_WORDS = {0: "none", 1: "buy", 2: "buy", 3: "sell"}


class PlainSymbol:
    """A symbol in an address, the slash of a pair included."""

    regex = r"[A-Za-z0-9._:-]{1,32}(?:/[A-Za-z0-9._-]{1,16})?"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(PlainSymbol, "symbol")


class OrderedAnswer(people.MessageAnswer):
    order_id = serializers.UUIDField()


class PlaceBySymbol(ApiView):
    """O01, O02, O05."""

    tag = "aliases"

    @operation("Place an order", body=bodies.SymbolOrder, answer=OrderedAnswer, status=201)
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        return _ordered(request, asked, asked["symbol"], asked["side"], OrderType(asked["order_type"]))


class Orders(PlaceBySymbol):
    """O05. A browser whose person leaves out the slash of the page gets the page."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method in {"GET", "HEAD"} and "text/html" in request.headers.get("Accept", ""):
            return HttpResponseRedirect("/orders/")
        return super().dispatch(request, *args, **kwargs)


class StocksOrder(ApiView):
    """O04."""

    tag = "aliases"

    @operation("Place an order", body=bodies.StockOrder, answer=OrderedAnswer, status=201)
    def post(self, request: ApiRequest) -> Response:
        kind = OrderType.MARKET if self.asked.get("price") is None else OrderType.LIMIT
        return _ordered(request, self.asked, self.asked["stock_code"], self.asked["order_type"], kind)


class OrderHistory(ApiView):
    """O01: paginated."""

    tag = "aliases"

    @operation("Orders, newest first", query=orders.OrderQuery, answer=rows.OrdersAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(orders_page(request.user, self.query))


class CancelBySymbol(ApiView):
    """O02."""

    tag = "aliases"

    @operation("Cancel an order", answer=OrderedAnswer, status=202, errors=(409,))
    def delete(self, request: ApiRequest, symbol: str, order_id: UUID) -> Response:
        order = Order.objects.for_user(request.user).select_related("instrument").get(pk=order_id)
        if symbol not in {order.instrument.symbol, order.instrument.key}:
            raise NotFound
        services.cancel_order(request.user, order.pk)
        return Response({"message": _("취소를 요청했습니다."), "order_id": order.pk}, status=202)


class SaveKeys(ApiView):
    """B07, B08: sealed; out of use until the key has worked once (`POST /api/v1/broker-accounts/{id}/verify/`)."""

    tag = "aliases"

    @operation("Connect an account", body=bodies.KeysBody, answer=people.MessageAnswer, status=201, steps_up=True)
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        name = asked.get("name") or f"KIS ****{asked['account_number'].replace('-', '')[-6:-2]}"
        account_keys.register_kis(request.user, name, Environment(asked["environment"]), typed_key(asked))
        return Response({"message": _("계좌 등록 성공")}, status=201)


class SwingRegister(ApiView):
    """W01. Without symbol, account or budget the person's defaults are meant; without those, 422 (C15)."""

    tag = "aliases"

    @operation("Register a swing plan", body=bodies.SwingBody, answer=people.MessageAnswer, status=201)
    def post(self, request: ApiRequest) -> Response:
        asked, defaults = self.asked, bodies.defaults_of(request)
        account = bodies.account_of(request, asked)
        instrument = bodies.instrument_of(asked["symbol"]) if "symbol" in asked else defaults.instrument
        budget = asked.get("budget", defaults.budget)
        if instrument is None or budget is None:
            raise Problem("default_instrument_missing" if instrument is None else "default_budget_missing")
        services.register_plan(
            request.user,
            broker_account=account,
            instrument=instrument,
            name=asked.get("name", instrument.name),
            interval=Interval.H1,
            parameters=_swing(asked),
            budget=budget,
            first_share=HALF,
            client_key=bodies.key_of(request, 32),
        )
        return Response({"message": _("오토 스윙 등록 성공")}, status=201)


class SwingStateAnswer(Answer):
    id = serializers.UUIDField()
    symbol = serializers.CharField()
    status = serializers.ChoiceField(choices=["off", "shadow", "on"])
    signal = serializers.CharField()
    signal_code = serializers.IntegerField(min_value=0, max_value=3)
    last_updated = serializers.DateTimeField()


class SwingStatusAnswer(Answer):
    """`signal` in a word and `signal_code` as stored, 0 to 3 (C16); null without any plan."""

    status = serializers.CharField()
    signal = serializers.CharField(allow_null=True)
    signal_code = serializers.IntegerField(allow_null=True)
    last_updated = serializers.DateTimeField(allow_null=True)
    plans = SwingStateAnswer(many=True)


class SwingStatus(ApiView):
    """W02: of the plan that moved last, and of each."""

    tag = "aliases"

    @operation("How far the swing plans are", answer=SwingStatusAnswer)
    def get(self, request: ApiRequest) -> Response:
        plans = SwingPlan.objects.for_user(request.user).select_related("instrument").order_by("-updated_at")
        states = [_swing_state(plan) for plan in plans[:MOST_PLANS]]
        head = states[0] if states else dict.fromkeys(("signal", "signal_code", "last_updated")) | {"status": "off"}
        shown = {name: head[name] for name in ("status", "signal", "signal_code", "last_updated")}
        return Response(shown | {"plans": states})


def _ordered(request: ApiRequest, asked: dict[str, Any], symbol: str, side: str, kind: OrderType) -> Response:
    order = services.place_order(
        user=request.user,
        broker_account=bodies.account_of(request, asked),
        instrument=bodies.instrument_of(symbol),
        side=Side(side),
        quantity=asked["quantity"],
        order_type=kind,
        limit_price=asked.get("price"),
        client_key=bodies.key_of(request, 128),
    )
    orders.answered(request, order)  # raises what our limits denied
    return Response({"message": _("주문 성공"), "order_id": order.pk}, status=201)


def _swing(asked: dict[str, Any]) -> SwingParameters:
    """The literal reading of its numbers, but for RSI, where the literal one can never happen (C29).

    Raises DocumentInvalid in the words of the body.
    """
    numbers = {
        **{ours: asked[theirs] for ours, theirs in TERMS.items()},
        **{name: float(asked[name]) for name in ("rsi_threshold", "adx_threshold", "obv_threshold")},
    }
    try:
        return SwingParameters.from_data(numbers | {"obv_mode": "raw"})
    except DocumentInvalid as e:
        raise DocumentInvalid([_in_their_words(each) for each in e.problems]) from e


def _in_their_words(mistake: Mistake) -> Mistake:
    return replace(
        mistake, **{name: _with_terms(getattr(mistake, name)) for name in ("path", "message_ko", "message_en")}
    )


def _with_terms(text: str) -> str:
    for ours, theirs in TERMS.items():
        text = text.replace(ours, theirs)
    return text


def _swing_state(plan: SwingPlan) -> dict[str, Any]:
    return {
        "id": plan.pk,
        "symbol": plan.instrument.symbol,
        "status": plan.mode,
        "signal": SIGNAL_WORDS[plan.signal],
        "signal_code": plan.signal,
        "last_updated": plan.updated_at,
    }


urlpatterns = [
    path("auth/register", people.Register.as_view()),
    path("users/register", people.Register.as_view()),
    path("auth/login", people.Login.as_view()),
    path("users/login", people.Login.as_view()),
    path("account/save_keys", SaveKeys.as_view()),
    path("accounts/register", SaveKeys.as_view()),
    path("account/balance", DefaultBalance.as_view()),
    path("account/positions", DefaultPositions.as_view()),
    path("api/v1/trading/balance", DefaultBalance.as_view()),
    path("api/v1/trading/positions", DefaultPositions.as_view()),
    path("accounts/balance", PrdBalance.as_view()),
    path("order/submit", PlaceBySymbol.as_view()),
    path("order/history", OrderHistory.as_view()),
    path("orders", Orders.as_view()),
    path("api/v1/trading/order", PlaceBySymbol.as_view()),
    path("api/v1/trading/order/<symbol:symbol>/<uuid:order_id>", CancelBySymbol.as_view()),
    path("api/v1/trading/leverage/<symbol:symbol>", Leverage.as_view()),
    path("stocks/order", StocksOrder.as_view()),
    path("swing/register", SwingRegister.as_view()),
    path("swing/status", SwingStatus.as_view()),
    path("backtest/start", BacktestStart.as_view()),
    path("backtest/result/<uuid:run_id>", BacktestShown.as_view()),
    path("backtest/history", BacktestHistory.as_view()),
    path("realtime/ohlc/<symbol:stock_code>", Ohlc.as_view()),
    path("realtime/strategy-data", StrategyData.as_view()),
    path("ai_strategy/generate", GenerateStrategy.as_view()),
]
