"""Fields for exact numbers, percentages, instruments and a person's own accounts."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.models.fields import exact

if TYPE_CHECKING:
    _InstrumentChoice = forms.ModelChoiceField[Instrument]
    _AccountChoice = forms.ModelChoiceField[BrokerAccount]
else:  # generic to the type checker alone
    _InstrumentChoice = _AccountChoice = forms.ModelChoiceField

TYPED_NUMBER = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)


class NumberField(forms.Field):
    """An exact Decimal as people type it: `1000000`, `1,000,000` or `0.005`; nothing like `1e5`, `NaN` or `1,5`."""

    def __init__(self, *, minimum: Decimal | None = None, maximum: Decimal | None = None, **kwargs: Any) -> None:
        self.minimum, self.maximum = minimum, maximum
        super().__init__(**kwargs)
        self.widget.attrs.update({"inputmode": "decimal", "autocomplete": "off", "maxlength": "48"})

    def to_python(self, value: Any) -> Decimal | None:
        text = "" if value is None else str(value).strip()
        if not text:
            return None
        if not TYPED_NUMBER.fullmatch(text):
            raise ValidationError(_("숫자로 적어 주세요. 예: 1,000,000 또는 0.5"), code="not_a_number")
        return exact(text.replace(",", ""))

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value is None:
            return
        if self.minimum is not None and value < self.minimum:
            raise ValidationError(_("%(limit)s 이상이어야 합니다."), code="too_small", params={"limit": self.minimum})
        if self.maximum is not None and value > self.maximum:
            raise ValidationError(_("%(limit)s 이하여야 합니다."), code="too_big", params={"limit": self.maximum})


class PercentField(NumberField):
    """A percentage as people type it (`7`), a fraction for the program (`0.07`)."""

    def clean(self, value: Any) -> Decimal | None:
        percent = super().clean(value)
        return None if percent is None else Decimal(percent) / 100

    def prepare_value(self, value: Any) -> Any:
        """A fraction from the program becomes a percentage; what a person typed stays as typed."""
        if value is None or isinstance(value, str):
            return value
        return format(exact(Decimal(str(value)) * 100), "f")


class InstrumentField(_InstrumentChoice):
    """An instrument by its key, `KRX:005930`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(queryset=Instrument.objects.active().live_first(), empty_label=None, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        return value.key if isinstance(value, Instrument) else value

    def label_from_instance(self, obj: Instrument) -> str:
        return f"{obj.name} · {obj.key}"

    def to_python(self, value: Any) -> Instrument | None:
        if value in self.empty_values:
            return None
        try:
            return Instrument.objects.active().by_key(str(value).replace("\x00", "?"))  # PostgreSQL takes no NUL
        except Instrument.DoesNotExist:
            raise ValidationError(_("거래할 수 없는 종목입니다."), code="unknown_instrument") from None


class AccountField(_AccountChoice):
    """One of the person's own broker accounts; nobody else's can be named."""

    def label_from_instance(self, obj: BrokerAccount) -> str:
        return f"{obj.name} · {obj.get_environment_display()}"

    def belong_to(self, user: User) -> None:
        self.queryset = BrokerAccount.objects.for_user(user).active()
