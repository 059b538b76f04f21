"""A file that somebody brings: kept whole or not at all, checked by a worker, traded like stored bars."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from accounts.models import User
from backtests import services
from backtests.errors import BacktestRefused
from backtests.models import Backtest, BarUpload, Job, UploadedBars, UploadPiece
from backtests.services import uploads
from backtests.services.bars import Series, read_bars
from backtests.terms import Terms
from markets.models import Instrument
from markets.types import Interval
from tests import factories as make
from tests.backtests_app import scene

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def stock() -> Instrument:
    return make.make_instrument()


def csv_of(count: int) -> bytes:
    rows = scene.waves(count)
    lines = (f"{scene.day(n)},{','.join(str(int(value)) for value in row)}" for n, row in enumerate(rows))
    return "\n".join(["일자,시가,고가,저가,종가,거래량", *lines]).encode("cp949") + b"\n"


def bring(user: User, stock: Instrument, content: bytes, name: str = "내 봉.csv") -> BarUpload:
    pieces = [content[start : start + 1000] for start in range(0, len(content), 1000)]
    upload = services.receive(user, pieces, name=name, instrument=stock)
    assert services.work_once()
    return services.get_upload(user, upload.pk)


def test_a_file_is_checked_and_traded_as_if_its_bars_were_stored(user: User, stock: Instrument) -> None:
    """The same bars give the same result, from a file in CP949 or from the database."""
    scene.keep_days(stock)
    upload = bring(user, stock, csv_of(600))
    assert upload.job is not None
    assert (upload.job.state, upload.bars, upload.interval) == ("done", 600, "1d")
    assert not UploadPiece.objects.exists()
    ours = scene.start(user, stock)
    theirs = scene.start(user, stock, upload=upload)
    while services.work_once():
        pass
    a, b = (Backtest.objects.select_related("result").get(pk=each.pk).result for each in (ours, theirs))
    assert a.trade_count == b.trade_count > 3
    assert Decimal(a.figures["strategy"]["final_equity"]) == Decimal(b.figures["strategy"]["final_equity"])


def test_the_bars_of_a_file_can_be_cut_to_a_period(user: User, stock: Instrument) -> None:
    upload = bring(user, stock, csv_of(50))
    series = Series(stock, Interval.D1, "", upload, scene.day(10), scene.day(19))
    assert len(read_bars(series)) == 10
    assert len(read_bars(series, before=4)) == 14
    assert len(read_bars(series, before=40)) == 20


def test_of_a_file_with_a_bad_row_nothing_is_kept_but_what_is_wrong_with_it(user: User, stock: Instrument) -> None:
    upload = bring(user, stock, csv_of(20).replace(b"2018-01-05,", b"2018-01-05,-", 1))
    assert upload.job is not None
    assert (upload.job.state, upload.job.code, upload.bars) == ("failed", "bar_file_invalid", 0)
    assert upload.told["total"] == 1
    assert upload.told["problems"][0]["line"] == 6
    assert not UploadedBars.objects.exists()
    assert not UploadPiece.objects.exists()
    with pytest.raises(BacktestRefused, match="upload_not_ready"):
        scene.start(user, stock, upload=upload)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"date,open,high,low,close,volume\n", "bar_file_invalid"),
        (b"date,open,high,low,close,volume\n2023-12-22,1,1,1,1,1\n", "too_few_bars"),
        (b"PK\x03\x04 a workbook\n", "bar_file_invalid"),
    ],
)
def test_what_is_no_file_of_bars_is_refused_with_a_reason(
    user: User, stock: Instrument, content: bytes, code: str
) -> None:
    upload = bring(user, stock, content)
    assert upload.job is not None
    assert (upload.job.state, upload.job.code) == ("failed", code)
    assert not UploadedBars.objects.exists()


def test_a_file_that_is_too_large_leaves_nothing_behind(user: User, stock: Instrument) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x" * (8 << 20)

    with pytest.raises(BacktestRefused, match="upload_too_large"):
        services.receive(user, endless(), name="large.csv", instrument=stock)
    with pytest.raises(BacktestRefused, match="upload_empty"):
        services.receive(user, [], name="empty.csv", instrument=stock)
    assert [each.objects.count() for each in (BarUpload, UploadPiece, Job)] == [0, 0, 0]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "a/b.csv", "C:\\a.csv", "=cmd().csv", "@x.csv", "a\nb.csv", "", "\0"]
)
def test_a_name_that_is_a_path_or_a_formula_is_refused(user: User, stock: Instrument, name: str) -> None:
    with pytest.raises(BacktestRefused, match="bad_upload_name"):
        services.receive(user, [b"x"], name=name, instrument=stock)
    assert not BarUpload.objects.exists()


def test_a_person_brings_one_file_at_a_time_and_so_many_in_all(user: User, stock: Instrument) -> None:
    services.receive(user, [b"x"], name="a.csv", instrument=stock)
    with pytest.raises(BacktestRefused, match="one_upload_at_a_time"):
        services.receive(user, [b"x"], name="b.csv", instrument=stock)
    services.work_once()
    BarUpload.objects.bulk_create(
        BarUpload(user=user, name=f"{n}.csv", instrument=stock, interval="1d", zone="UTC")
        for n in range(uploads.MOST_UPLOADS)
    )
    with pytest.raises(BacktestRefused, match="too_many_uploads"):
        services.receive(user, [b"x"], name="c.csv", instrument=stock)


def test_a_file_goes_when_nothing_waits_for_it_and_results_stay(user: User, stock: Instrument) -> None:
    upload = bring(user, stock, csv_of(600))
    asked = scene.start(user, stock, upload=upload)
    with pytest.raises(BacktestRefused, match="upload_in_use"):
        services.delete_upload(user, upload.pk)
    services.work_once()
    services.delete_upload(user, upload.pk)
    kept = Backtest.objects.select_related("job", "result").get(pk=asked.pk)
    assert (kept.job.state, kept.upload, kept.upload_name) == ("done", None, "내 봉.csv")
    assert not UploadedBars.objects.exists()


def test_nobody_sees_deletes_or_tests_another_persons_file(user: User, stock: Instrument) -> None:
    upload = bring(user, stock, csv_of(600))
    stranger = make.make_user()
    for act in (services.get_upload, services.delete_upload):
        with pytest.raises(BarUpload.DoesNotExist):
            act(stranger, upload.pk)
    with pytest.raises(BacktestRefused, match="unknown_upload"):
        scene.start(stranger, stock, upload=upload, terms=Terms(cash=scene.CASH))
    assert list(services.list_uploads(stranger)) == []
