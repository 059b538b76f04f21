"""Strategies and their versions. A version is an immutable rule document; what traded by it can always be read again."""

from typing import Any, ClassVar, Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class StrategyQuerySet(models.QuerySet["Strategy"]):
    def for_user(self, user: Any) -> Self:
        """The person's own strategies and the built-in ones."""
        return self.filter(models.Q(user_id=user.pk) | models.Q(user=None))

    def in_use(self) -> Self:
        """Those that are offered and listed: not the ones their person has put away."""
        return self.filter(archived_at=None)


class Strategy(models.Model):
    """A named line of rule documents; without a user it is built in.

    One that its person has put away keeps its versions, for what traded by them; its name may be taken anew.
    """

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="strategies")
    name = models.CharField(_("이름"), max_length=64)
    # The library's key of what builds it, or "document".
    kind = models.CharField(_("종류"), max_length=32, default="document")
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)
    archived_at = models.DateTimeField(_("보관"), null=True, blank=True)  # by the wall

    objects: ClassVar[StrategyQuerySet] = StrategyQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("전략")
        verbose_name_plural = _("전략")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "name", "kind"],
                condition=models.Q(archived_at=None),
                name="strategy_in_use_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["name", "kind"], condition=models.Q(user=None), name="strategy_once_built_in"
            ),
        ]

    def __str__(self) -> str:
        return self.name


class StrategyVersion(models.Model):
    """One rule document, never edited. `version_hash` is the sha256 of its canonical JSON and stands on every result."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    strategy = models.ForeignKey("strategies.Strategy", models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField(_("판"))
    document: Any = models.JSONField(_("규칙 문서"))
    settings: Any = models.JSONField(_("설정"), default=dict)  # what the form asked, for a library strategy
    version_hash = models.CharField(max_length=64)
    created_at = models.DateTimeField(_("등록"), auto_now_add=True)

    class Meta:
        verbose_name = _("전략 판")
        verbose_name_plural = _("전략 판")
        constraints = [
            models.UniqueConstraint(fields=["strategy", "number"], name="strategy_version_number_unique"),
            models.UniqueConstraint(fields=["strategy", "version_hash"], name="strategy_version_hash_unique"),
        ]

    def __str__(self) -> str:
        return f"{self.strategy} v{self.number}"
