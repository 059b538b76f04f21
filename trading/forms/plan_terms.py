"""What every plan's form asks, whatever its strategy: what to trade, with how much, for how long."""

from decimal import Decimal
from typing import Any, cast
from uuid import uuid4

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from markets.models.fields import exact
from markets.types import Interval
from strategies.errors import Language
from trading.forms.fields import AccountField, InstrumentField, NumberField, PercentField
from trading.models import SwingPlan
from trading.plan_rules import SWING, ChosenRule

REFUSED_FIELDS = {
    "bad_budget": "budget",
    "budget_below_spent": "budget",
    "bad_first_share": "first_share",
    "name_missing": "name",
    "unknown_account": "broker_account",
    "currency_not_held": "broker_account",
    "instrument_not_tradable": "instrument",
    "end_date_passed": "ends_on",
    "plan_holds": "mode",
    "unknown_strategy": "strategy",
}
INTERVALS = {"1m": _("1분"), "5m": _("5분"), "15m": _("15분"), "1h": _("1시간"), "4h": _("4시간"), "1d": _("1일")}
FIXED = ("client_key", "instrument", "broker_account", "interval")  # what a plan keeps as long as it lives


class PlanTermsForm(forms.Form):
    """The terms of a plan; the forms of its rule stand on it. `strategy` is the one picked, `shown` the one on the page."""

    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    strategy = forms.ChoiceField(label=_("전략"), required=False)
    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)
    name = forms.CharField(label=_("이름"), max_length=64)
    instrument = InstrumentField(label=_("종목"))
    broker_account = AccountField(queryset=None, label=_("계좌"), empty_label=None)
    interval = forms.ChoiceField(
        label=_("간격"),
        choices=list(INTERVALS.items()),
    )
    mode = forms.ChoiceField(label=_("실행"), choices=[("on", _("주문까지")), ("shadow", _("판단만 기록 (그림자)"))])
    budget = NumberField(label=_("예산"))
    first_share = PercentField(label=_("1차 비중 (%)"), minimum=Decimal(1), maximum=Decimal(100))
    repeat = forms.BooleanField(label=_("매도한 뒤 다시 시작"), required=False)
    cooldown_bars = forms.IntegerField(
        label=_("재시작까지 쉬는 봉 수"),
        min_value=0,
        max_value=10_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric"}),
    )
    ends_on = forms.DateField(
        label=_("종료일"),
        required=False,
        help_text=_("이날까지만 새로 사고, 그 뒤에는 들고 있는 것을 규칙대로 팝니다."),
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, user: User, *args: Any, plan: SwingPlan | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.plan = plan
        if plan is not None:
            for name in FIXED:
                del self.fields[name]
        else:
            cast("AccountField", self.fields["broker_account"]).belong_to(user)

    def offer(self, strategies: list[tuple[Any, Any]], picked: str) -> None:
        """What can be picked, and what is."""
        field = cast("forms.ChoiceField", self.fields["strategy"])
        field.choices = strategies
        field.required = not self.is_bound or "strategy" in self.data  # a form sent without one is the swing rule's
        self.initial = {**self.initial, "strategy": picked, "shown": picked}

    def chosen(self) -> ChosenRule | None:
        """The rule as the form stands, bound or not; None while its numbers are wrong or missing."""
        raise NotImplementedError

    def blame(self, code: str, sentence: str) -> None:
        """A refusal of the service, beside the field it is about."""
        field = REFUSED_FIELDS.get(code)
        self.add_error(field if field in self.fields else None, sentence)

    @property
    def has_accounts(self) -> bool:
        """Whether the person has any account a plan could trade on."""
        if self.plan is not None:
            return True
        accounts = cast("AccountField", self.fields["broker_account"]).queryset
        return accounts is not None and accounts.exists()

    def watched(self) -> tuple[Instrument | None, Interval | None]:
        """What is traded and how often, as the page shows it, whatever else is wrong; None for what is wrong itself."""
        if self.plan is not None:
            return self.plan.instrument, Interval(self.plan.interval)
        interval = self._shown("interval")
        return self._shown("instrument"), Interval(interval) if interval else None

    def money(self) -> tuple[BrokerAccount | None, Decimal | None, Decimal | None]:
        """The account, the budget and the share of the first buy, as the page shows them; 1 where all is spent at once."""
        share = self._shown("first_share") if "first_share" in self.fields else Decimal(1)
        return self._shown("broker_account"), self._shown("budget"), share

    def _shown(self, name: str) -> Any:
        """A field's value as it stands on the page: typed, begun with, or the first of its list."""
        if self.is_bound:
            self.is_valid()
            return self.cleaned_data.get(name)
        field, value = self.fields[name], self.initial.get(name)
        if isinstance(value, Instrument):
            return value
        if isinstance(field, forms.ModelChoiceField) and not value:
            return None if field.queryset is None else field.queryset.first()
        try:
            return field.clean(value)
        except forms.ValidationError:
            return None

    def as_terms(self) -> dict[str, Any]:
        """The arguments of `register_plan`, or of `edit_plan`, except the person, the plan and the rule."""
        asked = self.cleaned_data
        left_out = ("strategy", "shown", "interval")
        terms = {name: asked[name] for name in PlanTermsForm.base_fields if name in asked and name not in left_out}
        if "interval" in asked:
            terms["interval"] = Interval(asked["interval"])
        return {"first_share": Decimal(1)} | terms


def first_terms() -> dict[str, Any]:
    """The terms a new plan's form begins with, and its key: made with the page, so that a second click is the same plan."""
    start = {"interval": "1h", "first_share": "50", "cooldown_bars": 5, "repeat": True, "mode": "on"}
    return start | {"client_key": uuid4().hex, "strategy": SWING}


def terms_of(plan: SwingPlan) -> dict[str, Any]:
    """A plan's terms as its form shows them."""
    names = ("name", "first_share", "repeat", "cooldown_bars", "ends_on")
    kept = {name: getattr(plan, name) for name in names}
    return kept | {"budget": format(exact(plan.budget), "f"), "mode": plan.running_mode}


def sentence_language() -> Language:
    """The language of rule sentences for the reader: they come ready made in Korean and English."""
    return "ko" if (get_language() or "ko").startswith("ko") else "en"
