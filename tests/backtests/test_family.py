"""Members of one rule, put together from pieces, are the documents compiled one by one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from backtests.family import Family
from strategies.compiler import Evaluator, compile_document
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid, Problem
from tests.backtests.scenes import cross_rule
from tests.strategies.documents import documents

Parameters = Mapping[str, float]


def test_members_are_the_documents_with_these_numbers() -> None:
    family = Family(cross_rule())
    for fast, slow in ((4, 20), (4, 30), (8, 20), (8, 30), (8, 30.0)):
        _is_compiled(family, cross_rule(), {"fast": fast, "slow": slow})


def test_a_member_that_cannot_be_is_refused_as_ever() -> None:
    family = Family(cross_rule())
    _is_compiled(family, cross_rule(), {"fast": 4, "slow": 20})
    for wrong in ({"fast": 30, "slow": 20}, {"fast": 1}, {"fast": 4.5}, {"nothing": 1}, {"fast": float("nan")}):
        _is_compiled(family, cross_rule(), wrong)


def test_numbers_that_fit_apart_but_not_together_are_refused() -> None:
    """An indicator's own order, checked only once its numbers are known."""
    data = cross_rule().as_data() | {"increasing": []}
    numbers = {"fast": {"param": "fast"}, "slow": {"param": "slow"}, "signal": 9}
    data["indicators"]["both"] = {"kind": "macd", "params": numbers}
    rule = RuleDocument.from_data(data)
    family = Family(rule)
    for fast, slow in ((5, 20), (20, 30), (20, 10), (5, 10), (20, 20), (20, 30)):
        _is_compiled(family, rule, {"fast": fast, "slow": slow})


@settings(deadline=None)
@given(documents(), st.lists(st.fixed_dictionaries({"p": st.integers(0, 31), "q": st.sampled_from([1.0, 2.5, 7])})))
def test_members_of_any_rule_are_its_documents(data: dict[str, Any], points: list[Parameters]) -> None:
    try:
        rule = RuleDocument.from_data(data)
    except DocumentInvalid:
        return
    family = Family(rule)
    for point in ({}, *points):
        _is_compiled(family, rule, point)


def _is_compiled(family: Family, rule: RuleDocument, point: Parameters) -> None:
    refused = _problems(lambda: compile_document(rule, point))
    assert _problems(lambda: family.member(point)) == refused
    if refused:
        return
    alone, (member, version_hash) = compile_document(rule, point), family.member(point)
    assert version_hash == alone.document.version_hash() == member.document.version_hash()
    assert _said(member) == _said(alone)


def _problems(make: Callable[[], object]) -> Sequence[Problem]:
    try:
        make()
    except DocumentInvalid as refused:
        return refused.problems
    return ()


def _said(evaluator: Evaluator) -> tuple[Any, ...]:
    """All that an evaluator is, formulas by their identity: there is one object for each meaning."""
    rule = evaluator.rule
    asked = evaluator.document, evaluator.warm_up, evaluator.calls, evaluator.numbers
    return *asked, rule.formulas, rule.levels, rule.logic, rule.numbers
