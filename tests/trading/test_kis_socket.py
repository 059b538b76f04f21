"""The PRD's socket: its literal messages, executions and books with KIS's field names, and what a strategy says (D02)."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts import access_tokens
from accounts.consumers import NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES
from accounts.models import User
from accounts.services import api_devices
from config.asgi import application
from markets.events import QuotePublisher, trades_batch
from markets.executions import book_fields, executions
from markets.models import Instrument, PriceFeed, StoredBar
from markets.services.demand import seen
from markets.types import Interval, Level, OrderBook, Quote, Source, Tick
from tests.brokers.test_kis_frames import data, recorded
from tests.markets.scene import NOON, live_book, live_quote, make_instrument, make_person, write_quote
from trading.consumers import kis_socket
from trading.consumers.kis_socket import KisSocket
from trading.kis_words import Auth, BadMessage, Wish, asked

KEY = "KRX:005930"
AUTH = {"type": "auth", "strategy_type": "basic"}
TRADES = {"tr_type": "1", "tr_id": "H0STCNT0", "st_code": "005930"}
BOOKS = {"tr_type": "1", "tr_id": "H0STASP0", "st_code": "005930"}


@pytest.fixture(autouse=True)
async def _give_connections_back(transactional_db: None) -> AsyncIterator[None]:
    yield
    await sync_to_async(connections.close_all)()


@pytest.fixture
def person(transactional_db: None) -> User:
    return make_person()


@pytest.fixture
def samsung(transactional_db: None) -> Instrument:
    return make_instrument()


@pytest.fixture
def token(person: User) -> str:
    return api_devices.sign_in_device(person, name="phone", address="127.0.0.1", second_factor=False).access


class Client:
    """A program's end of the socket; it sends no Origin and no cookie."""

    def __init__(self, path: str = "/kis_socket", app: Any = application) -> None:
        self.socket = WebsocketCommunicator(app, path)

    async def __aenter__(self) -> "Client":
        accepted, _ = await self.socket.connect(timeout=5)
        assert accepted
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.socket.disconnect(timeout=5)

    async def say(self, message: Any) -> None:
        await self.socket.send_to(text_data=message if isinstance(message, str) else json.dumps(message))

    async def hear(self, kind: str, seconds: float = 10.0) -> dict[str, Any]:
        """The next message of this type; others are passed over."""
        async with asyncio.timeout(seconds):
            while True:
                told: dict[str, Any] = json.loads(await self.socket.receive_from(timeout=seconds))
                if told["type"] == kind:
                    return told

    async def hear_close(self) -> int:
        async with asyncio.timeout(10):
            while (message := await self.socket.receive_output(timeout=10))["type"] != "websocket.close":
                pass
        return int(message["code"])

    async def sign_in(self, token: str, strategy: str = "basic") -> None:
        await self.say({"type": "auth", "token": token, "strategy_type": strategy})
        assert await self.hear("auth") == {"type": "auth", "status": "success", "strategy_type": strategy}


async def published(told: Callable[[QuotePublisher], object], heard: "asyncio.Task[Any]") -> Any:
    """Publish again and again until it has been heard."""
    publisher = QuotePublisher()
    try:
        while not heard.done():
            await asyncio.to_thread(told, publisher)
            await asyncio.sleep(0.05)
    finally:
        await asyncio.to_thread(publisher.close)
    return heard.result()


def tell(publisher: QuotePublisher, *ticks: Tick) -> None:
    message = trades_batch("simulator", ticks, [live_quote()], [live_book()], {KEY})
    assert message is not None
    publisher.publish_trades(message)


TICK = Tick(KEY, NOON, Decimal(71_200), Decimal(15))


@pytest.mark.parametrize("path", ["/kis_socket", "/ws/kis_socket/"])
async def test_the_literal_messages_bring_executions_and_books(path: str, token: str, samsung: Instrument) -> None:
    """D02. The PRD's own words, at both addresses."""
    async with Client(path) as client:
        await client.sign_in(token)
        await client.say(TRADES)
        assert await client.hear("subscribed") == {**TRADES, "type": "subscribed", "status": "success"}
        await client.say(BOOKS)
        await client.hear("subscribed")
        told = await published(lambda p: tell(p, TICK), asyncio.create_task(client.hear("execution")))
        book = await client.hear("orderbook")
    assert {name: told[name] for name in ("tr_id", "st_code", "source")} == {
        "tr_id": "H0STCNT0",
        "st_code": "005930",
        "source": "simulator",
    }
    assert told["data"] == {
        "MKSC_SHRN_ISCD": "005930",
        "STCK_CNTG_HOUR": "120000",
        "STCK_PRPR": "71200",
        "PRDY_VRSS_SIGN": "2",
        "PRDY_VRSS": "1200",
        "PRDY_CTRT": "1.71",
        "CNTG_VOL": "15",
        "ACML_VOL": "1234",
        "BSOP_DATE": "20260302",
        "ASKP1": "71200",
        "BIDP1": "71100",
    }
    assert (book["data"]["ASKP1"], book["data"]["BIDP1"], book["data"]["ASKP_RSQN10"]) == ("71200", "71100", "19")


async def test_only_what_is_subscribed_is_told(token: str, samsung: Instrument) -> None:
    async with Client() as client:
        await client.sign_in(token)
        await client.say(BOOKS)
        await client.hear("subscribed")
        await published(lambda p: tell(p, TICK), asyncio.create_task(client.hear("orderbook")))
        await client.say({**BOOKS, "tr_type": "2"})
        await client.hear("unsubscribed")
        publisher = QuotePublisher()
        await asyncio.to_thread(tell, publisher, TICK)
        await asyncio.to_thread(publisher.close)
        assert await client.socket.receive_nothing(timeout=0.5)


async def test_the_feed_hears_what_is_wanted_one_by_one(token: str, samsung: Instrument) -> None:
    async with Client() as client:
        await client.sign_in(token)
        await client.say(BOOKS)
        await client.hear("subscribed")
        told = await asyncio.to_thread(seen)
    assert KEY in told.trades
    assert KEY in told.books
    assert KEY in told.quotes


@pytest.mark.parametrize("strategy", ["basic", "rsi"])
async def test_the_strategy_reads_what_is_subscribed(strategy: str, token: str, samsung: Instrument) -> None:
    """T08, T09: BasicPlan or RSI, as `auth` asked, on the minutes of what is subscribed."""
    await sync_to_async(write_minutes)(samsung)
    async with Client() as client:
        await client.sign_in(token, strategy)
        await client.say(TRADES)
        told = await client.hear("strategy", 30)
    assert (told["strategy_type"], told["st_code"]) == (strategy, "005930")
    assert told["data"]["signal"] in {"buy", "sell", "hold"}
    assert told["data"]["bars"] > 100
    assert told["data"]["values"].keys() == ({"short", "long"} if strategy == "basic" else {"rsi"})


def write_minutes(instrument: Instrument) -> None:
    now = timezone.now().replace(second=0, microsecond=0)
    PriceFeed.objects.create(source=Source.SIMULATOR, market_time=now, heartbeat_at=timezone.now())
    write_quote(instrument, "71200")
    StoredBar.objects.bulk_create(
        StoredBar(
            instrument=instrument,
            interval=Interval.M1,
            source=Source.SIMULATOR,
            opened_at=int((now - timedelta(minutes=400 - n)).timestamp()),
            closed_at=int((now - timedelta(minutes=399 - n)).timestamp()),
            **dict.fromkeys(("open", "high", "low", "close"), 70_000.0 + n % 7),
            volume=10.0,
        )
        for n in range(400)
    )


async def test_who_does_not_sign_in_gets_nothing(samsung: Instrument) -> None:
    async with Client() as client:
        await client.say(TRADES)
        assert (await client.hear("error"))["code"] == "token_missing"
        assert await client.hear_close() == NOT_SIGNED_IN


async def test_a_cookie_does_not_open_it(person: User, samsung: Instrument) -> None:
    """A stranger's page could send one; it can not know a token."""

    class Impatient(KisSocket):
        auth_seconds = 0.2

    async with Client(app=Impatient.as_asgi()) as client:
        assert await client.hear_close() == NOT_SIGNED_IN


@pytest.mark.parametrize("kind", ["nonsense", "expired", "of nobody", "signed out"])
async def test_a_token_that_is_none_closes_the_socket(kind: str, person: User, token: str) -> None:
    """I30."""
    tokens = {
        "nonsense": "nonsense",
        "expired": old_token(person, hours=-2),
        "of nobody": old_token(person, hours=0),
        "signed out": token,
    }
    if kind == "signed out":
        await sync_to_async(api_devices.end_devices)(person, "sign_out")
    async with Client() as client:
        await client.say({**AUTH, "token": tokens[kind]})
        assert (await client.hear("error"))["code"] == ("token_expired" if kind == "expired" else "token_invalid")
        assert await client.hear_close() == SIGNED_OUT


def old_token(person: User, hours: int) -> str:
    access = access_tokens.Access(person.pk, uuid4())
    return access_tokens.issue(settings.JWT_SECRET, access, uuid4(), timezone.now() + timedelta(hours=hours))


async def test_signing_out_ends_an_open_socket(person: User, token: str, samsung: Instrument) -> None:
    """I30: within five seconds."""
    async with Client() as client:
        await client.sign_in(token)
        await sync_to_async(api_devices.end_devices)(person, "sign_out")
        assert await client.hear_close() == SIGNED_OUT


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", "bad_request"),
        ([], "bad_request"),
        ({}, "bad_request"),
        ({**TRADES, "tr_type": "3"}, "unknown_tr_type"),
        ({**TRADES, "tr_type": {"1": []}}, "unknown_tr_type"),
        ({**TRADES, "tr_id": ["H0STCNT0"]}, "unknown_tr_id"),
        ({**TRADES, "tr_id": "H0STCNI0"}, "unknown_tr_id"),
        ({**TRADES, "st_code": "999999"}, "unknown_instrument"),
        ({**TRADES, "st_code": "../x"}, "unknown_instrument"),
        ({**TRADES, "st_code": 5930}, "unknown_instrument"),
        ({**AUTH, "token": ""}, "token_missing"),
        ({**AUTH, "token": "x", "strategy_type": "martingale"}, "unknown_strategy"),
    ],
)
async def test_what_cannot_be_acted_on_is_said_and_changes_nothing(
    message: Any, code: str, token: str, samsung: Instrument
) -> None:
    async with Client() as client:
        await client.sign_in(token)
        await client.say(message)
        assert await client.hear("error") == {"type": "error", "code": code}
        await client.say(TRADES)
        await client.hear("subscribed")


async def test_a_flood_of_messages_closes_the_socket(token: str) -> None:
    async with Client() as client:
        await client.sign_in(token)
        for _n in range(kis_socket.FRAMES_PER_BEAT):
            await client.say({})
        assert await client.hear_close() == TOO_MANY_FRAMES


def test_the_literal_messages_are_read() -> None:
    assert asked({**AUTH, "token": "Bearer abc"}) == Auth("abc", "basic")
    assert asked(TRADES) == Wish("H0STCNT0", "005930", is_on=True)
    assert "abc" not in repr(Auth("abc", "basic"))
    with pytest.raises(BadMessage):
        asked("text")


def test_several_trades_count_the_days_volume_up_to_each() -> None:
    quote = live_quote()
    told = executions([Tick(KEY, NOON, Decimal(price), Decimal(10)) for price in (69_900, 70_000, 70_100)], quote)
    assert [each["ACML_VOL"] for each in told] == ["1214", "1224", "1234"]
    assert [each["PRDY_VRSS_SIGN"] for each in told] == ["5", "3", "2"]
    assert [each["PRDY_VRSS"] for each in told] == ["-100", "0", "100"]


def test_the_recorded_trade_and_book_keep_their_fields() -> None:
    """What KIS said, through our words, is what it said."""
    from brokers.kis import quotes

    (record,) = data(recorded("### 5.7")).records
    trade = quotes.trade(record, Source.KIS)
    (told,) = executions([trade.tick], trade.quote)
    names = ("MKSC_SHRN_ISCD", "STCK_CNTG_HOUR", "STCK_PRPR", "PRDY_VRSS_SIGN", "PRDY_VRSS", "PRDY_CTRT")
    assert [told[name] for name in names] == list(record[:6])
    assert [told[name] for name in ("ASKP1", "BIDP1", "CNTG_VOL", "ACML_VOL", "BSOP_DATE")] == [
        *record[10:14],
        record[33],
    ]
    (row,) = data(recorded("### 5.8")).records
    book = book_fields(quotes.streamed_book(row, NOON.date()))
    assert [book[f"ASKP{n}"] for n in range(1, 11)] == list(row[3:13])
    assert [book[f"BIDP_RSQN{n}"] for n in range(1, 11)] == list(row[33:43])
    assert (book["TOTAL_ASKP_RSQN"], book["TOTAL_BIDP_RSQN"]) == (row[43], row[44])


def test_a_book_of_one_level_has_ten() -> None:
    thin = OrderBook(KEY, NOON, (Level(Decimal(70_000), Decimal(3)),), ())
    told = book_fields(thin)
    assert (told["BIDP1"], told["BIDP10"], told["ASKP1"], told["TOTAL_ASKP_RSQN"]) == ("70000", "0", "0", "0")


def test_what_nobody_wants_one_by_one_is_not_sent() -> None:
    assert trades_batch("simulator", [TICK], [live_quote()], [live_book()], {"KRX:000660"}) is None


def test_a_price_without_a_base_tells_no_rate() -> None:
    quote = Quote(KEY, NOON, Source.REPLAY, Decimal(10), None, None, Decimal(0), Decimal(10))
    (told,) = executions([Tick(KEY, NOON, Decimal(10), Decimal(1))], quote)
    assert not {"PRDY_CTRT", "ASKP1", "BIDP1"} & told.keys()
