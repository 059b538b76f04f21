"""The literal addresses of cash and holdings: those of the person's default account."""

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText
from accounts.api.view import ApiRequest, ApiView, operation
from config import compat_bodies as bodies
from trading import services
from trading.api.accounts import BalanceAnswer, PositionsAnswer, balance_row, position_rows


class HoldingAnswer(Answer):
    stock_code = serializers.CharField()
    quantity = NumberText()
    current_price = NumberText(allow_null=True)


class CashAnswer(Answer):
    cash_balance = NumberText()
    stock_balance = HoldingAnswer(many=True)


class PrdBalance(ApiView):
    """P03."""

    tag = "aliases"

    @operation("Cash and holdings of the default account", answer=CashAnswer, errors=(422,))
    def get(self, request: ApiRequest) -> Response:
        portfolio = services.portfolio(bodies.account_of(request, {}))
        held = [
            {"stock_code": each.instrument.symbol, "quantity": each.quantity, "current_price": each.price}
            for each in portfolio.positions
        ]
        return Response({"cash_balance": portfolio.cash_available, "stock_balance": held})


class DefaultBalance(ApiView):
    """P01, P02."""

    tag = "aliases"

    @operation("Cash, value and profit of the default account", answer=BalanceAnswer, errors=(422,))
    def get(self, request: ApiRequest) -> Response:
        return Response(balance_row(services.portfolio(bodies.account_of(request, {}))))


class DefaultPositions(ApiView):
    """P01, P02."""

    tag = "aliases"

    @operation("Holdings of the default account", answer=PositionsAnswer, errors=(422,))
    def get(self, request: ApiRequest) -> Response:
        return Response({"results": position_rows([services.portfolio(bodies.account_of(request, {}))])})
