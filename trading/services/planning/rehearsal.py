"""What a plan would be like before it is registered: how often its rule held in the last year, and what its first buy costs.

Only read. Bars are those stored of the instrument's present source, at most MOST_BARS; the span they really cover is told.
"""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

from brokers.models import BrokerAccount
from brokers.virtual import costs
from markets import services as markets
from markets.bars import Bars
from markets.models import Instrument
from markets.types import Interval, Side, market_day
from strategies.document import RuleDocument
from trading import ledger
from trading.errors import OrderRefused
from trading.models import Balance
from trading.services.ordering.asked import check_currency
from trading.services.ordering.checks import worst_price
from trading.sizing import size_buy

if TYPE_CHECKING:  # TA-Lib is loaded by the first count: the web process starts without
    from strategies.firing import Firing

YEAR = timedelta(days=365)
MOST_BARS = 12_000  # a year of hours around the clock with the longest warm-up of the library
MOST_KEPT = 8  # series, at most 0.7 MB each: the same form is looked at again with every key pressed

_Key = tuple[int, str, str, int]
_kept: OrderedDict[_Key, Bars] = OrderedDict()
_keeping = Lock()


def firing_of(document: RuleDocument, instrument: Instrument, interval: Interval) -> "Firing | None":
    """How often the rule held on the stored bars of the last year; None without enough of them."""
    newest = markets.newest_close(instrument, interval, markets.market_now(instrument))
    if newest is None:
        return None
    from strategies import firing

    return firing.firing_of(document, year_of_bars(instrument, interval, newest), int((newest - YEAR).timestamp()))


def forget() -> None:
    """Read anew: bars were added before the newest one, as an import of history does."""
    with _keeping:
        _kept.clear()


def year_of_bars(instrument: Instrument, interval: Interval, newest: datetime) -> Bars:
    """The bars up to `newest`, a year and its warm-up: reading takes longer than counting, so those last looked at are kept."""
    key = (instrument.pk, instrument.source, interval.value, int(newest.timestamp()))
    with _keeping:
        if key in _kept:
            _kept.move_to_end(key)
            return _kept[key]
    bars = markets.read_bars(instrument, interval, MOST_BARS, newest)
    with _keeping:
        _kept[key] = bars
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)
    return bars


@dataclass(frozen=True, slots=True)
class FirstBuy:
    """The first buy at the present price, in the instrument's currency; `quantity` 0 where the share buys no whole lot.

    `total` is with the fee; `cash` what the account has free. `is_stale`: the market is silent, and the price its last one.
    """

    price: Decimal
    quantity: Decimal
    amount: Decimal
    fee: Decimal
    total: Decimal
    cash: Decimal
    is_stale: bool

    @property
    def is_affordable(self) -> bool:
        return self.total <= self.cash


def first_buy(instrument: Instrument, account: BrokerAccount, budget: Decimal, share: Decimal) -> FirstBuy:
    """What the first step would buy now with `share` of the budget. Raises OrderRefused without any price or money of its kind.

    The quantity is the one the plan itself would size, by the worst price it might fill at; the cost is at the ask.
    Raises NoRuleInForce, SizingInvalid.
    """
    check_currency(account, instrument)
    quote, rules = markets.latest_quote(instrument), instrument.rules
    if quote is None:
        raise OrderRefused("no_price", instrument=instrument.key)
    on = market_day(markets.market_now(instrument))
    quantity = size_buy(
        budget=budget,
        share=share,
        price=worst_price(rules, Side.BUY, None, None, quote, on),
        fee_rate=costs.rates(rules, Side.BUY, on).commission,
        lot=rules.lot,
        min_quantity=rules.min_quantity,
        min_amount=rules.min_amount,
        already_spent=Decimal(0),
    )
    price, nothing = quote.ask or quote.price, Decimal(0)
    charge = (
        costs.charges(rules, Side.BUY, price, quantity, on) if quantity else costs.Charges(nothing, nothing, nothing)
    )
    total = charge.amount + charge.fee + charge.tax
    cash, is_stale = _free_cash(account, instrument), markets.quote_is_stale(quote)
    return FirstBuy(price, quantity, charge.amount, charge.fee, total, cash, is_stale)


def _free_cash(account: BrokerAccount, instrument: Instrument) -> Decimal:
    free = Balance.objects.filter(broker_account=account, bucket=ledger.AVAILABLE, asset=instrument.currency)
    return free.values_list("amount", flat=True).first() or Decimal(0)
