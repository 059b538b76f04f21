"""The scorecard of a run (G11): questions to a result, each answered by a number and a verdict; a grade over all."""

from collections.abc import Callable
from dataclasses import dataclass

from backtests import chances, doubts, metrics
from backtests.doubts import Doubted
from backtests.engine import Result, run
from backtests.errors import BarsRefused
from backtests.ground import Ground
from backtests.results import Check, Grade, Parameters, Scorecard, Verdict
from backtests.setup import Setup
from backtests.sweeps import Progress
from markets.bars import Bars
from markets.types import InstrumentRules
from strategies.compiler import compile_document
from strategies.document import RuleDocument

FEW_TRADES, ENOUGH_TRADES = 30, 100
FEW_DAYS = 60
DEEP, DEEPEST = -0.3, -0.5  # drawdowns that few people, and nearly nobody, sit through
SAME = 1e-6  # a return that differs by less than this is the same

Facts = dict[str, str | int | float | None]


@dataclass(frozen=True)
class _Asked:
    """What every question looks at."""

    doubted: Doubted
    result: Result
    figures: metrics.Metrics
    seed: int


def score(
    document: RuleDocument,
    parameters: Parameters,
    bars: Bars,
    rules: InstrumentRules,
    setup: Setup,
    *,
    progress: Progress | None = None,
) -> Scorecard:
    """The scorecard of the rule with these parameters over these bars.

    Raises what `engine.run` raises, and what `progress` raises.
    """
    ground = Ground(bars)
    result = run(compile_document(document, parameters), bars, rules, setup, ground=ground)
    asked = _Asked(Doubted(document, parameters, bars, rules, setup, ground), result, metrics.of(result), setup.seed)
    checks = []
    for done, (code, question) in enumerate(QUESTIONS.items()):
        if progress is not None:
            progress(done, len(QUESTIONS))
        checks.append(_answered(code, question, asked))
    return Scorecard(
        grade=grade(checks),
        checks=tuple(checks),
        seed=setup.seed,
        version_hash=result.version_hash,
        inputs_hash=result.inputs_hash,
        result_hash=result.result_hash,
    )


def grade(checks: list[Check]) -> Grade:
    """A: everything passed. A result that looks ahead, or rests on no trade, is F; so are three failures."""
    told = {check.code: check.verdict for check in checks}
    failed = sum(verdict == "fail" for verdict in told.values())
    doubtful = sum(verdict in ("warn", "unknown") for verdict in told.values())
    if told.get("look_ahead") == "fail" or failed > 2 or any(each.facts.get("why") == "no_trades" for each in checks):
        return "F"
    if failed:
        return "D" if failed == 2 else "C"
    return "A" if not doubtful else "B" if doubtful <= 2 else "C"


def _trade_count(asked: _Asked) -> Check:
    count = asked.figures.trades.count
    facts: Facts = {"trades": count, "few": FEW_TRADES, "enough": ENOUGH_TRADES}
    if not count:
        facts["why"] = "no_trades"
    return Check(code="trade_count", verdict=_more(count, ENOUGH_TRADES, FEW_TRADES), number=count, facts=facts)


def _look_ahead(asked: _Asked) -> Check:
    changed, compared = doubts.fills_changed_by_cutting(asked.doubted, asked.result, asked.seed)
    facts: Facts = {"changed": changed, "compared": compared, "cuts": doubts.CUTS}
    return Check(code="look_ahead", verdict="fail" if changed else "pass", number=changed, facts=facts)


def _warm_up(asked: _Asked) -> Check:
    long, short = doubts.with_less_history(asked.doubted)
    returns = [float(each.equity[-1] / each.equity[0] - 1) for each in (long, short)]
    apart = abs(returns[0] - returns[1])
    facts: Facts = {"long": returns[0], "short": returns[1], "bars": asked.doubted.warm_up}
    facts |= {"long_fills": len(long.filled), "short_fills": len(short.filled)}
    verdict: Verdict = "pass" if apart <= SAME else "warn" if apart <= max(0.01, abs(returns[0]) / 10) else "fail"
    return Check(code="warm_up", verdict=verdict, number=apart, facts=facts)


def _costs_doubled(asked: _Asked) -> Check:
    dearer = doubts.at_twice_the_costs(asked.doubted, asked.result)
    figures = metrics.of(dearer)
    before, after = asked.figures.strategy.total_return, figures.strategy.total_return
    facts: Facts = {"before": before, "after": after, "fees": figures.trades.fees, "slippage": figures.trades.slippage}
    verdict = "fail" if before <= 0 else _more(after, before / 2, 0.0)
    return Check(code="costs_doubled", verdict=verdict, number=after, facts=facts)


def _neighbourhood(asked: _Asked) -> Check:
    points = doubts.in_the_neighbourhood(asked.doubted)
    if not points:
        return _unknown("neighbourhood", "no_parameters")
    own, middle = asked.figures.strategy.total_return, doubts.middle_return(points)
    gained = sum((point.total_return or 0.0) > 0 for point in points)
    facts: Facts = {"own": own, "middle": middle, "points": len(points), "profitable": gained}
    facts["worst"] = min(point.total_return or 0.0 for point in points)
    verdict = "fail" if own <= 0 else _more(middle, own / 2, 0.0)
    return Check(code="neighbourhood", verdict=verdict, number=middle, facts=facts)


def _walk_forward(asked: _Asked) -> Check:
    walked = doubts.walked_forward(asked.doubted)
    facts: Facts = {"windows": len(walked.windows), "profitable": walked.profitable_windows}
    facts |= {"total_return": walked.total_return, "hold_return": walked.hold_return}
    if walked.kept is None:
        return Check(code="walk_forward", verdict="fail", number=None, facts=facts | {"why": "training_made_nothing"})
    return Check(code="walk_forward", verdict=_more(walked.kept, 0.5, 0.0), number=walked.kept, facts=facts)


def _trade_order(asked: _Asked) -> Check:
    rates = chances.trade_rates(asked.result)
    if len(rates) < 2:
        return _unknown("trade_order", "too_few_trades")
    drawn = chances.drawdowns_of_other_orders(rates, asked.seed)
    facts: Facts = {"worst": drawn.low, "middle": drawn.middle, "draws": drawn.draws}
    facts["measured"] = asked.figures.strategy.max_drawdown
    return Check(code="trade_order", verdict=_more(drawn.low, DEEP, DEEPEST), number=drawn.low, facts=facts)


def _block_bootstrap(asked: _Asked) -> Check:
    daily = chances.daily_returns(asked.result)
    if len(daily) < FEW_DAYS:
        return _unknown("block_bootstrap", "too_few_days")
    drawn, lost = chances.returns_of_other_days(daily, asked.seed)
    facts: Facts = {"low": drawn.low, "middle": drawn.middle, "high": drawn.high, "draws": drawn.draws}
    facts["lost"] = lost
    return Check(code="block_bootstrap", verdict=_more(-lost, -0.05, -0.2), number=lost, facts=facts)


def _against_holding(asked: _Asked) -> Check:
    own, hold = asked.figures.strategy, asked.figures.hold
    more = own.total_return - hold.total_return
    calmer = (own.sharpe or 0.0) > (hold.sharpe or 0.0)
    facts: Facts = {"own": own.total_return, "hold": hold.total_return, "own_sharpe": own.sharpe}
    facts |= {"hold_sharpe": hold.sharpe, "own_drawdown": own.max_drawdown, "hold_drawdown": hold.max_drawdown}
    verdict: Verdict = "pass" if more > 0 else "warn" if calmer and own.total_return > 0 else "fail"
    return Check(code="against_holding", verdict=verdict, number=more, facts=facts)


QUESTIONS: dict[str, Callable[[_Asked], Check]] = {
    "trade_count": _trade_count,
    "look_ahead": _look_ahead,
    "warm_up": _warm_up,
    "costs_doubled": _costs_doubled,
    "neighbourhood": _neighbourhood,
    "walk_forward": _walk_forward,
    "trade_order": _trade_order,
    "block_bootstrap": _block_bootstrap,
    "against_holding": _against_holding,
}
CHECKS = tuple(QUESTIONS)


def _answered(code: str, question: Callable[[_Asked], Check], asked: _Asked) -> Check:
    """The answer, or why the bars do not allow the question."""
    try:
        return question(asked)
    except BarsRefused as refused:
        return _unknown(code, refused.code)


def _unknown(code: str, why: str) -> Check:
    return Check(code=code, verdict="unknown", number=None, facts={"why": why})


def _more(number: float, passes: float, warns: float) -> Verdict:
    """Passed at or above one line, a warning above the other."""
    return "pass" if number >= passes else "warn" if number > warns else "fail"
