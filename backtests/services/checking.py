"""What a worker does for an uploaded file: every row checked, then all bars kept, or none and the bad rows told."""

import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from itertools import islice
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from django.db import transaction

from backtests.bars import LEAST_BARS
from backtests.errors import BacktestRefused, BarsRefused
from backtests.models import BarUpload, Job, UploadedBars
from backtests.packing import Packed, decompressed, pack_bars
from backtests.services import queue
from backtests.services.bars import MOST_BARS
from backtests.services.heart import Heart
from backtests.upload.reading import CheckedRows, PersonsFile
from markets.bar_problems import BarFileInvalid
from markets.bars import Bars
from markets.services.clock import ALWAYS, calendar
from markets.types import Interval, from_epoch

AT_ONCE = 50_000  # bars of one packed chunk
IN_MEMORY = 4 << 20  # bytes of the file that need no temporary file


def work_on_upload(job: Job, heart: Heart) -> None:
    """Check the file of this job and keep its bars. Raises BacktestRefused (the bad rows stand on the upload), WorkLost."""
    upload = BarUpload.objects.select_related("instrument").get(job=job)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as spool:
        decompressed(_pieces(upload), spool.write)
        spool.seek(0)
        try:
            interval, chunks, rows = _read(upload, spool, heart)  # type: ignore[arg-type]  # a binary stream like any
        except BarFileInvalid as e:
            _keep_problems(upload, e)
            raise BacktestRefused("bar_file_invalid", total=e.total) from None
    heart.tell("storing", 950)
    with transaction.atomic():
        queue.finish(job)
        _store(upload, interval, chunks, rows)


def _pieces(upload: BarUpload) -> Iterator[Packed]:
    """One piece at a time, so that memory holds no more of the file."""
    for number in upload.pieces.values_list("number", flat=True):
        yield upload.pieces.values_list("packed", flat=True).get(number=number)


def _read(
    upload: BarUpload, stream: BinaryIO, heart: Heart
) -> tuple[Interval, list[tuple[int, int, int, bytes]], CheckedRows]:
    """The interval, and (count, first open, last close, packed) of each chunk of bars."""
    asked = Interval(upload.interval) if upload.interval else None
    file = PersonsFile(stream, ZoneInfo(upload.zone), asked)
    days = calendar(upload.instrument.calendar)
    is_always = upload.instrument.calendar == ALWAYS
    rows = file.bars(
        day_bounds=days.daily_bar_bounds,
        bounds=None if is_always else days.bar_bounds,
        session=None if is_always else days.session,
    )
    chunks: list[tuple[int, int, int, bytes]] = []
    source, total = iter(rows), 0
    expected = max(1, upload.size // 45)  # a row has about 45 bytes: only to tell how far it is
    while part := list(islice(source, AT_ONCE)):
        heart.check()
        bars = Bars.from_rows(part)
        total += len(bars)
        if total > MOST_BARS:
            raise BarsRefused("too_many_bars", bars=total, most=MOST_BARS)
        chunks.append((len(bars), int(bars.opened_at[0]), int(bars.closed_at[-1]), pack_bars(bars)))
        heart.tell("checking", min(900, 900 * total // expected))
    if total < LEAST_BARS:
        raise BarsRefused("too_few_bars", bars=total, needed=LEAST_BARS)
    return file.interval, chunks, rows


def _store(upload: BarUpload, interval: Interval, chunks: list[tuple[int, int, int, bytes]], rows: CheckedRows) -> None:
    UploadedBars.objects.filter(upload=upload).delete()
    UploadedBars.objects.bulk_create(
        [
            UploadedBars(upload=upload, number=number, count=count, packed=packed)
            for number, (count, _first, _last, packed) in enumerate(chunks)
        ],
        batch_size=20,
    )
    upload.interval, upload.bars = interval.value, sum(count for count, *_rest in chunks)
    upload.first_at, upload.last_at = from_epoch(chunks[0][1]), from_epoch(chunks[-1][2])
    upload.told = {"tolerated": dict(rows.checked.tolerated)}
    upload.save(update_fields=["interval", "bars", "first_at", "last_at", "told"])
    upload.pieces.all().delete()


@transaction.atomic
def _keep_problems(upload: BarUpload, invalid: BarFileInvalid) -> None:
    problems: list[dict[str, Any]] = [asdict(problem) for problem in invalid.problems]
    upload.told = {"problems": problems, "total": invalid.total}
    upload.save(update_fields=["told"])
    upload.pieces.all().delete()
