"""What the form says of stored bars: how many there are, of the source that a backtest reads, and where it begins."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from backtests import services
from backtests.forms import blank
from markets.types import Interval, Source
from tests import factories as make
from tests.backtests_app import scene
from tests.backtests_app.test_pages import text

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return make.make_user()


def test_what_is_stored_is_counted_of_the_source_that_is_read(user: User) -> None:
    stock = scene.stock_with_days(40)
    scene.keep_days(stock, 25, Source(stock.source))  # the history stands before what supplies prices now
    (kept,) = services.stored_of(stock)
    assert (kept.interval, kept.bars) == (Interval.D1, 40)
    assert kept.first_at.date() == scene.day(0)
    assert services.stored_of(make.make_instrument(symbol="000001")) == []


def test_the_form_begins_at_the_longest_interval_with_enough_bars(user: User) -> None:
    """A form that is sent as it stands can be computed."""
    stock = scene.stock_with_days(100)
    needed = services.bars_needed(services.pick(user, "sma_crossover"))
    asked = {"strategy": "sma_crossover", "instrument": stock.key}
    scene.keep_bars(stock, Interval.M5, needed)
    scene.keep_bars(stock, Interval.H1, needed)
    scene.keep_bars(stock, Interval.H4, needed - 1)
    assert blank(user, asked)["interval"].value() == Interval.H1
    assert blank(user, asked | {"interval": "1d"})["interval"].value() == Interval.D1


def test_the_bars_of_another_instrument_come_without_the_page(client: Client, user: User) -> None:
    stock = scene.stock_with_days(300)
    client.force_login(user)
    told = text(client.get(reverse("backtests:stored"), {"instrument": stock.key, "strategy": "sma_crossover"}))
    assert "1일 300" in told
    assert "<html" not in told
    assert client.get(reverse("backtests:stored"), {"instrument": "X:Y"}).status_code == 200
