"""Hints that something changed: which object and its version, never what. HTTP says what, and checks the rights again.

A hint is a courtesy. Losing one costs a page some seconds (its heartbeat carries the state's stamp), so publishing
never waits for Redis and never fails its caller.
"""

import asyncio
import logging
import os
import threading
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol, TypedDict
from uuid import UUID

from channels.layers import get_channel_layer
from django.contrib.auth.signals import user_logged_out
from django.db.models import OuterRef, Subquery
from django.dispatch import receiver

from brokers.models import BrokerAccount
from trading.models import Journal, Order, SwingPlan

logger = logging.getLogger(__name__)

ORDER_CHANGED, PLAN_CHANGED, ACCOUNT_CHANGED = "order.changed", "plan.changed", "account.changed"
PLANS_CHANGED = "plans.changed"
SESSION_ENDED = "session.ended"  # the sockets of this person look at their session now instead of within 30 s
SEND_SECONDS = 2.0
MAX_WAITING = 10_000  # distinct objects; beyond them the oldest hint is dropped


class Hint(TypedDict):
    """What travels to a socket. The type names the consumer's handler too: `order.changed` → `order_changed`."""

    type: str
    id: str
    version: int


class PlansHint(TypedDict):
    """Several plans of one person: the consumer tells the page of each as a hint of its own."""

    type: str
    changed: list[tuple[str, int]]  # id, version


class ChannelLayer(Protocol):
    async def group_send(self, group: str, message: Any) -> None: ...


def user_group(user_id: UUID) -> str:
    """The group one person's sockets join. Only the server forms this name; no client ever sends one."""
    return f"user_{user_id.hex}"


def publish_order_changed(order_id: UUID, user_id: UUID, version: int) -> None:
    """Call on commit: a hint about a row nobody can read yet would be answered with the old page."""
    _publisher.publish(user_group(user_id), Hint(type=ORDER_CHANGED, id=str(order_id), version=version))


def publish_plan_changed(plan_id: UUID, user_id: UUID, version: int) -> None:
    _publisher.publish(user_group(user_id), Hint(type=PLAN_CHANGED, id=str(plan_id), version=version))


def publish_plans_changed(changes: Iterable[tuple[UUID, UUID, int]]) -> None:
    """Many plans at once: (plan, its person, its version). A person's go out as one message."""
    _publisher.publish_all(
        [
            (user_group(user_id), Hint(type=PLAN_CHANGED, id=str(plan_id), version=version))
            for plan_id, user_id, version in changes
        ]
    )


def publish_account_changed(account_id: UUID, user_id: UUID, version: int = 0) -> None:
    publish(ACCOUNT_CHANGED, account_id, user_id, version)


def publish(kind: str, object_id: UUID, user_id: UUID, version: int) -> None:
    """A hint of any kind that `consumers.EventStream` passes on; apps above this one have kinds of their own."""
    _publisher.publish(user_group(user_id), Hint(type=kind, id=str(object_id), version=version))


@receiver(user_logged_out)
def end_sockets(user: Any, **_kwargs: Any) -> None:
    """A person signed out somewhere: their open sockets check at once whether it was theirs (I30)."""
    if user is not None:
        _publisher.publish(user_group(user.pk), Hint(type=SESSION_ENDED, id=str(user.pk), version=0))


def state_stamp(user_id: UUID) -> str:
    """A short mark that differs once anything the person's pages show has changed; says nothing else about it.

    Every movement of money is a journal, every other move of an order or plan raises its version. Three reads by index,
    whatever the number of orders: of those only the newest hundred count.
    """
    last_journal = Journal.objects.filter(broker_account=OuterRef("pk")).order_by("-id").values("id")[:1]
    accounts = BrokerAccount.objects.filter(user_id=user_id).order_by("pk")
    orders = Order.objects.filter(user_id=user_id).order_by("-created_at")
    state = (
        list(accounts.values_list("name", "is_active", Subquery(last_journal))),
        list(orders.values_list("version", "created_at")[:100]),
        list(SwingPlan.objects.filter(user_id=user_id).order_by("pk").values_list("pk", "version")),
    )
    return f"{zlib.crc32(repr(state).encode()):08x}"


class HintPublisher:
    """One daemon thread with one event loop per process, started by the first hint, so also after a fork.

    The channel layer keeps a connection per event loop. A loop made for each call would connect, send and disconnect
    each time (1.5 ms, measured); here the caller only leaves the hint in a dictionary (5 µs) and the loop sends it.
    """

    def __init__(self, layer: ChannelLayer | None = None) -> None:
        self._layer = layer
        self._lock = threading.Lock()
        self._waiting: dict[tuple[str, str, str], Hint] = {}
        self._bell: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pid = 0
        self._failing = False

    def publish(self, group: str, hint: Hint) -> None:
        """Leave `hint` for the sending thread. A newer version of the same object replaces one not sent yet."""
        self.publish_all([(group, hint)])

    def publish_all(self, hints: Iterable[tuple[str, Hint]]) -> None:
        """Leave several hints, and ring once."""
        with self._lock:
            for group, hint in hints:
                self._leave(group, hint)
            self._start_once_per_process()
            if self._loop is not None and self._bell is not None:
                self._loop.call_soon_threadsafe(self._bell.set)

    def _leave(self, group: str, hint: Hint) -> None:
        key = (group, hint["type"], hint["id"])
        waiting = self._waiting.pop(key, None)
        if waiting is None or waiting["version"] <= hint["version"]:
            waiting = hint
        self._waiting[key] = waiting
        if len(self._waiting) > MAX_WAITING:
            del self._waiting[next(iter(self._waiting))]

    def _start_once_per_process(self) -> None:
        if self._pid == os.getpid():
            return
        self._pid, self._loop, self._bell = os.getpid(), None, None
        threading.Thread(target=self._run, name="hints", daemon=True).start()

    def _after_fork(self) -> None:
        """The child has neither the parent's thread nor its business."""
        self._lock = threading.Lock()
        self._waiting, self._pid = {}, 0

    def _run(self) -> None:
        asyncio.run(self._send_as_they_come())

    async def _send_as_they_come(self) -> None:
        bell = asyncio.Event()
        with self._lock:
            self._loop, self._bell = asyncio.get_running_loop(), bell
        while True:
            bell.clear()
            with self._lock:
                batch, self._waiting = self._waiting, {}
            for group, message in _messages(batch):
                if not await self._send(group, message):
                    break  # the rest would wait for the same silence; the pages' heartbeat covers them
            await bell.wait()

    async def _send(self, group: str, message: Hint | PlansHint) -> bool:
        layer = self._layer or get_channel_layer()
        try:
            await asyncio.wait_for(layer.group_send(group, message), SEND_SECONDS)
        except Exception as e:  # whatever the layer's driver raises: a hint must not end the thread
            if not self._failing:
                logger.warning(
                    "hints are not getting out (%s); pages refresh by themselves until they do", type(e).__name__
                )
            self._failing = True
            return False
        if self._failing:
            logger.info("hints are getting out again")
        self._failing = False
        return True


def _messages(batch: Mapping[tuple[str, str, str], Hint]) -> Iterator[tuple[str, Hint | PlansHint]]:
    """What to send, in the order it came: several plans of one person, as an hour's evaluation leaves them, at once."""
    plans: dict[str, list[Hint]] = {}
    for (group, kind, _id), hint in batch.items():
        if kind == PLAN_CHANGED:
            plans.setdefault(group, []).append(hint)
    for (group, kind, _id), hint in batch.items():
        if kind != PLAN_CHANGED or len(plans[group]) == 1:
            yield group, hint
        elif hint is plans[group][0]:
            yield group, PlansHint(type=PLANS_CHANGED, changed=[(each["id"], each["version"]) for each in plans[group]])


_publisher = HintPublisher()
os.register_at_fork(after_in_child=_publisher._after_fork)
