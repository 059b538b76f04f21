"""The second factor: an authenticator app's seed, and the codes for the day it is lost."""

from django.db import models
from django.utils.translation import gettext_lazy as _


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
