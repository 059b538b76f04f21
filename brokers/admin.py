"""Broker accounts: their environment and owner are decided once; their books are in `trading`."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import KeptAdmin
from brokers.models import BrokerAccount


@admin.register(BrokerAccount)
class BrokerAccountAdmin(KeptAdmin):
    """Opened by a service, which also books the first deposit; here an account is renamed or put out of use."""

    list_display = ["name", "user", "broker", "environment", "currency", "is_active", "created_at"]
    list_filter = ["environment", "broker", "currency", "is_active"]
    list_select_related = ["user"]
    search_fields = ["name", "user__email", "user__name"]
    fields = ["name", "is_active", "user", "broker", "environment", "currency", "created_at"]
    readonly_fields = ["user", "broker", "environment", "currency", "created_at"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
