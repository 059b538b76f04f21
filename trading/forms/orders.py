"""The order ticket."""

from typing import Any, cast
from uuid import uuid4

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument
from markets.types import Side
from trading.forms.fields import AccountField, InstrumentField, NumberField
from trading.models.orders import SIDE_LABELS, TYPE_LABELS


class OrderTicket(forms.Form):
    """One order. `client_key` is made with the page, so that a second click on it is the same order (G06)."""

    instrument = InstrumentField(label=_("종목"), widget=forms.HiddenInput)
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    side = forms.ChoiceField(label=_("매매 구분"), choices=list(SIDE_LABELS.items()), widget=forms.RadioSelect)
    order_type = forms.ChoiceField(label=_("주문 종류"), choices=list(TYPE_LABELS.items()), widget=forms.RadioSelect)
    quantity = NumberField(label=_("수량"))
    limit_price = NumberField(label=_("지정가"), error_messages={"required": _("지정가를 적어 주세요.")})
    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        cast("AccountField", self.fields["broker_account"]).belong_to(user)
        self.fields["limit_price"].required = self.data.get("order_type") != OrderType.MARKET

    @classmethod
    def blank(cls, user: User, instrument: Instrument, **initial: Any) -> "OrderTicket":
        """A fresh ticket with its own key."""
        start = {"instrument": instrument, "side": Side.BUY, "order_type": OrderType.LIMIT, "client_key": uuid4().hex}
        return cls(user, initial=start | initial)

    @property
    def traded(self) -> Instrument | None:
        """What the ticket is for, also while other fields are wrong; None for a key nobody knows."""
        if not self.is_bound:
            return cast("Instrument", self.initial["instrument"])
        return cast("Instrument | None", getattr(self, "cleaned_data", {}).get("instrument"))

    def with_new_key(self) -> "OrderTicket":
        """The same ticket, ready for another try after its key was used up."""
        data = cast("QueryDict", self.data).copy()
        data["client_key"] = uuid4().hex
        self.data = data
        return self

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        if asked.get("order_type") == OrderType.MARKET:
            asked["limit_price"] = None  # a market order has none, whatever still stands in the hidden field
        return asked

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
            "time_in_force": TimeInForce.DAY,
            "client_key": asked.get("client_key", ""),
        }


class EstimateForm(OrderTicket):
    """The same ticket half filled in: what it would cost, before anything is sent."""

    def __init__(self, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        del self.fields["client_key"]
