"""What people set about themselves: name and language, e-mail, tokens for programs, what they are told."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts import notices as rules
from accounts.forms.sign_in import email_field
from accounts.forms.step_up import SteppedUpForm
from accounts.models import Scope, User, plain_name
from accounts.services import api_tokens

DAYS = ngettext_lazy("%(n)d일", "%(n)d일", "n")


class SettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    """How a person is called, and in which language and time zone they read."""

    class Meta:
        model = User
        fields = ["name", "language", "time_zone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones())]
        self.fields["time_zone"] = forms.ChoiceField(
            label=_("시간대"), choices=zones, help_text=_("모든 화면의 날짜와 시각에 쓰입니다.")
        )
        self.fields["name"].help_text = _("다른 회원과 같은 이름은 쓸 수 없습니다.")
        self.fields["name"].widget.attrs["autocomplete"] = "nickname"

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if name and User.objects.filter(name__iexact=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(_("이미 쓰이는 이름입니다."), code="name_taken")
        return name


class EmailForm(SteppedUpForm):
    """Another address to sign in with."""

    email = email_field()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"].label = _("새 이메일")
        self.fields["email"].widget.attrs.update({"autocomplete": "email", "autofocus": False})

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        if email == self.user.email:
            raise ValidationError(_("지금 쓰는 이메일과 같습니다."), code="same_email")
        return email


class TokenForm(SteppedUpForm):
    """A token for a program: what it is for, what it may do, how long."""

    name = forms.CharField(
        label=_("이름"), max_length=60, validators=[plain_name], help_text=_("어디에 쓰는지. 예: 집 서버의 알림 봇")
    )
    scope = forms.ChoiceField(
        label=_("할 수 있는 일"), choices=Scope.choices, initial=Scope.READ, help_text=_("꼭 필요한 만큼만 고르세요.")
    )
    days = forms.TypedChoiceField(label=_("쓸 수 있는 기간"), coerce=int, initial=30)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.fields["days"].choices = [(days, DAYS % {"n": days}) for days in api_tokens.DAYS]  # type: ignore[attr-defined]
        if not self.user.may_trade:
            self.fields["scope"].choices = [(Scope.READ, Scope.READ.label)]  # type: ignore[attr-defined]


class NoticesForm(forms.Form):
    """One box for each kind of news and each way it may go; what is fixed has none."""

    def __init__(self, table: list[dict[str, Any]], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for cell in table:
            if not cell["is_fixed"]:
                name = f"{cell['kind']}-{cell['channel']}"
                self.fields[name] = forms.BooleanField(required=False, initial=cell["is_on"])

    @property
    def wanted(self) -> dict[tuple[str, str], bool]:
        """{(kind, channel): on}, as it was ticked."""
        return {
            (kind, channel): bool(self.cleaned_data[f"{kind}-{channel}"])
            for kind in rules.KINDS
            for channel in rules.CHANNELS
            if f"{kind}-{channel}" in self.fields
        }
