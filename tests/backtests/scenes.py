"""Small markets and rules said bar by bar, for tests that work the answer out by hand."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import numpy as np

from backtests.engine import Result, simulate
from backtests.setup import Setup
from markets.bars import Bars
from markets.types import InstrumentKind, InstrumentRules
from strategies.document import RuleDocument
from strategies.evaluation import Evaluation

HOUR = 3600
START = 1_600_000_000 // HOUR * HOUR

COIN = InstrumentRules(
    key="TEST:COIN",
    kind=InstrumentKind.CRYPTO,
    currency="KRW",
    tick_table="btc-8",
    calendar="always",
    price_decimals=0,
    quantity_decimals=0,
    cash_decimals=0,
    lot=Decimal(1),
    min_quantity=Decimal(1),
    min_amount=Decimal(0),
    price_limit_rate=None,
)
STOCK = InstrumentRules(
    key="KRX:000001",
    kind=InstrumentKind.STOCK,
    currency="KRW",
    tick_table="krx-stock",
    calendar="krx",
    price_decimals=0,
    quantity_decimals=0,
    cash_decimals=0,
    lot=Decimal(1),
    min_quantity=Decimal(1),
    min_amount=Decimal(0),
    price_limit_rate=Decimal("0.3"),
)
# Without costs, slippage or limits of volume, and limits of the rule sold at where they are touched: prices alone decide.
FREE: dict[str, Any] = {
    "cash": Decimal(100_000),
    "quantity": Decimal(10),
    "participation": None,
    "spread_ticks": 0,
    "commission": Decimal(0),
    "collar": False,
    "cooldown_bars": 0,
    "exits": "inside_bar",
}


def free(**changes: Any) -> Setup:
    return Setup(**(FREE | changes))


def bars_of(rows: Iterable[tuple[float, float, float, float]], volume: float = 1000, start: int = START) -> Bars:
    """Hourly bars of (open, high, low, close)."""
    return Bars.from_rows(
        (start + n * HOUR, start + (n + 1) * HOUR, float(opened), float(high), float(low), float(close), float(volume))
        for n, (opened, high, low, close) in enumerate(rows)
    )


def flat(*prices: float, **more: Any) -> Bars:
    """Bars that stand still at a price each."""
    return bars_of([(price,) * 4 for price in prices], **more)


def rule(*, entries: int = 1, stop: dict[str, Any] | None = None, **risk: float) -> RuleDocument:
    """A document whose conditions do not matter here: a test says itself on which bars they hold."""
    when = {"all": [{"kind": "compare", "left": {"column": "close"}, "op": "gt", "right": {"number": 1e9}}]}
    names = ("first", "second")[:entries]
    return RuleDocument.from_data(
        {
            "schema_version": 1,
            "name": "scene",
            "entries": [{"name": name, "when": when, **({"stop": stop} if stop else {})} for name in names],
            "exit": when,
            "risk": risk,
        }
    )


def evaluation(
    bars: Bars,
    *,
    first: Iterable[int] = (),
    second: Iterable[int] = (),
    sells: Iterable[int] = (),
    document: RuleDocument | None = None,
    levels: list[float] | None = None,
) -> Evaluation:
    """An evaluation in which the steps hold on these bars. `levels`: the price the first step waits at, by bar."""
    document = document or rule(entries=2 if second else 1)

    def on(places: Iterable[int]) -> Any:
        holds = np.zeros(len(bars), dtype=np.bool_)
        holds[list(places)] = True
        return holds

    entries = (on(first), on(second))[: len(document.entries)]
    waits = None if levels is None else np.array(levels, dtype=np.float64)
    return Evaluation(document, bars, entries, on(sells), (), (waits, None)[: len(entries)])


def played(seen: Evaluation, setup: Setup | None = None, rules: InstrumentRules = COIN) -> Result:
    return simulate(seen, rules, setup or free(), first_bar=0)


def told(result: Result) -> list[tuple[int, str, int, int, str]]:
    """(bar, side, price, quantity, reason) of each fill."""
    return [(f.bar, str(f.side), int(f.price), int(f.quantity), f.reason) for f in result.fills]


CROSS = {
    "schema_version": 1,
    "name": "cross",
    "indicators": {
        "fast": {"kind": "ema", "params": {"period": {"param": "fast"}}},
        "slow": {"kind": "ema", "params": {"period": {"param": "slow"}}},
    },
    "parameters": {
        "fast": {"default": 5, "minimum": 2, "maximum": 50, "kind": "int"},
        "slow": {"default": 20, "minimum": 3, "maximum": 100, "kind": "int"},
    },
    "increasing": [["fast", "slow"]],
    "entries": [
        {
            "name": "first",
            "when": {"all": [{"kind": "cross_above", "left": {"indicator": "fast"}, "right": {"indicator": "slow"}}]},
        }
    ],
    "exit": {"all": [{"kind": "cross_below", "left": {"indicator": "fast"}, "right": {"indicator": "slow"}}]},
}


def cross_rule() -> RuleDocument:
    """Two averages that cross, with their periods as parameters."""
    return RuleDocument.from_data(CROSS)


def waves(count: int = 2000, *, drift: float = 0.0, noise: float = 0.002, swing: float = 0.15, seed: int = 3) -> Bars:
    """Hourly bars of a price that swings slowly, with some noise; whole numbers around 10,000."""
    random = np.random.default_rng(seed)
    steps = np.arange(count)
    close = np.rint(
        10_000 * np.exp(swing * np.sin(steps / 40) + drift * steps + np.cumsum(random.normal(0, noise, count)))
    )
    opened = np.concatenate([close[:1], close[:-1]])
    at = START + HOUR * np.arange(count, dtype=np.int64)
    high, low = np.maximum(opened, close), np.minimum(opened, close)
    return Bars(at, at + HOUR, opened, high, low, close, np.full(count, 1e6))
