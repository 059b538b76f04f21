"""`/api/v1/backtests/uploads/…`: bar files, sent as they are and received a piece at a time."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import BaseParser
from rest_framework.response import Response

from accounts.api.fields import Answer, InstrumentKey, Strict, Text
from accounts.api.pages import PageQuery, page
from accounts.api.problems import Problem
from accounts.api.view import ApiRequest, ApiView, operation
from accounts.api.wire import JsonOnly
from backtests import services, tasks
from backtests.api.runs import JobAnswer, job_shown
from backtests.errors import BacktestRefused
from backtests.models import BarUpload
from backtests.services.uploads import MOST_BYTES, PIECE
from backtests.templatetags.backtest_words import bad_rows, tolerated
from markets.api.keys import instrument_of
from markets.models import Instrument
from markets.types import Interval

CSV = "text/csv"


class UploadQuery(Strict):
    """What the file cannot say itself."""

    name = Text(max_length=64, help_text="What it is called: no path, nothing a spreadsheet would take for a formula.")
    instrument = InstrumentKey(help_text="Its bars trade by the rules of this instrument.")
    interval = serializers.ChoiceField(
        choices=[each.value for each in Interval], required=False, help_text="Without it, that of the first bars."
    )
    zone = Text(max_length=64, required=False, help_text="Of times that say none; without it Asia/Seoul.")


class UploadAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    instrument = serializers.CharField()
    interval = serializers.CharField(allow_blank=True)
    size = serializers.IntegerField(help_text="Bytes received.")
    bars = serializers.IntegerField(help_text="0 until it has been checked.")
    first_at = serializers.DateTimeField(allow_null=True)
    last_at = serializers.DateTimeField(allow_null=True)
    job = JobAnswer(help_text="How far checking it is.")
    problems = serializers.ListField(child=serializers.CharField(), help_text="The first bad rows, a sentence each.")
    bad_rows = serializers.IntegerField(help_text="How many there are in all.")
    tolerated = serializers.ListField(child=serializers.CharField())
    created_at = serializers.DateTimeField()


class UploadsAnswer(Answer):
    results = UploadAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class CsvStream(BaseParser):
    """Leaves the body where it is: the view reads it a piece at a time."""

    media_type = CSV

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        return {}


class CsvOnly(JsonOnly):
    """Answers are JSON; what is sent is a file, or nothing."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        found = super().select_parser(request, parsers)
        if found is None:
            raise Problem("not_csv", 415)
        return found


class Uploads(ApiView):
    tag = "backtests"
    parser_classes = [CsvStream]
    content_negotiation_class = CsvOnly

    @operation("Bar files, newest first", query=PageQuery, answer=UploadsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(services.list_uploads(request.user), self.query, shown))

    @extend_schema(request={CSV: OpenApiTypes.BINARY})
    @operation(
        "Send a bar file",
        query=UploadQuery,
        answer=UploadAnswer,
        status=202,
        errors=(413, 415, 422),
        description="The body is the file, up to 100 MB. It is checked after that: `job` says how far, and what is wrong.",
    )
    def post(self, request: ApiRequest) -> Response:
        if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
            raise Problem("body_too_large", 413)
        asked = self.query
        upload = services.receive(
            request.user,
            _pieces(request._request),
            name=asked["name"],
            instrument=_instrument(asked["instrument"]),
            interval=Interval(asked["interval"]) if "interval" in asked else None,
            zone=asked.get("zone", "Asia/Seoul"),
        )
        transaction.on_commit(partial(tasks.ring))
        return Response(shown(upload), status=202)


class OneUpload(ApiView):
    tag = "backtests"

    @operation("A bar file, and how far checking it is", answer=UploadAnswer)
    def get(self, request: ApiRequest, upload_id: UUID) -> Response:
        return Response(shown(services.get_upload(request.user, upload_id)))

    @operation("Forget a bar file; results made from it stay", status=204, errors=(422,))
    def delete(self, request: ApiRequest, upload_id: UUID) -> Response:
        services.delete_upload(request.user, upload_id)
        return Response(status=204)


def shown(upload: BarUpload) -> dict[str, Any]:
    names = ("id", "name", "interval", "size", "bars", "first_at", "last_at", "created_at")
    told = {name: getattr(upload, name) for name in names}
    return told | {
        "instrument": upload.instrument.key,
        "job": job_shown(upload.job) if upload.job else None,
        "problems": bad_rows(upload),
        "bad_rows": upload.told.get("total", 0),
        "tolerated": tolerated(upload),
    }


def _pieces(request: HttpRequest) -> Iterator[bytes]:
    while piece := request.read(PIECE):
        yield piece


def _instrument(key: str) -> Instrument:
    try:
        return instrument_of(key)
    except Instrument.DoesNotExist:
        raise BacktestRefused("unknown_instrument") from None
