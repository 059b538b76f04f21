"""What a worker does for a scorecard: ask the run what speaks against it."""

from django.db import transaction

from backtests import scorecard
from backtests.models import Backtest, Job, Scorecard
from backtests.results import plain
from backtests.services import queue
from backtests.services.asking import evaluator_for, series_of
from backtests.services.bars import read_bars
from backtests.services.heart import Heart
from backtests.terms import Terms
from strategies.document import RuleDocument

BEGUN, ASKED = 50, 980  # thousandths


def work_on_scorecard(job: Job, heart: Heart) -> None:
    """Make the scorecard of this job. Raises BacktestRefused, WorkLost."""
    row = Backtest.objects.select_related("instrument", "strategy_version", "upload").get(scorecard__job=job)
    bars = read_bars(series_of(row), before=evaluator_for(row).warm_up)
    heart.tell("checking", BEGUN)
    card = scorecard.score(
        RuleDocument.from_data(row.strategy_version.document),
        row.parameters,
        bars,
        row.instrument.rules,
        Terms.from_data(row.terms).setup(),
        progress=heart.share("checking", BEGUN, ASKED),
    )
    with transaction.atomic():
        queue.finish(job)
        Scorecard.objects.filter(job=job).update(grade=card.grade, checks=plain(card.checks))
