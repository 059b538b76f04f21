"""What opens a broker account, sealed; the tokens got with it, sealed; and how often it may ask. Nothing here is clear text.

Opening and sealing are `brokers.services.secrets`' alone: a row by itself tells no more than its last four characters.
"""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User

TOKEN_KINDS = {"access": _("접근 토큰"), "approval": _("실시간 접속키")}


class SealedRow(models.Model):
    """A row with one secret in it (`brokers.sealing.Sealed`). `owner` is bound into the seal."""

    kek_id = models.CharField(_("봉인 키"), max_length=16, blank=True, editable=False)
    wrapped_key = models.BinaryField(default=b"", editable=False)
    ciphertext = models.BinaryField(default=b"", editable=False)

    class Meta:
        abstract = True

    @property
    def owner(self) -> str:
        """Which row this is and whose: a seal opens under these words alone."""
        raise NotImplementedError


class CredentialQuerySet(models.QuerySet["Credential"]):
    def for_user(self, user: User) -> Self:
        return self.filter(account__user_id=user.pk)

    def kept(self) -> Self:
        return self.filter(removed_at=None)


class Credential(SealedRow):
    """The keys of one broker account. Two accounts never share a key: its tokens and its budget are the account's."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    account = models.OneToOneField("brokers.BrokerAccount", models.CASCADE, related_name="credential")
    fingerprint = models.CharField(max_length=64, unique=True, editable=False)  # which key, without telling it
    key_hint = models.CharField(_("키 끝자리"), max_length=4)
    account_hint = models.CharField(_("계좌 번호"), max_length=16)  # masked: ****3456-01
    expires_on = models.DateField(_("키 만료일"), null=True, blank=True)  # as its owner read it at the broker's
    permissions: Any = models.JSONField(default=dict)  # what the last check found, by name
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)
    checked_at = models.DateTimeField(_("마지막 확인"), null=True)
    verified_at = models.DateTimeField(_("연결됨"), null=True)  # first check that worked: the account is in use since
    removed_at = models.DateTimeField(_("삭제"), null=True)  # the key is gone; whose account it was stays sealed
    failure = models.CharField(_("마지막 확인 결과"), max_length=64, blank=True)  # a code; "": it worked

    objects: ClassVar[CredentialQuerySet] = CredentialQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("증권사 키")
        verbose_name_plural = _("증권사 키")

    def __str__(self) -> str:
        return f"****{self.key_hint}"

    @property
    def is_removed(self) -> bool:
        return self.removed_at is not None

    @property
    def owner(self) -> str:
        account = self.account
        return f"cred|v1|{self._meta.db_table}|{self.pk}|{account.user_id}|{account.broker}|{account.environment}"


class Token(SealedRow):
    """One token of a key, for all processes; and who is asking for the next one until when, for only one may."""

    credential = models.ForeignKey("brokers.Credential", models.CASCADE, related_name="tokens")
    kind = models.CharField(_("종류"), max_length=16, choices=list(TOKEN_KINDS.items()))
    expires_at = models.DateTimeField(_("만료"), null=True)  # null: there is none
    tried_at = models.DateTimeField(_("마지막 발급 요청"), null=True)
    issuer = models.UUIDField(null=True, editable=False)
    issuing_until = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("접속 토큰")
        verbose_name_plural = _("접속 토큰")
        constraints = [models.UniqueConstraint(fields=["credential", "kind"], name="token_one_per_kind")]

    def __str__(self) -> str:
        return f"{self.credential_id} {self.kind}"

    @property
    def owner(self) -> str:
        return f"token|v1|{self._meta.db_table}|{self.credential_id}|{self.kind}"


class CallBudget(models.Model):
    """How often one key may still ask: `brokers.kis.budget.Bucket`, for all processes. Seconds since 1970."""

    credential = models.OneToOneField("brokers.Credential", models.CASCADE, primary_key=True, related_name="budget")
    slots = models.FloatField()
    at = models.FloatField()
    closed_until = models.FloatField(default=0)
    order_waits_until = models.FloatField(default=0)  # questions stand back meanwhile
    last_call_at = models.DateTimeField(_("마지막 사용"), null=True)

    class Meta:
        verbose_name = _("호출 한도")
        verbose_name_plural = _("호출 한도")

    def __str__(self) -> str:
        return f"{self.credential_id} {self.slots:.1f}"
