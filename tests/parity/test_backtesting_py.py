"""The same strategies in backtesting.py: the same trades, the same money, and its statistics where they mean the same.

Where the two programs differ by convention, the test says how it brings them together:

- orders: backtesting.py fills a market order at the next open, whole, for the open. So do we without spread, participation
  and collar.
- units: it knows no ticks and no smallest unit of money. Ours are eight decimals here; money cut to them differs by less
  than 1e-9 of the cash.
- crossing: its `crossover` wants the averages apart on the bar before; ours allows them equal there. Its strategy is
  written with our reading.
- stops: it takes the level of a stop when the order is placed, from prices known then; ours counts from the price paid. Its
  strategy is told the open it will be filled at. It refuses a level beyond the last close (the open jumped by more than the
  stop); then the level is set once it has bought, and what the bar of the purchase touched is missed. Such trades are left
  out of the comparison, and counted.
- both touched in one bar: the stop comes first in both.
- profit factor and expectancy are of returns there, of money here; ratios are made yearly otherwise (docs/backtests.md).
"""

import warnings
from typing import Any

import numpy as np
import pytest

from backtests import metrics
from backtests.ground import Days
from tests.parity.markets import (
    CASH,
    FEE,
    MARKETS,
    Told,
    assert_same_trades,
    bars_of,
    closed_trades,
    crossing,
    frame_of,
    ours,
    setup,
)

peer = pytest.importorskip("backtesting", reason="backtesting.py is not installed")
talib = pytest.importorskip("talib", reason="TA-Lib is not installed")

AVERAGES: dict[str, Any] = {"sma": talib.SMA, "ema": talib.EMA}


def theirs(frame: Any, kind: str, fast: int, slow: int, size: int, stop: float = 0.0, target: float = 0.0) -> Any:
    opens = frame["Open"].to_numpy(dtype=float)

    class Crossing(peer.Strategy):  # type: ignore[misc, name-defined]
        def init(self) -> None:
            self.late = False
            self.fast = self.I(AVERAGES[kind], self.data.Close, fast)
            self.slow = self.I(AVERAGES[kind], self.data.Close, slow)

        def next(self) -> None:
            bar = len(self.data) - 1
            above = self.fast[-1] > self.slow[-1] and self.fast[-2] <= self.slow[-2]
            below = self.fast[-1] < self.slow[-1] and self.fast[-2] >= self.slow[-2]
            if self.position:
                if self.late:
                    paid, self.late = self.trades[0].entry_price, False
                    self.trades[0].sl = paid * (1 - stop) if stop else None
                    self.trades[0].tp = paid * (1 + target) if target else None
                if below:
                    self.position.close()
            elif above and bar + 1 < len(opens):
                paid = opens[bar + 1]
                low, high = paid * (1 - stop) if stop else None, paid * (1 + target) if target else None
                now = self.data.Close[-1]
                self.late = (low or 0) >= now or (high or np.inf) <= now
                self.buy(size=size) if self.late else self.buy(size=size, sl=low, tp=high)

    with warnings.catch_warnings():  # of trades left open, as ours are, and of what pandas will take from it
        warnings.simplefilter("ignore")
        return peer.Backtest(frame, Crossing, cash=CASH, commission=FEE).run()


def their_trades(stats: Any) -> Told:
    columns = stats["_trades"][["EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL"]]
    # PnL is after the fees on both sides since 0.6
    return [
        (int(entry), int(leave), float(b), float(s), float(made)) for entry, leave, b, s, made in columns.to_numpy()
    ]


# Not simple averages of minutes in which the price stands still: two that are equal on paper differ in their last bit, and
# each program's sum has another.
STILL = "crypto/UNITTEST_BTC-1m.csv"


@pytest.mark.parametrize(
    ("market", "kind"), [(market, kind) for market in MARKETS for kind in AVERAGES if (market, kind) != (STILL, "sma")]
)
def test_crossing_averages_trade_alike(market: str, kind: str) -> None:
    frame, size = frame_of(market), MARKETS[market]
    stats = theirs(frame, kind, 10, 30, size)
    result = ours(crossing(kind, 10, 30), bars_of(frame), setup(size, warm_up=31))
    assert_same_trades(closed_trades(result), their_trades(stats), least=20)
    assert result.equity[-1] == pytest.approx(stats["Equity Final [$]"], rel=1e-9)
    assert result.equity == pytest.approx(stats["_equity_curve"]["Equity"].to_numpy(), rel=1e-9)


@pytest.mark.parametrize(("stop", "target"), [(0.03, 0.0), (0.0, 0.05), (0.02, 0.03)])
@pytest.mark.parametrize("market", ["GOOG", "krx-daily/005930.csv"])
def test_stops_and_targets_inside_a_bar_trade_alike(market: str, stop: float, target: float) -> None:
    frame, size = frame_of(market), MARKETS[market]
    stats = theirs(frame, "sma", 10, 30, size, stop, target)
    limits = {"stop_loss_rate": stop, "take_profit_rate": target}
    document = crossing("sma", 10, 30, **{name: rate for name, rate in limits.items() if rate})
    result = ours(document, bars_of(frame), setup(size, warm_up=31, exits="inside_bar"))
    jumped = jumps(frame, stop, target)
    mine, their_own = (
        [trade for trade in trades if trade[0] not in jumped] for trades in (closed_trades(result), their_trades(stats))
    )
    assert_same_trades(mine, their_own, least=30)
    assert len(mine) >= 0.85 * len(closed_trades(result))
    reasons = {fill.reason for fill in result.fills}
    assert reasons >= {name for name, rate in (("stop_loss", stop), ("take_profit", target)) if rate}
    if market == "GOOG":  # where nothing was missed
        assert result.equity[-1] == pytest.approx(stats["Equity Final [$]"], rel=1e-9)


def jumps(frame: Any, stop: float, target: float) -> set[int]:
    """The bars that opened so far from the close before that the peer takes no level for them."""
    opens, before = frame["Open"].to_numpy()[1:], frame["Close"].to_numpy()[:-1]
    late = np.zeros(len(opens), dtype=bool)
    late |= opens * (1 - stop) >= before if stop else False
    late |= opens * (1 + target) <= before if target else False
    return set((np.flatnonzero(late) + 1).tolist())


@pytest.mark.parametrize("market", ["GOOG", "krx-daily/005930.csv"])
def test_statistics_that_mean_the_same_are_the_same(market: str) -> None:
    frame, size = frame_of(market), MARKETS[market]
    stats = theirs(frame, "sma", 10, 30, size)
    result = ours(crossing("sma", 10, 30), bars_of(frame), setup(size, warm_up=31))
    curve = metrics.curve(
        result.bars.closed_at, result.equity
    )  # they count from the first bar, not the first tradable one
    trades = metrics.trades(result)
    assert curve.total_return * 100 == pytest.approx(stats["Return [%]"], rel=1e-9)
    assert curve.max_drawdown * 100 == pytest.approx(stats["Max. Drawdown [%]"], rel=1e-9)
    assert trades.count == stats["# Trades"]
    assert (trades.win_rate or 0) * 100 == pytest.approx(stats["Win Rate [%]"], rel=1e-9)
    assert trades.expectancy == pytest.approx(stats["_trades"]["PnL"].mean(), rel=1e-7)
    assert trades.best == pytest.approx(stats["_trades"]["PnL"].max(), rel=1e-7)
    assert trades.worst == pytest.approx(stats["_trades"]["PnL"].min(), rel=1e-7)
    if not trades.is_open:  # their fees are of closed trades alone
        assert trades.fees == pytest.approx(stats["Commissions [$]"], rel=1e-9)


def test_their_yearly_return_is_ours_where_days_are_counted_alike() -> None:
    """CAGR: both compound over calendar years of 365.25 days; their last bar's time is its open, ours its close."""
    frame, size = frame_of("GOOG"), MARKETS["GOOG"]
    stats = theirs(frame, "sma", 10, 30, size)
    result = ours(crossing("sma", 10, 30), bars_of(frame), setup(size, warm_up=31))
    curve = metrics.curve(result.bars.opened_at, result.equity, Days.of(result.bars.closed_at))
    assert (curve.cagr or 0) * 100 == pytest.approx(stats["CAGR [%]"], rel=1e-9)


def test_their_volatility_follows_from_our_days() -> None:
    """They compound the mean and count 252 days; the daily returns under it are ours."""
    frame, size = frame_of("GOOG"), MARKETS["GOOG"]
    stats = theirs(frame, "sma", 10, 30, size)
    result = ours(crossing("sma", 10, 30), bars_of(frame), setup(size, warm_up=31))
    daily = result.equity[1:] / result.equity[:-1] - 1
    grown = float(np.exp(np.log1p(daily).mean()))
    volatility = np.sqrt((daily.var(ddof=1) + grown**2) ** 252 - grown ** (2 * 252))
    assert volatility * 100 == pytest.approx(stats["Volatility (Ann.) [%]"], rel=1e-9)
