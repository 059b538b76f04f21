"""Asking for a backtest, calling it off, asking for its scorecard, forgetting it."""

from typing import Any
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from backtests.errors import BacktestRefused
from backtests.models import Backtest, Companion, Scorecard
from backtests.models.runs import DEFERRED
from backtests.services import queue
from backtests.services.asking import (
    Asked,
    bars_columns,
    check,
    check_all_same,
    check_room,
    check_same,
    checked_key,
    checked_name,
    columns,
    lock_person,
)
from backtests.services.rules import keep


def start_run(user: User, asked: Asked, *, name: str = "", client_key: str = "") -> Backtest:
    """A run that waits for a worker; the same `client_key` again gives the same run. The caller rings on commit.

    Raises BacktestRefused (BarsRefused, SetupRefused, ParametersRefused are such), and nothing is written then.
    """
    client_key = checked_key(client_key or uuid4().hex)
    evaluator, (series, *others) = check(user, asked)
    beside = [bars_columns(each) for each in others]
    name = checked_name(name, f"{asked.rule.name} · {asked.instrument.name}{f' +{len(beside)}' if beside else ''}")
    with transaction.atomic():
        lock_person(user)
        earlier = Backtest.objects.for_user(user).shown().filter(client_key=client_key).first()
        asked_for = columns(asked, series)
        if earlier is not None:
            check_same(earlier, asked_for | {"version_hash": evaluator.document.version_hash()})
            check_all_same(earlier.companions.all(), beside)
            return earlier
        check_room(user)
        run = Backtest.objects.create(
            user=user,
            job=queue.new_job(user, "run"),
            client_key=client_key,
            name=name,
            strategy_version=keep(user, asked.rule),
            version_hash=evaluator.document.version_hash(),
            **asked_for,
        )
        Companion.objects.bulk_create(
            Companion(backtest=run, number=number, **columns) for number, columns in enumerate(beside, 1)
        )
        return run


def cancel_run(user: User, run_id: UUID) -> bool:
    """Whether it was still to be canceled. Raises Backtest.DoesNotExist."""
    return queue.cancel(get_run(user, run_id).job)


@transaction.atomic
def start_scorecard(user: User, run_id: UUID) -> Scorecard:
    """The scorecard of a finished run, made by a worker; one that failed or was canceled begins again.

    Raises Backtest.DoesNotExist, and BacktestRefused where there is no result yet.
    """
    lock_person(user)
    run = get_run(user, run_id)
    if run.job.state != "done":
        raise BacktestRefused("no_result_yet")
    if len(run.members) > 1:
        raise BacktestRefused("scorecard_of_one_instrument")
    card = Scorecard.objects.select_related("job").filter(backtest=run).first()
    if card is not None and card.job.state not in ("failed", "canceled"):
        return card
    if card is not None:
        card.job.delete()  # and the card with it
    return Scorecard.objects.create(backtest=run, job=queue.new_job(user, "scorecard"))


@transaction.atomic
def delete_run(user: User, run_id: UUID) -> None:
    """Forget a run that has ended, and everything of it. Raises Backtest.DoesNotExist, and BacktestRefused while it goes on."""
    run = get_run(user, run_id)
    if not run.job.has_ended:
        raise BacktestRefused("still_running")
    card = Scorecard.objects.select_related("job").filter(backtest=run).first()
    if card is not None:
        card.job.delete()
    run.job.delete()  # the run is its job's


def get_run(user: User, run_id: UUID) -> Backtest:
    """Raises Backtest.DoesNotExist, for somebody else's too."""
    shown = Backtest.objects.for_user(user).select_related("job", "instrument", "strategy_version__strategy", "upload")
    return shown.prefetch_related("companions__instrument").get(pk=run_id)


def list_runs(user: User) -> "QuerySet[Backtest, Any]":
    """The person's runs, newest first."""
    packed = ("result__trades", "result__fills", "result__series", "result__candles", "result__months")
    runs = Backtest.objects.for_user(user).shown().select_related("result").defer(*DEFERRED, *packed)
    return runs.order_by("-created_at")
