"""`make bench-backtest`: the product's own engine on ../shared/bench's strategy, beside its peers.

EMA 20/60 cross with RSI under 70, 10 units, cash 100,000, fee 0.05 %, decided on the close and filled at the next open; the
bars are those of ../shared/bench/data.py. Every engine runs in a process of its own, by turns; medians. Ours keeps every
fill, equity, all metrics and the hashes of inputs and result. The peers live in an environment of their own (`peers`).
Fewer rounds: ROUNDS=2.
"""

import importlib
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

from bench import peers

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "bench"
ROUNDS = int(os.environ.get("ROUNDS", "5"))
INNER = {"backtesting_py": 1}  # runs in one process; three of the others
FIGURES = ("bars_per_s", "vs_vectorbt", "vs_backtesting_py", "sweep_vs_vectorbt", "two_workers", "rss_mib")
SIZES = (100_000, 1_000_000)
SWEEP_BARS, WARM_UP = 20_000, 60
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
    return made(path, "sweep" if sweep else "one")


def made(path: str, work: str) -> Callable[[], tuple[float, int]]:
    """One run with everything kept, the sweep of 100 combinations, or the check that quick and slow are the same."""
    from backtests import metrics
    from backtests.engine import run, simulate
    from backtests.setup import Setup
    from backtests.sweeps import grid, run_points
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
        warm_up=WARM_UP,
        participation=None,
        spread_ticks=0,
        commission=Decimal("0.0005"),
        collar=False,
    )
    document = RuleDocument.from_data(RULE)

    def one() -> tuple[float, int]:
        result = run(compile_document(document), bars, rules, setup)
        figures = metrics.of(result)
        if len(result.result_hash) != len(result.version_hash):
            raise SystemExit("a result without a hash")
        return figures.strategy.final_equity, figures.trades.count

    def many() -> tuple[float, int]:
        points = run_points(document, grid(document, {"fast": FASTS, "slow": SLOWS}), bars, rules, setup)
        return max(point.total_return or 0.0 for point in points) * 100, sum(point.trades for point in points)

    def checked() -> tuple[float, int]:
        """The same run, walked bar by bar: its hash must be that of the run that is measured."""
        evaluation = compile_document(document).evaluate(bars)
        slow = simulate(evaluation, rules, setup, first_bar=WARM_UP - 1, smooth=False)
        quick = run(compile_document(document), bars, rules, setup)
        if slow.result_hash != quick.result_hash:
            raise SystemExit("the measured run has another result than the run bar by bar")
        return float(slow.equity[-1]), len(slow.filled) // 2

    return {"one": one, "sweep": many, "check": checked}[work]


def child(engine: str, path: str, warm: str, work: str) -> None:
    """One engine in this process: warmed up on few bars, then timed."""
    sys.path.insert(0, str(SHARED))
    begun = time.perf_counter()
    if engine == "ours":
        make_run: Callable[[str], Callable[[], Any]] = lambda at: made(at, work)  # noqa: E731
    else:
        theirs = importlib.import_module("bt_engines").ENGINES[engine]
        make_run = lambda at: theirs(at, work == "sweep")  # noqa: E731
    make_run(warm)()
    start = time.perf_counter() - begun
    run_once = make_run(path)
    seconds, cpu, answer = [], [], (0.0, 0)
    for _ in range(INNER.get(engine, 3)):
        started, used = time.perf_counter(), time.process_time()
        answer = run_once()
        seconds.append(time.perf_counter() - started)
        cpu.append(time.process_time() - used)
    mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    told = {"seconds": seconds, "cpu": cpu, "mib": mib, "start": start, "answer": [float(each) for each in answer]}
    print(json.dumps(told))


class Engines:
    """Ours and the peers, each in its own interpreter, over the same files of bars."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._python = peers.python_of_peers()
        self.names = ["ours", *peers.installed(self._python)]
        self._warm = self.bars(2_000)

    def bars(self, count: int) -> Path:
        path = self._folder / f"b{count}.npz"
        if not path.exists():
            command = [sys.executable, str(SHARED / "data.py"), "--bars", str(count), "--out", str(path)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
        return path

    def timed(self, engine: str, count: int, work: str = "one", *, beside: int = 1) -> dict[str, Any]:
        """The median seconds of one process, or of `beside` processes at once; its memory, and seconds to the first run."""
        python = sys.executable if engine == "ours" else str(self._python)
        module = ["-m", "bench.backtests", "child", engine, str(self.bars(count)), str(self._warm), work]
        running = [
            subprocess.Popen([python, *module], cwd=ROOT, stdout=subprocess.PIPE, text=True, env=peers.quiet_env())  # noqa: S603
            for _ in range(beside)
        ]
        told = []
        for process in running:
            said, _nothing = process.communicate()
            if process.returncode:
                raise SystemExit(f"{engine} failed on {count:,} bars")
            told.append(json.loads(said.splitlines()[-1]))
        return {
            "seconds": statistics.median(each for one in told for each in one["seconds"]),
            "cpu": statistics.median(each for one in told for each in one["cpu"]),
            "mib": max(each["mib"] for each in told),
            "start": told[0]["start"],
            "answer": told[0]["answer"],
        }

    def by_turns(self, names: list[str], count: int, work: str = "one") -> dict[str, dict[str, Any]]:
        """The medians of each engine, measured by turns; memory is the highest."""
        rounds = [{name: self.timed(name, count, work) for name in names} for _ in range(ROUNDS)]
        return {
            name: {
                "seconds": statistics.median(each[name]["seconds"] for each in rounds),
                "cpu": statistics.median(each[name]["cpu"] for each in rounds),
                "start": statistics.median(each[name]["start"] for each in rounds),
                "mib": max(each[name]["mib"] for each in rounds),
                "answer": rounds[0][name]["answer"],
            }
            for name in names
        }


def told(count: int, measured: dict[str, dict[str, Any]]) -> dict[str, str]:
    """One line for each engine; how many times slower than ours the peers are. On a busy machine look at the CPU's ratio."""
    ours, our_cpu = measured["ours"]["seconds"], measured["ours"]["cpu"]
    for name, each in measured.items():
        equity, trades = each["answer"]
        rate, times = (
            f"{count / each['seconds']:>12,.0f} bars/s",
            f"{each['seconds'] / ours:7.1f} x ours (CPU {each['cpu'] / our_cpu:.1f})",
        )
        print(
            f"{count:>9,} bars  {name:<15}{rate}{times}  first run after {each['start']:.1f} s  {each['mib']:4.0f} MiB"
            f"  equity {equity:,.4f}, {trades:.0f} trades"
        )
    return {f"vs_{name}": f"{each['seconds'] / ours:.1f}" for name, each in measured.items() if name != "ours"}


def main() -> None:
    if not SHARED.is_dir():
        raise SystemExit("the peers' scripts are not beside this repository (../shared/bench)")
    figures = dict.fromkeys(FIGURES, "n/a")
    with tempfile.TemporaryDirectory() as folder:
        engines = Engines(Path(folder))
        engines.timed("ours", SIZES[0], "check")
        for count in SIZES:
            measured = engines.by_turns(engines.names, count)
            ratios = told(count, measured)
            if count == SIZES[0]:
                figures |= ratios | {"bars_per_s": f"{count / measured['ours']['seconds']:.0f}"}
            figures["rss_mib"] = f"{measured['ours']['mib']:.0f}"
        swept = engines.by_turns([name for name in engines.names if name != "backtesting_py"], SWEEP_BARS, "sweep")
        alone = swept["ours"]["seconds"]
        two = statistics.median(engines.timed("ours", SWEEP_BARS, "sweep", beside=2)["seconds"] for _ in range(ROUNDS))
        figures["two_workers"] = f"{2 * alone / two:.2f}"
        if "vectorbt" in swept:
            figures["sweep_vs_vectorbt"] = f"{swept['vectorbt']['seconds'] / alone:.1f}"
        for name, each in swept.items():
            took = f"{each['seconds']:8.3f} s, CPU {each['cpu']:.3f} s"
            print(f"sweep of {len(FASTS) * len(SLOWS)} over {SWEEP_BARS:,} bars  {name:<10}{took}")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("bench-backtest: " + " ".join(f"{name}={figures[name]}" for name in FIGURES))


if __name__ == "__main__":
    child(*sys.argv[2:]) if sys.argv[1:2] == ["child"] else main()
