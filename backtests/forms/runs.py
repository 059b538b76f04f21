"""The form of a backtest: which rule with which numbers, on which bars, on what terms."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from backtests import services
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BarUpload
from backtests.services import Asked, Beside, ParametersRefused, Rule
from backtests.templatetags.backtest_words import language, sentence
from backtests.terms import Terms
from markets.models import Instrument
from markets.templatetags.figures import grouped
from markets.types import Interval
from strategies.parameter_words import is_rate, with_labels
from trading.forms import INTERVALS
from trading.forms.fields import InstrumentField, NumberField, PercentField
from trading.forms.plan_library import parameter_field

DEFAULT_RULE = "swing_active"
FIRST_CASH = Decimal(10_000_000)
EXITS = [
    ("at_close", _("봉의 종가로 판단하고 다음 시가에 (오토 스윙과 같게)")),
    ("inside_bar", _("봉 안에서 손절·익절 가격에 닿으면 바로")),
]
REFUSED_FIELDS = {
    "zero_cash": "cash",
    "bad_budget": "budget",
    "bad_commission": "commission",
    "period_reversed": "starts_on",
    "unknown_strategy": "strategy",
    "upload_not_ready": "upload",
    "unknown_upload": "upload",
    "bad_name": "name",
    "bad_cooldown": "cooldown_bars",
    "too_many_instruments": "beside",
    "same_instrument_twice": "beside",
    "currencies_differ": "beside",
    "intervals_differ": "beside",
    "too_many_draws": "draws",
    "optuna_not_installed": "kind",
}
OF_UPLOAD = "upload:"  # what the choice of a file begins with
NUMERIC = {"inputmode": "numeric", "autocomplete": "off"}


def whole_number(label: Any, initial: int, least: int, most: int, **more: Any) -> forms.IntegerField:
    widget = forms.TextInput(attrs=NUMERIC)
    return forms.IntegerField(label=label, initial=initial, min_value=least, max_value=most, widget=widget, **more)


class RunForm(forms.Form):
    """A run as it is asked for. The rule's numbers are fields of their own, `p_<name>`."""

    client_key = forms.RegexField(r"^[0-9a-f]{32}$", widget=forms.HiddenInput)
    strategy = forms.ChoiceField(label=_("전략"))
    name = forms.CharField(label=_("이름"), max_length=64, required=False)
    upload = forms.ChoiceField(label=_("봉"), required=False)
    instrument = InstrumentField(label=_("종목"))
    interval = forms.ChoiceField(label=_("간격"), choices=list(INTERVALS.items()))
    beside = forms.MultipleChoiceField(
        label=_("함께 거래할 종목"), required=False, widget=forms.CheckboxSelectMultiple(attrs={"class": "picks"})
    )
    starts_on = forms.DateField(
        label=_("시작일"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label=_("끝일"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    cash = NumberField(label=_("처음 돈"))
    budget = NumberField(
        label=_("회차마다 쓸 돈"),
        required=False,
        help_text=_("비워 두면 그때 남은 돈을 모두 씁니다. 여러 종목이면 종목마다의 돈입니다."),
    )
    first_share = PercentField(label=_("1차 비중 (%)"), minimum=Decimal(1), maximum=Decimal(100))
    cooldown_bars = whole_number(_("재시작까지 쉬는 봉 수"), 5, 0, 10_000)
    repeat = forms.BooleanField(label=_("매도한 뒤 다시 시작"), required=False)
    exits = forms.ChoiceField(label=_("손절·익절"), choices=EXITS)
    commission = PercentField(
        label=_("수수료 (%)"),
        required=False,
        minimum=Decimal(0),
        maximum=Decimal(10),
        help_text=_("비워 두면 그 거래소의 수수료입니다. 증권거래세는 거래한 날의 세율로 따로 셉니다."),
    )
    spread_ticks = whole_number(_("호가 차이 (틱)"), 1, 0, 1000)
    slippage_rate = PercentField(label=_("슬리피지 (%)"), minimum=Decimal(0), maximum=Decimal(10))
    participation = PercentField(
        label=_("거래량 가운데 우리 몫 (%)"),
        required=False,
        minimum=Decimal("0.01"),
        maximum=Decimal(100),
        help_text=_("비워 두면 얼마든지 체결됩니다."),
    )
    seed = whole_number(_("난수 시드"), 0, 0, 2**31)

    def __init__(self, user: User, rule: Rule, data: Any = None, initial: Mapping[str, Any] | None = None) -> None:
        super().__init__(data, initial=first_values(rule) | dict(initial or {}))
        self.user, self.rule = user, rule
        library, own = services.offered(user, language())
        groups: list[Any] = [(_("기본 제공"), library)]
        self._choices("strategy", [*groups, (_("내 전략"), own)] if own else groups)
        files = [(str(each.pk), f"{each.name} · {each.instrument.name} {each.interval}") for each in self._files()]
        self._choices("upload", [("", _("저장된 봉")), (_("올린 파일"), files)] if files else [("", _("저장된 봉"))])
        self._offer_beside(files)
        for name, spec in rule.document.parameters.items():
            self.fields[f"p_{name}"] = self.number_field(name, spec)
        if len(rule.document.entries) == 1:
            del self.fields["first_share"]  # all of the budget is spent at once

    def number_field(self, name: str, spec: Any) -> forms.Field:
        """The field of one of the rule's numbers."""
        return parameter_field(name, spec)

    @property
    def chosen(self) -> Instrument | None:
        """The instrument that the form stands at, typed or first."""
        key = self["instrument"].value()
        active = Instrument.objects.active()
        if isinstance(key, Instrument):
            return key
        return active.filter(symbol=str(key).partition(":")[2]).first() if key else active.live_first().first()

    @property
    def rule_fields(self) -> list[forms.BoundField]:
        return [self[f"p_{name}"] for name in self.rule.document.parameters]

    def asked(self) -> Asked | None:
        """What was asked for; None where a field is wrong, and says so."""
        if not self.is_valid():
            return None
        given = self.cleaned_data
        upload = self._upload(given["upload"])
        try:
            return Asked(
                rule=self.rule,
                parameters=self.parameters(),
                instrument=upload.instrument if upload else given["instrument"],
                interval=Interval(upload.interval if upload else given["interval"]),
                upload=upload,
                beside=[self._beside(chosen) for chosen in given.get("beside", ())],
                starts_on=given["starts_on"],
                ends_on=given["ends_on"],
                terms=Terms.from_data(self._terms(given)),
            )
        except BacktestRefused as e:
            self.blame(e)
            return None

    def parameters(self) -> dict[str, float]:
        """The numbers that differ from the rule's own."""
        document = self.rule.document
        given = {name: self.cleaned_data[f"p_{name}"] for name in document.parameters}
        numbers = {name: value if isinstance(value, int) else float(value) for name, value in given.items()}
        return {name: value for name, value in numbers.items() if value != document.parameters[name].default}

    def blame(self, refused: BacktestRefused) -> None:
        """A refusal of the service, beside the field it is about."""
        if isinstance(refused, ParametersRefused):
            self._blame_numbers(refused)
            return
        field = REFUSED_FIELDS.get(refused.code)
        self.add_error(field if field in self.fields else None, sentence(refused.code, refused.facts))

    def _blame_numbers(self, refused: ParametersRefused) -> None:
        for problem in refused.invalid.problems:
            field = f"p_{problem.path.removeprefix('parameters.')}"
            message = problem.message_ko if language() == "ko" else problem.message_en
            message = with_labels(message, self.rule.document, language())
            self.add_error(field if field in self.fields else None, message)

    def _terms(self, given: Mapping[str, Any]) -> dict[str, Any]:
        names = Terms.model_fields.keys() & given.keys()
        return {name: given[name] for name in names}

    def _files(self) -> list[BarUpload]:
        return list(services.list_uploads(self.user).usable())

    def _offer_beside(self, files: list[tuple[str, str]]) -> None:
        stored = [(each.key, f"{each.name} · {each.key}") for each in Instrument.objects.active().live_first()]
        groups: list[Any] = [(_("저장된 봉"), stored)]
        if files:
            groups.append((_("올린 파일"), [(f"{OF_UPLOAD}{key}", name) for key, name in files]))
        self._choices("beside", groups)

    def _beside(self, chosen: str) -> Beside:
        upload = self._upload(chosen.removeprefix(OF_UPLOAD)) if chosen.startswith(OF_UPLOAD) else None
        return Beside(upload.instrument if upload else Instrument.objects.active().by_key(chosen), upload)

    def _upload(self, chosen: str) -> BarUpload | None:
        return services.get_upload(self.user, UUID(chosen)) if chosen else None

    def _choices(self, name: str, choices: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 for the type checker
        field.choices = choices


def first_values(rule: Rule) -> dict[str, Any]:
    """How the form begins."""
    return {
        "client_key": uuid4().hex,
        "strategy": rule.key,
        "interval": Interval.D1.value,
        "cash": grouped(FIRST_CASH, None),
        "first_share": Decimal("0.5"),
        "repeat": True,
        "exits": "at_close",
        "slippage_rate": Decimal(0),
        "participation": Decimal("0.1"),
    }


def blank(user: User, query: Mapping[str, str], form: type[RunForm] = RunForm) -> RunForm:
    """The form as an address asks for it: `strategy`, `instrument`, `interval`, `upload`, and numbers as `p_<name>`."""
    rule = _rule(user, query.get("strategy", ""))
    initial: dict[str, Any] = {name: query[name] for name in ("interval", "starts_on", "ends_on") if query.get(name)}
    if key := query.get("instrument"):
        initial["instrument"] = Instrument.objects.active().filter(symbol=key.partition(":")[2]).first() or ""
    if query.get("upload"):
        initial["upload"] = query["upload"]
    for name in rule.document.parameters:
        if number := query.get(f"p_{name}"):
            initial[f"p_{name}"] = _number(name, number)
    first = initial.get("instrument") or Instrument.objects.active().live_first().first()
    if "interval" not in initial and first:
        initial["interval"] = _first_interval(first, services.bars_needed(rule))
    return form(user, rule, initial=initial)


def _first_interval(instrument: Instrument, needed: int) -> str:
    """The longest interval of which enough bars are stored, so that a form sent as it is can be computed."""
    enough = [each.interval.value for each in services.stored_of(instrument) if each.bars >= needed]
    return enough[-1] if enough else Interval.D1.value


def of_other_strategy(user: User, data: Any, form: type[RunForm] = RunForm) -> RunForm:
    """The form on another strategy, with everything as it was typed but the numbers of the one before."""
    rule = _rule(user, data.get("strategy", ""))
    initial = {name: data[name] for name in form.base_fields if data.get(name)}
    return form(user, rule, initial=initial | {"beside": data.getlist("beside")})


def again(user: User, run: Backtest, form: type[RunForm] = RunForm, only: int | None = None) -> RunForm:
    """The form as a run was asked for; with `only` that one of its instruments, by number, alone."""
    members = run.members
    alone = only is not None and only < len(members)
    first, *beside = members[only : only + 1] if alone else members  # type: ignore[operator]
    rule = _rule(user, str(run.strategy_version_id))
    terms = Terms.from_data(run.terms)
    initial: dict[str, Any] = {name: getattr(terms, name) for name in Terms.model_fields}
    initial |= {name: grouped(initial[name], None) for name in ("cash", "budget") if initial[name] is not None}
    initial |= {f"p_{name}": number for name, number in run.parameters.items()}
    initial |= {"instrument": first.instrument, "interval": run.interval, "name": "" if alone else run.name}
    initial |= {"starts_on": run.starts_on, "ends_on": run.ends_on, "upload": str(first.upload_id or "")}
    initial["beside"] = [f"{OF_UPLOAD}{each.upload_id}" if each.upload_id else each.instrument.key for each in beside]
    return form(user, rule, initial=initial)


def typed(user: User, data: Any, form: type[RunForm] = RunForm) -> RunForm:
    """The form that was sent, bound to what was typed."""
    return form(user, _rule(user, data.get("strategy", "")), data)


def _rule(user: User, key: str) -> Rule:
    try:
        return services.pick(user, key, language())
    except BacktestRefused:
        return services.pick(user, DEFAULT_RULE, language())


def _number(name: str, text: str) -> Any:
    """A number of an address, as its field begins with it."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if is_rate(name) else text
