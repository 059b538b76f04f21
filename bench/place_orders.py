"""`make bench-orders`: orders placed per second, beside the bare SQL statements that one placing needs.

Both sides run in one go, interleaved, with eight clients in two processes, on the PostgreSQL that TEST_POSTGRES_URL names.
The statements are not written here: they are what `place_order` is seen to execute, sent again by psycopg alone, prepared,
with fresh ids. So the ratio is what checking, sizing and mapping rows cost on top of the database's own work.
"""

import json
import os
import random
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

PROCESSES, THREADS, ROUNDS, SECONDS = 2, 4, 5, 3.0
ACCOUNTS, INSTRUMENTS = 400, 50
PRICE = Decimal(70_000)
Place = Callable[[], None]


def prepare_database() -> str:
    """A fresh database with people, money and prices; its name."""
    from datetime import timedelta

    from django.db import connection
    from django.utils import timezone

    from markets.models import LatestQuote
    from tests import factories as make

    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    for number in range(INSTRUMENTS):
        make.put_price(make.make_instrument(f"{100_000 + number}"), PRICE)
    for _number in range(ACCOUNTS):
        make.make_account(make.make_user(), 10**12)
    LatestQuote.objects.update(received_at=timezone.now() + timedelta(hours=1))  # fresh until the end
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return name


class Market:
    """Accounts and instruments to choose from, read once."""

    def __init__(self) -> None:
        from brokers.models import BrokerAccount
        from markets.models import Instrument

        self.accounts = list(BrokerAccount.objects.select_related("user"))
        self.instruments = list(Instrument.objects.all())

    def place(self) -> None:
        """One limit buy by anybody, of anything."""
        from brokers.protocol import OrderType
        from markets.types import Side
        from trading import services

        account = random.choice(self.accounts)  # noqa: S311
        services.place_order(
            user=account.user,
            broker_account=account,
            instrument=random.choice(self.instruments),  # noqa: S311
            side=Side.BUY,
            quantity=Decimal(1),
            order_type=OrderType.LIMIT,
            limit_price=PRICE,
            client_key=uuid4().hex,
        )


class Statements:
    """What one placing sends to the database, to be sent again with fresh ids by psycopg alone."""

    def __init__(self, market: Market) -> None:
        from django.db import connection

        from trading.models import Journal, Order

        self._seen: list[tuple[str, tuple[Any, ...]]] = []
        market.place()  # caches are warm
        with connection.execute_wrapper(self._keep):
            market.place()
        order = Order.objects.latest("created_at")
        journal = Journal.objects.latest("pk")
        self._market = market
        self._was = {
            "order": order.pk,
            "order_hex": order.pk.hex,
            "key": order.client_key,
            "account": order.broker_account_id,
            "user": order.user_id,
            "journal": journal.pk,
        }

    def _keep(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        self._seen.append((sql, tuple(params or ())))
        return execute(sql, params, many, context)

    def __len__(self) -> int:
        return len(self._seen)

    def sender(self) -> Place:
        """A function that sends them once, in one transaction, on a connection of its own."""
        import psycopg
        from django.db import connection

        settings = connection.get_connection_params()
        wire = psycopg.connect(
            **{name: settings[name] for name in ("host", "port", "user", "password", "dbname")}, autocommit=True
        )

        def send() -> None:
            account = random.choice(self._market.accounts)  # noqa: S311
            fresh: dict[str, Any] = {
                "order": (order := uuid4()),
                "order_hex": order.hex,
                "key": uuid4().hex,
                "account": account.pk,
                "user": account.user_id,
                "journal": None,
            }
            with wire.transaction():
                for sql, params in self._seen:
                    told = wire.execute(sql, [self._again(value, fresh) for value in params], prepare=True)
                    if 'INSERT INTO "trading_journal"' in sql:
                        row = told.fetchone()
                        fresh["journal"] = row and row[0]

        return send

    def _again(self, value: Any, fresh: dict[str, Any]) -> Any:
        was = self._was
        if isinstance(value, UUID):
            return next((fresh[name] for name in ("order", "account", "user") if was[name] == value), value)
        if isinstance(value, str):
            for name in ("order_hex", "key"):
                value = value.replace(str(was[name]), str(fresh[name]))
            return value.replace(str(was["order"]), str(fresh["order"]))
        if isinstance(value, int) and not isinstance(value, bool) and value == was["journal"]:
            return fresh["journal"]
        return value


def rate(make_place: Callable[[], Place]) -> int:
    """How many placings this process' threads finish in the time."""
    counts = [0] * THREADS
    ready, failed = threading.Barrier(THREADS), []

    def client(number: int) -> None:
        from django.db import connection

        try:
            place = make_place()
            ready.wait()
            until = time.perf_counter() + SECONDS
            while time.perf_counter() < until:
                place()
                counts[number] += 1
        except Exception as e:
            failed.append(e)
            ready.abort()
        finally:
            connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed:
        raise failed[0]
    return sum(counts)


def child() -> None:
    """Answer each line on standard input, `orders` or `limit`, with a count."""
    import django

    django.setup()
    from django.db import connection

    connection.settings_dict["NAME"] = sys.argv[1]
    market = Market()
    statements = Statements(market)
    print(len(statements), flush=True)
    ways: dict[str, Callable[[], Place]] = {"orders": lambda: market.place, "limit": statements.sender}
    for line in sys.stdin:
        print(rate(ways[line.strip()]), flush=True)


def measure(children: list["subprocess.Popen[str]"], way: str) -> float:
    """Placings per second of all children at once."""
    for each in children:
        print(way, file=each.stdin, flush=True)
    return sum(int(each.stdout.readline()) for each in children if each.stdout) / SECONDS


def main() -> None:
    """Run both sides in turn and print the medians on one line."""
    url = os.environ.get("TEST_POSTGRES_URL")
    if not url:
        sys.exit("bench-orders needs TEST_POSTGRES_URL: a PostgreSQL server on which databases may be made")
    os.environ |= {"TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    import django

    django.setup()
    from django.db import connection

    name = prepare_database()
    command = [sys.executable, "-m", "bench.place_orders", name]
    pipe = subprocess.PIPE
    children = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(PROCESSES)]  # noqa: S603
    try:
        counts = [each.stdout.readline().strip() for each in children if each.stdout]
        figures: dict[str, list[float]] = {"orders": [], "limit": []}
        for way in ["orders", "limit"] * ROUNDS:
            figures[way].append(measure(children, way))
    finally:
        for each in children:
            each.stdin.close() if each.stdin else None
            each.wait(30)
        connection.creation.destroy_test_db("", verbosity=0)
    orders, limit = (statistics.median(figures[way]) for way in ("orders", "limit"))
    print(json.dumps(figures | {"statements": counts[0], "clients": PROCESSES * THREADS}))
    print(f"bench-orders: orders_per_s={orders:.0f} limit_per_s={limit:.0f} ratio={orders / limit:.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        child()
    else:
        main()
