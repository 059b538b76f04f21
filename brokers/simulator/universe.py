"""The instruments of the simulated market: real codes, names and rules; prices are round numbers, not quotations.

Each name is marked as simulated by its source (`Source.SIMULATOR`, 모의), never by its name.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from markets.types import InstrumentKind, InstrumentRules


class Volatility(Enum):
    """How far a simulated price swings: `swing` within weeks, `drift` over months, as fractions of the base price.

    For venues with a daily limit 2 x swing + drift / 4 stays below ln 1.3, which `path.py` needs to never cross it.
    """

    CALM = (0.055, 0.08)
    STEADY = (0.08, 0.16)
    LIVELY = (0.1, 0.2)
    WILD = (0.2, 0.3)

    @property
    def swing(self) -> float:
        return float(self.value[0])

    @property
    def drift(self) -> float:
        return float(self.value[1])


@dataclass(frozen=True, slots=True)
class SimulatedInstrument:
    """One instrument of the simulated market.

    `typical_trade` is the size of an everyday trade and `trade_step` the step of all trade sizes, both in units;
    `spread_rate` is the quoted spread as a fraction of the price where that is wider than one tick.
    """

    rules: InstrumentRules
    name_ko: str
    name_en: str
    base_price: Decimal
    volatility: Volatility
    typical_trade: Decimal
    trade_step: Decimal
    spread_rate: Decimal = Decimal(0)

    @property
    def key(self) -> str:
        return self.rules.key

    @property
    def venue(self) -> str:
        return self.key.partition(":")[0]

    @property
    def symbol(self) -> str:
        return self.key.partition(":")[2]


def _krx(
    code: str, name_ko: str, name_en: str, price: int, volatility: Volatility, *, etf: bool = False
) -> SimulatedInstrument:
    rules = InstrumentRules(
        key=f"KRX:{code}",
        kind=InstrumentKind.ETF if etf else InstrumentKind.STOCK,
        currency="KRW",
        tick_table="krx-etf" if etf else "krx-stock",
        calendar="krx",
        price_decimals=0,
        quantity_decimals=0,
        cash_decimals=0,
        lot=Decimal(1),
        min_quantity=Decimal(1),
        min_amount=Decimal(0),
        price_limit_rate=Decimal("0.30"),
    )
    typical = max(Decimal(2), (Decimal(6_000_000) / price).quantize(Decimal(1)))
    return SimulatedInstrument(rules, name_ko, name_en, Decimal(price), volatility, typical, Decimal(1))


def _upbit(coin: str, name_ko: str, name_en: str, price: int, *, price_decimals: int, step: str) -> SimulatedInstrument:
    rules = InstrumentRules(
        key=f"UPBIT:{coin}/KRW",
        kind=InstrumentKind.CRYPTO,
        currency="KRW",
        tick_table="upbit-krw",
        calendar="always",
        price_decimals=price_decimals,
        quantity_decimals=8,
        cash_decimals=0,
        lot=Decimal("0.00000001"),
        min_quantity=Decimal("0.00000001"),
        min_amount=Decimal(5000),
        price_limit_rate=None,
    )
    typical = (Decimal(3_000_000) / price).quantize(Decimal(step))
    return SimulatedInstrument(
        rules, name_ko, name_en, Decimal(price), Volatility.WILD, typical, Decimal(step), Decimal("0.0002")
    )


UNIVERSE: tuple[SimulatedInstrument, ...] = (
    _krx("005930", "삼성전자", "Samsung Electronics", 100_000, Volatility.STEADY),
    _krx("000660", "SK하이닉스", "SK hynix", 500_000, Volatility.LIVELY),
    _krx("005380", "현대차", "Hyundai Motor", 250_000, Volatility.STEADY),
    _krx("000270", "기아", "Kia", 110_000, Volatility.STEADY),
    _krx("035420", "NAVER", "NAVER", 250_000, Volatility.LIVELY),
    _krx("035720", "카카오", "Kakao", 60_000, Volatility.LIVELY),
    _krx("051910", "LG화학", "LG Chem", 350_000, Volatility.LIVELY),
    _krx("068270", "셀트리온", "Celltrion", 180_000, Volatility.LIVELY),
    _krx("005490", "POSCO홀딩스", "POSCO Holdings", 300_000, Volatility.STEADY),
    _krx("105560", "KB금융", "KB Financial Group", 120_000, Volatility.STEADY),
    _krx("069500", "KODEX 200", "KODEX 200", 50_000, Volatility.CALM, etf=True),
    _krx("229200", "KODEX 코스닥150", "KODEX KOSDAQ 150", 15_000, Volatility.CALM, etf=True),
    _upbit("BTC", "비트코인", "Bitcoin", 150_000_000, price_decimals=0, step="0.0001"),
    _upbit("ETH", "이더리움", "Ethereum", 5_000_000, price_decimals=0, step="0.001"),
    _upbit("XRP", "리플", "XRP", 3_500, price_decimals=1, step="0.1"),
    _upbit("SOL", "솔라나", "Solana", 250_000, price_decimals=0, step="0.01"),
    _upbit("DOGE", "도지코인", "Dogecoin", 300, price_decimals=2, step="1"),
)
