"""The quoted market: issues with their day so far, their book, and bars of the past drawn from a seed. Whole won."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random
from zlib import crc32

from tests.servers.kis import prices
from tests.servers.kis.hours import Hours

LEVELS = 10


@dataclass(slots=True)
class Row:
    """A bar: of a day (`hour` is then ''), or of the minute that starts at `hour`."""

    day: date
    open: int
    high: int
    low: int
    close: int
    volume: int
    value: int
    hour: str = ""


@dataclass(slots=True)
class Trade:
    hour: str
    price: int
    quantity: int
    is_buy: bool
    volume: int  # of the day up to here, which orders trades


@dataclass(slots=True)
class Issue:
    """One symbol. Asks and bids are (price, quantity), best first; `previous_*` are of the trading day before."""

    code: str
    name: str
    base: int
    market: str = "KOSPI"
    is_fund: bool = False
    price: int = 0
    open: int = 0
    high: int = 0
    low: int = 0
    volume: int = 0
    value: int = 0
    close: int = 0  # once the regular session is over
    open_hour: str = ""
    high_hour: str = ""
    low_hour: str = ""
    sell_trades: int = 0
    buy_trades: int = 0
    sell_volume: int = 0
    buy_volume: int = 0
    previous_volume: int = 0
    previous_same_hour: int = 0
    listed: int = 100_000_000
    is_halted: bool = False
    asks: list[tuple[int, int]] = field(default_factory=list)
    bids: list[tuple[int, int]] = field(default_factory=list)
    ask_change: int = 0
    bid_change: int = 0
    book_hour: str = ""
    day: date | None = None
    trades: list[Trade] = field(default_factory=list)
    minutes: dict[str, Row] = field(default_factory=dict)
    days: dict[date, Row] = field(default_factory=dict)  # told by hand, or past

    def __post_init__(self) -> None:
        self.price = self.price or self.base
        if not self.asks and not self.bids:
            self.quote_around()

    @property
    def tick(self) -> int:
        return prices.tick(self.price, is_fund=self.is_fund)

    @property
    def limits(self) -> tuple[int, int, int]:
        """Lower, upper, width."""
        return prices.limits(self.base, is_fund=self.is_fund)

    @property
    def sign(self) -> str:
        low, high, _width = self.limits
        return prices.sign(self.price, self.base, low, high)

    def trade(self, price: int, quantity: int, *, is_buy: bool, at: datetime, is_regular: bool = True) -> Trade:
        """A trade of the market; its price moves the book along. After the regular session only the volume grows."""
        hour = f"{at:%H%M%S}"
        if is_regular:
            self._into_day(price, hour)
        else:
            self.close = self.close or self.price
        has_moved = price != self.price
        self.price = price
        self.volume += quantity
        self.value += price * quantity
        if is_buy:
            self.buy_trades, self.buy_volume = self.buy_trades + 1, self.buy_volume + quantity
        else:
            self.sell_trades, self.sell_volume = self.sell_trades + 1, self.sell_volume + quantity
        if has_moved:
            self.quote_around(is_buy=is_buy)
        self._into_minute(at, price, quantity)
        trade = Trade(hour, price, quantity, is_buy, self.volume)
        self.trades = [*self.trades[-29:], trade]
        return trade

    def put_book(self, asks: Iterable[tuple[int, int]], bids: Iterable[tuple[int, int]], hour: str) -> None:
        """A book told by hand."""
        before = self._depth()
        self.asks, self.bids, self.book_hour = list(asks)[:LEVELS], list(bids)[:LEVELS], hour
        after = self._depth()
        self.ask_change, self.bid_change = after[0] - before[0], after[1] - before[1]

    def quote_around(self, *, is_buy: bool = True) -> None:
        """Ten levels a side; the last price is the best ask after a buy, else the best bid."""
        best_ask = self.price if is_buy else self.price + self.tick
        low, high, _width = self.limits
        asks = _ladder(best_ask, 1, high, is_fund=self.is_fund)
        bids = _ladder(best_ask - prices.tick(best_ask - 1, is_fund=self.is_fund), -1, low, is_fund=self.is_fund)
        self.asks = [(price, 1_000 + 10 * place) for place, price in enumerate(asks)]
        self.bids = [(price, 2_000 + 10 * place) for place, price in enumerate(bids)]

    def new_day(self, day: date) -> None:
        """The day so far becomes a bar, its close the base price."""
        if self.day is not None and self.volume:
            self.days[self.day] = self.today()
            self.base, self.previous_volume = self.close or self.price, self.volume
        self.day, self.price = day, self.base
        self.close = self.open = self.high = self.low = self.volume = self.value = 0
        self.sell_trades = self.buy_trades = self.sell_volume = self.buy_volume = 0
        self.open_hour = self.high_hour = self.low_hour = ""
        self.trades, self.minutes = [], {}

    def today(self) -> Row:
        day = self.day or date.min
        return Row(day, self.open, self.high, self.low, self.close or self.price, self.volume, self.value)

    def past_day(self, day: date) -> Row:
        """As it was, as it was told, or drawn from the seed: within 2 % of the base price."""
        known = self.days.get(day)
        if known is not None:
            return known
        draw = Random(crc32(f"{self.code}{day}".encode()))
        step = prices.tick(self.base, is_fund=self.is_fund)
        some = [round(self.base * draw.uniform(0.98, 1.02) / step) * step for _ in range(4)]
        volume = draw.randrange(10_000, 1_000_000)
        return Row(day, some[0], max(some), min(some), some[3], volume, volume * some[3])

    def past_minutes(self, day: date) -> list[Row]:
        """A past day's minutes from 09:00 to 15:19 and 15:30, oldest first; their ends are the day's."""
        whole = self.past_day(day)
        draw = Random(crc32(f"{self.code}{day}minutes".encode()))
        hours = [*_minutes(time(9), time(15, 20)), time(15, 30)]
        closes = [draw.choice((whole.open, whole.high, whole.low, whole.close)) for _ in hours]
        closes[0], closes[-1] = whole.open, whole.close
        rows, value, before = [], 0, whole.open
        for hour, close in zip(hours, closes, strict=True):
            volume = whole.volume // len(hours)
            value += volume * close
            rows.append(
                Row(day, before, max(before, close), min(before, close), close, volume, value, f"{hour:%H%M}00")
            )
            before = close
        return rows

    def minutes_until(self, hour: str) -> list[Row]:
        """Today's minutes up to this one, oldest first: flat where nothing traded."""
        if not self.minutes or self.day is None:
            return []
        rows: list[Row] = []
        first = min(self.minutes)
        for each in _minutes(
            time(int(first[:2]), int(first[2:4])), time(int(hour[:2]), int(hour[2:4])), is_closed=True
        ):
            name = f"{each:%H%M}00"
            known = self.minutes.get(name)
            if known is None:
                last = rows[-1]
                known = Row(self.day, last.close, last.close, last.close, last.close, 0, last.value, name)
            rows.append(known)
        return rows

    def _into_day(self, price: int, hour: str) -> None:
        if not self.open:
            self.open, self.open_hour = price, hour
        if price > self.high:
            self.high, self.high_hour = price, hour
        if not self.low or price < self.low:
            self.low, self.low_hour = price, hour

    def _into_minute(self, at: datetime, price: int, quantity: int) -> None:
        name = f"{at:%H%M}00"
        row = self.minutes.get(name)
        if row is None:
            self.minutes[name] = Row(at.date(), price, price, price, price, quantity, self.value, name)
            return
        row.high, row.low, row.close = max(row.high, price), min(row.low, price), price
        row.volume, row.value = row.volume + quantity, self.value

    def _depth(self) -> tuple[int, int]:
        return sum(quantity for _, quantity in self.asks), sum(quantity for _, quantity in self.bids)


DEFAULTS = (
    ("005930", "삼성전자", 70_500, "KOSPI", False),
    ("000660", "SK하이닉스", 182_000, "KOSPI", False),
    ("035420", "NAVER", 201_500, "KOSPI", False),
    ("005380", "현대차", 243_000, "KOSPI", False),
    ("035720", "카카오", 41_250, "KOSPI", False),
    ("247540", "에코프로비엠", 112_300, "KOSDAQ", False),
    ("069500", "KODEX 200", 36_105, "KOSPI", True),
    ("003620", "KG모빌리티", 3_845, "KOSPI", False),
    ("900110", "이스트아시아홀딩스", 61, "KOSDAQ", False),
)


class Market:
    """All issues. Not thread-safe; the sandbox holds its lock."""

    def __init__(self, hours: Hours) -> None:
        self.hours = hours
        self.issues = {code: Issue(code, name, base, market, fund) for code, name, base, market, fund in DEFAULTS}
        self._day: date | None = None

    def begin(self, now: datetime) -> None:
        """A new trading day, once, when it is there."""
        day = now.date()
        if self._day == day or not self.hours.is_trading_day(day):
            return
        for issue in self.issues.values():
            issue.new_day(day)
        self._day = day

    def last_trading_day(self, now: datetime) -> date:
        return self._day or self.hours.trading_day_from(now.date(), -1)

    def days_until(self, issue: Issue, first: date, last: date, most: int) -> list[Row]:
        """Trading days in [first, last], newest first; today while it has traded."""
        rows: list[Row] = []
        day = min(last, self._day or last)
        while day >= first and len(rows) < most:
            if self.hours.is_trading_day(day):
                if day != self._day:
                    rows.append(issue.past_day(day))
                elif issue.volume:
                    rows.append(issue.today())
            day -= timedelta(days=1)
        return rows


def _ladder(start: int, way: int, limit: int, *, is_fund: bool) -> list[int]:
    found: list[int] = []
    price = start
    while len(found) < LEVELS and price > 0 and (price <= limit if way > 0 else price >= limit):
        found.append(price)
        price += way * prices.tick(price if way > 0 else price - 1, is_fund=is_fund)
    return found


def _minutes(start: time, end: time, *, is_closed: bool = False) -> list[time]:
    first, last = start.hour * 60 + start.minute, end.hour * 60 + end.minute + is_closed
    return [time(minute // 60, minute % 60) for minute in range(first, last)]
