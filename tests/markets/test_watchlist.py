"""P08: each person's own live list of instruments."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from markets.models import Instrument, WatchlistItem
from tests.markets.scene import make_instrument, make_person, write_quote


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User, client: Client) -> Client:
    client.force_login(person)
    return client


@pytest.fixture
def instrument(db: None) -> Instrument:
    return make_instrument()


def change(browser: Client, instrument: Instrument, watch: str, **headers: str) -> object:
    return browser.post(reverse("markets:watchlist_change", args=[instrument.pk]), {"watch": watch}, headers=headers)


def watched(person: User) -> list[str]:
    return [item.instrument.symbol for item in WatchlistItem.objects.filter(user=person).select_related("instrument")]


def test_a_star_puts_an_instrument_on_the_list_and_takes_it_off(
    browser: Client, person: User, instrument: Instrument
) -> None:
    assert change(browser, instrument, "1")["Location"] == "/markets/"  # type: ignore[index]
    assert watched(person) == ["005930"]
    change(browser, instrument, "0")
    assert watched(person) == []


def test_the_same_click_twice_changes_nothing_more(browser: Client, person: User, instrument: Instrument) -> None:
    for _ in range(2):
        change(browser, instrument, "1")
    assert watched(person) == ["005930"]
    for _ in range(2):
        change(browser, instrument, "0")
    assert watched(person) == []


def test_the_list_keeps_the_order_in_which_it_was_made(browser: Client, person: User, instrument: Instrument) -> None:
    first = make_instrument(symbol="999990", name_ko="나중")
    for each in (first, instrument):
        change(browser, each, "1")
    assert watched(person) == ["999990", "005930"]
    page = browser.get("/markets/").content.decode()
    assert page.index("watch-tile__name") < page.index("전체 종목")
    assert page.index("나중") < page.index("삼성전자")


def test_nobody_sees_or_changes_another_person_s_list(browser: Client, person: User, instrument: Instrument) -> None:
    """G09."""
    other = make_person("other@kairos.example")
    WatchlistItem.objects.create(user=other, instrument=instrument)
    assert "관심 종목</h2>" not in browser.get("/markets/").content.decode()
    change(browser, instrument, "0")
    assert watched(other) == ["005930"]


def test_an_htmx_click_in_the_list_answers_with_the_list(browser: Client, instrument: Instrument) -> None:
    write_quote(instrument, "71200")
    answer = change(browser, instrument, "1", **{"HX-Request": "true", "HX-Target": "instruments"})
    page = answer.content.decode()  # type: ignore[attr-defined]
    assert page.lstrip().startswith('<div class="stack" id="instruments"')
    assert 'aria-pressed="true"' in page


def test_an_htmx_click_on_the_instrument_page_answers_with_the_star(browser: Client, instrument: Instrument) -> None:
    page = change(browser, instrument, "1", **{"HX-Request": "true"}).content.decode()  # type: ignore[attr-defined]
    assert page.startswith("<form")
    assert 'aria-pressed="true"' in page


@pytest.mark.parametrize("watch", ["", "yes", "2"])
def test_a_click_that_says_neither_is_refused(
    browser: Client, person: User, instrument: Instrument, watch: str
) -> None:
    assert change(browser, instrument, watch).status_code == 400  # type: ignore[attr-defined]
    assert watched(person) == []


def test_looking_never_changes_the_list(browser: Client, person: User, instrument: Instrument) -> None:
    """ASVS 3.5.3."""
    answer = browser.get(reverse("markets:watchlist_change", args=[instrument.pk]), {"watch": "1"})
    assert answer.status_code == 405
    assert watched(person) == []


def test_a_form_without_its_token_is_refused(person: User, instrument: Instrument) -> None:
    """ASVS 3.5.1."""
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(person)
    assert change(strict, instrument, "1").status_code == 403  # type: ignore[attr-defined]
    assert watched(person) == []


def test_strangers_have_no_list(client: Client, instrument: Instrument) -> None:
    assert change(client, instrument, "1").status_code == 302  # type: ignore[attr-defined]
    assert not WatchlistItem.objects.exists()
