"""A rule asked about one bar says what it says of the whole series there: verdicts, figures, bytes (G01, T01)."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from markets.bars import Bars
from strategies.candles import PATTERNS
from strategies.compiler import Evaluator, Sight, compile_document, see_all
from strategies.document import RuleDocument
from strategies.errors import DocumentInvalid
from strategies.figures import Line
from strategies.indicators import Frame
from strategies.library.shelf import LIBRARY
from strategies.library.swing import SwingParameters, swing_document
from tests.strategies import documents as drawn
from tests.strategies.series import hostile_bars, random_bars, real_bars

BARS = random_bars(400)
INDICATORS = {
    "fast": {"kind": "ema", "params": {"period": 5}},
    "slow": {"kind": "ema", "params": {"period": 40}},
    "rsi": {"kind": "rsi", "params": {"period": 9}},
    "adx": {"kind": "adx", "params": {"period": 14}},
    "obv": {"kind": "obv"},
    "bands": {"kind": "bollinger", "params": {"period": 20, "std": 2}},
}
outputs = st.sampled_from([*((alias, "value") for alias in INDICATORS if alias != "bands"), ("bands", "upper")])
scale = st.sampled_from([1, 1, 1, -1, 0.5, 1.01])
offset = st.sampled_from([0, 0, 0, 100, -2.5])
ago = st.sampled_from([0, 0, 1, 7, 399])


@st.composite
def series(draw: st.DrawFn) -> dict[str, Any]:
    shift = {"scale": draw(scale), "offset": draw(offset), "ago": draw(ago)}
    if draw(st.booleans()):
        return {"column": draw(st.sampled_from(["open", "high", "low", "close", "volume", "range"])), **shift}
    alias, output = draw(outputs)
    return {"indicator": alias, "output": output, **shift}


numbers = st.sampled_from([0, 30, 50, 69.5, 100, 101, 250.25]).map(lambda number: {"number": number})
bars = st.integers(1, 60)
compares = st.fixed_dictionaries(
    {
        "kind": st.just("compare"),
        "left": series(),
        "op": st.sampled_from(["gt", "ge", "lt", "le", "eq", "ne"]),
        "right": series() | numbers,
    },
    optional={"label": st.just("이름 \\ \n")},
)
crosses = st.fixed_dictionaries(
    {"kind": st.sampled_from(["cross_above", "cross_below"]), "left": series(), "right": series() | numbers}
)
visits = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["was_below_within", "was_above_within"]),
        "series": series(),
        "threshold": numbers | series(),
        "bars": bars,
    }
)
changes = st.fixed_dictionaries(
    {
        "kind": st.just("change"),
        "series": series(),
        "bars": bars,
        "unit": st.sampled_from(["raw", "average_volume"]),
        "op": st.sampled_from(["gt", "le"]),
        "threshold": numbers,
    }
)
bands = st.fixed_dictionaries(
    {"kind": st.just("between"), "series": series(), "low": series() | numbers, "high": series() | numbers}
)
candles = st.fixed_dictionaries(
    {
        "kind": st.just("candle"),
        "pattern": st.sampled_from(["doji", "engulfing", "harami", "spinning_top", "falling_three_methods"]),
        "signal": st.sampled_from(["bullish", "bearish", "detected"]),
    }
)
leaves = bands | compares | crosses | visits | changes | candles
prices = st.sampled_from([{"column": "high"}, {"column": "high", "ago": 7, "offset": -105}, {"indicator": "fast"}])
stops = st.fixed_dictionaries(
    {"level": prices | st.just({"column": "range", "scale": 0.5})}, optional={"above_open": st.booleans()}
)


def groups(members: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from(["all", "any"]).flatmap(
        lambda join: st.lists(members, min_size=1, max_size=4).map(lambda each: {join: each})
    )


nested = groups(st.recursive(leaves, groups, max_leaves=6))


@st.composite
def documents(draw: st.DrawFn) -> RuleDocument:
    entry = st.fixed_dictionaries({"when": nested}, optional={"stop": stops})
    data = {
        "schema_version": 1,
        "name": "drawn",
        "indicators": INDICATORS,
        "entries": [
            {"name": f"step{n}", **each} for n, each in enumerate(draw(st.lists(entry, min_size=1, max_size=2)))
        ],
        "exit": draw(nested | st.just({"risk_only": True})),
        "risk": {"stop_loss_rate": 0.1},
    }
    try:
        return RuleDocument.from_data(data)
    except DocumentInvalid:  # such as a series compared with itself
        reject()


def assert_says_the_same(evaluator: Evaluator, bars: Bars, *indices: int) -> None:
    """On each of these bars, one by one, as on the whole series."""
    whole, frame = evaluator.evaluate(bars), Frame(bars)
    for index in indices:
        row, seen = whole.row(index), evaluator.see(Sight(frame, index))
        assert seen.text == json.dumps(row.as_data())
        assert ([each.passed for each in seen.entries], seen.exit) == ([each.passed for each in row.entries], row.exit)
        assert (seen.close, seen.closed_at) == (row.close, row.closed_at)


@settings(max_examples=200, deadline=None)
@given(document=documents())
def test_one_bar_says_what_the_whole_series_says(document: RuleDocument) -> None:
    assert_says_the_same(compile_document(document), BARS, 0, 1, 7, 39, 60, 200, 399)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn.documents(), st.sampled_from(["constant", "a halt", "no volume", "one spike", "spiky volume", "one bar"]))
def test_so_it_does_for_every_word_of_the_form_on_bars_that_break_careless_sums(
    data: dict[str, Any], series: str
) -> None:
    try:
        document = RuleDocument.from_data(data)
    except DocumentInvalid:
        reject()
    bars = hostile_bars(series)
    assert_says_the_same(compile_document(document), bars, *(at for at in (0, 29, 299, 300, 401, -1) if at < len(bars)))


@settings(max_examples=40, deadline=None)
@given(document=documents(), index=st.integers(0, 399))
def test_one_bar_knows_nothing_of_the_bars_after_it(document: RuleDocument, index: int) -> None:
    evaluator = compile_document(document)
    before, whole = Frame(BARS.prefix(index + 1)), Frame(BARS)
    assert evaluator.see(Sight(before)).text == evaluator.see(Sight(whole, index)).text


@pytest.mark.parametrize("key", LIBRARY)
def test_the_library_says_the_same_on_real_bars(key: str) -> None:
    bars = real_bars("krx-daily/005930")
    assert_says_the_same(compile_document(LIBRARY[key].build()), bars, *range(250, len(bars), 97), -1)


@pytest.mark.parametrize("chosen", [SwingParameters(), SwingParameters(rsi_mode="same_bar", obv_mode="raw")])
def test_the_swing_rule_says_the_same_on_every_bar(chosen: SwingParameters) -> None:
    assert_says_the_same(compile_document(swing_document(chosen)), BARS, *range(len(BARS)))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_candle_says_the_same_on_every_bar(pattern: str) -> None:
    when = {"any": [{"kind": "candle", "pattern": pattern, "signal": each} for each in ("bullish", "bearish")]}
    data = {
        "schema_version": 1,
        "name": "x",
        "entries": [{"name": "first", "when": when}],
        "exit": {"risk_only": True},
        "risk": {"time_stop_bars": 3},
    }
    assert_says_the_same(compile_document(RuleDocument.from_data(data)), BARS, *range(0, len(BARS), 3))


KNOWN = [
    *(preset.build() for preset in LIBRARY.values()),
    *(swing_document(SwingParameters(adx_threshold=threshold)) for threshold in (20, 30)),
]
CROWD = st.lists(st.tuples(st.integers(0, len(KNOWN)), st.booleans(), st.sampled_from([0, 39, 200, 399])), min_size=2)


@settings(max_examples=60, deadline=None)
@given(documents(), CROWD)
def test_rules_asked_together_say_what_each_says_alone(drawn: RuleDocument, crowd: list[tuple[int, bool, int]]) -> None:
    """I34: who else is asked, and of which bars, changes nothing; the answers come in the order of the questions."""
    evaluators, bars = [compile_document(each) for each in (*KNOWN, drawn)], (BARS, random_bars(400, seed=2))
    frames = [Frame(each) for each in bars]
    together = see_all((evaluators[rule].rule, Sight(frames[other], index)) for rule, other, index in crowd)
    for seen, (rule, other, index) in zip(together, crowd, strict=True):
        alone = evaluators[rule].see(Sight(Frame(bars[other]), index))
        assert seen.text == alone.text
        assert ([each.passed for each in seen.entries], seen.exit) == (
            [each.passed for each in alone.entries],
            alone.exit,
        )


def test_documents_that_differ_in_numbers_alone_are_asked_in_one_go() -> None:
    chosen = [SwingParameters(), SwingParameters(adx_threshold=31, rsi_period=9), SwingParameters(obv_mode="raw")]
    one, other, different = (compile_document(swing_document(each)).rule for each in chosen)
    assert one.logic is other.logic is not different.logic
    assert (one.numbers, one.look_up) != (other.numbers, other.look_up)


def test_a_figure_is_looked_up_once_whatever_the_number_of_rules() -> None:
    sight = Sight(Frame(BARS), 399)
    compile_document(swing_document()).see(sight)
    known = set(sight)
    compile_document(swing_document()).see(sight)
    compile_document(swing_document(SwingParameters(adx_threshold=31))).see(sight)
    assert set(sight) == known  # another threshold is no figure of the bar's
    compile_document(swing_document(SwingParameters(rsi_period=9))).see(sight)
    new = set(sight) - known
    assert new
    assert {each.source.kind for each in new if isinstance(each, Line) and not isinstance(each.source, str)} == {"rsi"}


def test_what_is_said_of_a_condition_is_made_once_whatever_the_number_of_rules() -> None:
    sight = Sight(Frame(BARS), 399)
    assert compile_document(swing_document()).see(sight).text
    known = set(sight.words)
    assert compile_document(swing_document(SwingParameters(adx_threshold=31))).see(sight).text
    assert len(set(sight.words) - known) == 1  # the other threshold's


def test_the_indicators_of_bars_are_let_go_once_they_were_read() -> None:
    frame = Frame(BARS)
    evaluator = compile_document(swing_document())
    call = evaluator.calls["rsi"]
    array = frame.indicator(call)
    assert frame.indicator(call) is array
    evaluator.see(Sight(frame, 399))
    again = frame.indicator(call)
    assert again is not array
    assert again.tobytes() == array.tobytes()


def test_there_is_no_sight_without_a_bar() -> None:
    with pytest.raises(IndexError):
        Sight(Frame(BARS.prefix(0)))
    with pytest.raises(IndexError):
        Sight(Frame(BARS), 400)
