"""What a run or a sweep is asked with, and whether it can be: looked at before anything is written or queued."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import Q

from accounts.models import User
from backtests.errors import BacktestRefused, BarsRefused
from backtests.models import Backtest, BarUpload, Sweep
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
LONGEST_NAME, LONGEST_KEY = 64, 64
OF_RUNS = Q(kind="run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A rule with numbers, bars and terms. `interval` of an upload is the upload's own."""

    rule: Rule
    instrument: Instrument
    interval: Interval
    terms: Terms
    parameters: Mapping[str, float] = field(default_factory=dict)
    upload: BarUpload | None = None
    starts_on: date | None = None
    ends_on: date | None = None

    def series(self) -> Series:
        source = "" if self.upload else source_of(self.instrument, self.interval).value
        return Series(self.instrument, self.interval, source, self.upload, self.starts_on, self.ends_on)


def series_of(row: Backtest | Sweep) -> Series:
    """The bars of a run or sweep. Raises BarsRefused where its upload was deleted."""
    if not row.source and row.upload is None:
        raise BarsRefused("upload_gone", name=row.upload_name)
    return Series(row.instrument, Interval(row.interval), row.source, row.upload, row.starts_on, row.ends_on)


def evaluator_for(row: Backtest) -> Evaluator:
    return evaluator_of(RuleDocument.from_data(row.strategy_version.document), row.parameters)


def check(user: User, asked: Asked) -> tuple[Evaluator, Series]:
    """Raises BacktestRefused for what could never run: the person hears it at once, not after the queue."""
    evaluator = evaluator_of(asked.rule.document, asked.parameters)
    asked.terms.setup()
    if asked.starts_on and asked.ends_on and asked.starts_on > asked.ends_on:
        raise BacktestRefused("period_reversed")
    if asked.upload is not None:
        _check_upload(user, asked.upload)
    series = asked.series()
    count = count_bars(series)
    if not count:
        raise BarsRefused("no_bars")
    if count > MOST_BARS:
        raise BarsRefused("too_many_bars", bars=count, most=MOST_BARS)
    starts_at_once = asked.starts_on is None
    if starts_at_once and count <= evaluator.warm_up:
        raise BarsRefused("warm_up_longer_than_data", bars=count, needed=evaluator.warm_up + 1)
    return evaluator, series


def check_room(user: User) -> None:
    """The quota of runs. The person is locked, so that two requests at once do not both find room."""
    lock_person(user)
    if queue.unfinished_of(user, OF_RUNS) >= MOST_WAITING_RUNS:
        raise BacktestRefused("too_many_waiting", most=MOST_WAITING_RUNS)
    if Backtest.objects.for_user(user).count() >= MOST_RUNS:
        raise BacktestRefused("too_many_kept", most=MOST_RUNS)


def lock_person(user: User) -> None:
    User.objects.select_for_update(no_key=True).get(pk=user.pk)


def columns(asked: Asked, series: Series) -> dict[str, Any]:
    """The columns that a run and a sweep have in common."""
    return {
        "parameters": {
            name: float(value) if value != int(value) else int(value) for name, value in asked.parameters.items()
        },
        "instrument": asked.instrument,
        "interval": series.interval.value,
        "source": series.source,
        "upload": series.upload,
        "upload_name": series.upload.name if series.upload else "",
        "starts_on": asked.starts_on,
        "ends_on": asked.ends_on,
        "terms": asked.terms.as_data(),
    }


def check_same(earlier: Backtest | Sweep, asked_for: Mapping[str, Any]) -> None:
    """The same key must mean the same request. Raises BacktestRefused for another one."""
    if any(getattr(earlier, name) != value for name, value in asked_for.items()):
        raise BacktestRefused("same_key_other_request")


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


def _check_upload(user: User, upload: BarUpload) -> None:
    if upload.user_id != user.pk:
        raise BacktestRefused("unknown_upload")
    if upload.job is None or upload.job.state != "done":
        raise BacktestRefused("upload_not_ready")
