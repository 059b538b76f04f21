"""Bars of many instruments in one statement: the very arrays that reading them one by one gives."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from markets import services as markets
from markets.models import Instrument
from markets.services.series import Series, newest_closes, read_many_bars
from markets.types import Bar, Interval, Source
from tests.factories import make_instrument

pytestmark = pytest.mark.django_db

START = datetime(2026, 1, 5, tzinfo=UTC)
COLUMNS = ("opened_at", "closed_at", "open", "high", "low", "close", "volume")


def close_bars(instrument: Instrument, count: int, interval: Interval = Interval.H1) -> None:
    bars = []
    for number in range(count):
        low = Decimal(100 + number * 7919 % 101) + Decimal("0.1")
        at = START + number * interval.duration
        prices = (low + 1, low + 2, low, low + Decimal("0.7"))
        bars.append(Bar(instrument.key, interval, at, at + interval.duration, *prices, Decimal(number)))
    markets.store_bars(bars, Source.SIMULATOR, {instrument.key: instrument.pk})


@pytest.fixture
def instruments() -> list[Instrument]:
    found = [make_instrument(f"{100_000 + number}") for number in range(4)]
    close_bars(found[0], 30)
    close_bars(found[1], 7)
    close_bars(found[1], 40, Interval.M5)
    close_bars(found[3], 30)
    Instrument.objects.filter(pk=found[3].pk).update(source=Source.REPLAY)  # its simulated bars are another series
    found[3].refresh_from_db()
    return found


def test_many_series_are_read_as_each_one_alone(instruments: list[Instrument]) -> None:
    until = START + timedelta(hours=20)
    asked = [(instruments[1], Interval.M5, 12), (instruments[0], Interval.H1, 15), (instruments[1], Interval.H1, 15)]
    asked += [(instruments[2], Interval.H1, 5), (instruments[3], Interval.H1, 5)]
    counts = {Series.of(instrument, interval): count for instrument, interval, count in asked}
    found = read_many_bars(counts, {source.value: until for source in Source})
    assert found.keys() == counts.keys()
    for instrument, interval, count in asked:
        alone = markets.read_bars(instrument, interval, count, until)
        together = found[Series.of(instrument, interval)]
        for name in COLUMNS:
            assert np.array_equal(getattr(alone, name), getattr(together, name))
            assert getattr(alone, name).dtype == getattr(together, name).dtype
    assert [len(found[each]) for each in counts] == [12, 15, 7, 0, 0]


def test_each_source_has_its_own_present(instruments: list[Instrument]) -> None:
    close_bars(instruments[2], 3)
    series = [Series.of(each, Interval.H1) for each in instruments]
    until = {Source.SIMULATOR.value: START + timedelta(hours=5, minutes=59), Source.REPLAY.value: START}
    newest = newest_closes(series, until)
    assert newest == {
        series[0]: START + timedelta(hours=5),
        series[1]: START + timedelta(hours=5),
        series[2]: START + timedelta(hours=3),
    }
    assert newest[series[0]] == markets.newest_close(instruments[0], Interval.H1, until["simulator"])


def test_nothing_asked_is_nothing_read() -> None:
    assert read_many_bars({}, {}) == {}
    assert newest_closes([], {}) == {}
