"""What a chart shows beside its candles (G01): indicators, the person's own orders and plans, and the last bars in words."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument, StoredBar
from tests import factories as make
from tests.trading import scene
from tests.trading.waves import wave
from trading.services.planning import rehearsal
from trading.services.planning.rule_charts import CHART_INDICATORS

pytestmark = pytest.mark.django_db
AT = int(make.NOW.timestamp())


@pytest.fixture(autouse=True)
def nothing_kept(settings: Any) -> None:
    settings.WHITENOISE_AUTOREFRESH = True
    rehearsal.forget()


@pytest.fixture
def instrument() -> Instrument:
    return scene.make_stock()


def url(name: str, instrument: Instrument) -> str:
    return reverse(f"trading:{name}", args=[instrument.venue, instrument.symbol])


def lines(page: Client, instrument: Instrument, *show: str, interval: str = "1h") -> Any:
    return page.get(url("chart_indicators", instrument), {"interval": interval, "show": list(show)})


def test_an_indicator_is_drawn_on_the_stored_bars_with_its_history_before_them(
    page: Client, instrument: Instrument
) -> None:
    wave(instrument)
    found = lines(page, instrument, "ma", "rsi").json()
    stored = StoredBar.objects.order_by("opened_at").values_list("opened_at", flat=True)
    assert found["times"] == list(stored)[-500:]
    assert [(line["name"], line["over"]) for line in found["lines"]] == [
        ("SMA(5)", True),
        ("SMA(20)", True),
        ("SMA(60)", True),
        ("RSI(14)", False),
    ]
    assert all(len(line["values"]) == 500 and None not in line["values"] for line in found["lines"])


@pytest.mark.parametrize("key", sorted(CHART_INDICATORS))
def test_every_indicator_offered_can_be_drawn(page: Client, instrument: Instrument, key: str) -> None:
    wave(instrument, 200)
    assert lines(page, instrument, key).json()["lines"]


@pytest.mark.parametrize(
    "query", [{}, {"show": "ma"}, {"interval": "1h", "show": "magic"}, {"interval": "7h", "show": "ma"}]
)
def test_what_cannot_be_drawn_is_refused(page: Client, instrument: Instrument, query: dict[str, str]) -> None:
    response = page.get(url("chart_indicators", instrument), query)
    assert (response.status_code, response.json()) == (400, {"code": "bad_chart"})


def test_without_bars_there_is_nothing_to_draw(page: Client, instrument: Instrument) -> None:
    found = lines(page, instrument, "ma").json()
    assert found["times"] == []
    assert all(line["values"] == [] for line in found["lines"])


def test_a_chart_shows_the_person_s_own_fills_decisions_and_waiting_orders(
    page: Client, user: User, account: BrokerAccount, instrument: Instrument
) -> None:
    make.hold(account, instrument, 10, 71_000)
    waiting = make.accept(make.place(account, instrument, quantity=Decimal(3), limit_price=Decimal(70_000)))
    scene.make_look(scene.make_plan(user, account, instrument), outcome="buy_first", reason="first_entry")
    found = page.get(url("chart_marks", instrument)).json()
    assert sorted(mark["kind"] for mark in found["marks"]) == ["buy", "decision"]
    assert found["waiting"] == [{"price": 70_000, "side": "buy", "text": "매수 3"}]
    type(waiting).objects.filter(pk=waiting.pk).update(state="canceled")
    assert page.get(url("chart_marks", instrument)).json()["waiting"] == []


def test_nobody_sees_another_s_orders_on_the_chart(
    client: Client, account: BrokerAccount, instrument: Instrument
) -> None:
    make.hold(account, instrument, 10, 71_000)
    client.force_login(make.make_user())
    assert client.get(url("chart_marks", instrument)).json() == {"marks": [], "waiting": []}


def test_the_instrument_s_page_tells_the_last_bars_in_a_table(page: Client, instrument: Instrument) -> None:
    wave(instrument, 30)
    shown = page.get(reverse("markets:instrument", args=[instrument.venue, instrument.symbol])).content.decode()
    body = re.search(r'<tbody data-part="bars">(.*?)</tbody>', shown, re.DOTALL)
    assert body
    last = StoredBar.objects.order_by("-opened_at")[0]
    assert body[1].count("<tr>") == 10
    assert f"{last.close:,.0f}" in body[1].split("</tr>")[0]
    assert f'data-indicators="{url("chart_indicators", instrument)}"' in shown
