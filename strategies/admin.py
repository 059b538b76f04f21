"""Strategies and their versions: what traded by a document must stay readable, so nothing here changes."""

from django.contrib import admin

from accounts.admin import FactsAdmin, FactsInline
from strategies.models import Strategy, StrategyVersion


class VersionInline(FactsInline):
    model = StrategyVersion
    fields = ["number", "version_hash", "created_at"]
    ordering = ["-number"]
    show_change_link = True


@admin.register(Strategy)
class StrategyAdmin(FactsAdmin):
    list_display = ["name", "kind", "user", "created_at", "archived_at"]
    list_filter = ["kind"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email"]
    inlines = [VersionInline]


@admin.register(StrategyVersion)
class StrategyVersionAdmin(FactsAdmin):
    list_display = ["strategy", "number", "version_hash", "created_at"]
    list_select_related = ["strategy"]
    search_fields = ["strategy__name", "version_hash"]
