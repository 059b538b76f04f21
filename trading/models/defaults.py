"""What a person means where a literal request of another system names no account, instrument or budget (C15)."""

from django.conf import settings
from django.db import models
from django.db.models import CheckConstraint, Q
from django.utils.translation import gettext_lazy as _

from markets.models import ExactDecimalField


class AliasDefaults(models.Model):
    """One person's defaults. What is not set here and not in the request is refused, never guessed."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="alias_defaults"
    )
    broker_account = models.ForeignKey("brokers.BrokerAccount", models.SET_NULL, null=True, related_name="+")
    instrument = models.ForeignKey("markets.Instrument", models.SET_NULL, null=True, related_name="+")
    budget = ExactDecimalField(_("예산"), null=True)

    class Meta:
        verbose_name = _("요청 기본값")
        verbose_name_plural = _("요청 기본값")
        constraints = [CheckConstraint(name="alias_defaults_budget_gt_0", condition=Q(budget=None) | Q(budget__gt=0))]

    def __str__(self) -> str:
        return str(self.user_id)
