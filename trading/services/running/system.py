"""Whether anything may be sent at all: by this code (I49), and out of this database (I50).

The newest release that migrated the database may send; a process of an older one learns of it at its next claim and ends.
And a database that is older than the epoch kept outside it is a restored backup: it believes orders unsent that are long
at the broker. Then nothing is sent until a person has looked.
"""

from pathlib import Path
from uuid import UUID, uuid4

import structlog
from django.conf import settings
from django.db import connection, transaction

from accounts.models import User
from trading import release
from trading.epoch import EpochFile, EpochFileUnreadable
from trading.errors import TradingError
from trading.models import Order, OrderAttempt, System
from trading.services.safeguards import halts
from trading.services.safeguards.alerts import raise_alert

logger = structlog.get_logger(__name__)

RESTORED = "restored_backup"  # why the site is halted, and the alert's cause


class ReleaseSuperseded(TradingError):
    """The database was migrated by other code than this process runs: the process ends, the new code sends."""

    code = "release_superseded"


class NotArmed(TradingError):
    """The database may be a restored backup: nothing is sent until a person has resumed trading."""

    code = "not_armed"


def release_id() -> str:
    """The code this process began with."""
    return release.of_this_process()


def write_release() -> None:
    """Make this code the one that may send: the last step of migrating."""
    row, _is_new = System.objects.get_or_create(pk=1)
    if row.release != release_id():
        System.objects.filter(pk=1).update(release=release_id())
        logger.info("release", release=release_id()[:12], before=row.release[:12])


def check_may_send(epoch: UUID | None = None) -> None:
    """Raise ReleaseSuperseded or NotArmed unless this process may send. Call in the claim's transaction, first of all.

    The row stays as read until the claim commits, so a deploy or a disarming that has committed is seen by every claim
    after it; claims do not wait for one another here. `epoch`: what `advance_epoch` last returned to this process; another
    one in the database means that it was replaced under a running dispatcher, which then calls `advance_epoch` to find out.
    """
    row = _shared_row()
    if row is None or not row.armed:
        raise NotArmed
    if row.release != release_id():
        raise ReleaseSuperseded(f"the database belongs to release {row.release[:12]}, this is {release_id()[:12]}")
    if epoch is not None and row.epoch != epoch:
        raise NotArmed(f"the database is at epoch {row.epoch}, this process at {epoch}")


def advance_epoch(file: EpochFile | None = None) -> UUID | None:
    """Compare the database with the epoch kept outside it and move both on; the new epoch, or None while disarmed.

    A dispatcher calls this when it gets the lease, before its first claim, and from time to time while it holds it: a
    backup taken since the last call cannot be told from the database itself. Where they contradict each other the
    installation is disarmed, the site halted and an alert raised. Raises OSError where the file cannot be read or written.
    """
    file = file or epoch_file()
    following = uuid4()
    with transaction.atomic(durable=True):
        row = _locked_row()
        if not row.armed:
            return None
        if fault := _contradiction(row, file):
            _disarm(row, fault)
            return None
        _move(row, following, file)
    _settle(following, file)
    return following


@transaction.atomic
def rearm(by: User | None) -> bool:
    """A person takes this database for the present one, and it may send again; False where it was armed all along.

    Part of resuming the site, and kept in the audit as that; called before its latch is touched, in one transaction with
    it: claims lock in that order. The next dispatcher gives the database a new epoch, for only it can reach the file.
    """
    row = _locked_row()
    if row.armed:
        return False
    row.armed, row.epoch, row.is_taken_over = True, None, True
    row.save(update_fields=["armed", "epoch", "is_taken_over"])
    logger.warning("rearmed", by=str(by.pk) if by else "command")
    return True


def is_armed() -> bool:
    """Whether anything may be sent as far as backups are concerned."""
    return System.objects.filter(pk=1, armed=True).exists()


def epoch_file() -> EpochFile:
    """Where this installation keeps its epoch outside the database (KAIROS_EPOCH_FILE)."""
    return EpochFile(Path(settings.EPOCH_FILE))


def _shared_row() -> System | None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("the fences are read inside the claim's transaction")
    share = " FOR SHARE" if connection.vendor == "postgresql" else ""  # SQLite's transaction has the whole database
    rows = System.objects.raw(f"SELECT * FROM trading_system WHERE id = 1{share}")  # noqa: S608 no value in it
    return next(iter(rows), None)


def _locked_row() -> System:
    System.objects.get_or_create(pk=1)
    return System.objects.select_for_update(no_key=True).get(pk=1)


def _contradiction(row: System, file: EpochFile) -> str:
    """How the file says that this database is not the present one; empty where it does not."""
    if row.is_taken_over or (row.epoch is None and not Order.objects.exists()):
        return ""  # a person has looked; or it is new, and there is nothing that could be sent twice
    try:
        kept = file.read()
    except EpochFileUnreadable as e:
        return e.code
    if kept is None:
        return "epoch_file_missing" if row.epoch is not None and OrderAttempt.objects.exists() else ""
    return "" if row.epoch in kept else "database_older_than_epoch_file"


def _move(row: System, following: UUID, file: EpochFile) -> None:
    """Both epochs are in the file before the database moves: whichever of the two it is found with later is the present."""
    file.write({following} if row.epoch is None else {row.epoch, following})
    row.epoch, row.is_taken_over = following, False
    row.save(update_fields=["epoch", "is_taken_over"])


def _settle(epoch: UUID, file: EpochFile) -> None:
    """The database has moved: from now on one with the epoch before is an old one. Under the lock, for another process
    may have moved on meanwhile."""
    with transaction.atomic():
        if _locked_row().epoch == epoch:
            file.write({epoch})


def _disarm(row: System, fault: str) -> None:
    row.armed = False
    row.save(update_fields=["armed"])
    logger.error("disarmed", fault=fault, epoch=str(row.epoch))
    halts.latch("site", "", "halted", RESTORED, fault=fault)
    raise_alert(RESTORED, "site", None, fault=fault)
