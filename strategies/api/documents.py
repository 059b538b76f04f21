"""Rule documents: kept as versions that are never edited, read as sentences, brought in and taken out as files (T02, G14)."""

from typing import Any
from uuid import UUID

from django.http import HttpResponse
from django.utils.translation import get_language
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from accounts.api.fields import Answer, Flag, Plain, Strict, Text, detail
from accounts.api.pages import PageQuery, page
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, operation
from strategies import services
from strategies.document import RuleDocument
from strategies.errors import Language
from strategies.kis_yaml import KisYamlInvalid, Remark, write_kis_yaml
from strategies.library.shelf import LIBRARY
from strategies.models import Strategy, StrategyVersion
from strategies.sentences import document_sentences
from strategies.uploads import MAX_BYTES, read_upload

COLUMNS = ("id", "user_id", "name", "kind", "created_at", "archived_at")
SHOWN = ("id", "name", "kind", "created_at", "archived_at")


class StrategyAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.CharField(help_text="What of the library it is, or `document`.")
    is_own = serializers.BooleanField()
    created_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True, help_text="When its person put it away.")


class StrategyBody(Strict):
    name = Text(max_length=services.LONGEST_NAME)


class StrategiesAnswer(Answer):
    results = StrategyAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class VersionAnswer(Answer):
    id = serializers.UUIDField()
    strategy = serializers.UUIDField()
    number = serializers.IntegerField()
    version_hash = serializers.CharField(help_text="sha256 of the document's canonical JSON.")
    created_at = serializers.DateTimeField()


class VersionsAnswer(Answer):
    results = VersionAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class WholeVersionAnswer(VersionAnswer):
    document = serializers.DictField(help_text="`/api/strategies/schema/` (JSON Schema) describes it.")
    sentences = serializers.ListField(child=serializers.CharField())


class DocumentBody(Strict):
    document = Plain(help_text="`/api/strategies/schema/` (JSON Schema) describes it.")


class SentencesAnswer(Answer):
    sentences = serializers.ListField(child=serializers.CharField())


class ImportBody(Strict):
    content = Text(
        max_length=MAX_BYTES, lines=True, trim_whitespace=False, help_text="A `.kis.yaml` file, or our JSON."
    )
    sell_by_risk_only = Flag(default=False, help_text="A file without an exit is to sell by its stops alone.")


class RemarkAnswer(Answer):
    code = serializers.CharField()
    path = serializers.CharField()
    message = serializers.CharField()


class ImportAnswer(WholeVersionAnswer):
    remarks = RemarkAnswer(many=True)


class LibraryAnswer(Answer):
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    document = serializers.DictField()


class LibrariesAnswer(Answer):
    results = LibraryAnswer(many=True)


class Library(ApiView):
    @operation("The built-in strategies", answer=LibrariesAnswer)
    def get(self, request: ApiRequest) -> Response:
        said = language()
        shelf = [
            {
                "key": key,
                "name": each.name.said_in(said),
                "description": each.description.said_in(said),
                "document": each.build().as_data(),
            }
            for key, each in LIBRARY.items()
        ]
        return Response({"results": shelf})


class Strategies(ApiView):
    @operation("The person's strategies and the built-in ones", query=PageQuery, answer=StrategiesAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(Strategy.objects.for_user(request.user).in_use().values(*COLUMNS), self.query, _strategy))

    @operation(
        "Keep a rule document",
        body=DocumentBody,
        answer=WholeVersionAnswer,
        status=201,
        description="The newest version of the own strategy of its name; what is one of the versions already, stays it.",
    )
    def post(self, request: ApiRequest) -> Response:
        document = RuleDocument.from_data(self.asked["document"])
        return Response(_whole(services.save_document(request.user, document)), status=201)


class OneStrategy(ApiView):
    @operation("One strategy", answer=StrategyAnswer)
    def get(self, request: ApiRequest, strategy_id: UUID) -> Response:
        return Response(_one(request, strategy_id))

    @operation("Give a strategy of one's own another name; its versions stay", body=StrategyBody, answer=StrategyAnswer)
    def patch(self, request: ApiRequest, strategy_id: UUID) -> Response:
        services.rename_strategy(request.user, strategy_id, self.asked["name"])
        return Response(_one(request, strategy_id))

    @operation(
        "Put a strategy of one's own away",
        status=204,
        description="It is no longer listed nor offered. Its versions stay, and plans go on following them.",
    )
    def delete(self, request: ApiRequest, strategy_id: UUID) -> Response:
        services.archive_strategy(request.user, strategy_id)
        return Response(status=204)


class Restoring(ApiView):
    @operation("Take a strategy of one's own out of the archive", answer=StrategyAnswer, errors=(422,))
    def post(self, request: ApiRequest, strategy_id: UUID) -> Response:
        services.restore_strategy(request.user, strategy_id)
        return Response(_one(request, strategy_id))


class Versions(ApiView):
    @operation("Its versions, newest first", query=PageQuery, answer=VersionsAnswer)
    def get(self, request: ApiRequest, strategy_id: UUID) -> Response:
        strategy = Strategy.objects.for_user(request.user).get(pk=strategy_id)
        rows = StrategyVersion.objects.filter(strategy=strategy).defer("document", "settings")
        return Response(page(rows, self.query, _version))


class OneVersion(ApiView):
    @operation("One version, with its rule in sentences", answer=WholeVersionAnswer)
    def get(self, request: ApiRequest, version_id: UUID) -> Response:
        return Response(_whole(_own(request, version_id)))


class KisYaml(ApiView):
    """A file is answered, not JSON: the renderer of the API would quote it."""

    @operation("A version as a `.kis.yaml` file", answer=str, media_type="application/yaml", errors=(422,))
    def get(self, request: ApiRequest, version_id: UUID) -> Any:
        version = _own(request, version_id)
        try:
            file = write_kis_yaml(RuleDocument.from_data(version.document))
        except KisYamlInvalid as e:
            raise Problem("document_invalid", 422, remarks=_remarks(e.problems)) from None
        headers = {"Content-Disposition": f'attachment; filename="{version.pk}.kis.yaml"'}
        return HttpResponse(file.text, content_type="application/yaml; charset=utf-8", headers=headers)


class Import(ApiView):
    @operation("Bring in a `.kis.yaml` file or our JSON", body=ImportBody, answer=ImportAnswer, status=201)
    def post(self, request: ApiRequest) -> Response:
        content = self.asked["content"].encode()
        if len(content) > MAX_BYTES:
            raise ValidationError({"content": [detail("max_length")]})
        try:
            upload = read_upload(content, sell_by_risk_only=self.asked["sell_by_risk_only"])
        except KisYamlInvalid as e:
            raise Problem("document_invalid", 422, remarks=_remarks(e.problems)) from None
        version = services.save_document(request.user, upload.document)
        return Response(_whole(version) | {"remarks": _remarks(upload.remarks)}, status=201)


class Sentences(ApiView):
    @operation("What a rule document says, in sentences; nothing is kept", body=DocumentBody, answer=SentencesAnswer)
    def post(self, request: ApiRequest) -> Response:
        document = RuleDocument.from_data(self.asked["document"])
        return Response({"sentences": document_sentences(document, language())})


def language() -> Language:
    return "ko" if (get_language() or "ko").startswith("ko") else "en"


def _own(request: ApiRequest, version_id: UUID) -> StrategyVersion:
    seen = Strategy.objects.for_user(request.user)
    return StrategyVersion.objects.get(pk=version_id, strategy__in=seen)


def _one(request: ApiRequest, strategy_id: UUID) -> dict[str, Any]:
    return _strategy(Strategy.objects.for_user(request.user).values(*COLUMNS).get(pk=strategy_id))


def _strategy(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SHOWN} | {"is_own": row["user_id"] is not None}


def _version(version: StrategyVersion) -> dict[str, Any]:
    return {
        "id": version.pk,
        "strategy": version.strategy_id,
        "number": version.number,
        "version_hash": version.version_hash,
        "created_at": version.created_at,
    }


def _whole(version: StrategyVersion) -> dict[str, Any]:
    sentences = document_sentences(RuleDocument.from_data(version.document), language())
    return _version(version) | {"document": version.document, "sentences": sentences}


def _remarks(remarks: Any) -> list[dict[str, Any]]:
    said = language()
    return [_remark(each, said) for each in remarks]


def _remark(remark: Remark, said: Language) -> dict[str, Any]:
    message = remark.message_ko if said == "ko" else remark.message_en
    return {"code": remark.code, "path": remark.path, "message": message}
