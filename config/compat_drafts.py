"""T10, the literal `POST /ai_strategy/generate`: a rule document drafted from words, checked by our schema, kept nowhere.

The provider is ours and offline: no text of a person leaves the server, and nothing it answers can run.
"""

from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Strict, Text
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, operation
from strategies.api.documents import language
from strategies.drafting import WishNotUnderstood, draft
from strategies.sentences import document_sentences


class WishBody(Strict):
    prompt = Text(max_length=2000, lines=True, help_text="The strategy in words; a description, never instructions.")
    name = Text(max_length=100, required=False)


class DraftAnswer(Answer):
    """`spec` can be kept with `POST /api/v1/strategies/`, as it is or changed."""

    status = serializers.ChoiceField(choices=["success"])
    message = serializers.CharField()
    provider = serializers.ChoiceField(choices=["offline"])
    based_on = serializers.CharField(help_text="The built-in strategy it began from.")
    understood = serializers.ListField(child=serializers.CharField(), help_text="The words it was made from.")
    spec = serializers.DictField()
    sentences = serializers.ListField(child=serializers.CharField())


class GenerateStrategy(ApiView):
    """T10."""

    tag = "aliases"

    @operation(
        "Draft a strategy from words",
        body=WishBody,
        answer=DraftAnswer,
        description="Offline: it finds the built-in strategy that the words point to, and their stop-loss, take-profit "
        "and trailing stop in percent. What it did not understand is not in `understood`; a wish without any known "
        "word is `wish_not_understood` (422).",
    )
    def post(self, request: ApiRequest) -> Response:
        try:
            made = draft(self.asked["prompt"], self.asked.get("name", ""))
        except WishNotUnderstood as e:
            raise Problem(e.code) from None
        answer = {
            "status": "success",
            "message": _("초안입니다. 문장으로 확인하고 백테스트한 뒤 저장하세요."),
            "provider": "offline",
            "based_on": made.key,
            "understood": list(made.understood),
            "spec": made.document.as_data(),
            "sentences": document_sentences(made.document, language()),
        }
        return Response(answer)
