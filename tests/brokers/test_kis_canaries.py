"""I34: canary secrets go through every flow of a broker's key, healthy and failing; every sink is scanned for them."""

import base64
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import Role, Throttle, User
from brokers.kis.services import keys
from brokers.models import BrokerAccount, Credential
from markets.models import Instrument
from tests import factories as make
from tests.brokers.canaries import leaks
from tests.brokers.canary_sinks import Browser, Sinks, database, listen_to_everything, said, tokens
from tests.brokers.kis_venue import open_at_venue, pointed_at
from tests.servers.kis.client import KisSandbox
from trading import dispatch, reconcile, services
from trading.models import Order
from trading.services.running import account_keys

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "pass phrase for tests"
KEY, SECRET = "PScanaryKeyq8Wz3Rt6Yu1Io0Pa5Sd7Fg4H9", "cAnArYsEcReT+7/" + "kV2mX9bN4" * 18 + "=="
KEY_TWO, SECRET_TWO = "PScanaryTwo2Lk8Jh6Gf4Ds1Aq9We3Rt5Yu7", "cAnArYtWo+/" + "zQ8wE3rT6" * 18 + "=="
NUMBER, NUMBER_TEXT = "7391826401", "73918264-01"
ACCOUNT = "73918264"  # of the ten digits, what a mask must never leave whole
TYPED = {
    "name": "한투 모의",
    "environment": "paper",
    "account_number": NUMBER_TEXT,
    "app_key": KEY,
    "app_secret": SECRET,
    "hts_id": "canaryhts7391",
    "password": PASSWORD,
}
PAGES = ("account", "account_key", "account_key_check", "account_key_remove", "reconciliation", "limits")


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    kis_process.tell("reset", always=True)
    with pointed_at(kis_process, settings) as sandbox:
        open_at_venue(sandbox, "paper", NUMBER_TEXT, KEY, SECRET)
        yield sandbox


@pytest.fixture
def user() -> User:
    return make.make_user(role=Role.ADMIN)


@pytest.fixture
def sinks(caplog: pytest.LogCaptureFixture) -> Sinks:
    """What was said to the outside so far."""
    listen_to_everything(caplog)
    return []


def flows(browser: Browser, venue: KisSandbox, user: User, settings: Any, sinks: Sinks) -> set[str]:
    """Everything one does with a key, and everything that goes wrong; the tokens that were issued meanwhile."""
    issued: set[str] = set()
    register = reverse("trading:kis_register")
    for wrong in ({"name": ""}, {"password": "wrong"}, {"account_number": NUMBER}, {"environment": "live"}):
        browser.post(register, TYPED | wrong | ({} if "account_number" not in wrong else {"name": "\x00"}))
    Throttle.objects.all().delete()  # a wrong password makes the next try wait; the test does not
    assert browser.post(register, TYPED) == 200
    account = BrokerAccount.objects.get()
    url = {name: reverse(f"trading:{name}", args=[account.pk]) for name in PAGES}
    issued |= tokens()
    _trade(account, venue)
    for fault in ("html", "empty-body", "cut-body", "drop-after", "500-after", "egw00201", "egw00123"):
        venue.set_faults({"route": "*", "fault": fault, "times": 4})
        browser.post(url["account_key_check"])
        reconcile.reconcile_once(1, account=account)
    venue.set_faults()
    issued |= tokens()
    sinks.append(("exception", _exploded(lambda: account_keys.check_key(user, account.pk), settings)))
    settings.KIS_URLS = settings.KIS_URLS | {"KAIROS_KIS_PAPER_REST": "http://127.0.0.1:9"}
    browser.post(url["account_key_check"])
    settings.KIS_URLS = settings.KIS_URLS | {"KAIROS_KIS_PAPER_REST": venue.rest["paper"]}
    for page in ("account", "account_key", "account_key_remove", "reconciliation", "limits"):
        browser.get(url[page])
    for page in ("overview", "order_list", "account_list", "plan_list", "safety"):
        browser.get(reverse(f"trading:{page}"))
    for file in ("account_statement_csv", "account_orders_csv", "account_fills_csv"):
        browser.get(reverse(f"trading:{file}", args=[account.pk]))
    browser.get(reverse("trading:order", args=[Order.objects.order_by("created_at").first().pk]))  # type: ignore[union-attr]
    _walk_admin(browser)
    open_at_venue(venue, "paper", NUMBER_TEXT, KEY_TWO, SECRET_TWO)
    browser.post(url["account_key"], TYPED | {"app_key": KEY_TWO, "app_secret": SECRET_TWO})
    issued |= tokens()
    row = Credential.objects.select_related("account").get()
    sinks += [("repr", repr(each).encode()) for each in (row, keys.opened(row), keys.client(row), keys.market(row))]
    sinks.append(("database before removal", database()))
    browser.post(url["account_key_remove"], {"password": PASSWORD})
    return issued


def test_no_secret_shows_in_any_sink(
    client: Client,
    venue: KisSandbox,
    user: User,
    settings: Any,
    sinks: Sinks,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.ADMINS = [("boss", "boss@example.com")]
    client.force_login(user)
    client.raise_request_exception = False
    issued = flows(Browser(client, sinks), venue, user, settings, sinks)
    call_command("verify_audit")
    call_command("rotate_keys")
    sinks += said(caplog, capfd)
    assert len({name.split(" ")[0] for name, _content in sinks}) >= 10
    assert len(issued) >= 2
    assert len(caplog.records) >= 10
    canaries = {KEY, SECRET, KEY_TWO, SECRET_TWO, ACCOUNT, NUMBER, NUMBER_TEXT, PASSWORD} | issued
    assert leaks(canaries, sinks) == []


@pytest.mark.parametrize(
    "shape", [str, lambda text: text[::-1], lambda text: text.encode().hex()], ids=["plain", "reversed", "hex"]
)
def test_the_scan_finds_what_it_looks_for(shape: Callable[[str], str]) -> None:
    assert leaks([SECRET], [("log", f"x{shape(SECRET)}y".encode())]) == [("log", SECRET)]


@pytest.mark.parametrize("before", ["", "a", "ab", "abc"])
def test_the_scan_finds_base64_at_any_place(before: str) -> None:
    hidden = base64.b64encode(f"{before}{KEY}tail".encode())
    assert leaks([KEY], [("dump", hidden)]) == [("dump", KEY)]


def _trade(account: BrokerAccount, venue: KisSandbox) -> None:
    """Orders that fill, that the venue refuses, and whose answers are lost."""
    instrument: Instrument = make.make_instrument()
    make.put_price(instrument, 70_000, age=timedelta(seconds=-60))
    fence = services.acquire(services.DISPATCH, "canary")
    assert fence is not None
    account = BrokerAccount.objects.get(pk=account.pk)
    reconcile.reconcile_once(fence, account=account)
    for fault in (None, "drop-after", "html"):
        venue.set_faults(*([{"route": "order", "fault": fault, "times": 1}] if fault else []))
        make.place(account, instrument, limit_price=Decimal(70_000), quantity=Decimal(1 + len(fault or "")))
        dispatch.dispatch_once(fence, account_ids=[account.pk])
        reconcile.reconcile_once(fence, account=account)
    venue.set_faults()
    Order.objects.filter(broker_account=account).update(state="canceled")


def _exploded(act: Callable[[], object], settings: Any) -> bytes:
    """What a debugger, or a service that collects exceptions with their locals, would get to see."""
    limits, settings.KIS_LIMITS = settings.KIS_LIMITS, {}
    try:
        act()
    except KeyError as e:
        return "".join(traceback.TracebackException.from_exception(e, capture_locals=True).format()).encode()
    finally:
        settings.KIS_LIMITS = limits
    raise AssertionError("nothing exploded")


def _walk_admin(browser: Browser) -> None:
    for model in admin.site._registry:
        name = f"{model._meta.app_label}_{model._meta.model_name}"
        browser.get(reverse(f"admin:{name}_changelist"))
        for row in model._default_manager.all()[:3]:
            browser.get(reverse(f"admin:{name}_change", args=[row.pk]))
