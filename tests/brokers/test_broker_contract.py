"""The contract of `Broker`, asked of every adapter there is."""

from datetime import UTC, datetime, timedelta

import pytest

from brokers.protocol import Broker
from brokers.virtual.adapter import VirtualBroker
from tests.contracts import broker as contract
from tests.servers.asking import CASH, account_row, asked
from tests.servers.control import HostileBroker
from tests.servers.plain import open_account


@pytest.fixture(params=["virtual", "plain", "plainid"])
def broker(request: pytest.FixtureRequest, hostile: HostileBroker) -> Broker:
    if request.param == "virtual":
        return VirtualBroker()
    account = account_row(request.param)
    hostile.open_account(account.pk, CASH)
    return open_account(account)


@pytest.fixture
def since() -> datetime:
    """A moment the venue's clock has passed when the test begins: nothing of this account is older."""
    return datetime.now(UTC) - timedelta(seconds=1)


def test_its_abilities_can_settle_a_doubt(broker: Broker) -> None:
    contract.assert_abilities_are_sound(broker)


def test_an_order_it_takes_has_a_key_and_is_shown_as_it_was_asked(broker: Broker, since: datetime) -> None:
    order = asked()
    key = contract.assert_accepts_with_a_key(broker, order)
    contract.assert_shows_the_order(broker, order, key, since)


def test_two_orders_never_share_a_key(broker: Broker) -> None:
    keys = [contract.assert_accepts_with_a_key(broker, asked()) for _ in range(3)]
    assert len(set(keys)) == 3


def test_a_resting_order_is_withdrawn_once(broker: Broker, since: datetime) -> None:
    order = asked()
    key = contract.assert_accepts_with_a_key(broker, order)
    contract.assert_withdraws(broker, order, key, since)


def test_an_order_never_sent_is_not_there(broker: Broker, since: datetime) -> None:
    contract.assert_does_not_know(broker, asked(), since)


def test_cash_and_units_are_exact_numbers(broker: Broker) -> None:
    contract.assert_counts_holdings_exactly(broker)
