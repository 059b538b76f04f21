"""The price data that both programs trade, and the same rule in our words."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backtests.engine import Result, run
from backtests.setup import Setup
from markets.bars import Bars
from markets.types import InstrumentKind, InstrumentRules
from strategies.compiler import compile_document
from strategies.document import RuleDocument

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"
DAY = 86_400

# Prices as fine as float64 shows them: a real venue would round them to its tick, and the peers know no tick.
FINE = InstrumentRules(
    key="PEER:ANY",
    kind=InstrumentKind.CRYPTO,
    currency="BTC",
    tick_table="btc-8",
    calendar="always",
    price_decimals=8,
    quantity_decimals=0,
    cash_decimals=8,
    lot=Decimal(1),
    min_quantity=Decimal(1),
    min_amount=Decimal(0),
    price_limit_rate=None,
)
CASH, FEE = 1_000_000, 0.0005


def setup(quantity: int, warm_up: int, **more: Any) -> Setup:
    """What the peers assume: orders fill whole at the next open, for its price; nothing rests after a sale."""
    return Setup(
        cash=Decimal(CASH),
        quantity=Decimal(quantity),
        cooldown_bars=0,
        restarts_at_once=True,
        warm_up=warm_up,
        participation=None,
        spread_ticks=0,
        commission=Decimal(str(FEE)),
        collar=False,
        day_orders=False,
        **more,
    )


def crossing(kind: str, fast: int, slow: int, **risk: float) -> RuleDocument:
    """Bought where a fast average goes above a slow one, sold where it goes below."""
    sides = {"left": {"indicator": "fast"}, "right": {"indicator": "slow"}}
    return RuleDocument.from_data(
        {
            "schema_version": 1,
            "name": "crossing averages",
            "indicators": {
                "fast": {"kind": kind, "params": {"period": fast}},
                "slow": {"kind": kind, "params": {"period": slow}},
            },
            "entries": [{"name": "first", "when": {"all": [{"kind": "cross_above", **sides}]}}],
            "exit": {"all": [{"kind": "cross_below", **sides}]},
            "risk": risk,
        }
    )


def ours(document: RuleDocument, bars: Bars, on_terms: Setup) -> Result:
    return run(compile_document(document), bars, FINE, on_terms)


def bars_of(frame: Any) -> Bars:
    """Bars of a DataFrame with Open, High, Low, Close, Volume, by time; each lasts until the next one opens."""
    opened = frame.index.to_numpy().astype("datetime64[s]").astype(np.int64)
    closed = np.append(opened[1:], opened[-1] + (opened[-1] - opened[-2]))
    columns = (frame[name].to_numpy(dtype=np.float64) for name in ("Open", "High", "Low", "Close", "Volume"))
    return Bars(opened, closed, *columns)


def frame_of(name: str) -> Any:
    """GOOG and EURUSD of backtesting.py, or a file of ../shared/data, as a DataFrame."""
    if name in ("GOOG", "EURUSD"):
        data = pytest.importorskip("backtesting.test", reason="backtesting.py is not installed")
        return getattr(data, name).copy()
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    if not (SHARED / name).is_file():
        pytest.skip("the shared price data is not beside this repository")
    frame = pandas.read_csv(SHARED / name, index_col="date", parse_dates=True).rename(columns=str.title)
    frame.index = frame.index.tz_localize(None)
    return frame[["Open", "High", "Low", "Close", "Volume"]].astype(float)


MARKETS: dict[str, int] = {  # and how many units are bought
    "GOOG": 100,
    "EURUSD": 100_000,
    "krx-daily/005930.csv": 5,
    "krx-daily/069500.csv": 5,
    "crypto/UNITTEST_BTC-1m.csv": 1_000_000,
}

Told = list[tuple[int, int, float, float, float]]  # bars of entry and exit, prices, profit


def closed_trades(result: Result) -> Told:
    """Our closed trades in the peers' words: one purchase, one sale, the fees taken off the profit."""
    fills = list(result.fills)
    pairs = zip(fills[::2], fills[1::2], strict=False)
    return [
        (
            *(buy.bar, sale.bar, float(buy.price), float(sale.price)),
            float((sale.price - buy.price) * buy.quantity - buy.fee - sale.fee),
        )
        for buy, sale in pairs
    ]


def assert_same_trades(mine: Told, theirs: Told, *, least: int) -> None:
    """The same bars; prices to 1e-9 relative; profits to 1e-9 of what was traded."""
    assert len(mine) >= least
    assert [trade[:2] for trade in mine] == [trade[:2] for trade in theirs]
    for (*_, bought, sold, made), (*_, their_bought, their_sold, their_made) in zip(mine, theirs, strict=True):
        assert bought == pytest.approx(their_bought, rel=1e-9)
        assert sold == pytest.approx(their_sold, rel=1e-9)
        assert made == pytest.approx(their_made, rel=1e-9, abs=1e-9 * CASH)


Average = Callable[[Any, int], Any]
