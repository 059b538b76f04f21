from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("회원")

    def ready(self) -> None:
        from accounts import events  # noqa: F401 (its receivers listen from here on)
