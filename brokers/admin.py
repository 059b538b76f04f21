"""Broker accounts: their environment and owner are decided once; their books are in `trading`."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin import FactsAdmin, KeptAdmin
from brokers.models import BrokerAccount, Credential


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


@admin.register(Credential)
class CredentialAdmin(FactsAdmin):
    """Whose key, how it ends, and how it stands. The key itself is sealed and shown to nobody."""

    list_display = ["account", "key_hint", "account_hint", "expires_on", "checked_at", "failure", "removed_at"]
    list_filter = ["account__environment", "account__broker"]
    list_select_related = ["account"]
    search_fields = ["account__name", "account__user__email"]
    fields = [
        *("account", "key_hint", "account_hint", "expires_on", "permissions"),
        *("created_at", "checked_at", "failure", "verified_at", "removed_at"),
    ]
