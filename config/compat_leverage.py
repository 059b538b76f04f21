"""O03, the literal `POST /api/v1/trading/leverage/{symbol}`, answered as accounts are: bought with cash, so always 1."""

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Strict, Text, Whole
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, operation
from config import compat_bodies as bodies

MOST = (
    1  # no account here borrows: stocks without margin debt, coins at 1x (the limits before every order say the same)
)


class LeverageBody(Strict):
    leverage = Whole(min_value=1, max_value=125)
    account = Text(max_length=36, required=False)


class LeverageAnswer(Answer):
    message = serializers.CharField()
    symbol = serializers.CharField()
    leverage = serializers.IntegerField()
    max_leverage = serializers.IntegerField()


class Leverage(ApiView):
    """O03."""

    tag = "aliases"

    @operation(
        "Set the leverage of a symbol",
        body=LeverageBody,
        answer=LeverageAnswer,
        description="1 is what every account has, and is confirmed; anything above is `leverage_not_available` (422), "
        "with the most there is in `detail.max_leverage`.",
    )
    def post(self, request: ApiRequest, symbol: str) -> Response:
        instrument = bodies.instrument_of(symbol)
        bodies.account_of(request, self.asked)
        asked = self.asked["leverage"]
        if asked > MOST:
            raise Problem("leverage_not_available", leverage=asked, max_leverage=MOST)
        said = {"message": _("레버리지는 1배입니다."), "symbol": instrument.symbol}
        return Response(said | {"leverage": asked, "max_leverage": MOST})
