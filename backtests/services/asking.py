"""What a run or a sweep is asked with, and whether it can be: looked at before anything is written or queued."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from accounts.models import User
from backtests.errors import BacktestRefused, BarsRefused, SetupRefused
from backtests.models import Backtest, BarUpload, Companion, Sweep
from backtests.services import queue
from backtests.services.bars import MOST_BARS, Series, count_bars, source_of
from backtests.services.rules import Rule, evaluator_of
from backtests.terms import Terms
from markets.models import Instrument
from markets.types import Interval
from strategies.compiler import Evaluator
from strategies.document import RuleDocument

MOST_WAITING_RUNS = 10  # of one person, unfinished at once
MOST_WAITING_SWEEPS = 3
MOST_RUNS = 500  # of one person, kept
MOST_INSTRUMENTS = 10  # on one account
LONGEST_NAME, LONGEST_KEY = 64, 64
OF_RUNS = Q(kind="run")


@dataclass(frozen=True, slots=True)
class Beside:
    """One more instrument on the same account, by its stored bars or those of an upload."""

    instrument: Instrument
    upload: BarUpload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A rule with numbers, bars and terms; `beside`: what trades on the same account. `interval` of an upload is its own."""

    rule: Rule
    instrument: Instrument
    interval: Interval
    terms: Terms
    parameters: Mapping[str, float] = field(default_factory=dict)
    upload: BarUpload | None = None
    beside: Sequence[Beside] = ()
    starts_on: date | None = None
    ends_on: date | None = None

    def series(self) -> tuple[Series, ...]:
        """The bars of each instrument, in the order they stand on the account."""
        return tuple(map(self._series, (Beside(self.instrument, self.upload), *self.beside)))

    def _series(self, one: Beside) -> Series:
        source = "" if one.upload else source_of(one.instrument, self.interval).value
        return Series(one.instrument, self.interval, source, one.upload, self.starts_on, self.ends_on)


def series_of(row: Backtest | Sweep) -> Series:
    """The bars of a sweep, or of a run's own instrument. Raises BarsRefused where its upload was deleted."""
    return _series_of(row, row)


def all_series_of(run: Backtest) -> list[Series]:
    """The bars of every instrument of a run. Raises BarsRefused where an upload was deleted."""
    return [_series_of(member, run) for member in run.members]


def _series_of(bars: Backtest | Sweep | Companion, asked: Backtest | Sweep) -> Series:
    if not bars.source and bars.upload is None:
        raise BarsRefused("upload_gone", name=bars.upload_name)
    return Series(bars.instrument, Interval(asked.interval), bars.source, bars.upload, asked.starts_on, asked.ends_on)


def evaluator_for(row: Backtest) -> Evaluator:
    return evaluator_of(RuleDocument.from_data(row.strategy_version.document), row.parameters)


def check(user: User, asked: Asked) -> tuple[Evaluator, tuple[Series, ...]]:
    """Raises BacktestRefused for what could never run: the person hears it at once, not after the queue."""
    evaluator = evaluator_of(asked.rule.document, asked.parameters)
    asked.terms.setup()
    if asked.starts_on and asked.ends_on and asked.starts_on > asked.ends_on:
        raise BacktestRefused("period_reversed")
    for one in (Beside(asked.instrument, asked.upload), *asked.beside):
        _check_upload(user, one, asked.interval)
    series = asked.series()
    _check_shared([each.instrument for each in series])
    counts = [_count(each, evaluator.warm_up, is_one_of=len(series)) for each in series]
    if sum(counts) > MOST_BARS:
        raise BarsRefused("too_many_bars", bars=sum(counts), most=MOST_BARS)
    return evaluator, series


def _count(series: Series, warm_up: int, *, is_one_of: int) -> int:
    """How many bars there are. Raises BarsRefused where no decision could be made on them."""
    count = count_bars(series)
    whose = {"instrument": series.instrument.name} if is_one_of > 1 else {}
    if not count:
        raise BarsRefused("no_bars", **whose)
    if series.starts_on is None and count <= warm_up:
        raise BarsRefused("warm_up_longer_than_data", bars=count, needed=warm_up + 1, **whose)
    return count


def _check_shared(instruments: Sequence[Instrument]) -> None:
    """Whether these can trade on one account."""
    if len(instruments) > MOST_INSTRUMENTS:
        raise BacktestRefused("too_many_instruments", count=len(instruments), most=MOST_INSTRUMENTS)
    if len({each.pk for each in instruments}) < len(instruments):
        raise BacktestRefused("same_instrument_twice")
    if len({(each.currency, each.cash_decimals) for each in instruments}) > 1:
        raise SetupRefused("currencies_differ")


def check_room(user: User) -> None:
    """The quota of runs. The person is locked, so that two requests at once do not both find room."""
    lock_person(user)
    if queue.unfinished_of(user, OF_RUNS) >= MOST_WAITING_RUNS:
        raise BacktestRefused("too_many_waiting", most=MOST_WAITING_RUNS)
    if Backtest.objects.for_user(user).count() >= MOST_RUNS:
        raise BacktestRefused("too_many_kept", most=MOST_RUNS)


def lock_person(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def bars_columns(series: Series) -> dict[str, Any]:
    """The columns that say which bars."""
    return {
        "instrument": series.instrument,
        "source": series.source,
        "upload": series.upload,
        "upload_name": series.upload.name if series.upload else "",
    }


def columns(asked: Asked, series: Series) -> dict[str, Any]:
    """The columns that a run and a sweep have in common."""
    return {
        "parameters": {
            name: float(value) if value != int(value) else int(value) for name, value in asked.parameters.items()
        },
        **bars_columns(series),
        "interval": series.interval.value,
        "starts_on": asked.starts_on,
        "ends_on": asked.ends_on,
        "terms": asked.terms.as_data(),
    }


def check_same(earlier: Backtest | Sweep | Companion, asked_for: Mapping[str, Any]) -> None:
    """The same key must mean the same request. Raises BacktestRefused for another one."""
    if any(getattr(earlier, name) != value for name, value in asked_for.items()):
        raise BacktestRefused("same_key_other_request")


def check_all_same(earlier: Iterable[Companion], asked_for: Sequence[Mapping[str, Any]]) -> None:
    """The same of the instruments beside it."""
    kept = list(earlier)
    if len(kept) != len(asked_for):
        raise BacktestRefused("same_key_other_request")
    for row, columns in zip(kept, asked_for, strict=True):
        check_same(row, columns)


def checked_name(name: str, otherwise: str) -> str:
    """A name of one printable line. Raises BacktestRefused."""
    name = name.strip() or otherwise[:LONGEST_NAME]
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise BacktestRefused("bad_name", most=LONGEST_NAME)
    return name


def checked_key(client_key: str) -> str:
    if not 0 < len(client_key) <= LONGEST_KEY or not client_key.isascii() or not client_key.isprintable():
        raise BacktestRefused("bad_client_key")
    return client_key


def _check_upload(user: User, one: Beside, interval: Interval) -> None:
    if one.upload is None:
        return
    if one.upload.user_id != user.pk:
        raise BacktestRefused("unknown_upload")
    if one.upload.job is None or one.upload.job.state != "done":
        raise BacktestRefused("upload_not_ready")
    if one.upload.interval != interval.value:
        raise BacktestRefused("intervals_differ", name=one.upload.name)
