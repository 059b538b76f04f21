"""Bar files that people bring: received in pieces, listed, deleted. A worker checks them (`checking`)."""

from collections.abc import Iterable
from datetime import timedelta
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.db import transaction
from django.db.models import Q, Sum
from django.utils import timezone

from accounts.models import User
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BarUpload, Sweep, UploadPiece
from backtests.models.uploads import BarUploadQuerySet
from backtests.packing import compressed
from backtests.services import queue
from backtests.services.asking import LONGEST_NAME, lock_person
from markets.models import Instrument
from markets.types import Interval

MOST_BYTES = 100 * 1024 * 1024
MOST_UPLOADS = 30  # of one person, kept
MOST_KEPT_BARS = 10_000_000  # of one person, in all
PIECE = 1 << 20  # bytes
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\0")
HALF_RECEIVED = timedelta(hours=1)  # after which what was still being received is given up
GUESSED = ""  # the interval of a file that is to say itself how far apart its bars are


def receive(
    user: User,
    pieces: Iterable[bytes],
    *,
    name: str,
    instrument: Instrument,
    interval: Interval | None = None,
    zone: str = "Asia/Seoul",
) -> BarUpload:
    """Keep the file as it comes, a piece at a time, to be checked by a worker. The caller rings on commit.

    Raises BacktestRefused: `upload_too_large`, `upload_empty`, `bad_upload_name`, `bad_zone`, or a quota's code; nothing
    of the file is kept then.
    """
    name = checked_upload_name(name)
    _check_zone(zone)
    upload = _begin(user, name, instrument, interval, zone)
    try:
        size = _keep(upload, pieces)
        with transaction.atomic():
            lock_person(user)
            upload.size, upload.job = size, queue.new_job(user, "upload")
            upload.save(update_fields=["size", "job"])
    except BaseException:
        upload.delete()
        raise
    return upload


def checked_upload_name(name: str) -> str:
    """A name to show: no path, nothing a spreadsheet would take for a formula, one printable line. Raises BacktestRefused."""
    name = name.strip()
    is_path = any(sign in name for sign in "/\\") or name.startswith("..")
    if not name or is_path or name.startswith(FORMULA_STARTS) or not name.isprintable():
        raise BacktestRefused("bad_upload_name")
    return name[:LONGEST_NAME]


def get_upload(user: User, upload_id: UUID) -> BarUpload:
    """Raises BarUpload.DoesNotExist, for somebody else's too."""
    return BarUpload.objects.for_user(user).select_related("job", "instrument").get(pk=upload_id)


def list_uploads(user: User) -> BarUploadQuerySet:
    """The person's files, newest first; those still being received are not there yet."""
    return BarUpload.objects.for_user(user).filter(job__isnull=False).select_related("job", "instrument")


@transaction.atomic
def delete_upload(user: User, upload_id: UUID) -> None:
    """Forget a file; results made from it stay. Raises BarUpload.DoesNotExist, and BacktestRefused while it is needed."""
    lock_person(user)
    upload = get_upload(user, upload_id)
    of_run = Q(upload=upload) | Q(companions__upload=upload)
    needed = Backtest.objects.filter(of_run, job__state__in=("queued", "running")).exists()
    if needed or Sweep.objects.filter(upload=upload, parts__job__state__in=("queued", "running")).exists():
        raise BacktestRefused("upload_in_use")
    job = upload.job
    if job is not None:
        queue.cancel(job)
    upload.delete()
    if job is not None:
        job.delete()


def forget_half_received() -> int:
    """What was being received when its process ended. How many there were."""
    old = BarUpload.objects.filter(job__isnull=True, created_at__lt=timezone.now() - HALF_RECEIVED)
    return old.delete()[0]


def _begin(user: User, name: str, instrument: Instrument, interval: Interval | None, zone: str) -> BarUpload:
    with transaction.atomic():
        lock_person(user)
        theirs = BarUpload.objects.for_user(user)
        if theirs.count() >= MOST_UPLOADS:
            raise BacktestRefused("too_many_uploads", most=MOST_UPLOADS)
        if (theirs.aggregate(bars=Sum("bars"))["bars"] or 0) >= MOST_KEPT_BARS:
            raise BacktestRefused("too_many_kept_bars", most=MOST_KEPT_BARS)
        if queue.unfinished_of(user, Q(kind="upload")):
            raise BacktestRefused("one_upload_at_a_time")
        kept = interval.value if interval else GUESSED
        return BarUpload.objects.create(user=user, name=name, instrument=instrument, interval=kept, zone=zone)


def _keep(upload: BarUpload, pieces: Iterable[bytes]) -> int:
    size = 0

    def counted() -> Iterable[bytes]:
        nonlocal size
        for piece in pieces:
            size += len(piece)
            if size > MOST_BYTES:
                raise BacktestRefused("upload_too_large", most_mb=MOST_BYTES // 1024 // 1024)
            yield piece

    for number, packed in enumerate(compressed(iter(counted()))):
        UploadPiece.objects.create(upload=upload, number=number, packed=packed)
    if not size:
        raise BacktestRefused("upload_empty")
    return size


def _check_zone(zone: str) -> None:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BacktestRefused("bad_zone") from None
