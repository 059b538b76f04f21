"""A backtest over the bars and costs of a replay gives the history that the plan had live: fill by fill, to the last unit."""

from decimal import Decimal
from pathlib import Path

import pytest

from backtests.engine import Result, run
from backtests.setup import Setup
from brokers.simulator.universe import UNIVERSE
from markets.bar_csv import BarFile
from markets.bars import Bars
from markets.calendars import load_default
from markets.types import InstrumentKind, InstrumentRules, Interval
from strategies.compiler import compile_document
from strategies.library.swing import SwingParameters, swing_document

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
HISTORIES = ROOT / "tests" / "e2e" / "histories"

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared price data is not beside this repository")

# What tests/e2e/test_replay.py registers through the pages.
REGISTERED = SwingParameters(
    first_use_rsi=False,
    first_use_obv=False,
    second_use_rsi=False,
    second_use_adx=False,
    second_use_obv=False,
    adx_threshold=20,
)
BITCOIN_PAIR = InstrumentRules(
    key="BINANCE:UNITTEST/BTC",
    kind=InstrumentKind.CRYPTO,
    currency="BTC",
    tick_table="btc-8",
    calendar="always",
    price_decimals=8,
    quantity_decimals=8,
    cash_decimals=8,
    lot=Decimal("0.00000001"),
    min_quantity=Decimal("0.00000001"),
    min_amount=Decimal("0.0001"),
    price_limit_rate=None,
)
SAMSUNG = next(each.rules for each in UNIVERSE if each.rules.key == "KRX:005930")


def bars_of(file: str, interval: Interval) -> Bars:
    with (SHARED / file).open("rb") as stream:
        return Bars.from_rows(BarFile(stream, interval, day_bounds=load_default()["krx"].daily_bar_bounds))


def told(result: Result) -> list[list[object]]:
    return [
        [
            fill.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            fill.cycle,
            fill.signal,
            str(fill.side),
            *(fill.price, fill.quantity, fill.fee, fill.tax, fill.cash_after),
        ]
        for fill in result.fills
    ]


def lived(table: str) -> list[list[object]]:
    rows = [line.split(",") for line in (HISTORIES / table).read_text().splitlines()[1:]]
    return [[at, int(cycle), int(signal), side, *map(Decimal, rest)] for at, cycle, signal, side, *rest in rows]


@pytest.mark.parametrize(
    ("rules", "file", "interval", "cash", "table"),
    [
        (SAMSUNG, "krx-daily/005930.csv", Interval.D1, Decimal(10_000_000), "005930-1d.csv"),
        (BITCOIN_PAIR, "crypto/UNITTEST_BTC-1m.csv", Interval.M1, Decimal("0.01"), "UNITTEST_BTC-1m.csv"),
    ],
    ids=["005930", "UNITTEST_BTC"],
)
def test_a_backtest_on_a_replays_terms_gives_the_history_the_plan_had_live(
    rules: InstrumentRules, file: str, interval: Interval, cash: Decimal, table: str
) -> None:
    evaluator = compile_document(swing_document(REGISTERED))
    result = run(evaluator, bars_of(file, interval), rules, Setup.as_replayed(cash))
    assert told(result) == lived(table)
    assert {fill.signal for fill in result.fills} >= {1, 2, 3}
