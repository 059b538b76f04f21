"""The kill switch, limits, and a person's word on what a broker holds."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.forms import StepUpForm
from accounts.models import User
from trading.forms.fields import InstrumentField, NumberField, PercentField
from trading.limits import Unit
from trading.models import BrokerOrder, Halt
from trading.models.safety import HALT_MODES, SCOPES
from trading.services.safeguards.limit_rows import LimitView

STOPPED = [mode for mode in HALT_MODES if mode != "active"]
MOST = Decimal(10) ** 15


class HaltForm(forms.Form):
    """Stop something, at once. The button says what and how far: `account/<key>/halted`, `site//reduce_only`.

    The reason may stay empty: whoever must stop has no time to write.
    """

    stop = forms.CharField(max_length=80)
    reason = forms.CharField(label=_("사유"), max_length=64, required=False)

    def clean_stop(self) -> tuple[str, str, str]:
        scope, _slash, rest = str(self.cleaned_data["stop"]).partition("/")
        target, _slash, mode = rest.rpartition("/")
        if scope not in SCOPES or mode not in STOPPED:
            raise ValidationError(_("무엇을 멈출지 알 수 없습니다."), code="unknown_stop")
        return scope, target, mode


class InstrumentHaltForm(forms.Form):
    """Stop one instrument for everybody."""

    instrument = InstrumentField(label=_("종목"))
    mode = forms.ChoiceField(choices=[(mode, HALT_MODES[mode]) for mode in STOPPED], initial="halted", label=_("상태"))
    reason = forms.CharField(label=_("사유"), max_length=64, required=False)


class ReleaseForm(StepUpForm):
    """Let orders out again, as the latch was when its page was read: latched anew meanwhile, it is read anew first."""

    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, request: HttpRequest, user: User, latch: Halt, data: QueryDict | None) -> None:
        super().__init__(request, user, data, initial={"version": latch.version})
        self.latch = latch

    def clean_version(self) -> int:
        version: int = self.cleaned_data["version"]
        if version != self.latch.version:
            raise ValidationError(
                _("그 사이 다시 멈췄습니다. 위 사유를 확인하고 한 번 더 눌러 주세요."), code="latched_again"
            )
        return version


class LimitForm(forms.Form):
    """A new value for one limit, in the words of its unit; a rate is typed in percent. What makes sense, the service says."""

    def __init__(self, limit: LimitView, data: QueryDict | None = None) -> None:
        super().__init__(data, prefix=limit.name)
        self.fields["value"] = _value_field(limit)


def _value_field(limit: LimitView) -> forms.Field:
    if limit.unit is Unit.SWITCH:
        return forms.TypedChoiceField(
            label=_("새 값"), choices=[("1", _("막음")), ("0", _("막지 않음"))], coerce=Decimal, empty_value=None
        )
    kind = PercentField if limit.unit is Unit.RATE else NumberField
    return kind(label=_("새 값"), minimum=Decimal(0), maximum=Decimal(100) if limit.unit is Unit.RATE else MOST)


class SettleForm(forms.Form):
    """What became of an order in doubt: one of the broker's rows, or none. The choice is confirmed in so many words."""

    NOT_PLACED = "not-placed"

    answer = forms.ChoiceField(label=_("증권사에서 확인한 결과"), widget=forms.RadioSelect)
    confirmed = forms.BooleanField(label=_("증권사 화면에서 직접 확인했습니다."))

    def __init__(self, candidates: list[BrokerOrder], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        none = (self.NOT_PLACED, _("접수되지 않음"))
        self.fields["answer"].choices = [*((row.key, row.key) for row in candidates), none]  # type: ignore[attr-defined]

    @property
    def broker_order_key(self) -> str | None:
        """The chosen row of the broker's list; None where the person says that it never arrived."""
        answer: str = self.cleaned_data["answer"]
        return None if answer == self.NOT_PLACED else answer
