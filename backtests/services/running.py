"""What a worker does for a run: computed outside of any transaction, kept as a whole or not at all."""

import time
from typing import Any

from django.db import transaction

from backtests.engine import Result, run
from backtests.models import Backtest, BacktestResult, Job
from backtests.packing import folded, pack_bars, pack_data
from backtests.reports import report
from backtests.results import Report, plain
from backtests.services import queue
from backtests.services.asking import evaluator_for, series_of
from backtests.services.bars import read_bars
from backtests.services.heart import Heart
from backtests.terms import Terms
from markets.bars import Bars

CANDLES = 1500  # what a chart can show at once; more bars are joined
COMPUTING, STORING = 300, 900  # thousandths


def work_on_run(job: Job, heart: Heart) -> None:
    """Run the backtest of this job and keep its result. Raises BacktestRefused, WorkLost."""
    row = Backtest.objects.select_related("instrument", "strategy_version", "upload").get(job=job)
    started = time.monotonic()
    evaluator = evaluator_for(row)
    bars = read_bars(series_of(row), before=evaluator.warm_up)
    heart.tell("computing", COMPUTING)
    result = run(evaluator, bars, row.instrument.rules, Terms.from_data(row.terms).setup())
    told = report(result)
    heart.tell("storing", STORING)
    columns = _columns(result, told, bars)
    with transaction.atomic():
        queue.finish(job)
        BacktestResult.objects.create(backtest=row, took_ms=int((time.monotonic() - started) * 1000), **columns)


def _columns(result: Result, told: Report, bars: Bars) -> dict[str, Any]:
    tradable = Bars(*(getattr(bars, name)[told.first_bar :] for name in Bars.__slots__))
    return {
        "bars": told.bars,
        "first_at": told.first_at,
        "last_at": told.last_at,
        "fill_count": len(result.unit_fills),
        "trade_count": len(told.trades),
        "seed": told.seed,
        "version_hash": told.version_hash,
        "inputs_hash": told.inputs_hash,
        "result_hash": told.result_hash,
        "figures": plain(told.metrics),
        "months": plain(told.months),
        "trades": pack_data(plain(told.trades)),
        "fills": pack_data(plain(result.fills)),
        "series": told.series.pack(),
        "candles": pack_bars(folded(tradable, CANDLES)),
    }
