"""Prices of the past, read over a real wire into the series of their source: days, minutes, and the longer bars they make."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from accounts.models import User
from brokers.errors import ReadIncomplete
from brokers.kis.services import history, keys
from brokers.kis.services.holidays import disagreements
from brokers.kis.services.opening import open_account
from brokers.kis.services.warming import fill_past
from brokers.kis.transactions import NotOffered
from brokers.models import Credential
from brokers.protocol import Environment
from markets.models import Instrument, StoredBar, TradingDay
from markets.types import Interval, Source
from tests import factories as make
from tests.brokers.kis_venue import APP_KEY, APP_SECRET, NUMBER, open_at_venue, pointed_at
from tests.servers.kis.client import KisSandbox
from trading.management.kis_history import PastReader
from trading.models import SwingPlan
from trading.services.running.account_keys import TypedKey, check_key, register_kis
from trading.services.running.warming import lacking

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 7, 0, tzinfo=UTC)  # a Wednesday, 16:00 in Seoul, after the close
LAST = date(2026, 11, 18)


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    settings.LIVE_TRADING = True
    kis_process.tell("reset", at="2026-11-18T16:00:00+09:00")
    with pointed_at(kis_process, settings) as sandbox, time_machine.travel(NOW, tick=True):
        open_at_venue(sandbox)
        open_at_venue(sandbox, "live", "61000001-01", "L" * 36, "l" * 180)
        yield sandbox


@pytest.fixture
def user() -> User:
    return make.make_user()


@pytest.fixture
def instrument() -> Instrument:
    return make.make_instrument(source=Source.KIS)


@pytest.fixture
def live(venue: KisSandbox, user: User) -> Credential:
    row = register_kis(user, "실전", Environment.LIVE, TypedKey("L" * 36, "l" * 180, "61000001-01"))
    return check_key(user, row.account_id)


@pytest.fixture
def paper(venue: KisSandbox, user: User) -> Credential:
    row = register_kis(user, "모의", Environment.PAPER, TypedKey(APP_KEY, APP_SECRET, NUMBER))
    return check_key(user, row.account_id)


def stored(instrument: Instrument, interval: Interval) -> list[StoredBar]:
    return list(StoredBar.objects.series(instrument, interval, Source.KIS))


def test_days_of_years_are_read_page_by_page(paper: Credential, instrument: Instrument) -> None:
    """A page holds a hundred days."""
    first = date(2026, 1, 2)
    told = history.import_days(keys.market(paper), instrument, first, LAST)
    bars = stored(instrument, Interval.D1)
    assert told.bars == len(bars) > 200
    assert bars[-1].closed_at == int(datetime(2026, 11, 17, 6, 30, tzinfo=UTC).timestamp())  # no trade today
    assert all(bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high for bar in bars)


def test_days_told_again_take_the_place_of_those_before(
    paper: Credential, instrument: Instrument, venue: KisSandbox
) -> None:
    """A split changes the past: what is told today is adjusted for it."""
    days = [["20261116", 70000, 71000, 69000, 70500, 1000], ["20261117", 70500, 71500, 70000, 71000, 2000]]
    venue.tell("bars", code="005930", days=days)
    history.import_days(keys.market(paper), instrument, date(2026, 11, 16), LAST)
    halved = [["20261116", 35000, 35500, 34500, 35250, 2000], ["20261117", 35250, 35750, 35000, 35500, 4000]]
    venue.tell("bars", code="005930", days=halved)
    history.import_days(keys.market(paper), instrument, date(2026, 11, 16), LAST)
    assert [bar.close for bar in stored(instrument, Interval.D1)] == [35250.0, 35500.0]


def test_minutes_of_past_days_come_with_the_longer_bars_they_make(live: Credential, instrument: Instrument) -> None:
    told = dict(history.import_minutes(keys.market(live), instrument, date(2026, 11, 16), date(2026, 11, 17)))
    assert list(told) == [date(2026, 11, 16), date(2026, 11, 17)]
    minutes, hours = stored(instrument, Interval.M1), stored(instrument, Interval.H1)
    assert len(hours) == 14  # two days of seven bars, the last of them half an hour
    by_hour = [bar for bar in minutes if hours[0].opened_at <= bar.opened_at < hours[0].closed_at]
    assert (hours[0].open, hours[0].close) == (by_hour[0].open, by_hour[-1].close)
    assert hours[0].high == max(bar.high for bar in by_hour)
    assert hours[0].volume == sum(bar.volume for bar in by_hour)


def test_a_page_that_fails_leaves_nothing_half_imported(
    paper: Credential, instrument: Instrument, venue: KisSandbox
) -> None:
    venue.set_faults({"route": "daily", "fault": "500-before", "times": 30})
    with pytest.raises(ReadIncomplete):
        history.import_days(keys.market(paper), instrument, date(2026, 1, 2), LAST)
    assert not StoredBar.objects.exists()


def test_the_command_says_what_it_brought(live: Credential, instrument: Instrument) -> None:
    said = StringIO()
    call_command("import_broker_bars", instrument.key, "--first", "2026-11-02", stdout=said)
    assert said.getvalue() == f"KRX:005930 1d: bars={len(stored(instrument, Interval.D1))}\n"


def test_the_practice_server_tells_no_minutes_of_yesterday(paper: Credential, instrument: Instrument) -> None:
    with pytest.raises(CommandError, match="practice server"):
        call_command("import_broker_bars", instrument.key, "--interval", "1m", "--first", "2026-11-17")


def test_without_a_key_there_is_nobody_to_ask(instrument: Instrument) -> None:
    with pytest.raises(CommandError, match="No key"):
        call_command("import_broker_bars", instrument.key)


def test_days_ahead_are_held_against_our_calendar(live: Credential, venue: KisSandbox) -> None:
    broker = open_account(live.account)
    told, differing = disagreements(broker, LAST)
    assert (told > 0, differing) == (True, [])
    TradingDay.objects.create(calendar="krx", day=LAST + timedelta(days=1), is_open=False, name="시험")
    (found,) = disagreements(broker, LAST)[1]
    assert (found.day, found.opens_by_kis) == (LAST + timedelta(days=1), True)


# What a plan needs before it can begin


@pytest.fixture
def plan(live: Credential, instrument: Instrument) -> SwingPlan:
    Instrument.objects.filter(pk=instrument.pk).update(source=Source.KIS)
    instrument.refresh_from_db()
    return make.make_plan(live.account, instrument, interval=Interval.H1)


def test_a_plan_on_hours_has_its_past_once_the_feed_has_asked_for_it(
    live: Credential, instrument: Instrument, plan: SwingPlan
) -> None:
    """Hours from minutes, by day, the newest first, until the rule's warm-up is there."""
    (lack,) = lacking()
    assert (lack.instrument, lack.interval) == (instrument, Interval.H1)
    needed = 30
    fill_past(keys.market(live), instrument, Interval.H1, needed, LAST)
    hours = stored(instrument, Interval.H1)
    assert needed <= len(hours) < needed + 7  # whole days
    days = {datetime.fromtimestamp(bar.opened_at, UTC).date() for bar in hours}
    assert max(days) == date(2026, 11, 17)
    assert [bar.opened_at for bar in hours] == sorted(bar.opened_at for bar in hours)


def test_a_day_that_is_there_is_not_asked_for_again(
    live: Credential, instrument: Instrument, venue: KisSandbox
) -> None:
    def asked() -> int:
        return sum(venue.truth()["requests"].values())

    fill_past(keys.market(live), instrument, Interval.H1, 14, LAST)
    before = asked()
    assert fill_past(keys.market(live), instrument, Interval.H1, 14, LAST) == 0
    assert asked() == before > 0
    fill_past(keys.market(live), instrument, Interval.H1, 21, LAST)
    assert len(stored(instrument, Interval.H1)) == 21


def test_what_plans_lack_is_filled_once_and_then_left(
    live: Credential, instrument: Instrument, plan: SwingPlan
) -> None:
    reader = PastReader(keys.market(live), lambda: datetime(2026, 11, 18, 1, tzinfo=UTC))
    reader._done.add((instrument.pk, Interval.H1, lacking()[0].needed))
    assert reader.turn() == 0
    SwingPlan.objects.update(interval=Interval.D1)
    assert reader.turn() > 200
    assert lacking() == []


def test_the_practice_server_alone_cannot_tell_the_hours_of_yesterday(
    paper: Credential, instrument: Instrument
) -> None:
    with pytest.raises(NotOffered):
        fill_past(keys.market(paper), instrument, Interval.H1, 14, LAST)
