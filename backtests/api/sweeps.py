"""`/api/v1/backtests/sweeps/…`: one rule with many numbers."""

from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Plain, Whole
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation
from backtests import services, tasks
from backtests.api.asked import AskedBody, asked_of, client_key
from backtests.errors import BacktestRefused
from backtests.models import Sweep
from backtests.models.sweeps import KINDS
from backtests.services import Searched
from backtests.services.sweeps import GOALS, PARTS


class SweepBody(AskedBody):
    """`axes` names the values that each parameter takes: {"fast": [5, 10, 20]}. Of one instrument; `optuna` where installed."""

    kind = serializers.ChoiceField(choices=list(KINDS))
    axes = Plain()
    goal = serializers.ChoiceField(choices=list(GOALS), required=False)
    draws = Whole(required=False, help_text="Of a random sweep, and of Optuna's.")
    windows = Whole(required=False, help_text="Of a walk-forward.")


class SweepAnswer(Answer):
    id = serializers.UUIDField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=list(KINDS))
    strategy_version = serializers.UUIDField()
    instrument = serializers.CharField()
    interval = serializers.CharField()
    axes = serializers.DictField()
    goal = serializers.CharField()
    combinations = serializers.IntegerField()
    state = serializers.ChoiceField(choices=["queued", "running", "done", "failed", "canceled"])
    progress = serializers.IntegerField(help_text="Thousandths.")
    created_at = serializers.DateTimeField()


class SweepsAnswer(Answer):
    results = SweepAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class WholeSweepAnswer(SweepAnswer):
    found = serializers.ListField(child=serializers.DictField(), help_text="Points, or windows of a walk-forward.")


class Sweeps(ApiView):
    tag = "backtests"

    @operation("Sweeps, newest first", query=PageQuery, answer=SweepsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(services.list_sweeps(request.user), self.query, _shown))

    @operation("Start a sweep or a walk-forward", body=SweepBody, answer=SweepAnswer, status=202, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        asked, given = asked_of(request.user, self.asked), self.asked
        wanted = {name: given[name] for name in ("goal", "draws", "windows") if name in given}
        searched = Searched(kind=given["kind"], axes=_axes(given["axes"]), **wanted)
        with transaction.atomic():
            sweep = services.start_sweep(
                request.user, asked, searched, name=given.get("name", ""), client_key=client_key(self.key)
            )
            transaction.on_commit(partial(tasks.ring, PARTS))
        return Response(_shown(sweep), status=202)


class OneSweep(ApiView):
    tag = "backtests"

    @operation("A sweep, with what has been found so far", answer=WholeSweepAnswer)
    def get(self, request: ApiRequest, sweep_id: UUID) -> Response:
        sweep = services.get_sweep(request.user, sweep_id)
        return Response(_shown(sweep) | {"found": services.results_of(sweep)})


class CancelSweep(ApiView):
    tag = "backtests"

    @operation("Stop a sweep where it is", answer=SweepAnswer)
    def post(self, request: ApiRequest, sweep_id: UUID) -> Response:
        services.cancel_sweep(request.user, sweep_id)
        return Response(_shown(services.get_sweep(request.user, sweep_id)))


def _axes(given: Any) -> dict[str, list[float]]:
    """Lists of numbers by name. Raises BacktestRefused."""
    found: dict[str, list[float]] = {}
    for name, values in (given if isinstance(given, dict) else {"": None}).items():
        if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
            raise BacktestRefused("bad_axis", name=str(name)[:64])
        found[str(name)] = [int(value) if float(value).is_integer() else value for value in values]
    return found


def _shown(sweep: Sweep) -> dict[str, Any]:
    told = services.standing([sweep])[sweep.pk]
    return {
        "id": sweep.pk,
        "name": sweep.name,
        "kind": sweep.kind,
        "strategy_version": sweep.strategy_version_id,
        "instrument": sweep.instrument.key,
        "interval": sweep.interval,
        "axes": sweep.axes,
        "goal": sweep.goal,
        "combinations": sweep.combinations,
        "state": told.state,
        "progress": told.progress,
        "created_at": sweep.created_at,
    }
