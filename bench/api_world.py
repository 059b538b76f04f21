"""The database of `make bench-api`: people with orders, and the same rows once more as the peer's own tables have them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import uuid4

PEOPLE, INSTRUMENTS, ORDERS_EACH = 50, 50, 200
PRICE = Decimal(70_000)
# Tables and indexes of ../shared/bench/api_models.py.
PEER_TABLES = """
CREATE TABLE account (id serial PRIMARY KEY, key uuid UNIQUE, balance numeric(20,8), reserved numeric(20,8));
CREATE TABLE instrument (id serial PRIMARY KEY, key bigint UNIQUE, symbol varchar(32) UNIQUE);
CREATE TABLE orders (id bigserial PRIMARY KEY, account_id bigint REFERENCES account, instrument_id bigint REFERENCES instrument,
    side varchar(4), kind varchar(8), price numeric(20,8), quantity numeric(20,8), filled numeric(20,8), status varchar(10),
    client_id uuid UNIQUE, created_at timestamptz);
CREATE TABLE ledger (id bigserial PRIMARY KEY, account_id bigint REFERENCES account, order_id bigint REFERENCES orders,
    amount numeric(20,8), created_at timestamptz);
INSERT INTO account (key, balance, reserved) SELECT id, 1000000000, 0 FROM brokers_brokeraccount ORDER BY id;
INSERT INTO instrument (key, symbol) SELECT id, symbol FROM markets_instrument ORDER BY id;
INSERT INTO orders (account_id, instrument_id, side, kind, price, quantity, filled, status, client_id, created_at)
    SELECT a.id, i.id, o.side, o.order_type, o.limit_price, o.quantity, o.filled_quantity, left(o.state, 10), o.id, o.created_at
    FROM trading_order o JOIN account a ON a.key = o.broker_account_id JOIN instrument i ON i.key = o.instrument_id
    ORDER BY o.created_at, o.id;
CREATE INDEX o_acc ON orders (account_id, id DESC);
CREATE INDEX o_open ON orders (instrument_id, side, price) WHERE status = 'open';
ANALYZE;
"""


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: their access token, their account here, and its number in the peer's tables."""

    token: str
    account: str
    number: int


def build() -> tuple[list[Person], list[str]]:
    """Write all rows; the people, and the instruments' keys."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from accounts.services import api_devices
    from markets.models import LatestQuote
    from tests import factories as make

    with connection.cursor() as cursor:  # a busy machine may take its time here; nobody waits for it
        cursor.execute("SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")
    instruments = [make.make_instrument(f"{100_000 + number}") for number in range(INSTRUMENTS)]
    for each in instruments:
        make.put_price(each, PRICE)
    LatestQuote.objects.update(received_at=timezone.now() + timedelta(hours=2))  # fresh until the end
    accounts = [make.make_account(make.make_user(), 10**12) for _number in range(PEOPLE)]
    _write_orders(accounts, instruments)
    with connection.cursor() as cursor:
        cursor.execute(PEER_TABLES)
        cursor.execute("SELECT key, id FROM account")
        numbers = dict(cursor.fetchall())
    people = []
    for account in accounts:
        signed = api_devices.sign_in_device(account.user, name="bench", address="127.0.0.1", second_factor=False)
        people.append(Person(signed.access, str(account.pk), numbers[account.pk]))
    return people, [each.key for each in instruments]


def _write_orders(accounts: list[Any], instruments: list[Any]) -> None:
    """One order as it is placed and canceled, and so many like it for everybody: ended ones, for open ones hold money."""
    from tests import factories as make
    from trading import services
    from trading.models import Order

    first = make.place(accounts[0], instruments[0], quantity=Decimal(1), limit_price=PRICE)
    services.cancel_order(accounts[0].user, first.pk)
    first.refresh_from_db()
    for account in accounts:
        Order.objects.bulk_create(_like(first, account, instruments))


def _like(order: Any, account: Any, instruments: list[Any]) -> Iterator[Any]:
    from copy import copy

    for number in range(ORDERS_EACH):
        other = copy(order)
        other.pk, other.client_key = uuid4(), uuid4().hex
        other.client_id = other.pk.hex
        other.broker_account, other.user = account, account.user
        other.instrument = instruments[number % len(instruments)]
        other._state.adding = True
        yield other
