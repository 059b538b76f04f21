"""I34 beyond pages: keys by the API, the feed's line, divisions, KIS's own change, the drill after a leak, a key in a file."""

import json
import time
import traceback
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from django.core.management import call_command
from django.urls import reverse

from accounts.models import Role
from brokers.errors import OutcomeUnknown
from brokers.kis.instants import digits_of_day, korean_day
from brokers.kis.services import keys, opening
from brokers.models import BrokerAccount, Credential
from brokers.protocol import Division, Environment, OrderRequest
from brokers.services import secrets as sealed
from config import key_file
from markets.models import Instrument, WatchlistItem
from tests import factories as make
from tests.api.conftest import Api, signed_in
from tests.brokers.canaries import leaks
from tests.brokers.canary_sinks import Sinks, listen_to_everything, said, tokens
from tests.brokers.kis_venue import open_at_venue, pointed_at
from tests.servers.kis.client import KisSandbox
from trading import dispatch, reconcile, services
from trading.management.kis_feed import KisLoop
from trading.models import Order

pytestmark = pytest.mark.django_db(transaction=True)
KEY, SECRET = "PScanaryLine8Wz3Rt6Yu1Io0Pa5Sd7Fg4H9", "cAnArYlInE+7/" + "kV2mX9bN4" * 18 + "=="
NUMBER_TEXT, ACCOUNT, HTS = "84719263-01", "84719263", "canaryhts8471"
MASTER, MASTER_BEFORE = "canaryMasterKeyOfTheFile-7Qm2Xz9Lp4", "canaryMasterKeyBefore-3Rt8Vb1Nk6Wd5"
API = "/api/v1/broker-accounts/"


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    kis_process.tell("reset", always=True)
    kis_process.tell("quirks", ping_seconds=0.2)
    with pointed_at(kis_process, settings) as sandbox:
        open_at_venue(sandbox, "paper", NUMBER_TEXT, KEY, SECRET)
        yield sandbox


@pytest.fixture
def sealed_by_a_file(tmp_path: Path, settings: Any) -> None:
    """ENCRYPTION_KEY_FILE: what stands in it seals, and is as secret as what it seals."""
    file = tmp_path / "keys"
    file.write_text(f"{MASTER}\n{MASTER_BEFORE}\n")
    file.chmod(0o400)
    settings.ENCRYPTION_KEYS = key_file.read(file)


class Program:
    """The API's client whose every answer is kept."""

    def __init__(self, api: Api, sinks: Sinks) -> None:
        self._api, self._sinks = api, sinks

    def send(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._api.send(method, path, body)
        self._sinks.append((f"api {method} {path}", answer.content + str(answer.headers).encode()))
        return answer


def connect(program: Program) -> BrokerAccount:
    """By the API, with everything that can be wrong with it first; the key tried and read."""
    body = {"name": "한투", "environment": "paper", "account_number": NUMBER_TEXT, "api_key": KEY, "secret_key": SECRET}
    for wrong in (
        {"name": ""},
        {"environment": "live"},
        {"account_number": ACCOUNT},
        {"api_key": KEY + "\x00"},
        {"odd": SECRET},
    ):
        assert program.send("POST", f"{API}register/", body | wrong).status_code >= 400
    program.send("POST", f"{API}register/", json.dumps(body)[:-9])  # a body that breaks off
    assert program.send("POST", f"{API}register/", body | {"hts_id": HTS}).status_code == 201
    account = BrokerAccount.objects.get()
    assert program.send("POST", f"{API}{account.pk}/verify/").status_code < 300
    for path in (API, f"{API}{account.pk}/", f"{API}{account.pk}/key/"):
        assert program.send("GET", path).status_code == 200
    return BrokerAccount.objects.get()


def listen(venue: KisSandbox, account: BrokerAccount, instrument: Instrument, issued: set[str]) -> None:
    """`feed --kis`: a line with notices and prices, cut, its approval key refused, and up again."""
    WatchlistItem.objects.create(user=account.user, instrument=instrument)
    loop = KisLoop(Event())
    try:
        for _line in range(2):
            turn_until(loop, lambda: any(each["subscribed"] for each in venue.sessions()["paper"]["open"]))
            venue.tell("trade", code="005930", ticks=[[70_100, 5, "buy"]])
            venue.tell("say", environment="paper", text="1|H0STCNI9|001|" + "A" * 64)
            venue.tell(
                "say", environment="paper", text='{"header": {"tr_id": "H0STCNT0"}, "body": {"msg_cd": "OPSP0011"}}'
            )
            loop._turn()
            issued |= tokens()
            venue.tell("cut", environment="paper")
        turn_until(loop, lambda: any(each["subscribed"] for each in venue.sessions()["paper"]["open"]))
    finally:
        loop._let_go()


def turn_until(loop: KisLoop, what: Any) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "it did not come about"
        loop._turn()


def trade(venue: KisSandbox, account: BrokerAccount, instrument: Instrument, sinks: Sinks) -> None:
    """Orders of divisions by the order path, and KIS's own change by the adapter: answered, lost, spoilt."""
    make.put_price(instrument, 70_000, age=timedelta(seconds=-60))
    fence = services.acquire(services.DISPATCH, "canary")
    assert fence is not None
    reconcile.reconcile_once(fence, account=account)
    for fault, division in ((None, Division.CONDITIONAL), ("html", Division.BEST), ("drop-after", Division.FIRST)):
        venue.set_faults(*([{"route": "order", "fault": fault, "times": 1}] if fault else []))
        limit = Decimal(70_000) if division is Division.CONDITIONAL else None
        make.place(account, instrument, limit_price=limit, quantity=Decimal(1), division=division)
        dispatch.dispatch_once(fence, account_ids=[account.pk])
        reconcile.reconcile_once(fence, account=account)
        Order.objects.filter(broker_account=account).update(state="canceled")
    broker = opening.open_account(account)
    request = _as_sent(Order.objects.filter(broker_account=account).exclude(sent_at=None).first())
    for fault in (None, "html", "500-after"):
        venue.set_faults(*([{"route": "revise", "fault": fault, "times": 1}] if fault else []))
        try:
            broker.modify(request, f"{digits_of_day(korean_day(keys.venue_now()))}-00950-0000000001")
        except OutcomeUnknown as e:
            sinks.append(("exception", "".join(traceback.format_exception(e)).encode()))
    venue.set_faults()


def _as_sent(order: Order | None) -> OrderRequest:
    assert order is not None
    return order.as_request()


def test_no_secret_shows_beyond_the_pages(
    venue: KisSandbox,
    sealed_by_a_file: None,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    listen_to_everything(caplog)
    sinks: Sinks = []
    user = make.make_user(role=Role.ADMIN)
    program, instrument = Program(signed_in(user), sinks), make.make_instrument()
    account = connect(program)
    issued = tokens()
    listen(venue, account, instrument, issued)
    instrument.refresh_from_db()
    trade(venue, account, instrument, sinks)
    row = Credential.objects.select_related("account").get()
    socket = keys.socket_key(row)
    issued |= {socket.approval_key} | tokens()
    sinks += [("repr", repr(each).encode()) for each in (socket, keys.opened(row), sealed.key_ring())]
    call_command("rotate_keys")
    sinks += said(caplog, capfd)
    call_command("revoke_all", "--remove-keys")
    assert program.send("GET", f"{API}{account.pk}/key/").status_code == 200
    program.send("GET", "/health/ready")
    program.send("GET", reverse("operations"))
    sinks += said(caplog, capfd)
    assert len(issued) >= 2
    asked_for = {name.split(":")[1] for name in venue.truth()["requests"]}
    assert {"token", "approval", "revoke", "order", "revise", "ccld", "balance", "buyable"} <= asked_for
    assert {Environment.PAPER.value} == set(BrokerAccount.objects.values_list("environment", flat=True))
    canaries = {KEY, SECRET, ACCOUNT, NUMBER_TEXT, MASTER, MASTER_BEFORE, HTS} | issued
    assert leaks(canaries, sinks) == []
