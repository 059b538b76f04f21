"""`/api/v1/backtests/…`: one run each."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation
from backtests import services, tasks
from backtests.api.asked import AskedBody, asked_of, client_key
from backtests.models import Backtest, BacktestResult, Job, Scorecard
from backtests.packing import unpack_data
from backtests.templatetags.backtest_words import refusal

STATES = ["queued", "running", "done", "failed", "canceled"]


class JobAnswer(Answer):
    state = serializers.ChoiceField(choices=STATES)
    stage = serializers.CharField()
    progress = serializers.IntegerField(help_text="Thousandths.")
    code = serializers.CharField(help_text="Why it failed.")
    message = serializers.CharField()


class BacktestAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    strategy_version = serializers.UUIDField()
    version_hash = serializers.CharField(help_text="The rule with its numbers.")
    parameters = serializers.DictField()
    instrument = serializers.CharField(help_text="The first on the account.")
    instruments = serializers.ListField(child=serializers.CharField(), help_text="All on the account, in order.")
    interval = serializers.CharField()
    upload = serializers.UUIDField(allow_null=True)
    uploads = serializers.ListField(child=serializers.UUIDField(), help_text="The bar files among them.")
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    terms = serializers.DictField()
    job = JobAnswer()
    created_at = serializers.DateTimeField()


class BacktestsAnswer(Answer):
    results = BacktestAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class ResultAnswer(Answer):
    bars = serializers.IntegerField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    seed = serializers.IntegerField()
    inputs_hash = serializers.CharField()
    result_hash = serializers.CharField()
    figures = serializers.DictField(help_text="`strategy`, `hold`, `trades`: docs/backtests.md.")
    months = serializers.ListField(child=serializers.DictField())
    trades = serializers.ListField(child=serializers.DictField())
    parts = serializers.ListField(
        child=serializers.DictField(), help_text="What each of several instruments brought; of one nothing."
    )


class ScorecardAnswer(Answer):
    job = JobAnswer()
    grade = serializers.CharField()
    checks = serializers.ListField(child=serializers.DictField())


class WholeBacktestAnswer(BacktestAnswer):
    result = ResultAnswer(allow_null=True)
    scorecard = ScorecardAnswer(allow_null=True)


class Backtests(ApiView):
    tag = "backtests"

    @operation("Backtests, newest first", query=PageQuery, answer=BacktestsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(Backtest.objects.for_user(request.user).shown(), self.query, shown))

    @operation("Start a backtest", body=AskedBody, answer=BacktestAnswer, status=202, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        asked = asked_of(request.user, self.asked)
        with transaction.atomic():
            run = services.start_run(
                request.user, asked, name=self.asked.get("name", ""), client_key=client_key(self.key)
            )
            transaction.on_commit(partial(tasks.ring))
        return Response(shown(run), status=202)


class OneBacktest(ApiView):
    tag = "backtests"

    @operation("A backtest, with its result once it is done", answer=WholeBacktestAnswer)
    def get(self, request: ApiRequest, run_id: UUID) -> Response:
        run = services.get_run(request.user, run_id)
        result = BacktestResult.objects.defer("fills", "series", "candles").filter(pk=run.pk).first()
        card = Scorecard.objects.select_related("job").filter(pk=run.pk).first()
        return Response(
            shown(run) | {"result": _result(result) if result else None, "scorecard": _card(card) if card else None}
        )

    @operation("Forget a backtest that has ended", status=204, errors=(422,))
    def delete(self, request: ApiRequest, run_id: UUID) -> Response:
        services.delete_run(request.user, run_id)
        return Response(status=204)


class Cancel(ApiView):
    tag = "backtests"

    @operation("Call a backtest off", answer=BacktestAnswer)
    def post(self, request: ApiRequest, run_id: UUID) -> Response:
        services.cancel_run(request.user, run_id)
        return Response(shown(services.get_run(request.user, run_id)))


class MakeScorecard(ApiView):
    tag = "backtests"

    @operation("Ask what speaks against a finished backtest", answer=ScorecardAnswer, status=202)
    def post(self, request: ApiRequest, run_id: UUID) -> Response:
        with transaction.atomic():
            card = services.start_scorecard(request.user, run_id)
            transaction.on_commit(partial(tasks.ring))
        return Response(_card(card), status=202)


def shown(run: Backtest) -> dict[str, Any]:
    return {
        "id": run.pk,
        "name": run.name,
        "strategy_version": run.strategy_version_id,
        "version_hash": run.version_hash,
        "parameters": run.parameters,
        "instrument": run.instrument.key,
        "instruments": [member.instrument.key for member in run.members],
        "interval": run.interval,
        "upload": run.upload_id,
        "uploads": [member.upload_id for member in run.members if member.upload_id],
        "starts_on": run.starts_on,
        "ends_on": run.ends_on,
        "terms": run.terms,
        "job": job_shown(run.job),
        "created_at": run.created_at,
    }


def job_shown(job: Job) -> dict[str, Any]:
    return {
        "state": job.state,
        "stage": job.stage,
        "progress": job.progress,
        "code": job.code,
        "message": refusal(job),
    }


def _result(result: BacktestResult) -> dict[str, Any]:
    names = ("bars", "first_at", "last_at", "seed", "inputs_hash", "result_hash", "figures", "months")
    told = {name: getattr(result, name) for name in names}
    parts = result.parts.values_list("figures", flat=True)
    return told | {"trades": unpack_data(result.trades), "parts": list(parts)}


def _card(card: Scorecard) -> dict[str, Any]:
    return {"job": job_shown(card.job), "grade": card.grade, "checks": card.checks}
