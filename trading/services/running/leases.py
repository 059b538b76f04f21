"""Leases in the database: who may be the only one. Compare-and-swap, and a fence that only grows."""

import os
import socket
from datetime import timedelta
from time import monotonic

from django.db import transaction
from django.utils import timezone

from markets.models import Statements
from trading.errors import TradingError
from trading.models import Lease, Pulse
from trading.services.running.timing import scaled

LEASES = Statements(Lease)
LIFE = timedelta(seconds=15)
RENEW = timedelta(seconds=5)


class LeaseLost(TradingError):
    """Somebody else may act now: whoever holds an older fence stops."""

    code = "lease_lost"


def holder_name() -> str:
    """This process, as a lease knows it."""
    return f"{_machine()}:{os.getpid()}"


def _machine() -> str:
    return socket.gethostname()[:40]


def _has_ended(holder: str) -> bool:
    """Whether a process of this machine, by the name above, is no more. Of other machines nothing is known."""
    machine, _separator, number = holder.rpartition(":")
    if machine != _machine() or not number.isdigit():
        return False
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process: it lives
        return False
    return False


class Tenure:
    """One process' hold on a lease, renewed as it goes along."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._holder = holder_name()
        self._fence: int | None = None
        self._asked = float("-inf")

    def is_held(self) -> bool:
        """Whether this process may act; asks the database every five seconds, or each time while it may not."""
        if self._fence is None or monotonic() - self._asked > scaled(RENEW).total_seconds():
            self._fence = acquire(self._name, self._holder)
            self._asked = monotonic()
        return self._fence is not None

    def end(self) -> None:
        give_back(self._name, self._holder)


@transaction.atomic
def acquire(name: str, holder: str) -> int | None:
    """The fence under which `holder` may act for the next 15 s, or None while someone else may.

    Renewing keeps the fence; taking over from another raises it, so the one before is refused at its next claim. A holder
    whose process on this very machine has ended is not waited for.
    """
    now = timezone.now()
    lease, is_new = Lease.objects.select_for_update().get_or_create(
        name=name, defaults={"holder": holder, "fence": 1, "until": now + scaled(LIFE)}
    )
    if is_new:
        return lease.fence
    if lease.holder != holder:
        if lease.until > now and not _has_ended(lease.holder):
            return None
        lease.holder = holder
        lease.fence += 1
    lease.until = now + scaled(LIFE)
    lease.save()
    return lease.fence


def give_back(name: str, holder: str) -> None:
    """Let the next one begin at once instead of after 15 s."""
    Lease.objects.filter(name=name, holder=holder).update(until=timezone.now())


def is_current(name: str, fence: int) -> bool:
    """Whether `fence` is still the newest and its time has not run out. Call inside the claim's transaction.

    The row is shared: claims of different accounts do not wait for one another, a takeover waits for them.
    """
    lease = LEASES.first("name = %s", [name], lock="FOR SHARE")
    return lease is not None and lease.fence == fence and lease.until > timezone.now()


def newest_fence(name: str) -> int:
    """The fence that was given out last, whether or not its time has run out; 0 where none ever was."""
    return Lease.objects.filter(name=name).values_list("fence", flat=True).first() or 0


def pulse(name: str) -> None:
    """Write down that this process lives."""
    Pulse.objects.update_or_create(name=name, defaults={"at": timezone.now()})
