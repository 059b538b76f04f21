"""The market's pages: what a person reads before any script runs."""

import hashlib
import json
import re
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone, translation

from accounts.models import Role, User
from config.environment import BASE_DIR
from markets.models import StoredBar
from markets.search import initials
from markets.services.quotes import STALE_AFTER
from markets.templatetags.figures import compact, direction, money, plain, price, quantity, signed_money, signed_rate
from tests.markets.scene import make_coin, make_instrument, make_person, write_clock, write_quote

VENDOR = BASE_DIR / "static" / "vendor"


@pytest.fixture
def person(db: None) -> User:
    return make_person()


@pytest.fixture
def browser(person: User, client: Client) -> Client:
    client.force_login(person)
    return client


def text_of(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())


def test_strangers_are_sent_to_the_sign_in_page(client: Client, db: None) -> None:
    make_instrument()
    for url in ("/markets/", "/markets/KRX/005930/", "/markets/KRX/005930/bars.json?interval=1h"):
        answer = client.get(url)
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, reverse("accounts:sign_in")), url


def test_the_list_shows_each_price_with_its_change_and_that_it_is_simulated(browser: Client) -> None:
    write_quote(make_instrument(), "71200")
    page = browser.get("/markets/").content.decode()
    words = text_of(page)
    assert "71,200" in words
    assert "+1.71%" in words
    assert "모의 시세" in words
    assert 'data-quote="KRX:005930"' in page


def test_an_instrument_without_a_price_is_listed_with_a_dash(browser: Client) -> None:
    make_instrument()
    answer = browser.get("/markets/")
    assert answer.status_code == 200
    assert "–" in text_of(answer.content.decode())


def test_a_price_whose_feed_fell_silent_is_shown_as_stale(browser: Client) -> None:
    write_quote(make_instrument(), "71200", received_at=timezone.now() - 2 * STALE_AFTER)
    write_quote(make_instrument(symbol="000660", name_ko="SK하이닉스"), "500000")
    page = browser.get("/markets/").content.decode()
    rows = dict(re.findall(r'<tr data-quote="([^"]+)"[^>]*?(is-stale)?"?>', page))
    assert rows == {"KRX:005930": "is-stale", "KRX:000660": ""}


@pytest.mark.parametrize("query", ["삼성", "005930", "samsung", "ㅅㅅㅈㅈ", "ㅅㅅ", "삼성 전자"])
def test_an_instrument_is_found_by_name_code_or_initial_consonants(browser: Client, query: str) -> None:
    make_instrument(name_en="Samsung Electronics")
    make_instrument(symbol="035420", name_ko="NAVER")
    page = text_of(browser.get("/markets/", {"q": query}).content.decode())
    assert "삼성전자" in page
    assert "NAVER" not in page


def test_a_search_that_finds_nothing_says_so_and_leads_back(browser: Client) -> None:
    make_instrument()
    page = browser.get("/markets/", {"q": "없는종목"}).content.decode()
    assert "찾는 종목이 없습니다" in page
    assert "삼성전자" not in page


def test_typing_into_the_search_fetches_only_the_list(browser: Client) -> None:
    make_instrument()
    part = browser.get("/markets/", headers={"HX-Request": "true"}).content.decode()
    assert part.lstrip().startswith("<div")
    assert "<html" not in part


def test_the_instrument_page_shows_price_book_limits_and_time(browser: Client) -> None:
    book = {"bids": [["71100", "120"]], "asks": [["71200", "80"], ["71300", "40"]]}
    write_quote(make_instrument(price_limit_rate=Decimal("0.3")), "71200", book=book)
    page = browser.get("/markets/KRX/005930/").content.decode()
    words = text_of(page)
    for expected in ("삼성전자", "71,200", "상한가 91,000", "하한가 49,000", "호가 단위 100", "12:00:00"):
        assert expected in words, expected
    asks = re.findall(r'data-pick-price="(\d+)"', page)
    assert asks == ["71300", "71200", "71100"], "highest ask on top, best bid below the line"
    assert page.count('class="book__row"') == 20, "the book keeps its height when it is thin"


def test_a_symbol_with_a_slash_has_a_page_and_bars(browser: Client) -> None:
    write_quote(make_coin(), "150000000", base="149000000")
    assert reverse("markets:instrument", args=["UPBIT", "BTC/KRW"]) == "/markets/UPBIT/BTC/KRW/"
    assert "150,000,000" in browser.get("/markets/UPBIT/BTC/KRW/").content.decode()
    assert browser.get("/markets/UPBIT/BTC/KRW/bars.json", {"interval": "1h"}).json()["key"] == "UPBIT:BTC/KRW"


@pytest.mark.parametrize("url", ["/markets/KRX/999999/", "/markets/KRX/999999/bars.json?interval=1h"])
def test_an_unknown_instrument_is_not_found(browser: Client, url: str) -> None:
    assert browser.get(url).status_code == 404


def test_bars_come_oldest_first_and_only_of_the_present_source(browser: Client) -> None:
    instrument = make_instrument()
    for source, opened, close in (("simulator", 7200, 2.0), ("simulator", 3600, 1.0), ("history", 3600, 9.0)):
        StoredBar.objects.create(
            instrument=instrument,
            interval="1h",
            source=source,
            opened_at=opened,
            closed_at=opened + 3600,
            open=close,
            high=close,
            low=close,
            close=close,
            volume=5.0,
        )
    bars = browser.get("/markets/KRX/005930/bars.json", {"interval": "1h"}).json()["bars"]
    assert [(bar["time"], bar["close"]) for bar in bars] == [(3600, 1.0), (7200, 2.0)]


@pytest.mark.parametrize("query", [{}, {"interval": "2h"}, {"interval": "1h'--"}])
def test_an_unknown_interval_is_refused_with_its_code(browser: Client, query: dict[str, str]) -> None:
    make_instrument()
    answer = browser.get("/markets/KRX/005930/bars.json", query)
    assert (answer.status_code, answer.json()) == (400, {"code": "bad_interval"})


def test_pages_hold_no_inline_script_or_style_and_nothing_from_elsewhere(browser: Client) -> None:
    """ASVS 3.4: the strict content security policy would refuse them anyway."""
    write_quote(make_instrument(), "71200")
    write_clock()
    for url in ("/markets/", "/markets/KRX/005930/"):
        answer = browser.get(url)
        page = answer.content.decode()
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:", page), url
        assert all(" src=" in tag for tag in re.findall(r"<script[^>]*>", page)), url
        assert not re.search(r'<(?:script|link|img|use)[^>]+(?:src|href)="(?:https?:)?//', page), url
        assert "default-src 'self'" in answer["Content-Security-Policy"]


def test_names_from_the_database_cannot_become_markup(browser: Client) -> None:
    write_quote(make_instrument(name_ko='"><svg onload=alert(1)>'), "71200")
    for url in ("/markets/", "/markets/KRX/005930/", "/markets/?q=%22%3E%3Csvg"):
        assert "<svg onload" not in browser.get(url).content.decode(), url


def test_the_page_of_a_person_is_kept_by_no_cache(browser: Client) -> None:
    assert "no-store" in browser.get("/markets/")["Cache-Control"]


def test_the_list_costs_the_same_number_of_queries_for_one_instrument_and_for_fifty(
    browser: Client, django_assert_max_num_queries: object
) -> None:
    for number in range(50):
        write_quote(make_instrument(symbol=f"{number:06}", name_ko=f"종목 {number}"), "71200")
    write_clock()
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        browser.get("/markets/")


def test_the_language_switch_turns_the_page_english(browser: Client, person: User) -> None:
    make_instrument(name_en="Samsung Electronics")
    assert "삼성전자" in browser.get("/markets/").content.decode()
    browser.post(reverse("set_language"), {"language": "en", "next": "/markets/"})
    page = browser.get("/markets/").content.decode()
    assert '<html lang="en"' in page
    assert "Samsung Electronics" in page


def test_the_chosen_theme_is_in_the_page_before_any_script_runs(browser: Client) -> None:
    assert 'data-theme="auto"' in browser.get("/markets/").content.decode()
    answer = browser.post(reverse("markets:theme"), {"theme": "dark", "next": "/markets/"})
    assert answer["Location"] == "/markets/"
    assert 'data-theme="dark"' in browser.get("/markets/").content.decode()


@pytest.mark.parametrize(
    ("sent", "status", "location"),
    [
        ({"theme": "dark", "next": "https://elsewhere.example/"}, 302, "/"),
        ({"theme": "dark", "next": "//elsewhere.example/"}, 302, "/"),
        ({"theme": 'x"><script>', "next": "/"}, 400, None),
    ],
)
def test_the_theme_form_goes_nowhere_else_and_takes_no_other_word(
    client: Client, sent: dict[str, str], status: int, location: str | None
) -> None:
    """ASVS 3.7.2: a redirect only within the site."""
    answer = client.post(reverse("markets:theme"), sent)
    assert (answer.status_code, answer.get("Location")) == (status, location)


def test_the_header_shows_the_market_s_time_and_speed(browser: Client) -> None:
    write_clock(speed=60)
    page = browser.get("/markets/").content.decode()
    assert 'data-speed="60"' in page
    assert "12:00:00" in page, "the market's time in the reader's zone"
    assert 'name="speed" value="3600"' in page


def test_a_viewer_sees_the_speed_and_cannot_change_it(client: Client, db: None) -> None:
    write_clock(speed=60)
    client.force_login(make_person(role=Role.VIEWER))
    page = client.get("/markets/").content.decode()
    assert "×60" in page
    assert 'name="speed"' not in page


def test_every_vendored_file_is_the_one_the_manifest_names() -> None:
    for library in json.loads((VENDOR / "manifest.json").read_text()):
        assert library["version"]
        assert library["licence"]
        for name, digest in library["files"].items():
            assert hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() == digest, name
    kept = {path.relative_to(VENDOR).as_posix() for path in VENDOR.rglob("*.*js")}
    named = {name for library in json.loads((VENDOR / "manifest.json").read_text()) for name in library["files"]}
    assert kept <= named


def test_scripts_carry_no_words_of_any_language() -> None:
    """Templates hand words over in data- attributes; only units of large numbers and brand names stand in a script."""
    allowed = {"조", "억", "만"}
    for script in (BASE_DIR / "static" / "js").glob("*.js"):
        code = re.sub(r"//.*", "", script.read_text())
        assert set(re.findall(r"[가-힣]+", code)) <= allowed, script.name


def test_figures_carry_their_sign_unit_and_grouping() -> None:
    with translation.override("ko"):
        assert money(10_000_000) == "10,000,000원"
        assert signed_money(Decimal(-4500)) == "−4,500원"
        assert money(Decimal("0.1"), "BTC") == "0.10000000 BTC"
        assert compact(Decimal(123_456_789)) == "1.2억"
    with translation.override("en"):
        assert money(10_000_000) == "₩10,000,000"
        assert signed_money(4500) == "+₩4,500"
        assert compact(Decimal(123_456_789)) == "123.5M"
    assert (signed_rate(Decimal("0.0123")), signed_rate(Decimal("-0.00001"))) == ("+1.23%", "0.00%")
    assert (quantity(Decimal("0.01500")), quantity(Decimal(1200)), quantity(Decimal("1E+3"))) == (
        "0.015",
        "1,200",
        "1,000",
    )
    assert (price(None), plain(Decimal("1E-8")), plain(None)) == ("–", "0.00000001", "")
    assert [direction(v) for v in (1, -1, 0, None)] == ["rise", "fall", "flat", "flat"]


def test_initial_consonants_of_a_name_are_taken_syllable_by_syllable() -> None:
    assert initials("SK하이닉스 힣가") == "SKㅎㅇㄴㅅ ㅎㄱ"
