"""`make bench-backtest`: the product's own engine on ../shared/bench's strategy, beside its peers where they are installed.

EMA 20/60 cross with RSI under 70, 10 units, cash 100,000, fee 0.05 %, decided on the close and filled at the next open; the
bars are those of ../shared/bench/data.py. Every engine runs in a process of its own, by turns; medians. Ours keeps every
fill, equity, all metrics and the hashes of inputs and result.
"""

import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "bench"
ROUNDS, INNER = 5, 3
SIZES = (100_000, 1_000_000)
SWEEP_BARS = 20_000
PEERS = {"vectorbt": ("vectorbt",), "backtesting_py": ("backtesting",)}
FASTS, SLOWS = range(8, 28, 2), range(40, 140, 10)

RULE: dict[str, Any] = {
    "schema_version": 1,
    "name": "EMA cross with RSI",
    "indicators": {
        "fast": {"kind": "ema", "params": {"period": {"param": "fast"}}},
        "slow": {"kind": "ema", "params": {"period": {"param": "slow"}}},
        "rsi": {"kind": "rsi", "params": {"period": 14}},
    },
    "parameters": {
        "fast": {"default": 20, "minimum": 2, "maximum": 200, "kind": "int"},
        "slow": {"default": 60, "minimum": 3, "maximum": 300, "kind": "int"},
    },
    "entries": [
        {
            "name": "first",
            "when": {
                "all": [
                    {"kind": "cross_above", "left": {"indicator": "fast"}, "right": {"indicator": "slow"}},
                    {"kind": "compare", "left": {"indicator": "rsi"}, "op": "lt", "right": {"number": 70}},
                ]
            },
        }
    ],
    "exit": {"all": [{"kind": "cross_below", "left": {"indicator": "fast"}, "right": {"indicator": "slow"}}]},
}


def make(path: str, sweep: bool = False) -> Callable[[], tuple[float, int]]:
    """What ../shared/bench/backtest.py runs with --project bench.backtests:make."""
    from backtests import metrics
    from backtests.engine import run
    from backtests.ground import Ground
    from backtests.setup import Setup
    from markets.bars import Bars
    from markets.types import InstrumentKind, InstrumentRules
    from strategies.compiler import compile_document
    from strategies.document import RuleDocument

    ohlcv = np.load(path)["ohlcv"]
    opened = 1_577_836_800 + 3600 * np.arange(ohlcv.shape[1], dtype=np.int64)
    bars = Bars(opened, opened + 3600, *(np.ascontiguousarray(column) for column in ohlcv))
    rules = InstrumentRules(
        key="BENCH:X",
        kind=InstrumentKind.CRYPTO,
        currency="BTC",
        tick_table="btc-8",
        calendar="always",
        price_decimals=6,
        quantity_decimals=0,
        cash_decimals=8,
        lot=Decimal(1),
        min_quantity=Decimal(1),
        min_amount=Decimal(0),
        price_limit_rate=None,
    )
    setup = Setup(
        cash=Decimal(100_000),
        quantity=Decimal(10),
        cooldown_bars=0,
        restarts_at_once=True,
        warm_up=60,
        participation=None,
        spread_ticks=0,
        commission=Decimal("0.0005"),
        collar=False,
    )
    document = RuleDocument.from_data(RULE)

    def once(ground: Ground, **parameters: float) -> tuple[float, int]:
        result = run(compile_document(document, parameters), bars, rules, setup, ground=ground)
        figures = metrics.of(result)
        return figures.strategy.final_equity, figures.trades.count

    def one() -> tuple[float, int]:
        result = run(compile_document(document), bars, rules, setup)
        figures = metrics.of(result)
        if len(result.result_hash) != len(result.version_hash):
            raise SystemExit("a result without a hash")
        return figures.strategy.final_equity, figures.trades.count

    def many() -> tuple[float, int]:
        ground = Ground(bars)
        results = [once(ground, fast=fast, slow=slow) for fast in FASTS for slow in SLOWS]
        return max(equity for equity, _ in results) / 1000 - 100, sum(trades for _, trades in results)

    return many if sweep else one


def child(engine: str, path: str, warm: str, sweep: str) -> None:
    """One engine in this process: warmed up on few bars, then timed."""
    sys.path.insert(0, str(SHARED))
    if engine == "ours":
        made: Callable[..., Any] = make
    else:
        import bt_engines  # type: ignore[import-not-found]

        made = bt_engines.ENGINES[engine]
    made(warm, sweep == "sweep")()
    work = made(path, sweep == "sweep")
    seconds = []
    for _ in range(INNER):
        started = time.perf_counter()
        answer = work()
        seconds.append(time.perf_counter() - started)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "mib": mib, "answer": [float(each) for each in answer]}))


def timed(engine: str, path: Path, warm: Path, *, sweep: bool = False, beside: int = 1) -> dict[str, Any]:
    """The median seconds of one process, or of `beside` processes at once, and its memory."""
    arguments = ["-m", "bench.backtests", "child", engine, str(path), str(warm), "sweep" if sweep else "one"]
    command = [sys.executable, *arguments]
    pipe = subprocess.PIPE
    running = [subprocess.Popen(command, cwd=ROOT, stdout=pipe, text=True) for _ in range(beside)]  # noqa: S603
    told = []
    for process in running:
        said, _nothing = process.communicate()
        if process.returncode:
            raise SystemExit(f"{engine} failed on {path.name}")
        told.append(json.loads(said.splitlines()[-1]))
    return {
        "seconds": statistics.median(each for one in told for each in one["seconds"]),
        "mib": max(each["mib"] for each in told),
        "answer": told[0]["answer"],
    }


def bars_file(folder: Path, count: int) -> Path:
    path = folder / f"b{count}.npz"
    command = [sys.executable, str(SHARED / "data.py"), "--bars", str(count), "--out", str(path)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return path


def main() -> None:
    if not SHARED.is_dir():
        raise SystemExit("the peers' scripts are not beside this repository (../shared/bench)")
    peers = [name for name, modules in PEERS.items() if all(map(importlib.util.find_spec, modules))]
    figures: dict[str, str] = {"bars_per_s": "n/a", "vs_vectorbt": "n/a", "vs_backtesting_py": "n/a"}
    with tempfile.TemporaryDirectory() as folder:
        warm, short = bars_file(Path(folder), 2_000), bars_file(Path(folder), SWEEP_BARS)
        for count in SIZES:
            path = bars_file(Path(folder), count)
            seconds: dict[str, list[float]] = {engine: [] for engine in ("ours", *peers)}
            mib = 0.0
            for _ in range(ROUNDS):
                for engine, each in seconds.items():
                    told = timed(engine, path, warm)
                    each.append(told["seconds"])
                    mib = max(mib, told["mib"]) if engine == "ours" else mib
            middle = {engine: statistics.median(each) for engine, each in seconds.items()}
            rates = ", ".join(f"{engine} {count / each:,.0f}" for engine, each in middle.items())
            print(f"{count:,} bars: bars/s {rates}; {mib:.0f} MiB; {told['answer']}")
            if count == SIZES[0]:
                figures["bars_per_s"] = f"{count / middle['ours']:.0f}"
                figures |= {f"vs_{peer}": f"{middle[peer] / middle['ours']:.1f}" for peer in peers}
            figures["rss_mib"] = f"{mib:.0f}"
        ours = [timed("ours", short, warm, sweep=True)["seconds"] for _ in range(ROUNDS)]
        two = [timed("ours", short, warm, sweep=True, beside=2)["seconds"] for _ in range(ROUNDS)]
        alone = statistics.median(ours)
        figures["sweep_vs_vectorbt"] = "n/a"
        if "vectorbt" in peers:
            theirs = statistics.median(timed("vectorbt", short, warm, sweep=True)["seconds"] for _ in range(ROUNDS))
            figures["sweep_vs_vectorbt"] = f"{theirs / alone:.1f}"
        figures["two_workers"] = f"{2 * alone / statistics.median(two):.2f}"
        print(f"sweep of {len(FASTS) * len(SLOWS)} over {SWEEP_BARS:,} bars: {alone:.3f} s; {os.cpu_count()} cores")
    order = ("bars_per_s", "vs_vectorbt", "vs_backtesting_py", "sweep_vs_vectorbt", "two_workers", "rss_mib")
    print("bench-backtest: " + " ".join(f"{name}={figures[name]}" for name in order))


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["child"] else main()
