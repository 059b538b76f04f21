"""Between the thread that listens and the one that works: the newest of everything, in order, never more than fits.

A reader that is held up finds the latest book of each instrument, the trades since, and which instruments lost some.
"""

import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from brokers.kis.quotes import Trade
from markets.types import OrderBook

MOST_TRADES = 20_000
ANYBODY = ""  # a bell that names no account


@dataclass(frozen=True, slots=True)
class Line:
    """An instrument's trades (or its book in depth) come in from `at` on, or no longer."""

    instrument: str
    is_on: bool
    at: datetime
    is_depth: bool = False


@dataclass(slots=True)
class Mail:
    """What came since the last look. `bells`: the accounts (ten digits) whose orders moved, `ANYBODY` where unknown."""

    trades: list[Trade] = field(default_factory=list)
    books: dict[str, OrderBook] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)  # the last word on each
    bells: set[str] = field(default_factory=set, repr=False)
    lost: set[str] = field(default_factory=set)  # instruments of which trades did not fit

    def __bool__(self) -> bool:
        return bool(self.trades or self.books or self.lines or self.bells or self.lost)


class Mailbox:
    """Filled by any number of threads, emptied by one."""

    def __init__(self, most_trades: int = MOST_TRADES) -> None:
        self._most = most_trades
        self._news = threading.Condition()
        self._trades: deque[Trade] = deque()
        self._lines: dict[tuple[str, bool], Line] = {}
        self._mail = Mail()

    def put_trades(self, trades: list[Trade]) -> None:
        with self._news:
            self._trades.extend(trades)
            while len(self._trades) > self._most:
                self._mail.lost.add(self._trades.popleft().tick.instrument)
            self._news.notify()

    def put_book(self, book: OrderBook) -> None:
        with self._news:
            self._mail.books[book.instrument] = book
            self._news.notify()

    def put_line(self, line: Line) -> None:
        with self._news:
            self._lines[line.instrument, line.is_depth] = line
            self._news.notify()

    def put_bell(self, account: str) -> None:
        with self._news:
            self._mail.bells.add(account)
            self._news.notify()

    def take(self, seconds: float) -> Mail:
        """Everything that came, after waiting at most so long for the first of it."""
        with self._news:
            if not (self._mail or self._trades or self._lines):
                self._news.wait(seconds)
            mail, self._mail = self._mail, Mail()
            mail.trades, mail.lines = list(self._trades), list(self._lines.values())
            self._trades.clear()
            self._lines.clear()
            return mail
