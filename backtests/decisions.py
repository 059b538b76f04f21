"""What live's decision function says about a bar of a backtest: asked once for each state it can be asked in."""

from decimal import Decimal

from backtests.plan import Plan
from strategies.document import RiskLimits
from strategies.evaluation import Evaluation
from trading.signal import Action, Decision, RiskRates, decide
from trading.sizing import to_decimal


class _Passed:
    def __init__(self, passed: bool) -> None:
        self.passed = passed


class _Seen:
    """One bar as a decision sees it."""

    __slots__ = ("close", "entries", "exit")

    def __init__(self, close: float, entries: list[_Passed], leaves: bool) -> None:
        self.close, self.entries, self.exit = close, entries, leaves


_VERDICT = {True: _Passed(True), False: _Passed(False)}


def is_limited(limits: RiskLimits) -> bool:
    """Whether a price alone may sell: by a stop-loss, a trailing stop or a take-profit."""
    rates = (limits.stop_loss_rate, limits.trailing_stop_rate, limits.take_profit_rate)
    return any(rate is not None for rate in rates)


class Decisions:
    """The decisions of one plan over the bars of one evaluation.

    Where limits are not judged on closes no number changes the answer, only whether the time of a time stop is up: then the
    answers are remembered.
    """

    def __init__(self, evaluation: Evaluation, plan: Plan, limits: RiskLimits, *, judges_close: bool) -> None:
        self._evaluation, self._plan, self._judges_close = evaluation, plan, judges_close
        self._close = evaluation.bars.close
        self._asked = (*evaluation.entries, evaluation.exit)
        self._most_bars = limits.time_stop_bars
        no_prices = RiskRates(time_stop_bars=limits.time_stop_bars)
        self._rates = RiskRates.of(evaluation.document.risk) if judges_close else no_prices
        self._known: dict[tuple[int | bool, ...], tuple[Action, str]] = {}

    def at(self, bar: int) -> tuple[Action, str]:
        """What the plan does after the close of `bar`, and why."""
        plan, most = self._plan, self._most_bars
        held = bar - plan.held_since + 1 if plan.held else 0
        if self._judges_close and plan.signal in (1, 2):
            return _told(decide(plan.state(self._highest_before(bar), held), self._seen(bar), self._rates))
        said: list[bool] = [each.item(bar) for each in self._asked]
        is_over = most is not None and held >= most
        key = (plan.signal, plan.exiting, plan.cooldown_left > 0, is_over, *said)
        if key not in self._known:
            self._known[key] = _told(decide(plan.state(None, held), self._seen(bar), self._rates))
        return self._known[key]

    def _seen(self, bar: int) -> _Seen:
        entries = [_VERDICT[each.item(bar)] for each in self._evaluation.entries]
        return _Seen(self._close.item(bar), entries, self._evaluation.exit.item(bar))

    def _highest_before(self, bar: int) -> Decimal | None:
        since = self._plan.held_since
        return to_decimal(float(self._close[since:bar].max())) if since < bar else None


def _told(decision: Decision) -> tuple[Action, str]:
    return decision.action, str(decision.reason)
