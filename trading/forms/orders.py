"""The order ticket, and the form that changes an order."""

from typing import Any, Self, cast
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.protocol import Division, OrderType, TimeInForce
from markets.models import Instrument
from markets.types import Side
from trading.forms.fields import AccountField, InstrumentField, NumberField
from trading.models import Order
from trading.models.orders import DIVISION_LABELS, SIDE_LABELS, TIME_IN_FORCE_LABELS, TYPE_LABELS

OLD_PAGE = _("주문 화면이 오래되었습니다. 다시 보내 주세요.")
PRICES = {OrderType.LIMIT: "limit_price", OrderType.STOP: "stop_price"}  # the price that each kind of order has


class KeyedForm(forms.Form):
    """A form whose key is made with the page, so that a second click on it is the same request (G06)."""

    client_key = forms.CharField(
        max_length=128,
        strip=False,
        widget=forms.HiddenInput,
        error_messages={"required": OLD_PAGE, "max_length": OLD_PAGE},
    )

    def with_new_key(self) -> Self:
        """The same form, ready for another try after its key was used up."""
        data = cast("QueryDict", self.data).copy()
        data["client_key"] = uuid4().hex
        self.data = data
        return self


class OrderTicket(KeyedForm):
    """One order."""

    instrument = InstrumentField(label=_("종목"), widget=forms.HiddenInput)
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    side = forms.ChoiceField(label=_("매매 구분"), choices=list(SIDE_LABELS.items()), widget=forms.RadioSelect)
    order_type = forms.ChoiceField(label=_("주문 종류"), choices=list(TYPE_LABELS.items()), widget=forms.RadioSelect)
    quantity = NumberField(label=_("수량"))
    limit_price = NumberField(label=_("지정가"), error_messages={"required": _("지정가를 적어 주세요.")})
    stop_price = NumberField(
        label=_("스톱 가격"),
        help_text=_("현재가가 이 가격에 닿으면 시장가로 주문합니다."),
        error_messages={"required": _("스톱 가격을 적어 주세요.")},
    )
    time_in_force = forms.ChoiceField(label=_("유효 기간"), choices=list(TIME_IN_FORCE_LABELS.items()))
    division = forms.ChoiceField(
        label=_("주문 구분"),
        choices=list(DIVISION_LABELS.items()),
        required=False,
        help_text=_(
            "증권사 계좌에서만 쓸 수 있습니다. "
            "조건부지정가는 종가 단일가에서 시장가로 바뀌어 그날 상한가나 하한가까지 체결될 수 있습니다."
        ),
    )

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("AccountField", self.fields["broker_account"]).belong_to(user)

    def clean_division(self) -> str:
        return self.cleaned_data["division"] or Division.PLAIN.value

    @classmethod
    def blank(cls, user: User, instrument: Instrument, **initial: Any) -> "OrderTicket":
        """A fresh ticket with its own key."""
        start = {
            "instrument": instrument,
            "side": Side.BUY,
            "order_type": OrderType.LIMIT,
            "time_in_force": TimeInForce.DAY,
            "division": Division.PLAIN,
            "client_key": uuid4().hex,
        }
        return cls(user, initial=start | initial)

    @property
    def traded(self) -> Instrument | None:
        """What the ticket is for, also while other fields are wrong; None for a key nobody knows."""
        if not self.is_bound:
            return cast("Instrument", self.initial["instrument"])
        return cast("Instrument | None", getattr(self, "cleaned_data", {}).get("instrument"))

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        for order_type, field in PRICES.items():
            if asked.get("order_type") != order_type:
                self._forget(field)
        return asked

    def _forget(self, field: str) -> None:
        """A price this kind of order does not have, whatever still stands in the hidden field."""
        self.errors.pop(field, None)
        self.cleaned_data[field] = None

    def as_order(self) -> dict[str, Any]:
        """The arguments of `place_order`, except the user."""
        asked = self.cleaned_data
        return {
            "broker_account": asked["broker_account"],
            "instrument": asked["instrument"],
            "side": Side(asked["side"]),
            "quantity": asked["quantity"],
            "order_type": OrderType(asked["order_type"]),
            "limit_price": asked["limit_price"],
            "stop_price": asked["stop_price"],
            "time_in_force": TimeInForce(asked["time_in_force"]),
            "division": Division(asked["division"]),
            "client_key": asked.get("client_key", ""),
        }


class EstimateForm(OrderTicket):
    """The same ticket half filled in: what it would cost, before anything is sent."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        del self.fields["client_key"]


class OrderChangeForm(KeyedForm):
    """Another quantity or price for an open order: only the price its kind has."""

    quantity = NumberField(label=_("수량"), help_text=_("이미 체결된 수량을 포함한 전체 수량입니다."))
    limit_price = NumberField(label=_("지정가"), error_messages={"required": _("지정가를 적어 주세요.")})
    stop_price = NumberField(label=_("스톱 가격"), error_messages={"required": _("스톱 가격을 적어 주세요.")})

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for order_type, field in PRICES.items():
            if order.order_type != order_type:
                del self.fields[field]

    @classmethod
    def blank(cls, order: Order) -> "OrderChangeForm":
        """The order as it is, under a fresh key."""
        now = {"quantity": order.quantity, "limit_price": order.limit_price, "stop_price": order.stop_price}
        written = {name: format(number, "f") for name, number in now.items() if number is not None}
        return cls(order, initial=written | {"client_key": uuid4().hex})

    def as_change(self) -> dict[str, Any]:
        """The arguments of `change_order`, except whose and which order."""
        asked = self.cleaned_data
        return {
            "quantity": asked["quantity"],
            "limit_price": asked.get("limit_price"),
            "stop_price": asked.get("stop_price"),
            "client_key": asked["client_key"],
        }
