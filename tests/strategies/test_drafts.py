"""A strategy while it is being written: form fields in, a document out, or what is wrong beside its field. G14."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies.candles import PATTERNS
from strategies.document import RuleDocument
from strategies.drafts import BLANK, Tree, changed, composed, draft_of, grown, settled
from strategies.drafts.shapes import CONDITIONS
from strategies.drafts.tree import at
from strategies.errors import DocumentInvalid
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY
from tests.strategies.documents import documents
from tests.strategies.rules import document as rule_document

CONDITION, STOP = "entries__0__when__members__0__", "entries__0__stop__"
MEANS_NOTHING = (".was", ".label", "description", ".source", "name")  # to the rule; a source, where there is only one
DRAWN = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


def fields_of(tree: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """The fields a browser sends of a form that shows this draft."""
    if isinstance(tree, str):
        yield path, tree
        return
    inside = tree.items() if isinstance(tree, dict) else ((str(place), each) for place, each in enumerate(tree))
    for key, each in inside:
        yield from fields_of(each, f"{path}.{key}" if path else key)


def sent(draft: Tree, **typed: str) -> Tree:
    """The draft once its form came back with these fields typed over; __ stands for a dot."""
    fields = dict(fields_of(draft)) | {name.replace("__", "."): text for name, text in typed.items()}
    return settled(grown(fields.items()))


def codes(draft: Tree) -> dict[str, list[str]]:
    return {name: [problem.code for problem in each] for name, each in composed(draft).problems.items()}


def swing_like() -> Tree:
    return draft_of(basic_document())


# There and back


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_every_strategy_of_the_library_comes_back_from_its_form_as_it_was(key: str) -> None:
    document = LIBRARY[key].build()
    assert composed(sent(draft_of(document))).document == document


@DRAWN
@given(documents())
def test_whatever_a_document_says_its_form_can_say(data: dict[str, Any]) -> None:
    """Every word of the form of a rule, nested groups and all, to the last digit."""
    try:
        document = RuleDocument.from_data(data)
    except DocumentInvalid:
        return
    back = composed(sent(draft_of(document)))
    assert back.problems == {}
    assert back.document == document
    assert back.document.version_hash() == document.version_hash()


@DRAWN
@given(documents(), st.data())
def test_nonsense_in_any_field_that_means_something_is_refused(data: dict[str, Any], drawn: st.DataObject) -> None:
    try:
        fields = dict(fields_of(draft_of(RuleDocument.from_data(data))))
    except DocumentInvalid:
        return
    name = drawn.draw(st.sampled_from([name for name in fields if not name.endswith(MEANS_NOTHING)]))
    spoilt = composed(settled(grown((fields | {name: "\x00nonsense!"}).items())))
    assert spoilt.document is None
    assert any(name.startswith(field.removesuffix(".of")) for field in spoilt.problems)


# What is wrong, and where


@pytest.mark.parametrize(
    ("typed", "field", "code"),
    [
        ({"indicators__0__params__period": ""}, "indicators.0.params.period", "missing"),
        ({"indicators__0__params__period": "열"}, "indicators.0.params.period", "not_a_quantity"),
        ({"indicators__0__params__period": "0"}, "indicators.0.params.period", "out_of_range"),
        ({"indicators__0__params__period": "nothing"}, "indicators.0.params.period", "undefined_parameter"),
        ({"indicators__0__alias": "5일선"}, "indicators.0.alias", "bad_name"),
        ({"indicators__0__alias": "close"}, "indicators.0", "reserved_name"),
        ({"indicators__0__alias": "long"}, "indicators.1.alias", "duplicate_name"),
        ({"indicators__0__kind": "magic"}, "indicators.0.kind", "unknown_indicator"),
        ({f"{CONDITION}left__of": "indicator:gone.value"}, "entries.0.when.members.0.left.of", "undefined_indicator"),
        ({f"{CONDITION}left__of": "indicator:short.signal"}, "entries.0.when.members.0.left.of", "undefined_output"),
        ({"entries__0__when__members__0__left__of": ""}, "entries.0.when.members.0.left.of", "missing"),
        ({"entries__0__when__members__0__left__ago": "501"}, "entries.0.when.members.0.left.ago", "out_of_range"),
        ({"entries__0__when__members__0__left__ago": "1.5"}, "entries.0.when.members.0.left.ago", "not_whole"),
        ({"entries__0__when__members__0__left__scale": "1e5x"}, "entries.0.when.members.0.left.scale", "not_a_quantity"),
        ({f"{STOP}way": "level", f"{STOP}level__of": "column:volume"}, "entries.0.stop.level.of", "not_a_price"),
        ({"exit__join": "risk_only", "risk__stop_loss_rate": ""}, "exit", "no_way_out"),
        ({"risk__stop_loss_rate": "100"}, "risk.stop_loss_rate", "out_of_range"),
        ({"risk__time_stop_bars": "2.5"}, "risk.time_stop_bars", "not_whole"),
        ({"parameters__0__default": ""}, "parameters.0.default", "missing"),
        ({"parameters__0__default": "9999"}, "parameters.0.default", "out_of_range"),
        ({"parameters__0__step": "0"}, "parameters.0.step", "out_of_range"),
        ({"increasing": "short long"}, "increasing", "bad_order"),
        ({"increasing": "short < gone"}, "increasing", "undefined_parameter"),
        ({"name": " "}, "name", "missing"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_beside_its_field_and_what_was_typed_stays(
    typed: dict[str, str], field: str, code: str
) -> None:
    draft = sent(swing_like(), **typed)
    assert composed(draft).document is None
    assert code in codes(draft).get(field, [])
    for name, text in typed.items():
        assert at(draft, name.replace("__", ".")) == text


def test_a_mistake_inside_a_nested_group_is_told_beside_its_field() -> None:
    draft, _focus = changed(swing_like(), "add-group", "entries.0.when")
    draft, _focus = changed(draft, "add-condition", "entries.0.when.members.1")
    inner = "entries__0__when__members__1__members__0__"
    draft = sent(draft, **{f"{inner}right__of": "number", f"{inner}right__number": "많이"})
    assert codes(draft) == {"entries.0.when.members.1.members.0.right.number": ["not_a_number"]}


def test_a_blank_strategy_says_what_is_missing_and_nothing_of_it_is_lost() -> None:
    assert codes(sent(BLANK)) == {"name": ["missing"], "entries.0.when": ["empty"], "exit": ["empty"]}


# Buttons


def test_a_whole_strategy_is_written_with_buttons_and_fields() -> None:
    draft = sent(BLANK, name="추세", new_indicator="macd")
    draft, focus = changed(draft, "add-indicator", "")
    assert focus == "indicators.0.alias"
    for path in ("entries.0.when", "exit"):
        draft, _focus = changed(draft, "add-condition", path)
    draft, _focus = changed(draft, "add-entry", "")
    draft, focus = changed(draft, "add-condition", "entries.1.when")
    assert focus == "entries.1.when.members.0.kind"
    draft = sent(
        draft,
        entries__0__when__members__0__kind="cross_above",
        entries__0__when__members__0__left__of="indicator:macd.value",
        entries__0__when__members__0__right__of="indicator:macd.signal",
        exit__members__0__kind="was_below_within",
        risk__stop_loss_rate="7",
    )
    document = composed(draft).document
    assert document is not None
    assert document.as_data() == {
        "schema_version": 1,
        "name": "추세",
        "indicators": {"macd": {"kind": "macd", "params": {"fast": 12, "slow": 26, "signal": 9}}},
        "entries": [
            {
                "name": "first",
                "when": {
                    "all": [
                        {
                            "kind": "cross_above",
                            "left": {"indicator": "macd"},
                            "right": {"indicator": "macd", "output": "signal"},
                        }
                    ]
                },
            },
            {
                "name": "second",
                "when": {
                    "all": [
                        {"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"indicator": "macd"}}
                    ]
                },
            },
        ],
        "exit": {
            "all": [
                {
                    "kind": "was_below_within",
                    "series": {"column": "close"},
                    "threshold": {"indicator": "macd"},
                    "bars": 10,
                }
            ]
        },
        "risk": {"stop_loss_rate": 0.07},
    }


@pytest.mark.parametrize("kind", sorted(CONDITIONS))
def test_every_kind_of_condition_can_be_picked_and_keeps_what_it_can(kind: str) -> None:
    draft = draft_of(rule_document())
    draft = sent(draft, entries__0__when__members__0__kind=kind)
    if kind == "between":  # its upper edge is nobody's to guess
        assert codes(draft) == {"entries.0.when.members.0.high.number": ["missing"]}
        draft = sent(draft, entries__0__when__members__0__high__number="200")
    document = composed(draft).document
    assert document is not None, composed(draft).problems
    condition = document.entries[0].when.members[0]
    assert condition.kind == kind  # type: ignore[union-attr]
    if kind == "candle":
        assert condition.pattern in PATTERNS  # type: ignore[union-attr]
    else:
        assert "number" in str(condition)


def test_references_follow_an_indicator_and_a_parameter_to_their_new_names() -> None:
    document = basic_document()
    draft = sent(draft_of(document), indicators__0__alias="quick", parameters__0__name="days")
    renamed = composed(draft).document
    assert renamed is not None
    assert "quick" in renamed.indicators
    assert "days" in renamed.parameters
    assert composed(sent(draft, indicators__0__alias="short", parameters__0__name="short")).document == document


def test_a_name_that_two_have_moves_no_reference() -> None:
    draft = sent(swing_like(), indicators__0__alias="long")
    assert "indicator:short.value" in dict(fields_of(draft)).values()


def test_parts_are_moved_and_taken_away() -> None:
    draft, _focus = changed(swing_like(), "add-condition", "entries.0.when")
    first, second = at(draft, "entries.0.when.members")
    moved, focus = changed(draft, "up", "entries.0.when.members.1")
    assert at(moved, "entries.0.when.members") == [second, first]
    assert focus == "entries.0.when.members.0.kind"
    less, focus = changed(moved, "remove", "entries.0.when.members.1")
    assert at(less, "entries.0.when.members") == [second]
    assert focus == "entries.0.when.members.0.kind"
    assert changed(less, "up", "entries.0.when.members.0")[0] == less


def test_an_indicator_of_another_kind_has_that_kind_s_numbers() -> None:
    draft = sent(swing_like(), indicators__0__kind="macd")
    assert at(draft, "indicators.0.params") == {"fast": "12", "slow": "26", "signal": "9"}


@pytest.mark.parametrize(
    ("verb", "path"),
    [
        ("remove", "entries.7"),
        ("remove", "name"),
        ("up", ""),
        ("add-condition", "nowhere"),
        ("explode", "entries.0"),
        ("add-indicator", ""),
    ],
)
def test_a_button_that_does_not_exist_changes_nothing(verb: str, path: str) -> None:
    draft = swing_like()
    assert changed(draft, verb, path) == (draft, "")


@given(st.lists(st.tuples(st.text(".01ab", max_size=12), st.text(max_size=4)), max_size=12))
def test_no_set_of_fields_crashes_the_form(fields: list[tuple[str, str]]) -> None:
    assert composed(settled(grown(fields))).document is None
