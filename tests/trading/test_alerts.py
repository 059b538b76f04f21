"""Alerts (I52): one thread per cause and subject, few messages, and none forgotten: acknowledged or repeated."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone
from structlog.testing import capture_logs

from accounts.models import Role
from tests import factories as make
from trading.models import Alert
from trading.services.safeguards import alerts
from trading.services.safeguards.alerts import acknowledge, raise_alert, repeat_open

pytestmark = pytest.mark.django_db


@pytest.fixture
def messages() -> object:
    with capture_logs() as logs:
        yield logs


def count(messages: object) -> int:
    assert isinstance(messages, list)
    return sum(each["event"] == "alert" for each in messages)


def test_told_again_it_is_one_thread_that_counts(messages: object) -> None:
    for n in (1, 2, 3):
        alert = raise_alert("unknown", "order:1", None, seconds=str(60 * n))
    assert Alert.objects.count() == 1
    assert (alert.times, alert.facts) == (3, {"seconds": "180"})
    assert count(messages) == 1


def test_another_subject_is_another_thread_and_no_message_of_its_own(messages: object) -> None:
    """At most one message per cause in a quarter of an hour, however many orders are concerned."""
    for number in range(5):
        raise_alert("unknown", f"order:{number}", None)
    raise_alert("stale_feed", "account:1", None)
    assert Alert.objects.count() == 6
    assert count(messages) == 2


def test_what_nobody_acknowledges_is_said_again_each_quarter_of_an_hour(messages: object) -> None:
    raise_alert("unknown", "order:1", None)
    raise_alert("unknown", "order:2", None)
    now = timezone.now()
    assert repeat_open(now + timedelta(minutes=14)) == 0
    assert repeat_open(now + timedelta(minutes=16)) == 1
    assert repeat_open(now + timedelta(minutes=17)) == 0
    assert repeat_open(now + timedelta(minutes=32)) == 1
    assert count(messages) == 3
    assert isinstance(messages, list)
    assert messages[-1]["threads"] == 2


def test_what_is_acknowledged_is_quiet_until_it_happens_again() -> None:
    user = make.make_user()
    first = raise_alert("unknown", "order:1", user.pk)
    closed = acknowledge(user, first.pk)
    assert (closed.closed_by, closed.closed_at is not None) == (user, True)
    assert repeat_open(timezone.now() + timedelta(hours=1)) == 0
    assert raise_alert("unknown", "order:1", user.pk).pk != first.pk


def test_acknowledging_twice_keeps_the_first(messages: object) -> None:
    user, admin = make.make_user(), make.make_user(role=Role.ADMIN)
    alert = raise_alert("clock", "site", None)
    at = acknowledge(admin, alert.pk).closed_at
    again = acknowledge(make.make_user(role=Role.ADMIN), alert.pk)
    assert (again.closed_at, again.closed_by) == (at, admin)
    with pytest.raises(Alert.DoesNotExist):
        acknowledge(user, alert.pk)


def test_nobody_acknowledges_for_another_person() -> None:
    owner = make.make_user()
    alert = raise_alert("unknown", "order:1", owner.pk)
    for other in (make.make_user(), make.make_user(role=Role.ADMIN)):
        with pytest.raises(Alert.DoesNotExist):
            acknowledge(other, alert.pk)
    assert Alert.objects.get().closed_at is None


@pytest.mark.django_db(transaction=True)
def test_many_processes_at_once_open_one_thread_and_count_every_time() -> None:
    together, failed = threading.Barrier(8), []

    def tell() -> None:
        try:
            together.wait(30)
            alerts.raise_alert("unknown", "order:1", None)
        except Exception as e:
            failed.append(e)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failed == []
    assert list(Alert.objects.values_list("times", flat=True)) == [8]
