"""AutoDash's backtests (K01): started, looked at and listed under its addresses."""

from decimal import Decimal
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Plain, Strict, Text
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation
from backtests import services, tasks
from backtests.models import Backtest, BacktestResult
from backtests.services import Asked
from backtests.terms import Terms
from config import compat_bodies as bodies
from markets.types import Interval


class BacktestBody(Strict):
    symbol = bodies.Symbol()
    strategy = Text(max_length=64, default="swing", help_text="A key of the library, or a saved version's id.")
    interval = serializers.ChoiceField(choices=[each.value for each in Interval], default="1h")
    start_date = serializers.DateField(required=False, allow_null=True)
    end_date = serializers.DateField(required=False, allow_null=True)
    initial_capital = bodies.LooseNumber(default=Decimal(10_000_000))
    parameters = Plain(required=False)


class StartedAnswer(Answer):
    message = serializers.CharField()
    id = serializers.UUIDField()


class LiteralBacktestAnswer(Answer):
    """`result` once the run is done: figures of the strategy and of holding."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    symbol = serializers.CharField()
    interval = serializers.CharField()
    status = serializers.ChoiceField(choices=["queued", "running", "done", "failed", "canceled"])
    progress = serializers.IntegerField(help_text="Thousandths.")
    reason = serializers.CharField()
    created_at = serializers.DateTimeField()
    result = serializers.DictField(allow_null=True)


class LiteralBacktestsAnswer(Answer):
    results = LiteralBacktestAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class BacktestStart(ApiView):
    tag = "aliases"

    @operation("Start a backtest", body=BacktestBody, answer=StartedAnswer, status=202)
    def post(self, request: ApiRequest) -> Response:
        asked = self.asked
        run = services.start_run(
            request.user,
            Asked(
                rule=services.pick(request.user, asked["strategy"]),
                instrument=bodies.instrument_of(asked["symbol"]),
                interval=Interval(asked["interval"]),
                terms=Terms.from_data({"cash": format(asked["initial_capital"], "f")}),
                parameters=asked.get("parameters") or {},
                starts_on=asked.get("start_date"),
                ends_on=asked.get("end_date"),
            ),
            client_key=bodies.key_of(request, 64),
        )
        transaction.on_commit(partial(tasks.ring))
        return Response({"message": _("백테스트를 시작했습니다."), "id": run.pk}, status=202)


class BacktestShown(ApiView):
    tag = "aliases"

    @operation("A backtest and its result", answer=LiteralBacktestAnswer)
    def get(self, request: ApiRequest, run_id: UUID) -> Response:
        return Response(_shown(services.get_run(request.user, run_id)))


class BacktestHistory(ApiView):
    tag = "aliases"

    @operation("Backtests, newest first", query=PageQuery, answer=LiteralBacktestsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(services.list_runs(request.user), self.query, _shown))


def _shown(run: Backtest) -> dict[str, Any]:
    figures = BacktestResult.objects.filter(pk=run.pk).values_list("figures", flat=True).first()
    return {
        "id": run.pk,
        "name": run.name,
        "symbol": run.instrument.symbol,
        "interval": run.interval,
        "status": run.job.state,
        "progress": run.job.progress,
        "reason": run.job.code,
        "created_at": run.created_at,
        "result": figures,
    }
