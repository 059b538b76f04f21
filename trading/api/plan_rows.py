"""Plans, their evaluations and fills as the API shows them, and the sources' strategy_configs (T03)."""

from typing import Any

from rest_framework import serializers

from accounts.api.fields import Answer, NumberText
from brokers.protocol import Environment
from markets.types import Interval
from trading.api.order_rows import SIDES
from trading.models import PlanEvaluation, SwingPlan
from trading.services.planning.history import PlanFill
from trading.templatetags.looks import look_sentence, version_of

INTERVALS = [each.value for each in Interval]
SAME = (
    *("id", "name", "interval", "budget", "first_share", "mode", "stopping", "repeat", "cooldown_bars", "ends_on"),
    *("signal", "cycle", "held_quantity", "held_cost", "cycle_spent", "realised", "watches_from", "decided_until"),
    *("created_at", "updated_at", "version"),
)
OUTCOMES = ["hold", "buy_first", "buy_second", "sell", "restart", "wait", "skipped", "blocked"]


class PlanAnswer(Answer):
    """`signal`: 0 nothing bought, 1 first buy done, 2 second buy done, 3 sold (W05). It moves on fills alone."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    broker_account = serializers.UUIDField()
    environment = serializers.CharField()
    instrument = serializers.CharField()
    interval = serializers.ChoiceField(choices=INTERVALS)
    strategy = serializers.CharField(help_text="The kind: what of the library, or `document`.")
    strategy_version = serializers.UUIDField()
    budget = NumberText()
    first_share = NumberText(help_text="Of the budget, for the first buy: a fraction.")
    mode = serializers.ChoiceField(choices=["off", "shadow", "on"])
    stopping = serializers.BooleanField()
    repeat = serializers.BooleanField()
    cooldown_bars = serializers.IntegerField()
    ends_on = serializers.DateField(allow_null=True)
    signal = serializers.IntegerField(min_value=0, max_value=3)
    cycle = serializers.IntegerField()
    held_quantity = NumberText()
    held_cost = NumberText()
    cycle_spent = NumberText()
    realised = NumberText(help_text="After fees and taxes, all cycles.")
    watches_from = serializers.DateTimeField()
    decided_until = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    version = serializers.IntegerField()


class PlansAnswer(Answer):
    results = PlanAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class EvaluationAnswer(Answer):
    """One look at one closed bar: every condition with its value and threshold, and what was decided (G01)."""

    id = serializers.IntegerField()
    bar_closed_at = serializers.DateTimeField()
    market_at = serializers.DateTimeField()
    signal = serializers.IntegerField()
    close = NumberText(allow_null=True)
    outcome = serializers.ChoiceField(choices=OUTCOMES)
    reason = serializers.CharField()
    message = serializers.CharField()
    order = serializers.UUIDField(allow_null=True)
    strategy_version = serializers.UUIDField(allow_null=True, help_text="The version of the rule that judged.")
    detail = serializers.DictField()


class EvaluationsAnswer(Answer):
    results = EvaluationAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


class PlanFillAnswer(Answer):
    at = serializers.DateTimeField()
    cycle = serializers.IntegerField()
    signal = serializers.IntegerField()
    side = serializers.ChoiceField(choices=SIDES)
    price = NumberText()
    quantity = NumberText()
    fee = NumberText()
    tax = NumberText()
    cash_after = NumberText()


class PlanFillsAnswer(Answer):
    results = PlanFillAnswer(many=True)


class ConfigAnswer(Answer):
    """A plan in the sources' words (T03). What its rule has no such number for is null."""

    id = serializers.UUIDField()
    user_id = serializers.UUIDField()
    name = serializers.CharField()
    symbols = serializers.ListField(child=serializers.CharField())
    timeframe = serializers.CharField()
    k_value = serializers.FloatField(allow_null=True)
    rsi_overbought = serializers.FloatField(allow_null=True)
    rsi_oversold = serializers.FloatField(allow_null=True)
    fund_flow_threshold = serializers.FloatField(allow_null=True)
    max_position_pct = serializers.FloatField(allow_null=True)
    stop_loss_pct = serializers.FloatField(allow_null=True)
    take_profit_ratio = serializers.FloatField(allow_null=True)
    is_active = serializers.BooleanField()
    mode = serializers.ChoiceField(choices=["off", "paper", "shadow", "live"])
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class ConfigsAnswer(Answer):
    results = ConfigAnswer(many=True)
    next_cursor = serializers.CharField(allow_null=True)


def plan_row(plan: SwingPlan) -> dict[str, Any]:
    """The plan comes with instrument, account and strategy version."""
    return {name: getattr(plan, name) for name in SAME} | {
        "broker_account": plan.broker_account_id,
        "environment": plan.broker_account.environment,
        "instrument": plan.instrument.key,
        "strategy": plan.strategy_version.strategy.kind,
        "strategy_version": plan.strategy_version_id,
    }


def evaluation_row(look: PlanEvaluation) -> dict[str, Any]:
    return {
        "id": look.pk,
        "bar_closed_at": look.bar_closed_at,
        "market_at": look.market_at,
        "signal": look.signal,
        "close": look.close,
        "outcome": look.outcome,
        "reason": look.reason,
        "message": look_sentence(look),
        "order": look.order_id,
        "strategy_version": version_of(look),
        "detail": look.detail,
    }


def plan_fill_row(fill: PlanFill) -> dict[str, Any]:
    return {name: getattr(fill, name) for name in PlanFillAnswer.names()}


def config_row(plan: SwingPlan) -> dict[str, Any]:
    document = plan.strategy_version.document
    numbers = {name: spec.get("default") for name, spec in document.get("parameters", {}).items()}
    oversold = numbers.get("rsi_oversold", numbers.get("oversold", numbers.get("rsi_threshold")))
    overbought = numbers.get("rsi_overbought", numbers.get("overbought"))
    if overbought is None and "rsi_threshold" in numbers:
        overbought = 100 - numbers["rsi_threshold"]  # the swing rule mirrors its one threshold (C18)

    def percent(name: str) -> float | None:
        rate = _number(document.get("risk", {}).get(name), numbers)
        return None if rate is None else round(rate * 100, 9)

    return {
        "id": plan.pk,
        "user_id": plan.user_id,
        "name": plan.name,
        "symbols": [plan.instrument.symbol],
        "timeframe": plan.interval,
        "k_value": numbers.get("k_value"),
        "rsi_overbought": overbought,
        "rsi_oversold": oversold,
        "fund_flow_threshold": numbers.get("fund_flow_threshold"),
        "max_position_pct": percent("max_position_rate"),
        "stop_loss_pct": percent("stop_loss_rate"),
        "take_profit_ratio": _number(document.get("risk", {}).get("take_profit_rate"), numbers),
        "is_active": plan.mode != "off",
        "mode": _mode(plan),
        "created_at": plan.created_at,
        "updated_at": plan.updated_at,
    }


def _number(written: Any, numbers: dict[str, Any]) -> float | None:
    """A number of the document, or the parameter it names."""
    if isinstance(written, dict):
        written = numbers.get(str(written.get("param", "")), written.get("number"))
    return float(written) if isinstance(written, int | float) else None


def _mode(plan: SwingPlan) -> str:
    if plan.mode != "on":
        return plan.mode
    return "live" if plan.broker_account.environment == Environment.LIVE else "paper"
