"""Who trades in these tests, with what: a person, a stock with a price, an account, a browser they are signed in to."""

import pytest
from django.test import Client

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from tests import factories as make


@pytest.fixture
def user(db: None) -> User:
    return make.make_user()


@pytest.fixture
def instrument(db: None) -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    return instrument


@pytest.fixture
def account(user: User, instrument: Instrument) -> BrokerAccount:
    """Opened when there is something to trade: its books know the instrument's currency."""
    return make.make_account(user)


@pytest.fixture
def page(client: Client, user: User) -> Client:
    client.force_login(user)
    return client
