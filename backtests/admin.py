"""Backtests for who runs the site: what was asked, what waits, what failed. Results are facts and stay as they are."""

from django.contrib import admin

from accounts.admin import FactsAdmin
from backtests.models import Backtest, BarUpload, Job, Sweep


@admin.register(Job)
class JobAdmin(FactsAdmin):
    list_display = ["kind", "state", "code", "attempt", "user", "created_at", "started_at", "ended_at"]
    list_filter = ["kind", "state", "code"]
    list_select_related = ["user"]
    search_fields = ["user__email", "code"]


@admin.register(Backtest)
class BacktestAdmin(FactsAdmin):
    list_display = ["name", "user", "strategy_version", "instrument", "interval", "created_at"]
    list_filter = ["interval"]
    list_select_related = ["user", "strategy_version__strategy", "instrument"]
    search_fields = ["name", "user__email", "version_hash"]


@admin.register(Sweep)
class SweepAdmin(FactsAdmin):
    list_display = ["name", "kind", "user", "strategy_version", "instrument", "combinations", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["user", "strategy_version__strategy", "instrument"]
    search_fields = ["name", "user__email"]


@admin.register(BarUpload)
class BarUploadAdmin(FactsAdmin):
    list_display = ["name", "user", "instrument", "interval", "size", "bars", "created_at"]
    list_select_related = ["user", "instrument"]
    search_fields = ["name", "user__email"]
