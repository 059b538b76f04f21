"""The drill after a leak: everything halts, every token ends at the venue too, and owners are told what to revoke."""

from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from accounts.models import AuditEntry
from brokers.kis.services import keys
from brokers.models import BrokerAccount, Credential, Token
from brokers.protocol import Environment
from tests import factories as make
from tests.brokers.kis_venue import APP_KEY, APP_SECRET, NUMBER, open_at_venue, pointed_at
from tests.servers.kis.client import KisSandbox
from trading import reconcile
from trading.models import Halt
from trading.services.running.account_keys import TypedKey, check_key, register_kis

pytestmark = pytest.mark.django_db
LIVE_KEY, LIVE_NUMBER = "L" * 32 + "3344", "61000009-01"


@pytest.fixture
def venue(kis_process: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    kis_process.tell("reset", always=True)
    with pointed_at(kis_process, settings) as sandbox:
        open_at_venue(sandbox)
        open_at_venue(sandbox, "live", LIVE_NUMBER, LIVE_KEY)
        yield sandbox


@pytest.fixture
def accounts(venue: KisSandbox, settings: Any) -> list[BrokerAccount]:
    """One on paper, one real: both have asked, so both have tokens; live trading is off by now."""
    settings.LIVE_TRADING = True
    found = []
    for environment, key, number in ((Environment.PAPER, APP_KEY, NUMBER), (Environment.LIVE, LIVE_KEY, LIVE_NUMBER)):
        user = make.make_user()
        row = register_kis(user, "한국투자", environment, TypedKey(key, APP_SECRET, number))
        check_key(user, row.account_id)
        found.append(BrokerAccount.objects.get(pk=row.account_id))
    settings.LIVE_TRADING = False
    return found


def run(*arguments: str) -> str:
    said = StringIO()
    call_command("revoke_all", *arguments, stdout=said)
    return said.getvalue()


def test_every_token_ends_here_and_at_the_venue_and_the_site_halts(
    accounts: list[BrokerAccount], venue: KisSandbox
) -> None:
    said = run()
    assert "revoke_all: keys=2 revoked=2 failed=0 keys_removed=0" in said
    assert not Token.objects.exclude(ciphertext=b"").exists()
    revoked = [name for name in venue.truth()["requests"] if "revoke" in name]
    assert sorted(name.partition(" ")[0].partition(":")[0].partition("/")[0] for name in revoked) == ["live", "paper"]
    site = Halt.objects.get(scope="site")
    assert (site.mode, site.reason) == ("halted", "secrets_leaked")
    assert AuditEntry.objects.filter(action="revoke_broker_tokens").count() == 2


def test_owners_and_masked_numbers_are_listed_and_no_secret(accounts: list[BrokerAccount]) -> None:
    """I34."""
    said = run()
    for account in accounts:
        assert account.user.get_username() in said
    assert "****0001-01" in said
    for secret in (APP_KEY, LIVE_KEY, APP_SECRET, NUMBER.replace("-", "")):
        assert secret not in said


def test_the_keys_stay_unless_asked_and_then_go(accounts: list[BrokerAccount]) -> None:
    run()
    assert Credential.objects.kept().count() == 2
    assert "keys_removed=2" in run("--remove-keys")
    assert not Credential.objects.kept().exists()


def test_an_account_with_an_open_order_keeps_its_key_to_cancel_it(accounts: list[BrokerAccount], settings: Any) -> None:
    paper = accounts[0]
    reconcile.reconcile_once(1, account=paper)
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    make.place(paper, instrument, quantity=Decimal(1), limit_price=Decimal(69_000))
    said = run("--remove-keys")
    assert "open_orders=1 key_removed=no" in said
    assert [row.account_id for row in Credential.objects.kept()] == [paper.pk]


def test_a_key_that_does_not_open_is_told_and_its_tokens_forgotten(accounts: list[BrokerAccount]) -> None:
    row = Credential.objects.get(account=accounts[0])
    Credential.objects.filter(pk=row.pk).update(wrapped_key=b"broken")
    assert f"token={keys.NoKey.code}" in run()
    assert not Token.objects.exclude(ciphertext=b"").exists()


def test_the_drill_may_be_run_again(accounts: list[BrokerAccount]) -> None:
    run()
    assert "revoke_all: keys=2 revoked=0 failed=0" in run()
