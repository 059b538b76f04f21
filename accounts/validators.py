"""Passwords a stranger would try first (security.md 6.2)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

CONTEXT_WORDS = ("kairos", "카이로스")


class ContextWordValidator:
    """Refuse passwords built on the product's own name."""

    def validate(self, password: str, _user: Any = None) -> None:
        if any(word in password.lower() for word in CONTEXT_WORDS):
            raise ValidationError(self.get_help_text(), code="password_has_context_word")

    def get_help_text(self) -> str:
        return str(_("비밀번호에 서비스 이름을 넣을 수 없습니다."))
