"""What people do to backtests, sweeps and files alike: begin one, call it off, forget it."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect

from backtests import tasks
from backtests.errors import BacktestRefused
from backtests.forms import RunForm
from backtests.views.access import tell_refusal
from trading.views.access import PersonRequest

Row = TypeVar("Row")


def begin(form: RunForm, start: Callable[[], Row], bells: int = 1) -> Row | None:
    """Ask for it and call workers; None where it is refused, and the form says why."""
    try:
        with transaction.atomic():
            row = start()
            transaction.on_commit(partial(tasks.ring, bells))
    except BacktestRefused as e:
        form.blame(e)
        return None
    return row


def call_off(request: PersonRequest, cancel: Callable[[], bool], said: str, too_late: str, back: str) -> HttpResponse:
    """Cancel it, and go back to it. `said` where it was still going on."""
    if cancel():
        messages.success(request, said)
    else:
        messages.info(request, too_late)
    return redirect(back)


def forget(request: PersonRequest, delete: Callable[[], None], said: str, back: str, onward: str) -> HttpResponse:
    """Delete it and go `onward`; `back` to it, with the reason, where it is refused."""
    try:
        delete()
    except BacktestRefused as e:
        tell_refusal(request, e)
        return redirect(back)
    messages.success(request, said)
    return redirect(onward)
