"""What a worker does for a run: computed outside of any transaction, kept as a whole or not at all."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import transaction

from backtests.contribution import contributions
from backtests.engine import Result, run
from backtests.errors import BarsRefused
from backtests.models import Backtest, BacktestResult, Job, ResultPart
from backtests.packing import folded, pack_bars, pack_data
from backtests.reports import report, report_together
from backtests.results import Report, plain
from backtests.services import queue
from backtests.services.asking import all_series_of, evaluator_for
from backtests.services.bars import read_bars
from backtests.services.heart import Heart
from backtests.setup import Setup
from backtests.terms import Terms
from backtests.together import Part, Together, part_of, run_together
from markets.bars import Bars
from markets.types import InstrumentRules, from_epoch
from strategies.compiler import Evaluator

CANDLES = 1500  # what a chart can show at once; more bars are joined
READ, COMPUTED = 300, 900  # thousandths
NO_BARS = Bars.from_rows([])
Columns = dict[str, Any]


def work_on_run(job: Job, heart: Heart) -> None:
    """Run the backtest of this job and keep its result. Raises BacktestRefused, WorkLost."""
    row = Backtest.objects.select_related("instrument", "strategy_version", "upload").get(job=job)
    started = time.monotonic()
    evaluator, setup = evaluator_for(row), Terms.from_data(row.terms).setup()
    traded = _read(row, evaluator, heart)
    columns, parts = _alone(evaluator, *traded[0], setup) if len(traded) == 1 else _shared(evaluator, traded, setup)
    heart.tell("storing", COMPUTED)
    with transaction.atomic():
        queue.finish(job)
        took = int((time.monotonic() - started) * 1000)
        result = BacktestResult.objects.create(backtest=row, took_ms=took, **columns)
        ResultPart.objects.bulk_create(
            ResultPart(result=result, number=number, instrument=member.instrument, **part)
            for number, (member, part) in enumerate(zip(row.members, parts, strict=False))
        )


def _read(row: Backtest, evaluator: Evaluator, heart: Heart) -> list[tuple[Bars, InstrumentRules]]:
    """The bars of each instrument on the account, and the rules they trade by."""
    series = all_series_of(row)
    traded = []
    for number, each in enumerate(series, 1):
        traded.append((read_bars(each, before=evaluator.warm_up), each.instrument.rules))
        heart.tell("reading" if number < len(series) else "computing", READ * number // len(series))
    return traded


def _alone(evaluator: Evaluator, bars: Bars, rules: InstrumentRules, setup: Setup) -> tuple[Columns, list[Columns]]:
    result = run(evaluator, bars, rules, setup)
    told = report(result)
    return _columns(told, list(_fills_of(result)), _candles(bars, told.first_bar)), []


def _shared(
    evaluator: Evaluator, traded: Sequence[tuple[Bars, InstrumentRules]], setup: Setup
) -> tuple[Columns, list[Columns]]:
    """What several instruments came to on one account, and what each did on it."""
    parts = [_part(evaluator, bars, rules, setup) for bars, rules in traded]
    together = run_together(parts, setup)
    own = [
        {
            "bars": len(part.bars),
            "first_at": from_epoch(int(part.bars.closed_at[part.first_bar])),
            "last_at": from_epoch(int(part.bars.closed_at[-1])),
            "figures": plain(brought),
            "candles": _candles(part.bars, part.first_bar),
        }
        for part, brought in zip(together.parts, contributions(together), strict=True)
    ]
    return _columns(report_together(together), _fills(together), pack_bars(NO_BARS)), own


def _part(evaluator: Evaluator, bars: Bars, rules: InstrumentRules, setup: Setup) -> Part:
    try:
        return part_of(evaluator, bars, rules, setup)
    except BarsRefused as e:
        raise BarsRefused(e.code, **e.facts | {"instrument": rules.key}) from e


def _fills(together: Together) -> list[Columns]:
    """The fills of all in the order they happened: of one instant those of the earlier instrument first."""
    told = [
        (unit.at, number, fill)
        for number, part in enumerate(together.parts)
        for unit, fill in zip(part.unit_fills, _fills_of(part), strict=True)
    ]
    return [fill for _at, _number, fill in sorted(told, key=lambda each: each[:2])]


def _fills_of(result: Result) -> Iterator[Columns]:
    """Each fill with its instrument, and with how much worse than the traded price it was (G13): spread and slippage."""
    key, scale = result.venue.rules.key, result.venue.price_scale
    for fill, unit in zip(result.fills, result.unit_fills, strict=True):
        yield {"instrument": key, **plain(fill), "worse_by": round(unit.worse_by / scale, 9)}


def _candles(bars: Bars, first_bar: int) -> bytes:
    """The bars that could be traded, joined until a chart can show them."""
    tradable = Bars(*(getattr(bars, name)[first_bar:] for name in Bars.__slots__))
    return pack_bars(folded(tradable, CANDLES))


def _columns(told: Report, fills: list[Columns], candles: bytes) -> Columns:
    return {
        "bars": told.bars,
        "first_at": told.first_at,
        "last_at": told.last_at,
        "fill_count": len(fills),
        "trade_count": len(told.trades),
        "seed": told.seed,
        "version_hash": told.version_hash,
        "inputs_hash": told.inputs_hash,
        "result_hash": told.result_hash,
        "figures": plain(told.metrics),
        "months": plain(told.months),
        "trades": pack_data(plain(told.trades)),
        "fills": pack_data(fills),
        "series": told.series.pack(),
        "candles": candles,
    }
