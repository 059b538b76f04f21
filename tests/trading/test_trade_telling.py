"""One by one, a feed tells only the trades of what it supplies: what another source has taken over is that one's news."""

from collections.abc import Set
from decimal import Decimal
from typing import Any

import pytest

from brokers.simulator.events import Batch
from markets.services.demand import Seen
from markets.types import Source, Tick
from tests.markets.scene import NOON, live_book, live_quote
from trading.management.turns import TradeTelling

KEY = "KRX:005930"
TICK = Tick(KEY, NOON, Decimal(71_200), Decimal(15))
BATCH = Batch(at=NOON, ticks=(TICK,), quotes=(live_quote(),), books=(live_book(),), closed_bars=())


class Told:
    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []

    def publish_trades(self, message: dict[str, Any]) -> bool:
        self.messages.append(message)
        return True


class EverybodyLooks:
    def now(self) -> Seen:
        return Seen(trades=frozenset({KEY}))


@pytest.mark.parametrize(("supplied", "messages"), [({KEY}, 1), ({"KRX:000660"}, 0), (set(), 0)])
def test_only_what_a_source_supplies_is_told(supplied: Set[str], messages: int) -> None:
    """D03: beside a real price no simulated trade is shown."""
    told = Told()
    TradeTelling(Source.SIMULATOR, told, lambda: supplied, EverybodyLooks()).tell(BATCH)
    assert len(told.messages) == messages
