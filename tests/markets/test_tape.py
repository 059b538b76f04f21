"""The last trades beside an order book (D03): newest first, a handful, to those who look at that book alone."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from markets.events import trades_batch
from markets.tape import SHOWN, Tape
from markets.types import Quote, Source, Tick
from tests.markets.test_hub import FakeLayer, FakeSocket, QuickHub, WrittenDown, until

NOW = datetime(2026, 3, 2, 3, tzinfo=UTC)
KEY, OTHER = "KRX:005930", "KRX:000660"


def tick(price: int, key: str = KEY) -> Tick:
    return Tick(key, NOW, Decimal(price), Decimal(3))


def quote(key: str) -> Quote:
    money = Decimal(71_000)
    return Quote(key, NOW, Source.SIMULATOR, money, money, money, money, Decimal(100))


def message(*ticks: Tick) -> dict[str, Any]:
    told = trades_batch("simulator", ticks, [quote(KEY), quote(OTHER)], [], {KEY, OTHER})
    assert told is not None
    return told


def prices(text: str | None) -> list[str]:
    return [] if text is None else [trade["price"] for trade in json.loads(text)["trades"]]


def test_the_newest_trade_comes_first_and_old_ones_fall_off() -> None:
    tape = Tape()
    tape.take(message(*(tick(71_000 + n) for n in range(SHOWN + 5)))["tape"])
    assert prices(tape.frame(KEY)) == [str(71_000 + n) for n in reversed(range(5, SHOWN + 5))]


def test_only_what_traded_since_is_news() -> None:
    tape = Tape()
    tape.take(message(tick(71_000), tick(9, OTHER))["tape"])
    assert set(tape.frames()) == {KEY, OTHER}
    tape.take(message(tick(9, OTHER))["tape"])
    assert set(tape.frames()) == {OTHER}
    assert tape.frames() == {}
    assert prices(tape.frame(KEY)) == ["71000"]


@pytest.mark.asyncio
async def test_trades_reach_those_who_look_at_the_book_and_nobody_else() -> None:
    layer, looker, other = FakeLayer(), FakeSocket(), FakeSocket()
    hub = QuickHub(layer, "quotes", WrittenDown().look, trades_group="trades")
    try:
        await hub.watch(hub.join(looker), frozenset({KEY}), KEY)
        await hub.watch(hub.join(other), frozenset({KEY}), None)
        await until(lambda: len(layer.members) == 1)
        await layer.group_send("trades", message(tick(71_100)))
        await until(lambda: any(frame["type"] == "trades" for frame in looker.frames))
        late = FakeSocket()
        await hub.watch(hub.join(late), frozenset(), KEY)
        await until(lambda: any(frame["type"] == "trades" for frame in late.frames))
        assert all(frame["type"] != "trades" for frame in other.frames)
        assert all("books" not in frame for frame in looker.frames)
    finally:
        await hub.stop()
        await asyncio.sleep(0)
