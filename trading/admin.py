"""Orders, plans and books, to be read. Not one of these rows is added, edited or deleted by hand."""

from django.contrib import admin

from accounts.admin import FactsAdmin, FactsInline
from trading.models import (
    Balance,
    Fill,
    Journal,
    Order,
    OrderAttempt,
    OrderEvent,
    PlanEvaluation,
    Posting,
    SignalStep,
    SwingPlan,
)


class AttemptInline(FactsInline):
    model = OrderAttempt
    fields = ["number", "at", "fence", "outcome"]


class EventInline(FactsInline):
    model = OrderEvent
    fields = ["created_at", "market_at", "state", "origin", "reason", "raw"]


class FillInline(FactsInline):
    model = Fill
    fields = ["at", "quantity", "price", "amount", "fee", "tax", "pricing", "key"]


@admin.register(Order)
class OrderAdmin(FactsAdmin):
    list_display = [
        "created_at", "user", "broker_account", "instrument", "side", "quantity", "limit_price", "state",
        "filled_quantity", "reason", "plan",
    ]  # fmt: skip
    list_filter = ["state", "side", "order_type", "purpose", "broker_account__environment"]
    list_select_related = ["user", "broker_account", "instrument", "plan"]
    search_fields = ["=id", "client_id", "broker_order_key", "instrument__symbol", "instrument__name_ko", "user__email"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
    inlines = [AttemptInline, EventInline, FillInline]


@admin.register(Fill)
class FillAdmin(FactsAdmin):
    list_display = ["at", "order", "broker_account", "quantity", "price", "amount", "fee", "tax"]
    list_select_related = ["order", "broker_account"]
    search_fields = ["=order__id", "key", "broker_account__name"]
    date_hierarchy = "at"
    ordering = ["-id"]


class PostingInline(FactsInline):
    model = Posting
    fields = ["bucket", "asset", "amount"]


@admin.register(Journal)
class JournalAdmin(FactsAdmin):
    list_display = ["at", "broker_account", "kind", "source", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["broker_account"]
    search_fields = ["source", "broker_account__name", "broker_account__user__email"]
    date_hierarchy = "at"
    ordering = ["-id"]
    inlines = [PostingInline]


@admin.register(Balance)
class BalanceAdmin(FactsAdmin):
    list_display = ["broker_account", "bucket", "asset", "amount"]
    list_filter = ["bucket"]
    list_select_related = ["broker_account"]
    search_fields = ["broker_account__name", "broker_account__user__email", "asset"]


class StepInline(FactsInline):
    model = SignalStep
    fields = ["at", "cycle", "from_signal", "to_signal", "order"]


@admin.register(SwingPlan)
class SwingPlanAdmin(FactsAdmin):
    """Registered, paused and resumed by their owner, through services that know about open orders."""

    list_display = ["name", "user", "broker_account", "instrument", "interval", "mode", "signal", "cycle", "budget"]
    list_filter = ["mode", "signal", "interval"]
    list_select_related = ["user", "broker_account", "instrument"]
    search_fields = ["name", "user__email", "instrument__symbol", "instrument__name_ko"]
    inlines = [StepInline]


@admin.register(PlanEvaluation)
class PlanEvaluationAdmin(FactsAdmin):
    list_display = ["bar_closed_at", "plan", "signal", "outcome", "reason", "close", "order"]
    list_filter = ["outcome"]
    list_select_related = ["plan", "order"]
    search_fields = ["plan__name", "plan__instrument__symbol"]
    date_hierarchy = "bar_closed_at"
    ordering = ["-bar_closed_at"]
