"""Swing plans: registering, changing, pausing and stopping them, and why they did or did not (W01–W06, G01)."""

import hashlib
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, Flag, InstrumentKey, Key, NumberText, Plain, Strict, Text, Whole
from accounts.api.pages import PageQuery, page
from accounts.api.view import ApiRequest, ApiView, operation, require_match
from markets.types import Interval
from strategies.document import RuleDocument
from strategies.library.shelf import LIBRARY
from strategies.library.swing import SwingParameters
from strategies.models import Strategy, StrategyVersion
from trading import services
from trading.api import order_rows
from trading.api import plan_rows as rows
from trading.api.order_lists import order_shown
from trading.api.order_rows import etag
from trading.api.own import named_account, named_instrument, require_factor_for
from trading.errors import PlanRefused, SameKeyOtherRequest
from trading.models import PlanEvaluation, SwingPlan
from trading.plan_rules import SWING, ChosenRule, library_rule, swing_rule, with_values
from trading.services.planning.history import plan_fills
from trading.templatetags.reasons import sentence

KINDS = sorted(LIBRARY)


class RuleBody(Strict):
    """A strategy of the library with its numbers, or a saved version; numbers left out stay at their defaults."""

    kind = serializers.ChoiceField(choices=KINDS, default=SWING)
    version = Key(required=False, help_text="A saved version; `kind` then does not count.")
    parameters = Plain(required=False)


class PlanBody(Strict):
    name = Text(max_length=64)
    broker_account = Key()
    instrument = InstrumentKey()
    interval = serializers.ChoiceField(choices=rows.INTERVALS, default="1h")
    rule = RuleBody(required=False)
    budget = NumberText()
    first_share = NumberText(default=Decimal("0.5"))
    mode = serializers.ChoiceField(choices=["on", "shadow"], default="on")
    repeat = Flag(default=True)
    cooldown_bars = Whole(min_value=0, max_value=10_000, default=5)
    ends_on = serializers.DateField(required=False, allow_null=True)


class PlanChangeBody(Strict):
    """What is left out stays."""

    name = Text(max_length=64, required=False)
    rule = RuleBody(required=False)
    budget = NumberText(required=False)
    first_share = NumberText(required=False)
    mode = serializers.ChoiceField(choices=["on", "shadow"], required=False)
    repeat = Flag(required=False)
    cooldown_bars = Whole(min_value=0, max_value=10_000, required=False)
    ends_on = serializers.DateField(required=False, allow_null=True)


class PlanQuery(PageQuery):
    mode = serializers.ChoiceField(choices=["off", "shadow", "on"], required=False)
    instrument = InstrumentKey(required=False)
    broker_account = serializers.UUIDField(required=False)


class EvaluationQuery(PageQuery):
    outcome = serializers.ChoiceField(choices=rows.OUTCOMES, required=False)
    order = serializers.UUIDField(required=False, help_text="The look that called for this order.")


class StopBody(Strict):
    sell = Flag(help_text="Sell all the plan holds first; else it is kept.")


class StoppedAnswer(Answer):
    plan = rows.PlanAnswer()
    sale = order_rows.OrderAnswer(allow_null=True)
    reason = serializers.CharField(help_text="Why nothing is sold yet; empty where there is nothing to say.")
    message = serializers.CharField()


class Plans(ApiView):
    @operation("Plans, newest first", query=PlanQuery, answer=rows.PlansAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(_narrowed(plans_of(request), self.query), self.query, rows.plan_row))

    @operation("Register a plan", body=PlanBody, answer=rows.PlanAnswer, status=201, idempotent=True)
    def post(self, request: ApiRequest) -> Response:
        asked = dict(self.asked)
        account, instrument = named_account(request, asked["broker_account"]), named_instrument(asked["instrument"])
        plan = services.register_plan(
            request.user,
            broker_account=account,
            instrument=instrument,
            name=asked["name"],
            interval=Interval(asked["interval"]),
            parameters=chosen_rule(request, asked.get("rule")),
            budget=asked["budget"],
            first_share=asked["first_share"],
            repeat=asked["repeat"],
            cooldown_bars=asked["cooldown_bars"],
            mode=asked["mode"],
            ends_on=asked.get("ends_on"),
            client_key=hashlib.sha256(self.key.encode()).hexdigest()[:32],
        )
        if (plan.broker_account_id, plan.instrument_id, plan.interval) != (
            account.pk,
            instrument.pk,
            asked["interval"],
        ):
            raise SameKeyOtherRequest(plan=str(plan.pk))
        return _shown(request, plan.pk, 201)


class OnePlan(ApiView):
    @operation("One plan", answer=rows.PlanAnswer)
    def get(self, request: ApiRequest, plan_id: UUID) -> Response:
        return _shown(request, plan_id)

    @operation(
        "Change a plan's terms or its rule",
        body=PlanChangeBody,
        answer=rows.PlanAnswer,
        if_match=True,
        description="From the next bar on. Not while an order of the plan is open, nor while it is being stopped.",
    )
    def patch(self, request: ApiRequest, plan_id: UUID) -> Response:
        plan = plans_of(request).get(pk=plan_id)
        require_factor_for(request, plan.broker_account)
        require_match(self.if_match, etag(plan.version))
        terms: dict[str, Any] = {
            "name": plan.name,
            "budget": plan.budget,
            "first_share": plan.first_share,
            "repeat": plan.repeat,
            "cooldown_bars": plan.cooldown_bars,
            "mode": plan.running_mode,
            "ends_on": plan.ends_on,
        }
        asked = {name: value for name, value in self.asked.items() if name in terms}
        rule = chosen_rule(request, self.asked["rule"]) if "rule" in self.asked else _present_rule(plan)
        services.edit_plan(request.user, plan.pk, parameters=rule, as_seen=plan, **terms | asked)
        return _shown(request, plan.pk)


class Evaluations(ApiView):
    @operation("Every look at the market, newest bar first", query=EvaluationQuery, answer=rows.EvaluationsAnswer)
    def get(self, request: ApiRequest, plan_id: UUID) -> Response:
        plan = SwingPlan.objects.for_user(request.user).get(pk=plan_id)
        looks = PlanEvaluation.objects.filter(plan=plan)
        looks = looks.filter(**{name: self.query[name] for name in ("outcome", "order") if name in self.query})
        return Response(page(looks, self.query, rows.evaluation_row, by=("bar_closed_at", "id")))


class EvaluateNow(ApiView):
    @operation("Decide on the last closed bar now", answer=rows.EvaluationAnswer, errors=(409, 422))
    def post(self, request: ApiRequest, plan_id: UUID) -> Response:
        _own(request, plan_id)
        return Response(rows.evaluation_row(services.evaluate_plan_now(request.user, plan_id)))


class PlanFills(ApiView):
    @operation("What the plan has done, fill by fill, oldest first", answer=rows.PlanFillsAnswer)
    def get(self, request: ApiRequest, plan_id: UUID) -> Response:
        plan = SwingPlan.objects.for_user(request.user).get(pk=plan_id)
        return Response({"results": [rows.plan_fill_row(fill) for fill in plan_fills(plan)]})


class Pause(ApiView):
    @operation("Stop looking; what is held stays held", answer=rows.PlanAnswer, errors=(409, 422))
    def post(self, request: ApiRequest, plan_id: UUID) -> Response:
        services.pause_plan(request.user, plan_id)
        return _shown(request, plan_id)


class Resume(ApiView):
    @operation("Look again, from the next closed bar on", answer=rows.PlanAnswer, errors=(409, 422))
    def post(self, request: ApiRequest, plan_id: UUID) -> Response:
        _own(request, plan_id)
        services.resume_plan(request.user, plan_id)
        return _shown(request, plan_id)


class Stop(ApiView):
    @operation("Stop the plan for good", body=StopBody, answer=StoppedAnswer)
    def post(self, request: ApiRequest, plan_id: UUID) -> Response:
        stopped = services.stop_plan(request.user, plan_id, sell=self.asked["sell"])
        sale = stopped.sale
        answer = {
            "plan": rows.plan_row(plans_of(request).get(pk=plan_id)),
            "sale": order_shown(request.user, sale.pk) if sale else None,
            "reason": stopped.reason,
            "message": sentence(stopped.reason, stopped.facts),
        }
        return Response(answer)


class Configs(ApiView):
    @operation("Plans in the sources' words", query=PageQuery, answer=rows.ConfigsAnswer)
    def get(self, request: ApiRequest) -> Response:
        return Response(page(plans_of(request), self.query, rows.config_row))


def plans_of(request: ApiRequest) -> QuerySet[SwingPlan]:
    together = ("instrument", "broker_account", "strategy_version__strategy")
    return SwingPlan.objects.for_user(request.user).select_related(*together)


def chosen_rule(request: ApiRequest, asked: dict[str, Any] | None) -> ChosenRule:
    """The rule a body describes. Raises DocumentInvalid for its numbers, PlanRefused for a version that is not theirs."""
    asked = asked or {"kind": SWING}
    values = asked.get("parameters") or {}
    if "version" in asked:
        return _saved_rule(request, asked["version"], values)
    if asked["kind"] == SWING:
        return swing_rule(SwingParameters.from_data(values))
    return library_rule(asked["kind"], values)


def _saved_rule(request: ApiRequest, version_id: UUID, values: dict[str, Any]) -> ChosenRule:
    seen = Strategy.objects.for_user(request.user)
    version = StrategyVersion.objects.filter(pk=version_id, strategy__in=seen).first()
    if version is None:
        raise PlanRefused("unknown_strategy")
    document = with_values(RuleDocument.from_data(version.document), values)
    is_same = document.version_hash() == version.version_hash
    return ChosenRule("document", document, values, version.pk if is_same else None)


def _present_rule(plan: SwingPlan) -> ChosenRule:
    version = plan.strategy_version
    return ChosenRule(version.strategy.kind, RuleDocument.from_data(version.document), version.settings, version.pk)


def _narrowed(plans: QuerySet[SwingPlan], query: dict[str, Any]) -> QuerySet[SwingPlan]:
    if key := query.get("instrument"):
        venue, _colon, symbol = key.partition(":")
        plans = plans.filter(instrument__venue=venue, instrument__symbol=symbol)
    return plans.filter(**{name: query[name] for name in ("mode", "broker_account") if name in query})


def _own(request: ApiRequest, plan_id: UUID) -> None:
    """Raise DoesNotExist for another's plan, Problem where real money would move without a second factor."""
    plan = SwingPlan.objects.for_user(request.user).select_related("broker_account").get(pk=plan_id)
    require_factor_for(request, plan.broker_account)


def _shown(request: ApiRequest, plan_id: UUID, status: int = 200) -> Response:
    plan = plans_of(request).get(pk=plan_id)
    headers = {"ETag": etag(plan.version)}
    if status == 201:
        headers["Location"] = f"/api/v1/swing-plans/{plan.pk}/"
    return Response(rows.plan_row(plan), status=status, headers=headers)
