"""SIGNAL moves 0 → 1 → 2 → 3 or 1 → 3, on fills alone, and each decision says why: W04, W05, C14, G01, I23, I24."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise, product

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from strategies.library.swing import SwingParameters, swing_document
from strategies.rows import EntryRow, Row
from trading.signal import (
    Action,
    Decision,
    IllegalSignalStep,
    PlanState,
    Reason,
    RiskRates,
    advance,
    decide,
    decision_sentence,
)

NO_LIMITS = RiskRates()
LIMITS = RiskRates(Decimal("0.07"), Decimal("0.2"), Decimal("0.1"))


def bar(*, first: bool = False, second: bool = False, exit_: bool = False, close: float = 100.0) -> Row:
    entries = (EntryRow(name="first", passed=first), EntryRow(name="second", passed=second))
    return Row(closed_at=60, close=close, entries=entries, exit=exit_, conditions=())


def bought(signal: int = 1, cost: str = "100", **more: object) -> PlanState:
    return PlanState(signal, held=Decimal(10), average_cost=Decimal(cost), **more)  # type: ignore[arg-type]


def told(decision: Decision) -> tuple[Action, Reason]:
    return decision.action, decision.reason


@pytest.mark.parametrize(
    ("state", "row", "action", "reason"),
    [
        (PlanState(0), bar(), Action.HOLD, Reason.RULE_NOT_MET),
        (PlanState(0), bar(first=True), Action.BUY_FIRST, Reason.FIRST_ENTRY),
        (PlanState(0), bar(second=True), Action.HOLD, Reason.RULE_NOT_MET),
        (PlanState(0), bar(first=True, exit_=True), Action.HOLD, Reason.EXIT_BEFORE_ENTRY),
        (bought(1), bar(first=True), Action.HOLD, Reason.RULE_NOT_MET),
        (bought(1), bar(second=True), Action.BUY_SECOND, Reason.SECOND_ENTRY),
        (bought(1), bar(exit_=True), Action.SELL, Reason.EXIT_RULE),
        (bought(1), bar(second=True, exit_=True), Action.SELL, Reason.EXIT_RULE),
        (bought(2), bar(first=True, second=True), Action.HOLD, Reason.RULE_NOT_MET),
        (bought(2), bar(exit_=True), Action.SELL, Reason.EXIT_RULE),
        (PlanState(3), bar(first=True), Action.HOLD, Reason.CYCLE_COMPLETE),
        (PlanState(3, repeat=True, cool_down_left=2), bar(first=True), Action.HOLD, Reason.COOLING_DOWN),
        (PlanState(3, repeat=True), bar(first=True), Action.RESTART, Reason.NEXT_CYCLE),
    ],
)
def test_each_state_answers_the_bar(state: PlanState, row: Row, action: Action, reason: Reason) -> None:
    assert told(decide(state, row, NO_LIMITS)) == (action, reason)


@pytest.mark.parametrize("signal", [0, 1, 2])
def test_while_an_order_is_working_the_plan_waits(signal: int) -> None:
    """I24: neither a rule nor a limit acts twice on the same position."""
    held = bought(signal, working_order=True) if signal else PlanState(0, working_order=True)
    row = bar(first=True, second=True, exit_=True, close=1)
    assert told(decide(held, row, LIMITS)) == (Action.WAIT, Reason.WORKING_ORDER)


@pytest.mark.parametrize("signal", [1, 2])
def test_after_a_sale_that_filled_in_part_the_plan_sells_on_whatever_the_rule_says(signal: int) -> None:
    row = bar(first=True, second=True, close=100)
    assert told(decide(bought(signal, exiting=True), row, NO_LIMITS)) == (Action.SELL, Reason.EXIT_UNFINISHED)


@pytest.mark.parametrize(
    "state",
    [PlanState(0, held=Decimal(1), average_cost=Decimal(1)), PlanState(1), PlanState(2), PlanState(1, held=Decimal(1))],
)
def test_a_holding_that_contradicts_the_signal_blocks_the_plan(state: PlanState) -> None:
    assert told(decide(state, bar(first=True, exit_=True), LIMITS)) == (Action.BLOCKED, Reason.HOLDING_MISMATCH)


@pytest.mark.parametrize(
    ("close", "highest", "reason"),
    [
        (93.01, None, Reason.RULE_NOT_MET),
        (93.0, None, Reason.STOP_LOSS),
        (50.0, None, Reason.STOP_LOSS),
        (119.99, None, Reason.RULE_NOT_MET),
        (120.0, None, Reason.TAKE_PROFIT),
        (108.01, "120", Reason.RULE_NOT_MET),
        (108.0, "120", Reason.TRAILING_STOP),
        (92.0, "120", Reason.STOP_LOSS),
        (130.0, "150", Reason.TRAILING_STOP),
    ],
)
def test_limits_are_judged_exactly_on_the_close(close: float, highest: str | None, reason: Reason) -> None:
    state = bought(2, highest_close=None if highest is None else Decimal(highest))
    decision = decide(state, bar(close=close), LIMITS)
    assert decision.reason == reason
    assert (decision.action == Action.SELL) is (reason != Reason.RULE_NOT_MET)


def test_a_limit_sells_before_the_second_buy() -> None:
    assert told(decide(bought(1), bar(second=True, close=90), LIMITS)) == (Action.SELL, Reason.STOP_LOSS)


@pytest.mark.parametrize(("bars", "reason"), [(2, Reason.RULE_NOT_MET), (3, Reason.TIME_STOP), (9, Reason.TIME_STOP)])
def test_a_position_held_long_enough_is_sold(bars: int, reason: Reason) -> None:
    """The bar of the first fill counts, so does the one decided on; the rule's own exit comes first."""
    held = bought(2, bars_held=bars)
    assert decide(held, bar(close=100), RiskRates(time_stop_bars=3)).reason == reason
    assert decide(held, bar(close=100, exit_=True), RiskRates(time_stop_bars=3)).reason == Reason.EXIT_RULE


def test_a_time_stop_sells_before_the_second_buy_and_after_a_price_limit() -> None:
    both = RiskRates(stop_loss_rate=Decimal("0.07"), time_stop_bars=1)
    second = decide(bought(1, bars_held=1), bar(second=True, close=100), both)
    assert told(second) == (Action.SELL, Reason.TIME_STOP)
    assert decision_sentence(second, bar(), 1, "en").startswith("Time stop: held for 1 bars")
    assert decide(bought(1, bars_held=1), bar(close=90), both).reason == Reason.STOP_LOSS


def test_without_limits_no_price_sells() -> None:
    assert decide(bought(2), bar(close=0.0001), NO_LIMITS).action == Action.HOLD


def test_the_limits_of_a_document_become_exact_fractions() -> None:
    risk = swing_document(SwingParameters(trailing_stop_rate=0.1)).bind({"stop_loss_rate": 0.05}).risk
    assert RiskRates.of(risk) == RiskRates(Decimal("0.05"), None, Decimal("0.1"))


def test_a_rule_with_one_entry_never_buys_twice() -> None:
    row = Row(closed_at=60, close=100.0, entries=(EntryRow(name="first", passed=True),), exit=False, conditions=())
    assert decide(bought(1), row, NO_LIMITS).action == Action.HOLD


def test_a_decision_reads_as_one_sentence() -> None:
    """G01."""
    row = bar(close=92.5)
    decision = decide(bought(1), row, LIMITS)
    assert decision.facts == {"close": "92.5", "level": "93.00", "base": "100", "rate": "0.07"}
    assert (
        decision_sentence(decision, row, 1, "ko") == "손절 매도: 종가 92.5 — 평균 매수가 100에서 7% 내린 93 이하입니다"
    )
    assert (
        decision_sentence(decision, row, 1, "en")
        == "Stop-loss: close 92.5 is at or below 93, 7% under the average cost 100"
    )


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_reason_has_a_sentence(language: str) -> None:
    choices = product(range(4), (0, 1), (False, True), (False, True), (False, True), (0, 3), (1, 5))
    states = [
        PlanState(signal, Decimal(held), Decimal(100), Decimal(130), working, exiting, repeat, cool_down, bars_held)
        for signal, held, working, exiting, repeat, cool_down, bars_held in choices
    ]
    limits = replace(LIMITS, time_stop_bars=5)
    reasons = set()
    for state in states:
        for row in (bar(), bar(first=True), bar(second=True, close=119), bar(first=True, exit_=True, close=119)):
            for close in (90.0, 110.0, 119.0, 121.0):
                seen = row.model_copy(update={"close": close})
                decision = decide(state, seen, limits)
                reasons.add(decision.reason)
                sentence = decision_sentence(decision, seen, state.signal, language)  # type: ignore[arg-type]
                assert sentence
                assert "{" not in sentence
    assert reasons == set(Reason)


LEGAL = {
    (0, Action.BUY_FIRST): 1,
    (1, Action.BUY_SECOND): 2,
    (1, Action.SELL): 3,
    (2, Action.SELL): 3,
    (3, Action.RESTART): 0,
}


@pytest.mark.parametrize("signal", [-1, 0, 1, 2, 3, 4])
@pytest.mark.parametrize("action", list(Action))
def test_signal_makes_five_steps_and_no_other(signal: int, action: Action) -> None:
    """I23."""
    if (signal, action) in LEGAL:
        assert advance(signal, action) == LEGAL[signal, action]
    else:
        with pytest.raises(IllegalSignalStep):
            advance(signal, action)


def test_there_is_no_signal_but_0_to_3() -> None:
    with pytest.raises(IllegalSignalStep):
        decide(PlanState(4), bar(), NO_LIMITS)


class PlanLife(RuleBasedStateMachine):
    """A plan lived bar by bar: orders fill, fill in part, or come to nothing; SIGNAL never skips or repeats a step."""

    @initialize(repeat=st.booleans())
    def begin(self, repeat: bool) -> None:
        self.repeat = repeat
        self.signal, self.held = 0, Decimal(0)
        self.cost: Decimal | None = None
        self.highest: Decimal | None = None
        self.working: Action | None = None
        self.cool_down, self.steps = 0, [0]

    def state(self) -> PlanState:
        return PlanState(
            self.signal,
            self.held,
            self.cost,
            self.highest,
            working_order=self.working is not None,
            repeat=self.repeat,
            cool_down_left=self.cool_down,
        )

    @rule(first=st.booleans(), second=st.booleans(), exit_=st.booleans(), close=st.floats(1, 1000))
    def look_at_a_bar(self, first: bool, second: bool, exit_: bool, close: float) -> None:
        row = bar(first=first, second=second, exit_=exit_, close=close)
        decision = decide(self.state(), row, LIMITS)
        assert decision == decide(self.state(), row, LIMITS)
        if self.working is not None:
            assert decision.action == Action.WAIT
        elif decision.action == Action.RESTART:
            self.move(Action.RESTART)
        elif decision.action in (Action.BUY_FIRST, Action.BUY_SECOND, Action.SELL):
            assert (self.signal, decision.action) in LEGAL
            assert not (exit_ and decision.action in (Action.BUY_FIRST, Action.BUY_SECOND))
            self.working, self.price = decision.action, Decimal(repr(close))
        if self.held:
            self.highest = max(self.highest or Decimal(0), Decimal(repr(close)))
        self.cool_down = max(0, self.cool_down - 1)

    @precondition(lambda self: self.working is not None)
    @rule()
    def the_order_fills(self) -> None:
        done, self.working = self.working, None
        assert done is not None
        if done == Action.SELL:
            self.held, self.cost, self.highest, self.cool_down = Decimal(0), None, None, 2
        else:
            self.held, self.cost = self.held + 5, self.price
        self.move(done)

    @precondition(lambda self: self.working is not None)
    @rule()
    def the_order_comes_to_nothing(self) -> None:
        before, self.working = self.signal, None
        assert self.signal == before

    @precondition(lambda self: self.working == Action.SELL and self.held > 1)
    @rule()
    def the_sale_fills_in_part_and_expires(self) -> None:
        self.held, self.working = self.held - 1, None

    def move(self, done: Action) -> None:
        self.signal = advance(self.signal, done)
        self.steps.append(self.signal)

    @invariant()
    def holds_something_exactly_between_buy_and_sale(self) -> None:
        assert (self.held > 0) is (self.signal in (1, 2))

    @invariant()
    def never_skips_a_step_nor_makes_one_twice(self) -> None:
        assert set(pairwise(self.steps)) <= {(0, 1), (1, 2), (1, 3), (2, 3), (3, 0)}
        if not self.repeat:
            assert self.steps.count(0) == 1


PlanLife.TestCase.settings = settings(max_examples=60, stateful_step_count=60, deadline=None)
TestPlanLife = PlanLife.TestCase
