"""What a person is told, and which of it they want to be told where."""

from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts import notices as rules
from accounts.api.fields import Answer, Flag, Strict, Whole
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, SignedIn, operation
from accounts.models import Notice
from accounts.services import notices


class ChoiceAnswer(Answer):
    kind = serializers.ChoiceField(choices=list(rules.KINDS))
    channel = serializers.ChoiceField(choices=list(rules.CHANNELS))
    is_on = serializers.BooleanField()
    is_fixed = serializers.BooleanField(help_text="Not to be switched.")


class ChoicesAnswer(Answer):
    results = ChoiceAnswer(many=True)


class ChoiceBody(Strict):
    kind = serializers.ChoiceField(choices=list(rules.KINDS))
    channel = serializers.ChoiceField(choices=list(rules.CHANNELS))
    is_on = Flag()


class NoticeAnswer(Answer):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=list(rules.KINDS))
    cause = serializers.CharField(help_text="Stable, for programs.")
    message = serializers.CharField()
    subject = serializers.CharField(help_text="Such as `order:<id>`.")
    facts = serializers.DictField()
    at = serializers.DateTimeField()
    seen_at = serializers.DateTimeField(allow_null=True)


class NoticesAnswer(Answer):
    results = NoticeAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class SeenBody(Strict):
    ids = serializers.ListField(child=Whole(min_value=1, max_value=2**53), max_length=200, required=False)


class SeenAnswer(Answer):
    seen = serializers.IntegerField(help_text="How many were unread.")


class Choices(ApiView):
    """One switch for each kind of news and each way it may go."""

    permission_classes = [SignedIn]
    by_people_alone = True

    @operation("What is told where", answer=ChoicesAnswer)
    def get(self, request: ApiRequest) -> Response:
        return _choices(request)

    @operation("Switch one kind on or off, one way", body=ChoiceBody, answer=ChoicesAnswer)
    def put(self, request: ApiRequest) -> Response:
        notices.choose(request.user, {(self.asked["kind"], self.asked["channel"]): self.asked["is_on"]})
        return _choices(request)


class Notices(ApiView):
    permission_classes = [SignedIn]

    @operation("What the person was told, newest first", query=PageQuery, answer=NoticesAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(notices.on_page(request.user), self.query, _notice, by=("at", "id")))


class Seen(ApiView):
    permission_classes = [SignedIn]

    @operation("These have been read; without `ids` all", body=SeenBody, answer=SeenAnswer)
    def post(self, request: ApiRequest) -> Response:
        return Response({"seen": notices.mark_seen(request.user, self.asked.get("ids"))})


def _choices(request: ApiRequest) -> Response:
    return Response({"results": notices.table_of(request.user)})


def _notice(notice: Notice) -> dict[str, Any]:
    names = ("id", "kind", "cause", "subject", "facts", "at", "seen_at")
    return {name: getattr(notice, name) for name in names} | {"message": notices.sentence_of(notice)}
