"""What a plan's form would do, while it is being filled in: the rule in sentences, how often it held, what it costs to start."""

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from markets.dated import NoRuleInForce
from markets.types import from_epoch
from strategies.conditions import RiskOnly
from strategies.library.swing import MEASURED_RSI_PASSES, SwingParameters
from strategies.sentences import document_sentences
from trading.errors import OrderRefused
from trading.forms import PlanTermsForm, sentence_language
from trading.plan_rules import SWING, ChosenRule
from trading.services.planning import rehearsal
from trading.sizing import SizingInvalid
from trading.templatetags.reasons import sentence

if TYPE_CHECKING:
    from strategies.firing import Fired, Firing


@dataclass(frozen=True, slots=True)
class FiredStep:
    """One line of the count: `step` 1 and 2 for the buys, 3 for the sale."""

    step: int
    count: int
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class FiringShown:
    """How often a rule held in the last year, as the page tells it."""

    bars: int
    since: datetime
    until: datetime
    steps: list[FiredStep]

    @property
    def never_buys(self) -> bool:
        return self.steps[0].count == 0


def preview(form: PlanTermsForm) -> dict[str, Any]:
    """What `_plan_preview.html` shows; only what the form's right numbers allow."""
    rule = form.chosen()
    if rule is None:
        return {"rule": [], "warning": None, "firing": None, "start": None, "start_obstacle": ""}
    said: dict[str, Any] = {
        "rule": document_sentences(rule.document, sentence_language()),
        "warning": _warning(rule),
        "sells_by_limits": isinstance(rule.document.exit, RiskOnly),
        "waits_at_a_price": any(entry.stop is not None for entry in rule.document.entries),
    }
    return said | _firing(form, rule) | _start(form)


def _firing(form: PlanTermsForm, rule: ChosenRule) -> dict[str, Any]:
    instrument, interval = form.watched()
    if instrument is None or interval is None:
        return {"firing": None}
    found = rehearsal.firing_of(rule.document, instrument, interval)
    shown = None if found is None else firing_shown(found)
    return {"firing": shown, "counts_nothing": shown is None, "firing_instrument": instrument}


def firing_shown(firing: "Firing") -> FiringShown:
    """The count as its page tells it."""
    buys = [_step(number, fired) for number, fired in enumerate(firing.entries, start=1)]
    since, until = from_epoch(firing.first_closed_at), from_epoch(firing.last_closed_at)
    return FiringShown(firing.bars, since, until, [*buys, _step(3, firing.exit)])


def _step(step: int, fired: "Fired") -> FiredStep:
    return FiredStep(step, fired.count, None if fired.last_closed_at is None else from_epoch(fired.last_closed_at))


def _start(form: PlanTermsForm) -> dict[str, Any]:
    """What the first buy would cost now; of a plan that is there nothing, for it has its money and its place."""
    if form.plan is not None:
        return {"start": None, "start_obstacle": ""}
    instrument, _interval = form.watched()
    account, budget, share = form.money()
    if instrument is None or account is None or budget is None or share is None:
        return {"start": None, "start_obstacle": ""}
    try:
        start = rehearsal.first_buy(instrument, account, budget, share)
    except OrderRefused as e:
        return {"start": None, "start_obstacle": sentence(e.code, e.facts)}
    except NoRuleInForce:
        return {"start": None, "start_obstacle": sentence("no_rule_in_force")}
    except SizingInvalid:  # beside its field already
        return {"start": None, "start_obstacle": ""}
    return {"start": start, "start_obstacle": "", "start_instrument": instrument, "start_budget": budget}


def _warning(rule: ChosenRule) -> dict[str, int] | None:
    """C29: the literal reading of the RSI filter, with how often it let a cross pass."""
    if rule.kind != SWING:
        return None
    parameters = SwingParameters.from_data(dict(rule.settings))
    passed, crossed = MEASURED_RSI_PASSES["same_bar"]
    literal = parameters.rsi_mode == "same_bar" and any(parameters.uses(step, "rsi") for step in ("first", "second"))
    return {"passed": passed, "crossed": crossed} if literal else None
