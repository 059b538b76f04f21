"""Orders, plans and books, to be read. Not one of these rows is added, edited or deleted by hand."""

from django.contrib import admin

from accounts.admin import FactsAdmin, FactsInline
from trading.models import (
    AccountReading,
    Alert,
    Balance,
    BooksCheck,
    BrokerOrder,
    Fill,
    Halt,
    IdempotencyKey,
    Journal,
    Order,
    OrderAttempt,
    OrderChange,
    OrderEvent,
    PlanEvaluation,
    PositionDifference,
    Posting,
    RiskLimit,
    SignalStep,
    SwingPlan,
    System,
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


# What keeps orders from leaving. Halts are latched and released on the safety page and from the command line, not here.


@admin.register(Halt)
class HaltAdmin(FactsAdmin):
    list_display = ["scope", "target", "mode", "reason", "by", "at"]
    list_filter = ["mode", "scope"]
    list_select_related = ["by"]
    search_fields = ["target", "reason", "by__email"]
    ordering = ["scope", "target"]


@admin.register(RiskLimit)
class RiskLimitAdmin(FactsAdmin):
    list_display = ["scope", "target", "name", "value", "since"]
    list_filter = ["scope", "name"]
    search_fields = ["target", "name"]
    ordering = ["-since"]


@admin.register(Alert)
class AlertAdmin(FactsAdmin):
    list_display = ["last_at", "cause", "subject", "user", "times", "opened_at", "closed_at", "closed_by"]
    list_filter = ["cause", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["user", "closed_by"]
    search_fields = ["cause", "subject", "user__email"]
    date_hierarchy = "opened_at"


@admin.register(BooksCheck)
class BooksCheckAdmin(FactsAdmin):
    list_display = ["broker_account", "at", "differences"]
    list_select_related = ["broker_account"]
    search_fields = ["broker_account__name", "broker_account__user__email"]
    ordering = ["-at"]


@admin.register(System)
class SystemAdmin(FactsAdmin):
    list_display = ["release", "epoch", "armed"]


# What brokers listed, and where it differs from our books.


@admin.register(BrokerOrder)
class BrokerOrderAdmin(FactsAdmin):
    list_display = [
        "ordered_at", "broker_account", "instrument", "side", "quantity", "limit_price", "status", "filled_quantity",
        "order", "is_external",
    ]  # fmt: skip
    list_filter = ["is_external", "status", "side"]
    list_select_related = ["broker_account", "order"]
    search_fields = ["key", "client_id", "instrument", "broker_account__name", "broker_account__user__email"]
    date_hierarchy = "ordered_at"


@admin.register(AccountReading)
class AccountReadingAdmin(FactsAdmin):
    list_display = ["broker_account", "asked_at", "fence", "failed_since", "failure"]
    list_filter = [("failed_since", admin.EmptyFieldListFilter)]
    list_select_related = ["broker_account"]
    search_fields = ["broker_account__name", "broker_account__user__email"]


@admin.register(PositionDifference)
class PositionDifferenceAdmin(FactsAdmin):
    list_display = ["opened_at", "broker_account", "instrument", "ours", "theirs", "closed_at", "resolution"]
    list_filter = ["resolution", ("closed_at", admin.EmptyFieldListFilter)]
    list_select_related = ["broker_account"]
    search_fields = ["instrument", "broker_account__name", "broker_account__user__email"]
    date_hierarchy = "opened_at"
    ordering = ["-opened_at"]


# What was asked of us, and at which key.


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(FactsAdmin):
    list_display = ["created_at", "user", "key", "result"]
    list_select_related = ["user"]
    search_fields = ["key", "user__email"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]


@admin.register(OrderChange)
class OrderChangeAdmin(FactsAdmin):
    list_display = ["created_at", "order", "quantity", "limit_price", "stop_price", "outcome", "reason"]
    list_filter = ["outcome"]
    list_select_related = ["order"]
    search_fields = ["=order__id", "client_key"]
    date_hierarchy = "created_at"
    ordering = ["-created_at"]
