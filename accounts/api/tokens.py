"""Tokens for programs (A17): made by a person who has just stepped up, shown once, listed and ended."""

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Strict, Text
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.models import Device, Scope
from accounts.services import api_devices, api_tokens, client_address
from accounts.services.api_tokens import TooManyTokens


class Days(serializers.ChoiceField):
    """One of a few numbers, as a number."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class TokenBody(Strict):
    name = Text(max_length=120, help_text="What the list calls it.")
    scope = serializers.ChoiceField(choices=["read", "trade"], help_text="Within what its person may do.")
    days = Days(choices=list(api_tokens.DAYS), help_text="How long it lives.")


class ApiTokenAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    scope = serializers.ChoiceField(choices=["read", "trade"])
    hint = serializers.CharField(help_text="Its last characters.")
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute; null: never.")
    used_from = serializers.CharField(help_text="The address of its last use.")


class NewTokenAnswer(ApiTokenAnswer):
    token = serializers.CharField(help_text="For `Authorization: Bearer …`. Shown once.")


class TokensAnswer(Answer):
    results = ApiTokenAnswer(many=True)


class Tokens(ApiView):
    permission_classes = [SignedIn]
    by_people_alone = True

    @operation("The person's API tokens", answer=TokensAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response({"results": [_shown(each) for each in api_tokens.tokens_of(request.user)]})

    @operation("Make a token for a program", body=TokenBody, answer=NewTokenAnswer, status=201, steps_up=True)
    def post(self, request: ApiRequest) -> Response:
        if request.user.is_staff:
            raise Problem("not_permitted", 403)
        try:
            made = api_tokens.create(
                request.user,
                name=self.asked["name"],
                scope=Scope(self.asked["scope"]),
                days=self.asked["days"],
                second_factor=request.auth.used_second_factor,
                address=client_address(request._request),
            )
        except TooManyTokens as e:
            raise Problem(e.code, 422, limit=e.limit) from None
        return Response(_shown(made.device) | {"token": made.text}, status=201)


class OneToken(ApiView):
    permission_classes = [SignedIn]
    by_people_alone = True

    @operation("End a token", status=204)
    def delete(self, request: ApiRequest, token_id: UUID) -> Response:
        api_devices.end_device(api_tokens.one_of(request.user, token_id).user, token_id)
        return Response(status=204)


def _shown(token: Device) -> dict[str, Any]:
    names = ("id", "name", "scope", "created_at", "expires_at")
    was_used = api_tokens.was_used(token)
    return {name: getattr(token, name) for name in names} | {
        "hint": token.token_hint,
        "used_at": token.seen_at if was_used else None,
        "used_from": token.address if was_used else "",
    }
