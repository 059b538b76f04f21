"""Old code and old databases send nothing: the release fence (I49) and the epoch that tells a restored backup (I50)."""

import shutil
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction

from tests import factories as make
from tests.fakes import Crash, FakeBroker
from trading import release
from trading.dispatch import dispatch_once
from trading.epoch import EpochFile, EpochFileUnreadable
from trading.models import Alert, Halt, OrderAttempt, System
from trading.services.ordering import sending
from trading.services.running import leases, system
from trading.services.running.system import NotArmed, ReleaseSuperseded
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


@pytest.fixture
def file(tmp_path: Path) -> EpochFile:
    return EpochFile(tmp_path / "kept" / "epoch")


def something_was_sent() -> None:
    """One attempt to send: from here on a lost file is a reason to stop."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    make.accept(make.place(make.make_account(make.make_user()), instrument))
    assert OrderAttempt.objects.exists()


def may_send(epoch: UUID | None = None) -> bool:
    try:
        with transaction.atomic():
            system.check_may_send(epoch)
    except NotArmed:
        return False
    return True


def site_mode() -> str:
    return Halt.objects.get(scope="site").mode


# The release


def test_migrating_makes_this_code_the_one_that_may_send() -> None:
    assert System.objects.get().release == system.release_id() == release.fingerprint(release.ROOT)
    assert may_send()


def test_older_code_may_not_send_once_newer_code_has_migrated() -> None:
    """I49."""
    System.objects.update(release="of tomorrow")
    with pytest.raises(ReleaseSuperseded), transaction.atomic():
        system.check_may_send()
    system.write_release()
    assert may_send()


def test_without_its_row_nothing_is_sent() -> None:
    System.objects.all().delete()
    assert not may_send()


@pytest.mark.parametrize("change", ["content", "name", "new file"])
def test_any_change_of_the_order_path_is_another_release(tmp_path: Path, change: str) -> None:
    folder = tmp_path / "trading" / "services"
    folder.mkdir(parents=True)
    (folder / "a.py").write_text("x = 1\n")
    before = release.fingerprint(tmp_path)
    assert before == release.fingerprint(tmp_path)
    if change == "content":
        (folder / "a.py").write_text("x = 2\n")
    elif change == "name":
        (folder / "a.py").rename(folder / "b.py")
    else:
        (folder / "b.py").write_text("")
    assert release.fingerprint(tmp_path) != before


def test_what_no_order_passes_through_is_no_other_release(tmp_path: Path) -> None:
    (tmp_path / "trading").mkdir()
    before = release.fingerprint(tmp_path)
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "conf.py").write_text("x = 1\n")
    (tmp_path / "trading" / "notes.txt").write_text("x")
    assert release.fingerprint(tmp_path) == before


# The epoch


def test_each_call_moves_database_and_file_on_together(file: EpochFile) -> None:
    first, second = system.advance_epoch(file), system.advance_epoch(file)
    assert first is not None
    assert second not in {first, None}
    assert list(file.read() or ()) == [second]
    assert System.objects.get().epoch == second
    assert may_send(second)
    assert not may_send(first), "a database that moved on, or back, without this process knowing"


def test_a_backup_of_yesterday_sends_nothing_before_a_person_resumes(file: EpochFile) -> None:
    """I50."""
    system.advance_epoch(file)
    backup = System.objects.get()
    system.advance_epoch(file)
    newest = file.read()

    backup.save()  # yesterday's dump is put back
    assert system.advance_epoch(file) is None
    assert (may_send(), site_mode(), file.read()) == (False, "halted", newest)
    assert Alert.objects.get(cause="restored_backup").facts == {"fault": "database_older_than_epoch_file"}

    assert system.advance_epoch(file) is None, "not by asking again either"
    system.write_release()
    assert not may_send(), "nor by a deploy"

    assert system.rearm(make.make_user())
    assert (may_send(), system.is_armed()) == (True, True)
    resumed = system.advance_epoch(file)
    assert list(file.read() or ()) == [resumed]
    assert not system.rearm(None), "armed already"


def test_a_pending_order_of_a_restored_backup_waits_for_a_person(file: EpochFile) -> None:
    """I50: yesterday it was pending, today it may long be filled at the broker."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(make.make_account(make.make_user()), instrument)
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    broker = FakeBroker()
    system.advance_epoch(file)
    backup = System.objects.get()
    system.advance_epoch(file)
    backup.save()

    for _look in range(3):
        assert dispatch_once(fence, broker.opened, epoch=system.advance_epoch(file)) == 0
    assert (broker.sent, make.fresh(order).state) == ([], "pending")

    halts.open_latch("site", "", by=make.make_user())
    assert dispatch_once(fence, broker.opened, epoch=system.advance_epoch(file)) == 1
    assert broker.sent == [order.pk]


def test_older_code_sends_nothing_and_ends(file: EpochFile) -> None:
    """I49."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.place(make.make_account(make.make_user()), instrument)
    fence = leases.acquire(sending.DISPATCH, make.HOLDER)
    assert fence is not None
    broker = FakeBroker()
    System.objects.update(release="of tomorrow")
    with pytest.raises(ReleaseSuperseded):
        dispatch_once(fence, broker.opened, epoch=system.advance_epoch(file))
    assert (broker.sent, make.fresh(order).state, OrderAttempt.objects.exists()) == ([], "pending", False)


def test_resuming_the_site_is_what_rearms(file: EpochFile) -> None:
    system.advance_epoch(file)
    System.objects.update(epoch=uuid4())
    system.advance_epoch(file)
    halts.open_latch("site", "", by=None)
    assert (may_send(), site_mode()) == (True, "active")


def test_a_new_database_goes_on_beside_an_old_file(file: EpochFile) -> None:
    file.write({uuid4()})
    assert system.advance_epoch(file) is not None


def test_a_backup_from_before_the_first_sending_is_an_old_one_too(file: EpochFile) -> None:
    """It has orders, no epoch yet, and they have gone out since."""
    something_was_sent()
    System.objects.update(epoch=None)
    file.write({uuid4()})
    assert system.advance_epoch(file) is None
    assert Alert.objects.get(cause="restored_backup").facts == {"fault": "database_older_than_epoch_file"}
    system.rearm(None)
    assert system.advance_epoch(file) is not None


def test_a_lost_file_stops_only_who_has_sent_something(file: EpochFile) -> None:
    system.advance_epoch(file)
    file.path.unlink()
    assert system.advance_epoch(file) is not None
    something_was_sent()
    shutil.rmtree(file.path.parent)
    assert system.advance_epoch(file) is None
    assert Alert.objects.get(cause="restored_backup").facts == {"fault": "epoch_file_missing"}


@pytest.mark.parametrize("content", [b"", b"no epoch", b"\xff\xfe", b"1234\n"])
def test_a_file_that_says_something_else_stops_everybody(file: EpochFile, content: bytes) -> None:
    system.advance_epoch(file)
    file.path.write_bytes(content)
    with pytest.raises(EpochFileUnreadable):
        file.read()
    assert system.advance_epoch(file) is None
    assert not may_send()
    system.rearm(None)
    assert system.advance_epoch(file) is not None, "a person has looked: the file is made anew"


def test_a_file_that_cannot_be_written_moves_nothing(file: EpochFile, tmp_path: Path) -> None:
    """Fail closed: no epoch, no sending, and no false alarm once the disk is back."""
    before = system.advance_epoch(file)
    elsewhere = EpochFile(tmp_path / "kept" / "epoch" / "below a file" / "epoch")
    with pytest.raises(OSError, match="Not a directory"):
        system.advance_epoch(elsewhere)
    assert System.objects.get().epoch == before
    assert system.advance_epoch(file) is not None


class DyingFile(EpochFile):
    """The process dies at one step of one write: "before" it, "beside" with the new file not yet in place, or "after" it."""

    def __init__(self, path: Path, write: int, step: str) -> None:
        super().__init__(path)
        self._dies_at = (write, step)
        self._writes = 0

    def write(self, epochs: Iterable[UUID]) -> None:
        self._writes += 1
        self._die("before")
        super().write(epochs)
        self._die("after")

    def _write_through(self, path: Path, text: str) -> None:
        super()._write_through(path, text[:20])
        self._die("beside")
        super()._write_through(path, text)

    def _die(self, step: str) -> None:
        if (self._writes, step) == self._dies_at:
            raise Crash


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("step", ["before", "beside", "after"])
def test_dying_at_any_step_is_no_false_alarm(file: EpochFile, write: int, step: str) -> None:
    """I50: write 1 comes before the database's commit, write 2 after it."""
    something_was_sent()
    system.advance_epoch(file)
    with pytest.raises(Crash):
        system.advance_epoch(DyingFile(file.path, write, step))
    assert System.objects.get().epoch in (file.read() or ())
    assert system.advance_epoch(file) is not None
    assert may_send()
    assert len(file.read() or ()) == 1, "an older epoch is no longer believed"


@pytest.mark.parametrize("write", [1, 2])
@pytest.mark.parametrize("step", ["before", "beside", "after"])
def test_a_backup_is_still_told_after_a_death(file: EpochFile, write: int, step: str) -> None:
    system.advance_epoch(file)
    backup = System.objects.get()
    system.advance_epoch(file)
    with pytest.raises(Crash):
        system.advance_epoch(DyingFile(file.path, write, step))
    backup.save()
    assert system.advance_epoch(file) is None


@pytest.mark.django_db(transaction=True)
def test_who_moved_on_meanwhile_is_not_forgotten(file: EpochFile) -> None:
    """Two dispatchers: the first has committed and not yet tidied the file up when the second one moves on."""
    second: list[UUID | None] = []

    class Overtaken(EpochFile):
        def write(self, epochs: Iterable[UUID]) -> None:
            super().write(epochs)
            transaction.on_commit(lambda: second.append(system.advance_epoch(file)) if not second else None)

    system.advance_epoch(file)
    system.advance_epoch(Overtaken(file.path))
    assert list(file.read() or ()) == second == [System.objects.get().epoch]


def test_a_dump_put_back_into_a_real_database_sends_nothing(file: EpochFile) -> None:
    """The same with the rows themselves: everything the database knew is as it was."""
    something_was_sent()
    system.advance_epoch(file)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE yesterday AS SELECT * FROM trading_system")
        system.advance_epoch(file)
        cursor.execute("DELETE FROM trading_system")
        cursor.execute("INSERT INTO trading_system SELECT * FROM yesterday")
    assert system.advance_epoch(file) is None
    assert (may_send(), site_mode()) == (False, "halted")
