"""Virtual accounts and their play money, and the speed of the simulated market."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from trading.forms.fields import NumberField
from trading.forms.orders import KeyedForm

CURRENCIES = [("KRW", _("원 (KRW)")), ("BTC", _("비트코인 (BTC)"))]
SMALLEST = Decimal("0.00000001")  # of any currency; the service knows how finely each one is counted


class PlayMoneyField(NumberField):
    """An amount of play money in any currency."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=SMALLEST, maximum=Decimal(10) ** 15, **kwargs)


class VirtualAccountForm(KeyedForm):
    """A virtual account to open, with play money."""

    name = forms.CharField(label=_("이름"), max_length=64)
    currency = forms.ChoiceField(label=_("통화"), choices=CURRENCIES, initial="KRW")
    opening_balance = PlayMoneyField(label=_("시작 금액"))


class TransferForm(KeyedForm):
    """Play money into a virtual account or out of it."""

    amount = PlayMoneyField(label=_("금액"))


class ResetForm(KeyedForm):
    """Beginning a virtual account anew, said twice: nobody does it by a slip of the finger."""

    opening_balance = PlayMoneyField(label=_("시작 금액"))
    is_sure = forms.BooleanField(
        label=_("기다리는 주문을 모두 취소하고 보유 종목과 금액을 비웁니다."),
        error_messages={"required": _("초기화하려면 확인해 주세요.")},
    )


class MarketSpeedForm(forms.Form):
    """How fast the simulated market's clock runs."""

    speed = forms.TypedChoiceField(
        label=_("시장 속도"), choices=[(1, "×1"), (60, "×60"), (3600, "×3600")], coerce=int, empty_value=None
    )
