"""Rules as plans use them: compiled once per process and content, however many plans and people share it."""

from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from strategies.document import RuleDocument
from strategies.models import StrategyVersion
from trading.signal import RiskRates

MOST_KEPT = 8192  # rules, some ten kilobytes each


class Rule:
    """A version's rule, ready to look at a bar."""

    def __init__(self, document: RuleDocument) -> None:
        from strategies.compiler import compile_document  # which loads NumPy and TA-Lib: the web process does without

        evaluator = compile_document(document)
        self.warm_up = evaluator.warm_up
        self.rates = RiskRates.of(evaluator.document.risk)
        self.compiled = evaluator.rule


_kept: OrderedDict[str, Rule] = OrderedDict()


def rules_of(versions: Mapping[str, UUID]) -> dict[str, Rule]:
    """The rules of these versions by their hash; those not yet known to this process are read in one query."""
    found = {key: _kept[key] for key in versions if key in _kept}
    missing = {versions[key]: key for key in versions if key not in found}
    rows = StrategyVersion.objects.filter(pk__in=missing) if missing else StrategyVersion.objects.none()
    for version_id, document in rows.values_list("pk", "document"):
        found[missing[version_id]] = Rule(RuleDocument.from_data(document))
    for key, rule in found.items():
        _kept[key] = rule
        _kept.move_to_end(key)
    while len(_kept) > MOST_KEPT:
        _kept.popitem(last=False)
    return found
