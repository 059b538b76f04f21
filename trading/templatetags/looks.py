"""Looks at plans in words: what one did on a bar, and why or why not (G01). The same sentence for pages and programs."""

from django.utils.translation import get_language

from strategies.errors import Language
from strategies.rows import Row
from trading.models import PlanEvaluation
from trading.signal import Action, Decision, Reason, decision_sentence
from trading.templatetags.reasons import sentence


def look_sentence(look: PlanEvaluation, row: Row | None = None) -> str:
    """What the plan did on this bar and why, in the reader's language. `row`: what the look keeps, where it is read."""
    facts: dict[str, str] = look.detail.get("facts") or {}
    decision = _decision(look, facts)
    if decision is None or not look.detail.get("row"):
        return sentence(look.reason, facts)
    language: Language = "ko" if (get_language() or "ko").startswith("ko") else "en"
    return decision_sentence(decision, row or row_of(look), look.signal, language)


def row_of(look: PlanEvaluation) -> Row:
    """The bar as its rule saw it. Raises KeyError where the bar was never judged."""
    return Row.from_data(look.detail["row"])


def version_of(look: PlanEvaluation) -> str | None:
    """The id of the strategy's version that judged; None where an older release wrote the look."""
    kept: str | None = look.detail.get("version")
    return kept


def _decision(look: PlanEvaluation, facts: dict[str, str]) -> Decision | None:
    """What the rule decided; None where the bar was never judged, or the order could not be made."""
    try:
        return Decision(Action(look.outcome), Reason(look.reason), facts)
    except ValueError:
        return None
