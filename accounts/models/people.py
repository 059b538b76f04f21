"""People: who signs in, how they read, and what their role allows."""

from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Role(models.TextChoices):
    """What a person may do (A07): a viewer reads, a trader trades on their own accounts, an admin runs the system."""

    VIEWER = "viewer", _("조회 전용")
    TRADER = "trader", pgettext_lazy("role", "매매")
    ADMIN = "admin", _("관리자")


def known_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in available_timezones():
        raise ValidationError(_("알 수 없는 시간대입니다: %(name)s"), code="unknown_time_zone", params={"name": name})


def plain_name(name: str) -> None:
    """Raise ValidationError where a name could be taken for an e-mail address, or would break a line of a log."""
    if "@" in name or not name.isprintable():
        raise ValidationError(_("이름에는 @와 제어 문자를 쓸 수 없습니다."), code="not_a_plain_name")


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None, **fields: Any) -> "User":
        """A person with their role's groups and flags. Raises ValueError without an e-mail."""
        if not email:
            raise ValueError("a user needs an e-mail address")
        user = self.model(email=self.normalize_email(email).lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None, **fields: Any) -> "User":
        return self.create_user(email, password, role=Role.ADMIN, **fields)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=(username or "").lower())

    def by_login(self, login: str) -> "User":
        """The person with this e-mail or unique name, in any case. Raises User.DoesNotExist."""
        return self.get(email=login.lower()) if "@" in login else self.get(name__iexact=login)


class User(AbstractBaseUser, PermissionsMixin):
    """A person. Signs in by e-mail; the UUID keeps numbers of people out of addresses."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    email = models.EmailField(_("이메일"), unique=True)
    name = models.CharField(_("이름"), max_length=64, blank=True, default="", validators=[plain_name])
    role = models.CharField(_("역할"), max_length=8, choices=Role.choices, default=Role.TRADER)
    language = models.CharField(_("언어"), max_length=2, choices=[("ko", "한국어"), ("en", "English")], default="ko")
    time_zone = models.CharField(_("시간대"), max_length=64, default="Asia/Seoul", validators=[known_time_zone])
    is_active = models.BooleanField(_("사용 중"), default=True)
    is_2fa_enabled = models.BooleanField(_("2단계 인증"), default=False)
    created_at = models.DateTimeField(_("가입"), auto_now_add=True)
    updated_at = models.DateTimeField(_("변경"), auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        verbose_name = _("회원")
        verbose_name_plural = _("회원")
        constraints = [
            models.UniqueConstraint(Lower("email"), name="user_email_unique_in_any_case"),
            models.UniqueConstraint(Lower("name"), name="user_name_unique_in_any_case", condition=~models.Q(name="")),
            models.CheckConstraint(name="user_role_known", condition=models.Q(role__in=Role.values)),
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.email = self.email.lower()
        super().save(*args, **kwargs)

    @property
    def is_superuser(self) -> bool:  # type: ignore[override]
        """Django's word for who may do everything. No column of its own: it could drift from the role."""
        return self.role == Role.ADMIN

    @property
    def is_staff(self) -> bool:
        """May open the admin: the role decides, so that taking it away acts at once."""
        return self.role == Role.ADMIN

    @property
    def may_trade(self) -> bool:
        return self.is_active and self.role in {Role.TRADER, Role.ADMIN}
