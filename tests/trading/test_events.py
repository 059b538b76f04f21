"""Hints to a person's pages: theirs alone, never in the way of the work, and gone when they sign out."""

import asyncio
import json
import multiprocessing
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any
from uuid import UUID, uuid4

import pytest
from channels.db import database_sync_to_async
from channels.layers import get_channel_layer
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from accounts.consumers import SIGNED_OUT
from accounts.models import User
from tests import factories as make
from tests.trading import scene
from trading import services
from trading.consumers import EventStream
from trading.events import Hint, HintPublisher, publish_order_changed, state_stamp, user_group


class Layer:
    """A channel layer that writes down what it was given; `answer` stands for Redis' behaviour."""

    def __init__(self, answer: Callable[[], Any] | None = None) -> None:
        self.sent: list[tuple[str, Hint]] = []
        self.threads: set[str] = set()
        self.loops: set[int] = set()
        self._answer = answer

    async def group_send(self, group: str, message: Any) -> None:
        if self._answer is not None:
            await self._answer()
        self.threads.add(threading.current_thread().name)
        self.loops.add(id(asyncio.get_running_loop()))
        self.sent.append((group, message))


def hint(version: int = 1, key: str = "a") -> Hint:
    return Hint(type="order.changed", id=key, version=version)


def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.005)
    return False


def test_hints_leave_in_one_thread_with_one_loop() -> None:
    """A connection belongs to its loop: a loop per call would connect anew each time."""
    layer = Layer()
    publisher = HintPublisher(layer)
    for n in range(50):
        publisher.publish("user_a", hint(key=str(n)))
        time.sleep(0.001)
    assert eventually(lambda: len(layer.sent) == 50)
    assert (layer.threads, len(layer.loops)) == ({"hints"}, 1)


def test_publishing_never_waits_for_a_silent_redis() -> None:
    """I47: the caller pays microseconds, whatever happens behind it."""

    async def silent() -> None:
        await asyncio.sleep(60)

    publisher = HintPublisher(Layer(silent))
    began = time.monotonic()
    for n in range(1000):
        publisher.publish("user_a", hint(key=str(n % 100)))
    assert time.monotonic() - began < 0.5


def test_an_absent_redis_is_said_once_and_hints_flow_again_when_it_is_back(caplog: pytest.LogCaptureFixture) -> None:
    gone = True

    async def refused() -> None:
        if gone:
            raise ConnectionError("nobody listens")

    layer = Layer(refused)
    publisher = HintPublisher(layer)
    for n in range(5):
        publisher.publish("user_a", hint(version=n))
        time.sleep(0.02)
    assert eventually(lambda: any("not getting out" in record.message for record in caplog.records))
    assert len([record for record in caplog.records if "not getting out" in record.message]) == 1
    gone = False
    publisher.publish("user_a", hint(version=9))
    assert eventually(lambda: layer.sent == [("user_a", hint(version=9))])


def test_while_redis_is_slow_only_the_newest_version_of_each_object_waits() -> None:
    """I32: a slow Redis means fewer hints, never a growing queue."""
    gate = threading.Event()

    async def slow() -> None:
        await asyncio.to_thread(gate.wait, 1.5)

    layer = Layer(slow)
    publisher = HintPublisher(layer)
    publisher.publish("user_a", hint(version=0, key="first"))
    time.sleep(0.1)
    for version in (1, 3, 2):
        publisher.publish("user_a", hint(version=version))
    gate.set()
    assert eventually(lambda: len(layer.sent) == 2)
    assert layer.sent[1][1]["version"] == 3


def _publish_in_a_child(publisher: HintPublisher, layer: Layer, answers: Any) -> None:
    publisher._after_fork()
    publisher.publish("user_a", hint(key="child"))
    answers.put(eventually(lambda: layer.sent[-1:] == [("user_a", hint(key="child"))]))


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")
def test_a_forked_process_starts_its_own_thread() -> None:
    """The embedded run forks its children after import; a thread of the parent does not exist in them."""
    layer = Layer()
    publisher = HintPublisher(layer)
    publisher.publish("user_a", hint())
    assert eventually(lambda: len(layer.sent) == 1)
    context = multiprocessing.get_context("fork")
    answers: Any = context.Queue()
    child = context.Process(target=_publish_in_a_child, args=(publisher, layer, answers))
    child.start()
    assert answers.get(timeout=10) is True
    child.join(10)


@pytest.mark.django_db
def test_the_stamp_differs_after_every_change_a_page_would_show() -> None:
    """I29: with every push lost, the heartbeat still tells that something is new."""
    user = make.make_user()
    stock, account = scene.make_stock(), make.make_account(user)
    seen = [state_stamp(user.pk)]

    def changed() -> bool:
        seen.append(state_stamp(user.pk))
        return seen[-1] not in seen[:-1]

    order = scene.make_order(account, stock)
    assert changed()
    make.accept(order)
    assert changed()
    services.match_virtual(stock, make.make_book(stock, 70_000, 4))
    assert changed()
    scene.make_plan(user, account, stock)
    assert changed()
    scene.make_order(make.make_account(make.make_user()), stock)
    assert not changed()


@pytest.mark.django_db
def test_the_stamp_costs_three_questions_however_many_orders(django_assert_max_num_queries: Any) -> None:
    user = make.make_user()
    stock, account = scene.make_stock(), make.make_account(user)
    for _order in range(5):
        scene.make_order(account, stock)
    with django_assert_max_num_queries(3):
        state_stamp(user.pk)


def _session_of(user: User) -> SessionBase:
    session: SessionBase = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return session


async def open_stream(user: Any, session: SessionBase, consumer: Any = EventStream) -> WebsocketCommunicator:
    stream = WebsocketCommunicator(consumer.as_asgi(), "/ws/events/")
    stream.scope |= {"session": session}
    connected, _subprotocol = await stream.connect()
    assert connected
    return stream


@pytest.mark.django_db(transaction=True)
class TestStream:
    @pytest.fixture
    async def person(self) -> tuple[User, SessionBase]:
        def both() -> tuple[User, SessionBase]:
            user = make.make_user()
            return user, _session_of(user)

        made: tuple[User, SessionBase] = await database_sync_to_async(both)()
        return made

    async def test_a_stranger_is_not_let_in(self) -> None:
        stream = WebsocketCommunicator(EventStream.as_asgi(), "/ws/events/")
        stream.scope |= {"session": import_module(settings.SESSION_ENGINE).SessionStore()}
        connected, _code = await stream.connect()
        assert not connected

    async def test_a_hint_names_the_object_and_says_nothing_about_it(self, person: tuple[User, SessionBase]) -> None:
        stream = await open_stream(*person)
        await stream.receive_json_from()  # the first heartbeat
        order_id = uuid4()
        publish_order_changed(order_id, person[0].pk, 3)
        assert await stream.receive_json_from(5) == {"type": "order.changed", "id": str(order_id), "version": 3}
        await stream.disconnect()

    async def test_nobody_hears_another_s_hints_whatever_they_send(self, person: tuple[User, SessionBase]) -> None:
        """I31: the group's name comes from the server alone."""
        stream = await open_stream(*person)
        await stream.receive_json_from()
        other = uuid4()
        for frame in ({"subscribe": user_group(other)}, {"type": "order.changed", "group": user_group(other)}):
            await stream.send_json_to(frame)
        await stream.send_to(text_data="{not json")
        await stream.send_to(bytes_data=b"\xff\x00")
        await _group_send(other, hint())
        told = [(await stream.receive_json_from(5))["code"] for _frame in range(4)]
        assert told == ["bad_request", "bad_request", "not_json", "not_text"]
        assert await stream.receive_nothing(0.3)
        await stream.disconnect()

    async def test_the_heartbeat_carries_a_stamp_and_nothing_else(self, person: tuple[User, SessionBase]) -> None:
        stream = await open_stream(*person)
        beat = await stream.receive_json_from()
        expected = await database_sync_to_async(state_stamp)(person[0].pk)
        assert beat == {"type": "heartbeat", "stamp": expected}
        assert len(json.dumps(beat)) < 60
        await stream.disconnect()

    @pytest.mark.parametrize("ending", ["session", "active", "password"])
    async def test_a_socket_ends_with_the_right_to_it(self, person: tuple[User, SessionBase], ending: str) -> None:
        """I30: without any push, within three seconds."""
        user, session = person
        stream = await open_stream(user, session)

        def end() -> None:
            if ending == "session":
                session.delete()
            elif ending == "active":
                User.objects.filter(pk=user.pk).update(is_active=False)
            else:
                user.set_password("another long password")
                user.save()

        await database_sync_to_async(end)()
        assert await _closed(stream) == SIGNED_OUT

    async def test_a_sign_out_elsewhere_makes_the_socket_look_at_once(self, person: tuple[User, SessionBase]) -> None:
        user, session = person
        stream = await open_stream(user, session)
        await stream.receive_json_from()
        await database_sync_to_async(session.delete)()
        await _group_send(user.pk, Hint(type="session.ended", id=str(user.pk), version=0))
        assert await _closed(stream) == SIGNED_OUT

    async def test_a_sign_out_of_another_device_leaves_this_one_open(self, person: tuple[User, SessionBase]) -> None:
        stream = await open_stream(*person)
        await stream.receive_json_from()
        await _group_send(person[0].pk, Hint(type="session.ended", id="x", version=0))
        await _group_send(person[0].pk, hint())
        assert (await stream.receive_json_from(5))["type"] == "order.changed"
        await stream.disconnect()


async def _group_send(user_id: UUID, message: Hint) -> None:
    await get_channel_layer().group_send(user_group(user_id), message)


async def _closed(stream: WebsocketCommunicator) -> int:
    while True:
        message = await stream.receive_output(5)
        if message["type"] == "websocket.close":
            return int(message["code"])
