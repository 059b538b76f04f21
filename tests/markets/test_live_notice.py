"""A price that stands still says why: too much is wished, or the line is lost."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from markets.models import PriceFeed
from markets.types import Source
from tests.markets.scene import make_instrument, make_person, write_quote

TURN, LOST = "차례", "실시간 시세에 다시 연결"


@pytest.fixture
def browser(db: None) -> Client:
    client = Client()
    client.force_login(make_person())
    return client


def write_state(age: timedelta = timedelta(0), **state: object) -> None:
    PriceFeed.objects.create(
        source=Source.KIS, market_time=timezone.now(), heartbeat_at=timezone.now() - age, state=state
    )


def page(browser: Client, path: str) -> str:
    return browser.get(path, HTTP_ACCEPT_LANGUAGE="ko").content.decode()


def test_a_list_says_how_many_wait_for_their_turn(browser: Client) -> None:
    write_state(waiting=["KRX:005930", "KRX:000660"], places=40, problems=[])
    shown = page(browser, "/markets/")
    assert "40건" in shown
    assert "2종목" in shown


@pytest.mark.parametrize(("waiting", "is_told"), [(["KRX:005930"], True), (["KRX:000660"], False)])
def test_an_instrument_says_that_it_waits_itself(browser: Client, waiting: list[str], is_told: bool) -> None:
    write_quote(make_instrument(source=Source.KIS), "71200")
    write_state(waiting=waiting, places=40, problems=[])
    assert (TURN in page(browser, "/markets/KRX/005930/")) is is_told


def test_a_lost_line_is_said_before_everything_else(browser: Client) -> None:
    write_state(waiting=["KRX:005930"], places=40, problems=["OPSP8996"])
    shown = page(browser, "/markets/")
    assert LOST in shown
    assert TURN not in shown


def test_a_simulated_instrument_says_nothing_of_kis(browser: Client) -> None:
    write_quote(make_instrument(), "71200")
    write_state(waiting=["KRX:005930"], places=40, problems=["OPSP8996"])
    assert LOST not in page(browser, "/markets/KRX/005930/")


def test_what_a_feed_said_long_ago_is_not_repeated(browser: Client) -> None:
    write_state(age=timedelta(minutes=5), waiting=["KRX:005930"], places=40, problems=[])
    assert TURN not in page(browser, "/markets/")


def test_the_price_names_its_source(browser: Client) -> None:
    write_quote(make_instrument(source=Source.KIS), "71200")
    assert "한국투자증권 시세" in page(browser, "/markets/KRX/005930/")
