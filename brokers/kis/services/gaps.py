"""What the stream missed, asked of KIS in a thread of its own: minutes and prices, with half of the key's budget at most.

Orders and readings of the account go before: a bar that comes a minute late harms nobody.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime

from django.db import DatabaseError, connections

from brokers.errors import BrokerError
from brokers.kis.budget import Budget, Purpose, Rates
from brokers.kis.client import KisClient
from brokers.kis.instants import korean_day
from brokers.kis.live.market import Gap, Mended
from brokers.kis.market import KisMarket
from brokers.kis.services import keys
from brokers.kis.services.budget_rows import SharedBudget
from brokers.models import Credential
from brokers.protocol import Environment
from markets.types import Bar, Source

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
SHARE = 0.5  # of the calls a second allows
AFTER_TROUBLE = 5.0  # seconds


class ModestBudget:
    """A budget of which only a share is used: who asks for much leaves room for who asks for little."""

    def __init__(self, budget: Budget, seconds_between: float) -> None:
        self._budget = budget
        self._between = seconds_between

    def take(self, purpose: Purpose, most_seconds: float) -> bool:
        time.sleep(self._between)
        return self._budget.take(purpose, most_seconds)

    def back_off(self, seconds: float) -> None:
        self._budget.back_off(seconds)


def modest_market(row: Credential, rates: Rates, now: Callable[[], datetime], share: float = SHARE) -> KisMarket:
    """Quotations by this key, by so much of its budget. `now`: the venue's clock. Raises keys.NoKey, LiveTradingOff."""
    who = keys.opened(row)
    budget = ModestBudget(SharedBudget(row.pk, who.environment, rates), 1 / (rates.per_second * share))
    client = KisClient(keys.wire(who.environment), who, keys.tokens(row, who), budget)
    return KisMarket(client, Environment(row.account.environment), now, Source.KIS)


class GapReader:
    """Mends gaps one after the other; a newer one of an instrument takes the place of an older."""

    def __init__(self, market: KisMarket) -> None:
        self._market = market
        self._asked: dict[str, Gap] = {}
        self._news = threading.Condition()
        self._answers: queue.SimpleQueue[Mended] = queue.SimpleQueue()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, name="kis-gaps", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Let it end after the question under way."""
        with self._news:
            self._is_over = True
            self._news.notify()

    def ask(self, gaps: Iterable[Gap]) -> None:
        """The first ones first; a gap without minutes needs no answer of KIS unless it wants a price."""
        with self._news:
            for gap in gaps:
                if gap.needs_minutes or gap.needs_quote:
                    self._asked[gap.instrument] = gap
                else:
                    self._answers.put(Mended(gap, (), None))
            self._news.notify()

    def answers(self) -> list[Mended]:
        """What has been mended since the last look."""
        found = []
        while not self._answers.empty():
            found.append(self._answers.get())
        return found

    def _run(self) -> None:
        try:
            while (gap := self._next()) is not None:
                self._mend(gap)
        finally:
            connections.close_all()

    def _next(self) -> Gap | None:
        """The next gap; prices, which take one call, before minutes. None at the end."""
        with self._news:
            while not self._asked and not self._is_over:
                self._news.wait(LOOK_SECONDS)
            if self._is_over:
                return None
            instrument = next((key for key, gap in self._asked.items() if gap.needs_quote), next(iter(self._asked)))
            return self._asked.pop(instrument)

    def _mend(self, gap: Gap) -> None:
        try:
            quote = self._market.price(gap.instrument) if gap.needs_quote else None
            minutes: tuple[Bar, ...] = ()
            if gap.needs_minutes:
                told = self._market.minute_bars(gap.instrument, korean_day(gap.until), gap.since)
                minutes = tuple(bar for bar in told if bar.opened_at < gap.until)
            self._answers.put(Mended(gap, minutes, quote))
        except (BrokerError, DatabaseError) as e:
            logger.warning("%s: a gap is not mended yet (%s)", gap.instrument, e)
            connections.close_all()
            self._pause()

    def _pause(self) -> None:
        with self._news:
            self._news.wait_for(lambda: self._is_over, AFTER_TROUBLE)
