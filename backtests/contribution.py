"""What each of several instruments brought to the account they share. Pure; amounts exact, in the account's currency."""

from dataclasses import dataclass
from decimal import Decimal

from backtests import metrics
from backtests.engine import Result
from backtests.fills import summed
from backtests.together import Together
from trading.sizing import to_decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution:
    """`profit` is what came in less what went out, and what is still held at its last close: the contributions of all
    instruments sum to what the account made. `share` is it over the cash at the beginning, `hold_return` that of who put
    everything into this instrument alone. `exposure` is the share of its bars at whose close it was held."""

    instrument: str
    profit: Decimal
    share: float
    realised: Decimal  # of closed trades, after all costs
    held_worth: Decimal  # of what is still held, at its last close
    fee: Decimal
    tax: Decimal
    trades: int
    wins: int
    fills: int
    exposure: float
    hold_return: float


def contributions(together: Together) -> tuple[Contribution, ...]:
    """One for each instrument, in the order given."""
    return tuple(_of(part, together.setup.cash) for part in together.parts)


def _of(part: Result, cash: Decimal) -> Contribution:
    fills, venue, first = part.filled.columns, part.venue, part.first_bar
    held = (to_decimal(part.held.item(-1)) * to_decimal(part.bars.close.item(-1))).normalize()
    made = metrics.trade_results(part)
    profit = venue.cash(summed(fills.moved)) + held
    hold = metrics.held_from(part)
    return Contribution(
        instrument=venue.rules.key,
        profit=profit.normalize(),
        share=float(profit / cash),
        realised=venue.cash(round(sum(made.tolist()) * venue.cash_scale)),
        held_worth=held,
        fee=venue.cash(summed(fills.fee)),
        tax=venue.cash(summed(fills.tax)),
        trades=len(made),
        wins=int((made > 0).sum()),
        fills=len(fills.bar),
        exposure=float((part.held[first + 1 :] > 0).mean()),
        hold_return=float(hold[-1] / hold[0] - 1),
    )
