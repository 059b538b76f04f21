"""Plans on any other strategy: its declared parameters as fields, and the form that belongs to what was picked."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from markets.models.fields import exact
from strategies.document import ParameterSpec, RuleDocument
from strategies.errors import DocumentInvalid
from strategies.library.shelf import LIBRARY
from strategies.library.swing import SwingParameters, swing_document
from strategies.models import Strategy, StrategyVersion
from strategies.parameter_words import is_rate, parameter_label, plain_number, with_labels
from trading.forms.fields import NumberField, PercentField
from trading.forms.plan_terms import PlanTermsForm, first_terms, sentence_language, terms_of
from trading.forms.plans import SwingPlanForm, preset_values
from trading.models import SwingPlan
from trading.plan_rules import SWING, ChosenRule, with_values

SAVED = "saved:"
MOST_SAVED = 100
NOT_OFFERED = {"swing_active"}  # a preset of the swing form


@dataclass(frozen=True, slots=True)
class Picked:
    """A strategy as it was picked; `version_id` where it is a saved one, or the version a plan already follows."""

    key: str
    kind: str
    document: RuleDocument
    version_id: UUID | None = None


class LibraryPlanForm(PlanTermsForm):
    """A plan on a strategy with declared parameters: one field for each, with its range and step."""

    def __init__(self, user: User, picked: Picked, *args: Any, **kwargs: Any) -> None:
        super().__init__(user, *args, **kwargs)
        self.picked = picked
        self._chosen: ChosenRule | None = None
        if len(picked.document.entries) == 1:
            del self.fields["first_share"]  # all of the budget is spent at once
        for name, spec in picked.document.parameters.items():
            self.fields[f"rule_{name}"] = parameter_field(name, spec)

    @property
    def rule_fields(self) -> list[forms.BoundField]:
        return [self[f"rule_{name}"] for name in self.picked.document.parameters]

    @property
    def about(self) -> str:
        """What the strategy does, in a sentence."""
        built_in = LIBRARY.get(self.picked.kind)
        return built_in.description.said_in(sentence_language()) if built_in else self.picked.document.description

    def clean(self) -> dict[str, Any]:
        asked = super().clean() or self.cleaned_data
        values = {name: asked.get(f"rule_{name}") for name in self.picked.document.parameters}
        if None not in values.values():
            try:
                self._chosen = self._with({name: as_number(value) for name, value in values.items()})
            except DocumentInvalid as e:
                self._say(e)
        return asked

    def chosen(self) -> ChosenRule | None:
        if self.is_bound:
            self.is_valid()
            return self._chosen
        return self._with({})

    def _with(self, values: Mapping[str, float]) -> ChosenRule:
        document = with_values(self.picked.document, values)
        is_same = document == self.picked.document
        return ChosenRule(self.picked.kind, document, dict(values), self.picked.version_id if is_same else None)

    def _say(self, invalid: DocumentInvalid) -> None:
        """Each problem beside the field it is about, the parameters called as the form calls them."""
        for problem in invalid.problems:
            field = f"rule_{problem.path.removeprefix('parameters.')}"
            message = problem.message_ko if sentence_language() == "ko" else problem.message_en
            message = with_labels(message, self.picked.document, sentence_language())
            self.add_error(field if field in self.fields else None, message)


def parameter_field(name: str, spec: ParameterSpec) -> forms.Field:
    """A field for a declared parameter, at its default; fractions that are called rates are asked in percent."""
    label = parameter_label(name, spec, sentence_language())
    asked: dict[str, Any] = {"label": label, "initial": spec.default, "help_text": _range_words(name, spec)}
    if spec.kind == "int":
        widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})
        return forms.IntegerField(widget=widget, **asked)
    if not is_rate(name):
        return NumberField(**asked)
    low, high = (round(bound * 100, 9) for bound in (spec.minimum, spec.maximum))
    return PercentField(minimum=_decimal(low), maximum=_decimal(high), **asked)


def new_form(user: User, key: str, **typed: Any) -> PlanTermsForm:
    """A form to begin a plan with, on the strategy picked; swing where there is no such strategy."""
    return _form(user, _find(user, key), first_terms() | typed)


def edit_form(user: User, plan: SwingPlan, key: str = "", **typed: Any) -> PlanTermsForm:
    """The plan's terms and numbers as they stand, on its own strategy or on another that was picked."""
    picked = _find(user, key, plan) if key else picked_of(plan)
    return _form(user, picked, terms_of(plan) | typed, plan=plan)


def picked_form(user: User, data: Any, plan: SwingPlan | None = None) -> PlanTermsForm:
    """The form that was sent, bound to what was typed."""
    key = data.get("strategy") or (key_of(plan) if plan else SWING)
    picked = _find(user, key, plan)
    if picked is None or picked.kind == SWING:
        form: PlanTermsForm = SwingPlanForm(user, data, plan=plan)
    else:
        form = LibraryPlanForm(user, picked, data, plan=plan)
    form.offer(_offered(user, plan), key)
    return form


def key_of(plan: SwingPlan) -> str:
    """What the strategy a plan follows is called in the form."""
    version = plan.strategy_version
    if version.strategy.kind == SWING:
        return SWING if _is_swing(version) else f"{SAVED}{version.pk}"
    return version.strategy.kind if version.strategy.kind in LIBRARY else f"{SAVED}{version.pk}"


def picked_of(plan: SwingPlan) -> Picked:
    key, version = key_of(plan), plan.strategy_version
    kind = "document" if key.startswith(SAVED) else key
    saved = version.pk if key.startswith(SAVED) else None
    return Picked(key, kind, RuleDocument.from_data(version.document), saved)


def _form(user: User, picked: Picked | None, initial: dict[str, Any], plan: SwingPlan | None = None) -> PlanTermsForm:
    if picked is None or picked.kind == SWING:
        numbers = preset_values("default")
        if plan is not None and key_of(plan) == SWING:
            numbers = SwingParameters.from_data(plan.strategy_version.settings).model_dump()
        form: PlanTermsForm = SwingPlanForm(user, initial=numbers | initial, plan=plan)
    else:
        form = LibraryPlanForm(user, picked, initial=initial, plan=plan)
    form.offer(_offered(user, plan), picked.key if picked else SWING)
    return form


def _find(user: User, key: str, plan: SwingPlan | None = None) -> Picked | None:
    if plan is not None and key == key_of(plan):
        return picked_of(plan)
    if key in LIBRARY and key not in NOT_OFFERED:
        return Picked(key, key, LIBRARY[key].build())
    version = _saved(user, key) if key.startswith(SAVED) else None
    if version is None:
        return None
    return Picked(key, "document", RuleDocument.from_data(version.document), version.pk)


def _saved(user: User, key: str) -> StrategyVersion | None:
    try:
        number = UUID(key.removeprefix(SAVED))
    except ValueError:
        return None
    return StrategyVersion.objects.filter(pk=number, strategy__user=user).select_related("strategy").first()


def _offered(user: User, plan: SwingPlan | None) -> list[tuple[Any, Any]]:
    """The library, then the newest version of each strategy the person has saved, and the one the plan follows."""
    language = sentence_language()
    built_in = [(key, each.name.said_in(language)) for key, each in LIBRARY.items() if key not in NOT_OFFERED]
    kept = Strategy.objects.filter(user=user, kind="document").in_use()
    own = StrategyVersion.objects.filter(strategy__in=kept).select_related("strategy")
    newest: dict[Any, StrategyVersion] = {}
    for version in own.order_by("strategy__name", "-number").defer("document", "settings")[:MOST_SAVED]:
        newest.setdefault(version.strategy_id, version)
    saved = {f"{SAVED}{version.pk}": str(version) for version in newest.values()}
    if plan is not None and key_of(plan).startswith(SAVED):
        saved.setdefault(key_of(plan), str(plan.strategy_version))
    groups: list[tuple[Any, Any]] = [(_("기본 제공"), built_in)]
    return [*groups, (_("내 전략"), list(saved.items()))] if saved else groups


def _is_swing(version: StrategyVersion) -> bool:
    """Whether the version is what the swing form makes of the settings kept with it."""
    try:
        return swing_document(SwingParameters.from_data(version.settings)).version_hash() == version.version_hash
    except DocumentInvalid:
        return False


def _range_words(name: str, spec: ParameterSpec) -> Any:
    scale = 100 if is_rate(name) else 1
    numbers = {key: _decimal(round(getattr(spec, key) * scale, 9)) for key in ("minimum", "maximum", "default")}
    words = format_lazy(_("{low}부터 {high}까지"), low=f"{numbers['minimum']:f}", high=f"{numbers['maximum']:f}")
    if spec.step is None:
        return words
    return format_lazy(_("{range}, {step} 단위"), range=words, step=f"{_decimal(round(spec.step * scale, 9)):f}")


def _decimal(number: float) -> Decimal:
    """A bound as people write it: 0.001, 10, never 1E+1."""
    return exact(Decimal(plain_number(number)))


def as_number(value: Any) -> float:
    """Indicators are no money: floats, whole numbers as they are."""
    return value if isinstance(value, int) else float(value)
