"""Orders: placing, following, changing and canceling them (O01–O07)."""

from uuid import UUID

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, InstrumentKey, Key, NumberText, Strict
from accounts.api.pages import PageQuery, page
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, operation, require_match
from brokers.protocol import Division, OrderType, TimeInForce
from markets.types import Side
from trading import services
from trading.api import order_rows as rows
from trading.api.order_lists import order_shown, orders_page
from trading.api.own import named_account, named_instrument
from trading.lifecycle import OrderState
from trading.models import Order


class OrderQuery(PageQuery):
    state = serializers.ChoiceField(
        choices=[*rows.STATES, "open"], required=False, help_text="`open`: not finished yet."
    )
    side = serializers.ChoiceField(choices=rows.SIDES, required=False)
    instrument = InstrumentKey(required=False)
    broker_account = serializers.UUIDField(required=False)
    plan = serializers.UUIDField(required=False)
    since = serializers.DateTimeField(required=False, help_text="Created at or after.")
    until = serializers.DateTimeField(required=False, help_text="Created before.")
    ordering = serializers.ChoiceField(choices=["-created_at", "created_at"], default="-created_at")


class OrderBody(Strict):
    """A limit order names its limit, a stop order its stop, a market order neither."""

    broker_account = Key()
    instrument = InstrumentKey()
    side = serializers.ChoiceField(choices=rows.SIDES)
    order_type = serializers.ChoiceField(choices=rows.TYPES)
    quantity = NumberText()
    limit_price = NumberText(required=False, allow_null=True)
    stop_price = NumberText(required=False, allow_null=True)
    time_in_force = serializers.ChoiceField(choices=rows.TIMES_IN_FORCE, default="day")
    division = serializers.ChoiceField(
        choices=rows.DIVISIONS,
        default="plain",
        help_text="How the venue takes it; all but `plain` only where the account's broker can. `conditional` and `after` are "
        "limit orders, the others market orders: the venue chooses their price.",
    )


class EstimateBody(Strict):
    instrument = InstrumentKey()
    side = serializers.ChoiceField(choices=rows.SIDES)
    order_type = serializers.ChoiceField(choices=rows.TYPES)
    quantity = NumberText()
    limit_price = NumberText(required=False, allow_null=True)
    stop_price = NumberText(required=False, allow_null=True)


class EstimateAnswer(Answer):
    price = NumberText()
    amount = NumberText()
    fee = NumberText()
    tax = NumberText()
    total = NumberText(help_text="What a buy costs or a sell brings, in the instrument's currency.")


class ChangeBody(Strict):
    """`quantity` is of the whole order, what it has filled included."""

    quantity = NumberText()
    limit_price = NumberText(required=False, allow_null=True)
    stop_price = NumberText(required=False, allow_null=True)


class CancelAllBody(Strict):
    broker_account = Key(required=False)
    instrument = InstrumentKey(required=False)


class CanceledAnswer(Answer):
    withdrawn = serializers.IntegerField(help_text="Ended before they were sent.")
    asked = serializers.IntegerField(help_text="Of so many the venue is asked.")


class Orders(ApiView):
    @operation("Orders", query=OrderQuery, answer=rows.OrdersAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(orders_page(request.user, self.query))

    @operation(
        "Place an order",
        body=OrderBody,
        answer=rows.OrderAnswer,
        status=202,
        idempotent=True,
        description="202: checked, reserved and queued; the broker has not answered yet. What our limits forbid is 422 with "
        "the limit's code, and is kept as an order in the state `denied`.",
    )
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        order = services.place_order(
            user=request.user,
            broker_account=named_account(request, asked["broker_account"]),
            instrument=named_instrument(asked["instrument"]),
            side=Side(asked["side"]),
            quantity=asked["quantity"],
            order_type=OrderType(asked["order_type"]),
            limit_price=asked.get("limit_price"),
            stop_price=asked.get("stop_price"),
            time_in_force=TimeInForce(asked["time_in_force"]),
            division=Division(asked["division"]),
            client_key=self.key,
        )
        return answered(request, order)


class Estimate(ApiView):
    @operation("What an order would cost or bring; nothing is placed", body=EstimateBody, answer=EstimateAnswer)
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        told = services.estimate_order(
            named_instrument(asked["instrument"]),
            Side(asked["side"]),
            asked["quantity"],
            OrderType(asked["order_type"]),
            asked.get("limit_price"),
            asked.get("stop_price"),
        )
        return Response({name: getattr(told, name) for name in ("price", "amount", "fee", "tax", "total")})


class OneOrder(ApiView):
    @operation("One order", answer=rows.OrderAnswer)
    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        row = order_shown(request.user, order_id)
        return Response(row, headers={"ETag": rows.etag(row["version"])})

    @operation(
        "Change quantity or price",
        body=ChangeBody,
        answer=rows.OrderAnswer,
        status=202,
        idempotent=True,
        if_match=True,
        description="An order that has not been sent is replaced at once, and its replacement answered. One that rests at "
        "the venue is canceled first; its rest is placed once it is certain what had filled.",
    )
    def patch(self, request: ApiRequest, order_id: UUID) -> Response:
        order = Order.objects.for_user(request.user).get(pk=order_id)
        if not _was_asked_before(request, self.key):
            require_match(self.if_match, rows.etag(order.version))
        anew = services.change_order(
            request.user,
            order.pk,
            quantity=self.asked["quantity"],
            limit_price=self.asked.get("limit_price"),
            stop_price=self.asked.get("stop_price"),
            client_key=self.key,
        )
        return answered(request, anew)


class CancelOrder(ApiView):
    @operation(
        "Cancel an order",
        answer=rows.OrderAnswer,
        status=202,
        errors=(409,),
        description="What has not been sent is withdrawn at once; of what rests at the venue the cancel is requested.",
    )
    def post(self, request: ApiRequest, order_id: UUID) -> Response:
        order = services.cancel_order(request.user, order_id)
        return Response(order_shown(request.user, order.pk), status=202)


class CancelAll(ApiView):
    @operation(
        "Cancel every open order, or those of one account or instrument", body=CancelAllBody, answer=CanceledAnswer
    )
    def post(self, request: ApiRequest) -> Response:
        account, key = self.asked.get("broker_account"), self.asked.get("instrument")
        done = services.cancel_all(
            request.user,
            None if account is None else named_account(request, account),
            None if key is None else named_instrument(key),
        )
        return Response(done._asdict())


class OrderFills(ApiView):
    @operation("The fills of an order, oldest first", query=PageQuery, answer=rows.FillsAnswer)
    def get(self, request: ApiRequest, order_id: UUID) -> Response:
        order = Order.objects.for_user(request.user).only("pk").get(pk=order_id)
        found = rows.fills_of(request.user).filter(order=order)
        return Response(page(found, self.query, rows.fill_row, by=("id", "id"), newest_first=False))


class Fills(ApiView):
    @operation("Every fill, newest first", query=PageQuery, answer=rows.FillsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(rows.fills_of(request.user), self.query, rows.fill_row, by=("id", "id")))


def answered(request: ApiRequest, order: Order) -> Response:
    """The order as placed. Raises Problem for one that our own limits denied: it is kept, with its numbers."""
    if order.state == OrderState.DENIED:
        raise Problem(order.reason, 422, **{**order.facts, "order": str(order.pk)})
    row = order_shown(request.user, order.pk)
    headers = {"Location": f"/api/v1/orders/{order.pk}/", "ETag": rows.etag(row["version"])}
    return Response(row, status=202, headers=headers)


def _was_asked_before(request: ApiRequest, key: str) -> bool:
    """A repeat of a change carries the version there was before it: the key says what it is."""
    return request.user.idempotency_keys.filter(key=key).exists()
