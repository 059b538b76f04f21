"""What a person means where a literal request of another system leaves something out (C15)."""

from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, InstrumentKey, Key, NumberText, Strict
from accounts.api.view import ApiRequest, ApiView, operation
from trading.api.own import named_account, named_instrument
from trading.models import AliasDefaults
from trading.services.ordering.asked import plain_number


class DefaultsBody(Strict):
    """What is null is asked for each time."""

    broker_account = Key(allow_null=True)
    instrument = InstrumentKey(allow_null=True)
    budget = NumberText(allow_null=True)


class DefaultsAnswer(Answer):
    broker_account = serializers.UUIDField(allow_null=True)
    instrument = serializers.CharField(allow_null=True)
    budget = NumberText(allow_null=True)


class Defaults(ApiView):
    @operation("The person's defaults for the literal addresses", answer=DefaultsAnswer)
    def get(self, request: ApiRequest) -> Response:
        row = AliasDefaults.objects.filter(user=request.user).select_related("instrument").first()
        return Response(_shown(row or AliasDefaults()))

    @operation("Set them", body=DefaultsBody, answer=DefaultsAnswer)
    def put(self, request: ApiRequest) -> Response:
        account, key, budget = (self.asked[name] for name in ("broker_account", "instrument", "budget"))
        values: dict[str, Any] = {
            "broker_account": None if account is None else named_account(request, account),
            "instrument": None if key is None else named_instrument(key),
            "budget": None if budget is None else plain_number(budget, "budget"),
        }
        row, _is_new = AliasDefaults.objects.update_or_create(user=request.user, defaults=values)
        return Response(_shown(row))


def _shown(row: AliasDefaults) -> dict[str, Any]:
    return {
        "broker_account": row.broker_account_id,
        "instrument": row.instrument.key if row.instrument else None,
        "budget": row.budget,
    }
