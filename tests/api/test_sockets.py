"""Programs at `/ws/quotes/` and `/ws/events/`: a ticket or a token in the first message, and out when the right to it ends."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.test import Client as Browser
from django.utils import timezone

from accounts import access_tokens
from accounts.access_tokens import TokenRefused
from accounts.consumers import FRAMES_PER_BEAT, NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES
from accounts.models import Device, Role, SocketTicket, User
from accounts.services import api_devices, deactivate
from accounts.services.api_devices import Tokens
from accounts.services.sessions import SECOND_FACTOR
from accounts.services.socket_rights import issue_ticket, right_of_session, right_of_ticket, right_of_token, still_held
from config.asgi import application
from config.sockets import OwnPagesByCookie
from tests import factories as make
from tests.api.conftest import signed_in
from tests.markets.scene import make_instrument, write_quote
from trading.consumers import EventStream

WITHIN = 5.0  # I30
PATHS = ["/ws/quotes/", "/ws/events/"]
HOST = (b"host", b"kairos.example")


@pytest.fixture(autouse=True)
async def _give_connections_back(transactional_db: None) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def person(transactional_db: None) -> User:
    return make.make_user("jin@example.com")


@pytest.fixture
def tokens(person: User) -> Tokens:
    return sign_in(person)


def sign_in(person: User, **more: Any) -> Tokens:
    asked = {"name": "phone", "address": "127.0.0.1", "second_factor": False, **more}
    return api_devices.sign_in_device(person, **asked)


class Phone:
    """A program's end of a socket. It sends no Origin unless it is told to."""

    def __init__(self, path: str, *headers: tuple[bytes, bytes], app: Any = application) -> None:
        self.socket = WebsocketCommunicator(app, path, headers=list(headers))

    async def __aenter__(self) -> "Phone":
        self.accepted, _ = await self.socket.connect(timeout=5)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.socket.disconnect(timeout=5)

    async def say(self, message: Any) -> None:
        await self.socket.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def hear(self, kind: str) -> dict[str, Any]:
        async with asyncio.timeout(WITHIN):
            while (message := json.loads(await self.socket.receive_from(timeout=WITHIN)))["type"] != kind:
                pass
        return dict(message)

    async def hear_close(self) -> int:
        async with asyncio.timeout(WITHIN):
            while (message := await self.socket.receive_output(timeout=WITHIN))["type"] != "websocket.close":
                pass
        return int(message["code"])


@pytest.mark.parametrize("path", PATHS)
async def test_a_ticket_opens_one_socket_once(path: str, person: User) -> None:
    """I41."""
    answer = await sync_to_async(lambda: signed_in(person).post("/api/v1/ws-ticket"))()
    assert answer.status_code == 201
    ticket = answer.json()["ticket"]
    async with Phone(path) as phone, Phone(path) as thief:
        await phone.say({"ticket": ticket})
        assert (await phone.hear("signed_in")).keys() == {"type", "until"}
        await phone.hear("heartbeat")
        await thief.say({"ticket": ticket})
        assert (await thief.hear("error"))["code"] == "ticket_invalid"
        assert await thief.hear_close() == SIGNED_OUT


def test_of_many_who_come_at_once_with_a_ticket_one_gets_in(tokens: Tokens) -> None:
    """I41: single use under concurrency."""
    ticket, inside, start = issue_ticket(tokens.device), [], threading.Barrier(16)

    def come() -> None:
        start.wait()
        try:
            inside.append(right_of_ticket(ticket.text))
        except TokenRefused:
            pass
        finally:
            connections.close_all()

    threads = [threading.Thread(target=come) for _one in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [right.device_id for right in inside] == [tokens.device.pk]


def test_a_ticket_is_good_for_half_a_minute_and_only_for_its_own_device(tokens: Tokens, person: User) -> None:
    old, orphan = issue_ticket(tokens.device), issue_ticket(sign_in(person).device)
    SocketTicket.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    for ticket in (old, orphan):
        with pytest.raises(TokenRefused):
            right_of_ticket(ticket.text)
    orphan = issue_ticket(tokens.device)
    api_devices.end_device(person, tokens.device.pk)
    with pytest.raises(TokenRefused):
        right_of_ticket(orphan.text)


def test_the_database_keeps_no_ticket_but_its_hash(tokens: Tokens) -> None:
    ticket = issue_ticket(tokens.device)
    assert ticket.text not in str(list(SocketTicket.objects.values_list()))


@pytest.mark.parametrize("path", PATHS)
async def test_a_token_opens_a_socket_and_a_later_one_lengthens_the_stay(
    path: str, person: User, tokens: Tokens
) -> None:
    other = await sync_to_async(lambda: sign_in(make.make_user()))()
    async with Phone(path) as phone:
        await phone.say({"token": tokens.access})
        first = (await phone.hear("signed_in"))["until"]
        await phone.say({"token": (await sync_to_async(sign_in)(person)).access})
        assert (await phone.hear("signed_in"))["until"] >= first
        await phone.say({"token": other.access})
        assert await phone.hear_close() == SIGNED_OUT


@pytest.mark.parametrize("first", [{"subscribe": []}, {"book": None}, {"hello": 1}])
async def test_whoever_does_not_say_first_who_they_are_is_closed(first: dict[str, Any]) -> None:
    async with Phone("/ws/quotes/") as stranger:
        await stranger.say(first)
        assert (await stranger.hear("error"))["code"] == "token_missing"
        assert await stranger.hear_close() == NOT_SIGNED_IN


async def test_whoever_says_nothing_is_closed() -> None:
    class Hasty(EventStream):
        first_word_seconds = 0.05

    async with Phone("/ws/events/", app=OwnPagesByCookie(Hasty.as_asgi())) as stranger:
        assert await stranger.hear_close() == NOT_SIGNED_IN


@pytest.mark.parametrize(
    "frame",
    [
        {"token": 5},
        {"token": ""},
        {"ticket": None},
        {"token": "a", "ticket": "b"},
        {"token": "a", "subscribe": []},
        "{nothing",
        "[]",
        "7",
        "x" * 9000,
    ],
)
async def test_a_first_message_that_cannot_be_read_is_answered_and_counted(frame: Any) -> None:
    async with Phone("/ws/events/") as phone:
        await phone.say(frame)
        await phone.hear("error")
        for _time in range(FRAMES_PER_BEAT):
            await phone.say("7")
        assert await phone.hear_close() == TOO_MANY_FRAMES


def ended(person: User, device: Device) -> dict[str, Callable[[], Any]]:
    """What ends a right (I30), and the act that does it."""

    def new_password() -> None:
        person.set_password("another long pass phrase")
        person.save()

    return {
        "sign-out": lambda: api_devices.end_device(person, device.pk, api_devices.SIGN_OUT),
        "another device": lambda: api_devices.end_devices(person, api_devices.ELSEWHERE),
        "new password": new_password,
        "deactivated": lambda: deactivate(person),
        "the device's time is over": lambda: Device.objects.update(expires_at=timezone.now()),
        "staff without a second factor": lambda: User.objects.filter(pk=person.pk).update(role=Role.ADMIN),
    }


@pytest.mark.parametrize(
    "ending",
    [
        *("sign-out", "another device", "new password", "deactivated", "the device's time is over"),
        "staff without a second factor",
    ],
)
async def test_a_socket_closes_within_five_seconds_of_its_right(ending: str, person: User, tokens: Tokens) -> None:
    """I30."""
    ticket = await sync_to_async(issue_ticket)(tokens.device)
    async with Phone("/ws/quotes/") as quotes, Phone("/ws/events/") as events:
        await quotes.say({"token": tokens.access})
        await events.say({"ticket": ticket.text})
        for phone in (quotes, events):
            await phone.hear("signed_in")
        await sync_to_async(ended(person, tokens.device)[ending])()
        assert set(await asyncio.gather(quotes.hear_close(), events.hear_close())) == {SIGNED_OUT}


def test_a_right_ends_with_its_token(tokens: Tokens) -> None:
    """I30: half an hour by a token; then another is sent, or the socket closes."""
    right = right_of_token(tokens.access)
    assert right.until is not None
    assert timedelta(minutes=29) < right.until - timezone.now() <= access_tokens.LIFE
    assert still_held([right]) == {right}
    over = type(right)(right.user_id, device_id=right.device_id, until=timezone.now())
    assert still_held([right, over]) == {right}


def test_the_rights_of_a_hundred_sockets_are_three_questions(person: User, django_assert_max_num_queries: Any) -> None:
    rights = [right_of_token(sign_in(person).access) for _n in range(20)]
    with django_assert_max_num_queries(3):
        assert still_held(rights) == set(rights)


def test_staff_without_their_second_factor_hear_nothing() -> None:
    """security.md 6.3.4: no side door."""
    tokens = sign_in(make.make_user("root@example.com", Role.ADMIN))
    with pytest.raises(TokenRefused, match="second_factor_required"):
        right_of_token(tokens.access)


async def test_a_page_of_staff_listens_with_their_second_factor_alone() -> None:
    """security.md 6.3.4."""

    def rights() -> list[bool]:
        staff, browser = make.make_user("root@example.com", Role.ADMIN), Browser()
        browser.force_login(staff)
        found = []
        for shown in (False, True):
            session = browser.session
            session[SECOND_FACTOR] = shown
            session.save()
            found.append(right_of_session(session.session_key) is not None)
        return found

    assert await sync_to_async(rights)() == [False, True]


@pytest.mark.parametrize(
    "origin",
    [
        *("https://elsewhere.example", "null", "", "https://kairos.example.evil.example"),
        *("https://evil.example/kairos.example", "https://kairos.example:8443", "kairos.example", "https://[bad"),
    ],
)
async def test_another_sites_page_is_refused_whatever_it_brings(origin: str, person: User, settings: Any) -> None:
    """I41: foreign, null, or a trick of letters."""
    settings.ALLOWED_HOSTS = ["kairos.example"]
    cookie = cookie_of(await session_of(person))
    for path in PATHS:
        async with Phone(path, HOST, (b"origin", origin.encode()), cookie) as page:
            assert not page.accepted


async def test_our_own_page_comes_by_its_cookie(person: User, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["kairos.example"]
    own = (HOST, (b"origin", b"https://kairos.example"))
    async with (
        Phone("/ws/events/", *own, cookie_of(await session_of(person))) as page,
        Phone("/ws/events/", *own) as no,
    ):
        assert page.accepted
        assert not no.accepted
        await page.hear("heartbeat")


async def test_a_listed_site_and_a_program_need_a_token_whatever_cookie_comes_along(
    person: User, settings: Any
) -> None:
    """I41, A13."""
    settings.ALLOWED_HOSTS = ["kairos.example"]
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
    cookie = cookie_of(await session_of(person))
    for origin in [(b"origin", b"https://app.example")], []:
        async with Phone("/ws/events/", HOST, *origin, cookie) as page:
            assert page.accepted
            await page.say({"subscribe": []})
            assert (await page.hear("error"))["code"] == "token_missing"


async def test_a_program_watches_and_unwatches_prices(tokens: Tokens) -> None:
    """D01."""
    await sync_to_async(lambda: write_quote(make_instrument(), "70500"))()
    async with Phone("/ws/quotes/") as phone:
        await phone.say({"token": tokens.access})
        await phone.say({"subscribe": ["KRX:005930"]})
        (quote,) = (await phone.hear("quotes"))["quotes"]
        assert {"price", "source", "at", "stale"} <= quote.keys()
        await phone.say({"unsubscribe": ["KRX:005930"]})
        await phone.say({"unsubscribe": "KRX:005930"})
        assert (await phone.hear("error"))["code"] == "bad_request"


async def test_an_address_there_is_not_is_refused() -> None:
    async with Phone("/ws/nothing/") as phone:
        assert not phone.accepted


async def session_of(person: User) -> str:
    def enter() -> str:
        browser = Browser()
        browser.force_login(person)
        return browser.cookies[settings.SESSION_COOKIE_NAME].value

    return await sync_to_async(enter)()


def cookie_of(session: str) -> tuple[bytes, bytes]:
    return b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()
