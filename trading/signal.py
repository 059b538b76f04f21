"""The SIGNAL of a swing plan: 0 nothing bought, 1 first buy done, 2 second buy done, 3 sold. Pure.

A decision says what one closed bar asks for; SIGNAL itself moves only when an order has filled. While an order is
working the plan waits, and if it comes to nothing the plan is where it was. Selling comes first and always sells all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from strategies.document import Risk
from strategies.errors import Language
from strategies.rows import Row, Verdict
from strategies.sentences import figure, why_sentence
from trading.errors import TradingError
from trading.sizing import to_decimal


class Action(StrEnum):
    """What a plan does on a bar. The last four are also the steps SIGNAL moves by, once done."""

    HOLD = "hold"
    WAIT = "wait"
    BLOCKED = "blocked"  # the books contradict SIGNAL: a person has to look
    BUY_FIRST = "buy_first"
    BUY_SECOND = "buy_second"
    SELL = "sell"
    RESTART = "restart"


class Reason(StrEnum):
    WORKING_ORDER = "working_order"
    HOLDING_MISMATCH = "holding_mismatch"
    FIRST_ENTRY = "first_entry"
    SECOND_ENTRY = "second_entry"
    EXIT_RULE = "exit_rule"
    EXIT_UNFINISHED = "exit_unfinished"
    STOP_LOSS = "stop_loss"
    TAKE_PROFIT = "take_profit"
    TRAILING_STOP = "trailing_stop"
    TIME_STOP = "time_stop"
    RULE_NOT_MET = "rule_not_met"
    EXIT_BEFORE_ENTRY = "exit_before_entry"
    COOLING_DOWN = "cooling_down"
    CYCLE_COMPLETE = "cycle_complete"
    NEXT_CYCLE = "next_cycle"


class IllegalSignalStep(TradingError):
    """SIGNAL was asked to make a step it does not have: skipping one, or making one twice."""

    code = "illegal_signal_step"


class PlanState(NamedTuple):
    """Where a plan stands. `held` counts its own units; `average_cost` is per unit, None while nothing is held.

    `highest_close` is the highest close since entry, the bar being decided on not yet counted. `bars_held` counts bars, that
    of the first fill and the one being decided on included.
    """

    signal: int
    held: Decimal = Decimal(0)
    average_cost: Decimal | None = None
    highest_close: Decimal | None = None
    working_order: bool = False
    exiting: bool = False  # an earlier sale filled in part: what is left goes too, whatever the rule says now
    repeat: bool = False
    cool_down_left: int = 0  # bars
    bars_held: int = 0


@dataclass(frozen=True, slots=True)
class RiskRates:
    """The limits of a rule: fractions and, for the time stop, bars. None: that limit is off."""

    stop_loss_rate: Decimal | None = None
    take_profit_rate: Decimal | None = None
    trailing_stop_rate: Decimal | None = None
    time_stop_bars: int | None = None
    max_position_rate: Decimal | None = None  # what a buy is sized by; no decision asks for it
    watches_price: bool = field(init=False, repr=False, compare=False)  # whether one of the first three is on

    def __post_init__(self) -> None:
        rates = (self.stop_loss_rate, self.take_profit_rate, self.trailing_stop_rate)
        object.__setattr__(self, "watches_price", any(rate is not None for rate in rates))

    @classmethod
    def of(cls, risk: Risk) -> "RiskRates":
        """The limits of a document whose parameters have been bound, such as `evaluator.document.risk`."""
        limits = risk.limits()
        return cls(
            stop_loss_rate=_rate(limits.stop_loss_rate),
            take_profit_rate=_rate(limits.take_profit_rate),
            trailing_stop_rate=_rate(limits.trailing_stop_rate),
            time_stop_bars=limits.time_stop_bars,
            max_position_rate=_rate(limits.max_position_rate),
        )


def _rate(number: float | None) -> Decimal | None:
    return None if number is None else to_decimal(number)


@dataclass(frozen=True, slots=True)
class Decision:
    """What one closed bar asks of a plan, and why. `facts` are the numbers the reason stands on, as decimal strings."""

    action: Action
    reason: Reason
    facts: Mapping[str, str] = field(default_factory=dict)


_NOT_MET = Decision(Action.HOLD, Reason.RULE_NOT_MET)  # what plans are told most, by the ten thousand
_WORKING_ORDER = Decision(Action.WAIT, Reason.WORKING_ORDER)
_STEPS = {
    (0, Action.BUY_FIRST): 1,
    (1, Action.BUY_SECOND): 2,
    (1, Action.SELL): 3,
    (2, Action.SELL): 3,
    (3, Action.RESTART): 0,
}


def advance(signal: int, done: Action) -> int:
    """SIGNAL after a buy filled, all was sold, or the next cycle began. Raises IllegalSignalStep for any other step."""
    try:
        return _STEPS[signal, done]
    except KeyError:
        raise IllegalSignalStep(f"{signal} by {done}", signal=signal, step=str(done)) from None


def decide(state: PlanState, row: Verdict, risk: RiskRates) -> Decision:
    """What the plan does after the closed bar `row`. Raises IllegalSignalStep for a signal outside 0 to 3."""
    if state.signal not in (0, 1, 2, 3):
        raise IllegalSignalStep(f"there is no signal {state.signal}", signal=state.signal)
    if state.working_order:
        return _WORKING_ORDER
    if (state.held > 0) is not (state.signal in (1, 2)) or (state.held > 0 and state.average_cost is None):
        return Decision(Action.BLOCKED, Reason.HOLDING_MISMATCH, {"held": str(state.held), "signal": str(state.signal)})
    if state.signal == 3:
        return _after_the_sale(state)
    if state.signal == 0:
        return _first_buy(row)
    if state.exiting:
        return Decision(Action.SELL, Reason.EXIT_UNFINISHED, {"held": str(state.held)})
    sale = _limit_reached(state, to_decimal(row.close), risk) if risk.watches_price else None
    return sale or _exit_or_second_buy(state, row, risk.time_stop_bars)


def decision_sentence(decision: Decision, row: Row, signal: int, language: Language) -> str:
    """The decision in one sentence, e.g. "매수하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다"."""
    sentence = _SENTENCES.get(decision.reason)
    if sentence is None:
        return why_sentence(row, signal, language)
    shown = {name: figure(float(value)) for name, value in decision.facts.items()}
    if "rate" in decision.facts:
        shown["rate"] = f"{figure(float(decision.facts['rate']) * 100)}%"
    return sentence[language].format(**shown)


def _after_the_sale(state: PlanState) -> Decision:
    if not state.repeat:
        return Decision(Action.HOLD, Reason.CYCLE_COMPLETE)
    if state.cool_down_left > 0:
        return Decision(Action.HOLD, Reason.COOLING_DOWN, {"bars": str(state.cool_down_left)})
    return Decision(Action.RESTART, Reason.NEXT_CYCLE)


def _first_buy(row: Verdict) -> Decision:
    if not row.entries[0].passed:
        return _NOT_MET
    if row.exit:
        return Decision(Action.HOLD, Reason.EXIT_BEFORE_ENTRY)
    return Decision(Action.BUY_FIRST, Reason.FIRST_ENTRY)


def _exit_or_second_buy(state: PlanState, row: Verdict, time_stop_bars: int | None) -> Decision:
    if row.exit:
        return Decision(Action.SELL, Reason.EXIT_RULE)
    if time_stop_bars is not None and state.bars_held >= time_stop_bars:
        return Decision(Action.SELL, Reason.TIME_STOP, {"bars": str(state.bars_held), "most": str(time_stop_bars)})
    if state.signal == 1 and len(row.entries) > 1 and row.entries[1].passed:
        return Decision(Action.BUY_SECOND, Reason.SECOND_ENTRY)
    return _NOT_MET


def _limit_reached(state: PlanState, close: Decimal, risk: RiskRates) -> Decision | None:
    """The sale a risk limit asks for, judged on the close: stop-loss first, then trailing stop, then take-profit."""
    cost = state.average_cost
    highest = max(close, state.highest_close or close)
    limits = (
        (Reason.STOP_LOSS, cost, risk.stop_loss_rate, -1),
        (Reason.TRAILING_STOP, highest, risk.trailing_stop_rate, -1),
        (Reason.TAKE_PROFIT, cost, risk.take_profit_rate, 1),
    )
    for reason, base, rate, way in limits:
        if base is None or rate is None:
            continue
        level = base * (1 + way * rate)
        if way * (close - level) >= 0:
            facts = {"close": close, "level": level, "base": base, "rate": rate}
            return Decision(Action.SELL, reason, {name: str(value) for name, value in facts.items()})
    return None


_SENTENCES: Mapping[Reason, Mapping[Language, str]] = {
    Reason.WORKING_ORDER: {
        "ko": "기다립니다: 앞선 주문이 아직 끝나지 않았습니다",
        "en": "Waiting: an earlier order is still working",
    },
    Reason.HOLDING_MISMATCH: {
        "ko": "멈췄습니다: 시그널 {signal}인데 보유 수량이 {held}입니다. 확인이 필요합니다",
        "en": "Blocked: signal {signal} but {held} held; a person has to look",
    },
    Reason.EXIT_UNFINISHED: {
        "ko": "매도를 이어 갑니다: 앞선 매도가 일부만 체결되어 {held} 남았습니다",
        "en": "Selling on: the earlier sale filled in part and {held} are left",
    },
    Reason.STOP_LOSS: {
        "ko": "손절 매도: 종가 {close} — 평균 매수가 {base}에서 {rate} 내린 {level} 이하입니다",
        "en": "Stop-loss: close {close} is at or below {level}, {rate} under the average cost {base}",
    },
    Reason.TRAILING_STOP: {
        "ko": "추적 손절 매도: 종가 {close} — 매수 후 최고 종가 {base}에서 {rate} 내린 {level} 이하입니다",
        "en": "Trailing stop: close {close} is at or below {level}, {rate} under the highest close {base}",
    },
    Reason.TAKE_PROFIT: {
        "ko": "익절 매도: 종가 {close} — 평균 매수가 {base}에서 {rate} 오른 {level} 이상입니다",
        "en": "Take-profit: close {close} is at or above {level}, {rate} over the average cost {base}",
    },
    Reason.TIME_STOP: {
        "ko": "보유 기간 매도: 매수한 봉부터 {bars}봉을 들고 있었습니다. {most}봉을 채우면 팝니다",
        "en": "Time stop: held for {bars} bars, that of the buy counted; sold once there are {most}",
    },
    Reason.COOLING_DOWN: {
        "ko": "쉬는 중입니다: 다음 주기까지 {bars}봉 남았습니다",
        "en": "Cooling down; bars until the next cycle: {bars}",
    },
    Reason.CYCLE_COMPLETE: {
        "ko": "이번 주기의 매도를 마쳤습니다. 반복하지 않는 설정입니다",
        "en": "Sold: this cycle is complete and the plan does not repeat",
    },
    Reason.NEXT_CYCLE: {"ko": "다음 주기를 시작합니다", "en": "Beginning the next cycle"},
}
