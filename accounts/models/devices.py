"""Where a person is signed in: browsers, phones, and programs with a token of their own."""

from datetime import datetime
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _


class DeviceKind(models.TextChoices):
    """What is signed in. A token is a program's: its person made it, and nothing about people can be changed with it."""

    BROWSER = "browser", _("브라우저")
    APP = "app", _("앱")
    TOKEN = "token", _("API 토큰")


class Scope(models.TextChoices):
    """What a token may do, within what its person may do."""

    READ = "read", _("읽기만")
    TRADE = "trade", _("읽기와 매매")


class Device(models.Model):
    """One sign-in: of a browser (its session), of an app (the family of its refresh tokens), or a token for a program.

    One row ends all that belongs to it, and one list shows a person where they are signed in (A17).
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="devices")
    kind = models.CharField(_("종류"), max_length=8, choices=DeviceKind.choices, default=DeviceKind.APP)
    name = models.CharField(_("기기"), max_length=120, blank=True)
    address = models.CharField(_("주소"), max_length=45, blank=True)
    # Made of the password hash: a changed password ends every device, by whatever way it was changed.
    password_mark = models.CharField(max_length=64)
    used_second_factor = models.BooleanField(_("2단계 인증"), default=False)
    stepped_up_at = models.DateTimeField(null=True)  # when its person last proved who they are
    session_key = models.CharField(max_length=40, blank=True, editable=False)  # a browser's session, which ends with it
    token_hash = models.CharField(max_length=64, null=True, unique=True, editable=False)  # noqa: DJ001 (of a token: sha256; unique)
    token_hint = models.CharField(max_length=8, blank=True)  # a token's last characters, to tell it from others
    scope = models.CharField(_("범위"), max_length=8, choices=Scope.choices, default=Scope.TRADE)
    created_at = models.DateTimeField(_("로그인"), auto_now_add=True)
    seen_at = models.DateTimeField(_("마지막 사용"))
    expires_at = models.DateTimeField(_("만료"))
    ended_at = models.DateTimeField(_("종료"), null=True)
    ended_by = models.CharField(max_length=32, blank=True)  # sign_out · another_device · token_used_again …

    class Meta:
        verbose_name = _("로그인한 기기")
        verbose_name_plural = _("로그인한 기기")
        indexes = [models.Index(fields=["user", "-created_at"], name="device_by_user")]
        constraints = [
            models.CheckConstraint(name="device_kind_known", condition=models.Q(kind__in=DeviceKind.values)),
            models.CheckConstraint(name="device_scope_known", condition=models.Q(scope__in=Scope.values)),
            models.CheckConstraint(
                name="device_token_has_a_hash",
                condition=models.Q(kind="token", token_hash__isnull=False)
                | ~models.Q(kind="token") & models.Q(token_hash=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.name}"

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.expires_at

    @property
    def is_token(self) -> bool:
        return self.kind == DeviceKind.TOKEN


class RefreshToken(models.Model):
    """One refresh token, by its hash alone (I40). It is used once: the second use ends its device."""

    device = models.ForeignKey("accounts.Device", models.CASCADE, related_name="refresh_tokens")
    hash = models.CharField(max_length=64, unique=True)  # sha256; the token itself is 256 random bits
    created_at = models.DateTimeField(auto_now_add=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.hash[:8]


class SocketTicket(models.Model):
    """What lets a device into one socket once, by its hash alone (I41). Whoever deletes the row has used it."""

    hash = models.CharField(max_length=64, primary_key=True)  # sha256; the ticket itself is 256 random bits
    device = models.ForeignKey("accounts.Device", models.CASCADE, related_name="socket_tickets")
    expires_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return self.hash[:8]
