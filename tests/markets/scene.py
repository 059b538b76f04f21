"""What the tests of the market's pages and streams stand on: people, instruments and prices."""

from datetime import UTC, datetime
from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from markets.models import Instrument, LatestQuote, PriceFeed
from markets.types import Level, OrderBook, Quote, Source

NOON = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def make_person(email: str = "hana@kairos.example", **fields: str) -> User:
    return User.objects.create_user(email, "correct-horse-battery", **fields)


def make_instrument(
    venue: str = "KRX", symbol: str = "005930", name_ko: str = "삼성전자", **fields: object
) -> Instrument:
    stock = {"kind": "stock", "currency": "KRW", "tick_table": "krx-stock", "calendar": "krx", "name_en": symbol}
    return Instrument.objects.create(venue=venue, symbol=symbol, name_ko=name_ko, **(stock | fields))


def make_coin(symbol: str = "BTC/KRW", name_ko: str = "비트코인", **fields: object) -> Instrument:
    coin = {"kind": "crypto", "tick_table": "upbit-krw", "calendar": "always", "quantity_decimals": 8}
    return make_instrument("UPBIT", symbol, name_ko, **(coin | fields))


def write_quote(instrument: Instrument, price: str, base: str = "70000", **fields: object) -> LatestQuote:
    quote = {"source": instrument.source, "at": NOON, "received_at": timezone.now(), "day_volume": Decimal(1234)}
    prices = {"price": Decimal(price), "base_price": Decimal(base), "bid": Decimal(price), "ask": Decimal(price) + 100}
    return LatestQuote.objects.create(instrument=instrument, **(quote | prices | fields))


def write_clock(source: Source = Source.SIMULATOR, speed: int = 1) -> PriceFeed:
    return PriceFeed.objects.create(source=source, market_time=NOON, heartbeat_at=timezone.now(), speed=speed)


def live_quote(key: str = "KRX:005930", price: str = "71200") -> Quote:
    number = Decimal(price)
    return Quote(key, NOON, Source.SIMULATOR, number, number - 100, number, Decimal(70000), Decimal(1234))


def live_book(key: str = "KRX:005930", price: str = "71200") -> OrderBook:
    best = Decimal(price)
    asks = tuple(Level(best + 100 * step, Decimal(10 + step)) for step in range(10))
    return OrderBook(key, NOON, bids=(Level(best - 100, Decimal(5)),), asks=asks)
