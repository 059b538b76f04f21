from typing import Any

from django.apps import AppConfig
from django.db import DEFAULT_DB_ALIAS
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.translation import gettext_lazy as _

from trading import release


class TradingConfig(AppConfig):
    name = "trading"
    verbose_name = _("매매")

    def ready(self) -> None:
        release.of_this_process()
        pre_migrate.connect(_before_migrating, sender=self, dispatch_uid="trading: views out of the way")
        post_migrate.connect(_after_migrating, sender=self, dispatch_uid="trading: guards, views and release")


def _before_migrating(using: str, plan: list[Any] | None = None, **_kwargs: Any) -> None:
    from trading.services.running import guards

    if plan and using == DEFAULT_DB_ALIAS:
        guards.drop_views()


def _after_migrating(using: str, plan: list[Any] | None = None, **_kwargs: Any) -> None:
    """Also after a flush, which changes no table and gives no plan."""
    from trading.services.running import guards

    if using == DEFAULT_DB_ALIAS:
        guards.install(migrated=plan is None or guards.is_migrated())
