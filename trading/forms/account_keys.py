"""Keys of broker accounts, typed in and never shown again: what was wrong is said, what was typed does not come back."""

from datetime import date
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext_lazy as _

from accounts.forms import StepUpForm
from brokers.protocol import Environment
from trading.services.running.account_keys import TypedKey

ENVIRONMENTS = [(Environment.PAPER.value, _("모의투자 서버")), (Environment.LIVE.value, _("실전"))]
SECRET_FIELDS = ("app_key", "app_secret", "account_number", "hts_id", "password")


class WriteOnly(forms.TextInput):
    """A text field that a page never sends back, whatever is wrong with the form (I34)."""

    def __init__(self, **attrs: str) -> None:
        off = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false"}
        super().__init__(attrs=off | attrs)

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class WriteOnlyHidden(forms.PasswordInput):
    """The same, and covered while it is typed."""

    def __init__(self) -> None:
        super().__init__(attrs={"autocomplete": "new-password"}, render_value=False)


class KisKeyForm(StepUpForm):
    """The key of one KIS account, with the person's own password."""

    account_number = forms.CharField(
        label=_("계좌 번호"),
        max_length=16,
        widget=WriteOnly(inputmode="tel", placeholder="12345678-01"),
        help_text=_("열 자리입니다. 뒤 두 자리는 상품 코드이고 주식 계좌는 보통 01입니다."),
    )
    app_key = forms.CharField(label=_("앱 키"), max_length=512, widget=WriteOnlyHidden())
    app_secret = forms.CharField(label=_("앱 시크릿"), max_length=512, widget=WriteOnlyHidden())
    hts_id = forms.CharField(
        label=_("HTS 아이디"),
        max_length=32,
        required=False,
        validators=[RegexValidator(r"^[0-9A-Za-z@._-]+\Z", _("HTS 아이디에 있을 수 없는 글자가 있습니다."))],
        widget=WriteOnly(),
        help_text=_("체결을 바로 알림받는 데 씁니다. 없어도 잠시 뒤 확인합니다."),
    )
    expires_on = forms.DateField(
        label=_("키 만료일"),
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("증권사의 키 발급 화면에 적힌 날입니다. 적어 두면 끝나기 전에 알려 드립니다."),
    )

    field_order: tuple[str, ...] = ("account_number", "app_key", "app_secret", "hts_id", "expires_on", "password")

    def clean_expires_on(self) -> date | None:
        ends: date | None = self.cleaned_data["expires_on"]
        if ends is not None and not 2020 <= ends.year <= 2100:
            raise ValidationError(_("키 만료일을 다시 확인해 주세요."), code="bad_date")
        return ends

    @property
    def typed(self) -> TypedKey:
        said = self.cleaned_data
        return TypedKey(said["app_key"], said["app_secret"], said["account_number"], said["hts_id"], said["expires_on"])


class KisAccountForm(KisKeyForm):
    """A KIS account to register."""

    name = forms.CharField(label=_("이름"), max_length=64, help_text=_("Kairos에서 부를 이름입니다."))
    environment = forms.ChoiceField(
        label=_("환경"), choices=ENVIRONMENTS, initial=Environment.PAPER.value, widget=forms.RadioSelect
    )
    knows_it_is_real = forms.BooleanField(label=_("실제 돈으로 주문하는 계좌라는 것을 알고 있습니다."), required=False)

    field_order: tuple[str, ...] = ("name", "environment", "knows_it_is_real", *KisKeyForm.field_order)

    def clean(self) -> dict[str, Any] | None:
        said = super().clean() or self.cleaned_data
        if said.get("environment") == Environment.LIVE:
            if not settings.LIVE_TRADING:
                self.add_error("environment", _("이 서버는 실전 거래가 꺼져 있어 모의투자 키만 등록할 수 있습니다."))
            elif not said.get("knows_it_is_real"):
                self.add_error("knows_it_is_real", _("실전 계좌를 등록하려면 확인해 주세요."))
        return said


class KeyRemovalForm(StepUpForm):
    """Removing a key, said with the password."""
