"""A trade and a book as records of the socket's channels, and the feed that makes the market move."""

import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from tests.servers.kis import prices
from tests.servers.kis.frames import BOOKS, TRADES
from tests.servers.kis.hours import Phase
from tests.servers.kis.market import Issue, Trade
from tests.servers.kis.sandbox import Sandbox
from tests.servers.kis.stream import Hub

_MARKET_CLASS = {Phase.BEFORE: "1", Phase.OPENING: "1", Phase.OPEN: "2", Phase.AFTER: "3", Phase.CLOSING: "5"}
_AFTER = {Phase.POST, Phase.AFTER, Phase.ENDED}
_HALF = {Phase.BEFORE: "1", Phase.OPENING: "1", Phase.OPEN: "2", Phase.CLOSING: "2"}


def trade_fields(issue: Issue, trade: Trade, at: datetime, phase: Phase, width: int = 47) -> list[str]:
    """H0STCNT0 just after the trade: 47 fields, 46 before the reform."""
    price, base = trade.price, issue.base
    low, high, _width = issue.limits
    both = issue.buy_volume + issue.sell_volume
    asks, bids = (sum(quantity for _, quantity in side) for side in (issue.asks, issue.bids))
    best_ask, ask_quantity = issue.asks[0] if issue.asks else (0, 0)
    best_bid, bid_quantity = issue.bids[0] if issue.bids else (0, 0)
    fields: list[object] = [
        *(
            issue.code,
            trade.hour,
            price,
            prices.sign(price, base, low, high),
            price - base,
            prices.rate(price - base, base),
        ),
        *(prices.rate(issue.value, trade.volume, scale=1), issue.open, issue.high, issue.low, best_ask, best_bid),
        *(trade.quantity, trade.volume, issue.value, issue.sell_trades, issue.buy_trades),
        *(issue.buy_trades - issue.sell_trades, prices.rate(issue.buy_volume, issue.sell_volume)),
        *(
            issue.sell_volume,
            issue.buy_volume,
            "1" if trade.is_buy else "5",
            prices.rate(issue.buy_volume, both, scale=1),
        ),
        prices.rate(trade.volume, issue.previous_volume),
        *(issue.open_hour, prices.sign(price, issue.open), price - issue.open),
        *(issue.high_hour, prices.sign(price, issue.high), price - issue.high),
        *(issue.low_hour, prices.sign(price, issue.low), price - issue.low),
        *(f"{at:%Y%m%d}", f"{_HALF.get(phase, '3')}0", "Y" if issue.is_halted else "N"),
        *(ask_quantity, bid_quantity, asks, bids, prices.rate(trade.volume, issue.listed)),
        *(issue.previous_same_hour, prices.rate(trade.volume, issue.previous_same_hour)),
        *("0", "", issue.open, _MARKET_CLASS.get(phase, "3")),
    ]
    return [str(field) for field in fields[:width]]


def book_fields(issue: Issue, at: datetime, phase: Phase, width: int = 59) -> list[str]:
    """H0STASP0: 59 fields, or 60 with the market's class last."""
    asks, bids = ([*side, *[(0, 0)] * (10 - len(side))] for side in (issue.asks, issue.bids))
    totals = [sum(quantity for _, quantity in side) for side in (asks, bids)]
    fields: list[object] = [
        *(issue.code, issue.book_hour or f"{at:%H%M%S}", "0"),
        *(price for price, _ in asks),
        *(price for price, _ in bids),
        *(quantity for _, quantity in asks),
        *(quantity for _, quantity in bids),
        *(*totals, 0, 0, 0, 0, 0, 0, "3", "0.00", issue.volume, issue.ask_change, issue.bid_change, 0, 0, "00"),
        _MARKET_CLASS.get(phase, "3"),
    ]
    return [str(field) for field in fields[:width]]


@dataclass(frozen=True, slots=True)
class Tick:
    price: int
    quantity: int
    is_buy: bool = True


class Feed:
    """Moves prices and tells every subscriber of both environments; resting orders that are reached trade."""

    def __init__(self, sandbox: Sandbox, hubs: dict[str, Hub], seed: int = 0) -> None:
        self.sandbox, self.hubs = sandbox, hubs
        self._random = Random(seed)
        self._flow = 0  # number of the running flow; another number ends it

    def trade(self, code: str, ticks: Iterable[Tick], *, books: bool = False) -> None:
        """These trades of one symbol, in one frame; and its book after them if wanted. Raises KeyError."""
        with self.sandbox.lock:
            now = self.sandbox.catch_up()
            issue = self.sandbox.market.issues[code]
            phase, width = self.sandbox.hours.phase(now), int(self.sandbox.quirks["trade_width"])
            records = []
            for tick in ticks:
                trade = issue.trade(
                    tick.price, tick.quantity, is_buy=tick.is_buy, at=now, is_regular=phase not in _AFTER
                )
                records.append(trade_fields(issue, trade, now, phase, width))
            for hub in self.hubs.values():
                hub.publish(TRADES, code, records)
            if books:
                issue.book_hour = f"{now:%H%M%S}"
                self.tell_book(code)
            self.sandbox.catch_up()

    def tell_book(self, code: str) -> None:
        with self.sandbox.lock:
            now, issue = self.sandbox.now(), self.sandbox.market.issues[code]
            record = book_fields(issue, now, self.sandbox.hours.phase(now), int(self.sandbox.quirks["book_width"]))
            for hub in self.hubs.values():
                hub.publish(BOOKS, code, [record])

    def flow(self, codes: list[str], per_second: float, *, burst: int = 1, books: bool = False) -> None:
        """From now on each symbol has so many frames a second (0: none), its price walking by a tick."""
        self._flow += 1
        if per_second > 0 and codes:
            threading.Thread(target=self._run, args=[self._flow, codes, per_second, burst, books], daemon=True).start()

    def _run(self, number: int, codes: list[str], per_second: float, burst: int, books: bool) -> None:
        """Symbols take turns, evenly spread; what was slept too long is made up for."""
        started, done = time.monotonic(), 0
        rate = per_second * len(codes)
        while self._flow == number:
            due = int((time.monotonic() - started) * rate)
            for turn in range(done, due):
                code = codes[turn % len(codes)]
                with self.sandbox.lock:
                    if self._flow != number:
                        return  # told otherwise since, and perhaps the symbol is gone
                    self.trade(code, [self._step(code) for _ in range(burst)], books=books)
            done = due
            time.sleep(min(0.02, 1 / rate))

    def _step(self, code: str) -> Tick:
        with self.sandbox.lock:
            issue = self.sandbox.market.issues[code]
            low, high, _width = issue.limits
            way = self._random.choice((-1, 0, 1))
            price = min(high, max(low, issue.price + way * issue.tick))
            return Tick(
                price - price % prices.tick(price, is_fund=issue.is_fund), self._random.randrange(1, 100), way >= 0
            )


def issue_of(data: dict[str, Any]) -> Issue:
    """An issue told by hand; every field of `Issue` may be named. Raises KeyError, TypeError or ValueError."""
    given = dict(data)
    for side in ("asks", "bids"):
        if side in given:
            given[side] = [(int(price), int(quantity)) for price, quantity in given[side]]
    return Issue(**given)
