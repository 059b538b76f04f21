"""Virtual accounts and their play money, and the speed of the simulated market."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.models import BrokerAccount
from trading.forms.fields import NumberField

CURRENCIES = [("KRW", _("원 (KRW)")), ("BTC", _("비트코인 (BTC)"))]
SMALLEST = Decimal("0.00000001")  # of any currency; the service knows how finely each one is counted


class VirtualAccountForm(forms.Form):
    """A virtual account to open, with play money."""

    name = forms.CharField(label=_("이름"), max_length=64)
    currency = forms.ChoiceField(label=_("통화"), choices=CURRENCIES, initial="KRW")
    opening_balance = NumberField(label=_("시작 금액"), minimum=SMALLEST, maximum=Decimal(10) ** 15)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if BrokerAccount.objects.for_user(self.user).filter(name=name).exists():
            raise ValidationError(_("이미 같은 이름의 계좌가 있습니다."), code="name_taken")
        return name


class DepositForm(forms.Form):
    """Play money into a virtual account; the key keeps a double click one deposit."""

    amount = NumberField(label=_("입금액"), minimum=SMALLEST, maximum=Decimal(10) ** 15)
    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    @classmethod
    def blank(cls) -> "DepositForm":
        return cls(initial={"client_key": uuid4().hex})


class MarketSpeedForm(forms.Form):
    """How fast the simulated market's clock runs."""

    speed = forms.TypedChoiceField(
        label=_("시장 속도"), choices=[(1, "×1"), (60, "×60"), (3600, "×3600")], coerce=int, empty_value=None
    )
