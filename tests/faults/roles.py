"""Who lives in the chaos: placers, dispatchers, a stranger. Each is a process that may end at any instruction."""

import mmap
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from random import Random
from threading import Event
from typing import TypeVar

from django.db import Error as DatabaseAway
from django.db import connection

from brokers.models import BrokerAccount
from brokers.protocol import OrderType
from markets.models import Instrument
from markets.types import Side
from tests.faults.journal import Journal, Wish
from tests.faults.stage import PRICE
from tests.servers.control import ControlClient
from trading import services
from trading.errors import OrderNotOpen, TradingError
from trading.latches import Mode
from trading.lifecycle import WORKING, OrderState
from trading.management.commands.dispatch import Dispatcher
from trading.models import Halt, Order
from trading.services.safeguards import halts

QUANTITY = 3  # the same order again and again is what is hard to tell apart
STRANGE_QUANTITIES = (4, 5)  # where the venue keeps no id, nobody can tell a stranger's order of our shape from ours
RESTING = int(PRICE) - 2_000  # bids here wait
ASKED = int(PRICE) + 2_000  # and offers here
CANCELS = 0.15
STRANGERS = 0.25  # of our own number: one in five orders is a stranger's
PAUSE = (0.05, 0.25)
Answer = TypeVar("Answer")


class Flag:
    """A word to every process at once, in memory they share."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 1)

    def raise_it(self) -> None:
        self._memory[0] = 1

    @property
    def is_raised(self) -> bool:
        return self._memory[0] == 1


@dataclass(frozen=True, slots=True)
class Scene:
    """What all of them know."""

    folder: Path
    venue_url: str
    accounts: Sequence[tuple[str, str]]  # id, broker
    instruments: Sequence[str]  # keys
    enough: Flag

    def journal(self, number: int) -> Journal:
        return Journal(self.folder / f"placer-{number}")


def place_orders(scene: Scene, number: int, seed: str) -> None:
    """Ask again what was open, then go on wishing until told that it is enough."""
    placer = Placer(scene, number, Random(seed))
    for wish in placer.journal.open_wishes():
        placer.place(wish, is_new=False)
    while not scene.enough.is_raised:
        wish = placer.wish()
        placer.journal.begin(wish)
        placer.place(wish, is_new=True)
        if placer.random.random() < CANCELS:
            placer.cancel_one()
        time.sleep(placer.random.uniform(*PAUSE))


class Placer:
    """A person at the page, who presses the button again when no answer came."""

    def __init__(self, scene: Scene, number: int, random: Random) -> None:
        self.random = random
        self.journal = scene.journal(number)
        self._scene = scene
        self._name = f"{number}-{random.randrange(10**12)}"
        self._count = 0
        self._users = insisting(lambda: {str(a.pk): a.user for a in BrokerAccount.objects.select_related("user")})
        self._instruments = insisting(lambda: {each.key: each for each in Instrument.objects.all()})

    def wish(self) -> Wish:
        self._count += 1
        side = Side.BUY if self.random.random() < 0.6 else Side.SELL
        away = RESTING if side is Side.BUY else ASKED
        account, _broker = self.random.choice(self._scene.accounts)
        return Wish(
            key=f"{self._name}-{self._count}",
            account=account,
            instrument=self.random.choice(self._scene.instruments),
            side=side.value,
            quantity=QUANTITY,
            price=int(PRICE) if self.random.random() < 0.6 else away,
        )

    def place(self, wish: Wish, *, is_new: bool) -> None:
        began, tries = time.perf_counter(), 0

        def ask() -> str:
            nonlocal tries
            tries += 1
            return self._ask(wish)

        answer = insisting(ask)
        took = (time.perf_counter() - began) * 1000
        self.journal.done(wish, answer, took if is_new and tries == 1 else None)

    def cancel_one(self) -> None:
        user = self.random.choice(list(self._users.values()))
        orders = Order.objects.filter(user=user, state__in=[OrderState.PENDING, *WORKING], cancel_requested=False)
        with suppress(DatabaseAway, OrderNotOpen):  # pressed in vain: nobody insists
            ids = list(orders.values_list("pk", flat=True)[:50])
            if ids:
                services.cancel_order(user, self.random.choice(ids))

    def _ask(self, wish: Wish) -> str:
        try:
            order = services.place_order(
                user=self._users[wish.account],
                broker_account=BrokerAccount.objects.get(pk=wish.account),
                instrument=self._instruments[wish.instrument],
                side=Side(wish.side),
                quantity=Decimal(wish.quantity),
                order_type=OrderType.LIMIT,
                limit_price=Decimal(wish.price),
                client_key=wish.key,
            )
        except TradingError as e:
            return e.code
        return order.state


def dispatch(_scene: Scene, _number: int, _seed: str) -> None:
    """`manage.py dispatch`, as it is."""
    stop = Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    Dispatcher(stop).run()


def watch_over(scene: Scene, _number: int, _seed: str) -> None:
    """A person lets an account trade again whenever it stopped itself: so much goes wrong that it does so all the time."""
    while not scene.enough.is_raised:
        insisting(_release_latches)
        time.sleep(0.3)


def _release_latches() -> None:
    for row in Halt.objects.exclude(mode=Mode.ACTIVE).exclude(scope="site"):
        halts.open_latch(row.scope, row.target, by=None)


def trade_by_hand(scene: Scene, _number: int, seed: str) -> None:
    """A person trades on the same accounts by another program, and never on purpose what would be filled."""
    venue, random = ControlClient(scene.venue_url), Random(seed)
    placed: list[tuple[str, str]] = []
    while not scene.enough.is_raised:
        wanted = STRANGERS * sum(Journal(path).begun() for path in scene.folder.glob("placer-*"))
        while len(placed) < wanted and not scene.enough.is_raised:
            account, broker = random.choice(scene.accounts)
            quantity = QUANTITY if broker == "plainid" else random.choice(STRANGE_QUANTITIES)
            instrument = random.choice(scene.instruments)
            placed.append((account, venue.order_by_a_stranger(account, instrument, Side.BUY, quantity, RESTING)))
            if random.random() < CANCELS:
                venue.cancel_by_a_stranger(*placed[-1])
        time.sleep(0.2)


def insisting(ask: Callable[[], Answer]) -> Answer:
    """Ask until the database answers."""
    while True:
        try:
            return ask()
        except DatabaseAway:
            connection.close()
            time.sleep(0.1)
