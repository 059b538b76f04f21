"""Tokens and budgets of a key are one for all processes: rows in the database, not memories of each."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from brokers.errors import LiveTradingOff
from brokers.kis.budget import Purpose, Rates
from brokers.kis.services import keys
from brokers.kis.services.budget_rows import SharedBudget
from brokers.kis.services.token_rows import SharedTokens
from brokers.kis.tokens import Token, TokenKind, Tokens, TokenUnavailable
from brokers.models import CallBudget, Credential
from brokers.models import Token as TokenRow
from brokers.protocol import Environment
from brokers.services import secrets
from brokers.wire.messages import Reply, Request
from markets import services as markets
from markets.types import Source
from tests.brokers.kis_account import MovableClock, ScriptedKis, credentials, reply, token_reply
from tests.brokers.kis_rows import give_key, make_kis_account

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
FAST = Rates(per_second=20, burst=2, reserved=1)


@pytest.fixture
def row() -> Credential:
    return make_kis_account().credential


def of_another_process(work: Callable[[], Any]) -> Any:
    """What `work` answers over a connection of its own."""

    def apart() -> Any:
        try:
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        return pool.submit(apart).result(30)


def test_a_token_one_process_got_serves_every_other(row: Credential) -> None:
    """B02."""
    wire, clock = ScriptedKis(), MovableClock(NOW)
    wire.say("tokenP", token_reply())
    assert Tokens(wire, credentials(), SharedTokens(row), clock).current().value == "token-one"
    other = Tokens(ScriptedKis(), credentials(), SharedTokens(row), clock)
    assert of_another_process(lambda: other.current().value) == "token-one"


def test_ten_processes_without_a_token_ask_for_one(row: Credential) -> None:
    """One issue a minute: the others wait and read what the one got."""
    gate, asked = threading.Barrier(10), []

    class SlowIssuer:
        def read(self, request: Request) -> Reply:
            asked.append(request)
            time.sleep(0.2)  # the others come meanwhile
            return token_reply()

    def need_one(_number: int) -> str:
        try:
            gate.wait(10)
            return Tokens(SlowIssuer(), credentials(), SharedTokens(row), MovableClock(NOW)).current().value
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        assert set(pool.map(need_one, range(10))) == {"token-one"}
    assert len(asked) == 1


def test_an_issue_that_failed_keeps_every_process_from_asking_for_a_minute(row: Credential) -> None:
    wire, clock = ScriptedKis(), MovableClock(NOW)
    wire.say("tokenP", reply({"error_code": "EGW00133"}, 403), token_reply())
    for _process in range(3):
        with pytest.raises(TokenUnavailable):
            Tokens(wire, credentials(), SharedTokens(row), clock).current()
    assert wire.count("tokenP") == 1
    clock.now += timedelta(seconds=61)
    assert Tokens(wire, credentials(), SharedTokens(row), clock).current().value == "token-one"


def test_who_died_asking_for_a_token_is_not_waited_for_for_ever(row: Credential) -> None:
    store = SharedTokens(row)
    TokenRow.objects.create(
        credential=row, kind=TokenKind.ACCESS, issuer=row.pk, issuing_until=timezone.now() - timedelta(seconds=1)
    )
    with store.issuing(TokenKind.ACCESS):
        assert TokenRow.objects.get().issuer != row.pk
    assert TokenRow.objects.get().issuing_until is None


def test_a_hold_from_a_clock_that_was_wrong_does_not_last(row: Credential) -> None:
    TokenRow.objects.create(
        credential=row, kind=TokenKind.ACCESS, issuer=row.pk, issuing_until=timezone.now() + timedelta(days=1)
    )
    with SharedTokens(row).issuing(TokenKind.ACCESS):
        pass


def test_tokens_are_kept_sealed_and_by_kind(row: Credential) -> None:
    """I34, I35: neither in clear, nor in place of one another."""
    store = SharedTokens(row)
    for kind in TokenKind:
        with store.issuing(kind):
            store.keep(kind, Token(f"canary-{kind}", NOW))
    access, approval = (TokenRow.objects.get(kind=kind) for kind in TokenKind)
    assert b"canary" not in bytes(access.ciphertext) + bytes(approval.ciphertext)
    TokenRow.objects.filter(pk=access.pk).update(**{name: getattr(approval, name) for name in secrets.SEALED_FIELDS})
    assert store.read(TokenKind.ACCESS) is None


def test_only_the_token_that_was_refused_is_forgotten(row: Credential) -> None:
    store = SharedTokens(row)
    with store.issuing(TokenKind.ACCESS):
        store.keep(TokenKind.ACCESS, Token("token-two", NOW))
    store.forget(TokenKind.ACCESS, "token-one")
    assert store.read(TokenKind.ACCESS) == Token("token-two", NOW)
    store.forget(TokenKind.ACCESS, "token-two")
    assert store.read(TokenKind.ACCESS) is None


def test_a_bucket_is_one_for_all_processes(row: Credential) -> None:
    """I14: six processes asking as fast as they can, and no second sees more than the venue allows."""
    limit, taken, lock = 10, [], threading.Lock()
    rates = Rates(per_second=(limit - 1) * 0.9, burst=2)

    def ask(_process: int) -> None:
        budget = SharedBudget(row.pk, Environment.PAPER, rates)
        try:
            for _call in range(4):
                if budget.take(Purpose.READ, 20):
                    with lock:
                        taken.append(time.time())
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(ask, range(6)))
    taken.sort()
    assert len(taken) == 24
    # A slot is taken in the row and noted a moment later: the window is that much shorter.
    assert max(sum(start <= each < start + 0.9 for each in taken) for start in taken) <= limit


def test_an_order_finds_a_slot_while_questions_take_all_others(row: Credential) -> None:
    stop = threading.Event()

    def ask() -> None:
        budget = SharedBudget(row.pk, Environment.PAPER, Rates(per_second=4, burst=1))
        try:
            while not stop.is_set():
                budget.take(Purpose.READ, 1)
        finally:
            connection.close()

    orders = SharedBudget(row.pk, Environment.PAPER, Rates(per_second=4, burst=1))
    with ThreadPoolExecutor(3) as pool:
        for _process in range(3):
            pool.submit(ask)
        try:
            waits = []
            for _order in range(4):
                started = time.monotonic()
                assert orders.take(Purpose.ORDER, 1.2)
                waits.append(time.monotonic() - started)
        finally:
            stop.set()
    assert max(waits) < 1.2


def test_who_cannot_have_a_slot_in_time_is_told_at_once(row: Credential) -> None:
    budget = SharedBudget(row.pk, Environment.PAPER, Rates(per_second=0.1, burst=1))
    assert budget.take(Purpose.ORDER, 0)
    started = time.monotonic()
    assert not budget.take(Purpose.ORDER, 1)
    assert time.monotonic() - started < 0.5


def test_a_warning_of_the_venue_holds_back_every_process(row: Credential) -> None:
    SharedBudget(row.pk, Environment.PAPER, FAST).back_off(5)
    other = SharedBudget(row.pk, Environment.PAPER, FAST)
    assert not of_another_process(lambda: other.take(Purpose.ORDER, 1))


def test_a_clock_set_back_does_not_close_the_bucket_for_as_long(row: Credential) -> None:
    ahead = time.time() + 3600
    CallBudget.objects.create(credential=row, slots=1, at=ahead, closed_until=ahead, order_waits_until=ahead)
    assert SharedBudget(row.pk, Environment.PAPER, Rates(per_second=20, burst=1)).take(Purpose.READ, 1)


def test_taking_a_slot_tells_when_the_key_was_used_last(row: Credential) -> None:
    """G17."""
    SharedBudget(row.pk, Environment.PAPER, FAST).take(Purpose.READ, 1)
    used = CallBudget.objects.get(credential=row).last_call_at
    assert used is not None
    assert timezone.now() - used < timedelta(seconds=5)


@pytest.fixture
def live(settings: Any) -> Credential:
    settings.LIVE_TRADING = True
    return make_kis_account(environment=Environment.LIVE).credential


def test_a_key_opens_with_its_own_hosts(row: Credential, live: Credential, settings: Any) -> None:
    """I10: paper never goes where live goes, nor the other way round."""
    settings.KIS_URLS = {}
    hosts = [keys.endpoints(keys.opened(each).environment).rest for each in (row, live)]
    assert hosts == ["https://openapivts.koreainvestment.com:29443", "https://openapi.koreainvestment.com:9443"]
    assert keys.opened(row).app_secret == keys.opened(live).app_secret  # the tests' own, sealed twice


def test_the_time_at_kis_is_ours_and_a_sandboxs_own(settings: Any) -> None:
    """Whatever a feed was told, orders at KIS itself are of our day; a sandbox on another day is asked for that day's."""
    ahead = timedelta(days=3)
    markets.beat(Source.KIS, timezone.now() + ahead)
    settings.KIS_URLS = {}
    assert abs(keys.venue_now() - timezone.now()) < timedelta(minutes=1)
    settings.KIS_URLS = {"KAIROS_KIS_PAPER_REST": "http://127.0.0.1:9"}
    assert abs(keys.venue_now() - timezone.now() - ahead) < timedelta(minutes=1)


def test_nothing_real_opens_while_live_trading_is_off(live: Credential, settings: Any) -> None:
    assert live in keys.usable()
    settings.LIVE_TRADING = False
    assert live not in keys.usable()
    for ask in (keys.opened, keys.client, keys.market, keys.socket_key):
        with pytest.raises(LiveTradingOff):
            ask(live)


def test_a_seal_that_does_not_open_is_no_key(row: Credential) -> None:
    other = make_kis_account()
    other.credential.delete()
    moved = give_key(other)
    for name in secrets.SEALED_FIELDS:
        setattr(moved, name, getattr(row, name))
    with pytest.raises(keys.NoKey):
        keys.opened(moved)
