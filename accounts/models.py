"""People: who signs in, how they read, and what their role allows. And the counters that make guessing expensive."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4
from zoneinfo import available_timezones

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.lockout import Count


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


class Throttle(models.Model):
    """Wrong tries in a row against one account, from one place, or of one form. `lockout.py` says what they cost."""

    key = models.CharField(max_length=64, primary_key=True)  # a keyed hash: the table tells nobody who was tried
    failures = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)
    blocked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]} ×{self.failures}"

    def as_count(self) -> Count:
        return Count(self.failures, self.last_at, self.blocked_until)

    def take(self, count: Count) -> None:
        self.failures, self.last_at, self.blocked_until = count.failures, count.last_at, count.blocked_until


RESULT_LABELS = {"done": _("완료"), "refused": _("거부"), "failed": _("실패")}


class AuditEntry(models.Model):
    """One privileged act, kept for good (I42): who did what to what, and how it ended.

    Rows hang together: each has the hash of the one before in its own. They name people by key alone, without a foreign
    key, so that a deleted person's acts stay. Everything hashed is text: what a database gives back is what it was given.
    """

    number = models.PositiveBigIntegerField(_("번호"), primary_key=True)  # 1, 2, 3 … without a gap
    at = models.DateTimeField(_("시각"))
    actor = models.CharField(_("행위자"), max_length=64, db_index=True)  # user:<id>, or what acted: command, dispatch
    action = models.CharField(_("행위"), max_length=48)
    subject = models.CharField(_("대상"), max_length=96)  # such as account:<id>
    before: Any = models.JSONField(pgettext_lazy("audit", "이전"), default=dict)  # {"name": "text"}, secrets masked
    after: Any = models.JSONField(_("이후"), default=dict)
    address = models.CharField(_("주소"), max_length=45, blank=True)
    result = models.CharField(_("결과"), max_length=16, choices=list(RESULT_LABELS.items()))
    prev_hash = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64)

    class Meta:
        verbose_name = _("감사 기록")
        verbose_name_plural = _("감사 기록")
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(name="audit_entry_result_known", condition=models.Q(result__in=list(RESULT_LABELS)))
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.actor} {self.action} {self.subject}"


class AuditTail(models.Model):
    """The end of the chain: the lock of whoever writes the next entry, and what tells that the last ones are missing."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    number = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.CheckConstraint(name="audit_tail_one_row", condition=models.Q(id=1))]

    def __str__(self) -> str:
        return f"{self.number} {self.hash[:12]}"


class Device(models.Model):
    """One sign-in of one phone or program through the API: the family of its refresh tokens, and what ends all of them."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="devices")
    name = models.CharField(_("기기"), max_length=120, blank=True)
    address = models.CharField(_("주소"), max_length=45, blank=True)
    # Made of the password hash: a changed password ends every device, by whatever way it was changed.
    password_mark = models.CharField(max_length=64)
    used_second_factor = models.BooleanField(_("2단계 인증"), default=False)
    stepped_up_at = models.DateTimeField(null=True)  # when its person last proved who they are
    created_at = models.DateTimeField(_("로그인"), auto_now_add=True)
    seen_at = models.DateTimeField(_("마지막 사용"))
    expires_at = models.DateTimeField(_("만료"))
    ended_at = models.DateTimeField(_("종료"), null=True)
    ended_by = models.CharField(max_length=32, blank=True)  # sign_out · another_device · token_used_again …

    class Meta:
        verbose_name = _("로그인한 기기")
        verbose_name_plural = _("로그인한 기기")
        indexes = [models.Index(fields=["user", "-created_at"], name="device_by_user")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.name}"

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at


class RefreshToken(models.Model):
    """One refresh token, by its hash alone (I40). It is used once: the second use ends its device."""

    device = models.ForeignKey("accounts.Device", models.CASCADE, related_name="refresh_tokens")
    hash = models.CharField(max_length=64, unique=True)  # sha256; the token itself is 256 random bits
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.hash[:8]


class SecondFactor(models.Model):
    """A person's authenticator app: its seed, sealed, and the last code taken, so that none is taken twice (I38)."""

    user = models.OneToOneField("accounts.User", models.CASCADE, primary_key=True, related_name="second_factor")
    kek_id = models.CharField(max_length=16, blank=True, editable=False)
    wrapped_key = models.BinaryField(default=b"", editable=False)
    ciphertext = models.BinaryField(default=b"", editable=False)
    last_step = models.BigIntegerField(default=0)  # 30 s steps since 1970
    created_at = models.DateTimeField(auto_now_add=True)
    confirmed_at = models.DateTimeField(null=True)  # null: the seed was shown, no code has come back yet

    class Meta:
        verbose_name = _("2단계 인증")
        verbose_name_plural = _("2단계 인증")

    def __str__(self) -> str:
        return str(self.user_id)

    @property
    def owner(self) -> str:
        """Which row this is and whose: the seal opens under these words alone."""
        return f"second-factor|v1|{self._meta.db_table}|{self.user_id}"


class RecoveryCode(models.Model):
    """What lets a person in once who has lost the authenticator app; kept as a keyed hash."""

    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="recovery_codes")
    hash = models.CharField(max_length=64, unique=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.hash[:8]
