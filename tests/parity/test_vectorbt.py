"""The same strategy in vectorbt: the same trades, the same money.

vectorbt needs numba and much else, so it lives in the environment that `make bench-backtest` makes, and runs in a process of
its own. Conventions brought together here:

- orders: from_signals fills on the bar of its signal; the signals are shifted by one bar and filled at its open, as ours.
- crossing: `crossed_above` wants the averages apart on the bar before, ours allows them equal there. It is given the signals
  of plain comparisons with our reading.
- averages: pandas' rolling mean there, TA-Lib here.
- units: floats without a tick there, eight decimals here: less than 1e-9 of the cash.
"""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bench.peers import HOME
from tests.parity.markets import (
    CASH,
    FEE,
    MARKETS,
    assert_same_trades,
    bars_of,
    closed_trades,
    crossing,
    frame_of,
    ours,
    setup,
)

PYTHON = HOME / "bin" / "python"
pytestmark = pytest.mark.skipif(
    not (HOME / "made").is_file(), reason="vectorbt is not installed: make bench-backtest makes its environment"
)

THEIRS = """
import json, sys
import numpy as np, pandas as pd, vectorbt as vbt
file, fast, slow, size, fee, cash = sys.argv[1], *map(int, sys.argv[2:5]), *map(float, sys.argv[5:7])
bars = np.load(file)
close, opened = pd.Series(bars["close"]), pd.Series(bars["open"])
f, s = close.rolling(fast).mean(), close.rolling(slow).mean()
up = (f > s) & (f.shift(1) <= s.shift(1))
down = (f < s) & (f.shift(1) >= s.shift(1))
shift = lambda signal: signal.shift(1, fill_value=False).astype(bool)
made = vbt.Portfolio.from_signals(close, shift(up), shift(down), price=opened, size=size, fees=fee, init_cash=cash, freq="1D")
trades = made.trades.records
trades = trades[trades["status"] == 1]
columns = ["entry_idx", "exit_idx", "entry_price", "exit_price", "pnl"]
print(json.dumps({"trades": trades[columns].values.tolist(), "equity": made.value().tolist()}))
"""


@pytest.mark.parametrize("market", ["GOOG", "EURUSD", "krx-daily/005930.csv", "krx-daily/069500.csv"])
def test_crossing_averages_trade_alike(market: str, tmp_path: Path) -> None:
    frame, size = frame_of(market), MARKETS[market]
    np.savez(tmp_path / "bars.npz", open=frame["Open"].to_numpy(float), close=frame["Close"].to_numpy(float))
    asked = [
        str(PYTHON),
        "-W",
        "ignore",
        "-c",
        THEIRS,
        str(tmp_path / "bars.npz"),
        "10",
        "30",
        str(size),
        str(FEE),
        str(CASH),
    ]
    said = subprocess.run(asked, check=True, capture_output=True, text=True, env=os.environ | {"MPLBACKEND": "Agg"})
    told = json.loads(said.stdout.splitlines()[-1])
    theirs = [(int(entry), int(leave), bought, sold, made) for entry, leave, bought, sold, made in told["trades"]]
    result = ours(crossing("sma", 10, 30), bars_of(frame), setup(size, warm_up=31))
    assert_same_trades(closed_trades(result), theirs, least=20)
    assert result.equity == pytest.approx(np.array(told["equity"]), rel=1e-9)
