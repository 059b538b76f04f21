"""What an order would cost or bring, before anything is sent."""

from dataclasses import dataclass
from decimal import Decimal

from brokers.protocol import OrderType
from brokers.virtual import costs
from markets import services as markets
from markets.models import Instrument
from markets.types import Side, market_day
from trading.services.ordering.asked import check_prices, plain_number
from trading.services.ordering.checks import check_numbers, usable_quote


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an order would cost (a buy) or bring (a sell) at `price`, in the instrument's currency."""

    price: Decimal
    amount: Decimal
    fee: Decimal
    tax: Decimal
    total: Decimal


def estimate_order(
    instrument: Instrument,
    side: Side,
    quantity: Decimal,
    order_type: OrderType,
    limit_price: Decimal | None,
    stop_price: Decimal | None = None,
) -> Estimate:
    """What the order would cost with fee and tax at its limit, its stop, or the quoted price. Raises OrderRefused."""
    check_prices(order_type, limit_price, stop_price)
    quantity = plain_number(quantity, "quantity")
    quote = usable_quote(instrument)
    now = markets.market_now(instrument)
    check_numbers(instrument, side, quantity, limit_price, stop_price, quote, now)
    quoted = quote.ask if side is Side.BUY else quote.bid
    price = limit_price or stop_price or quoted or quote.price
    charge = costs.charges(instrument.rules, side, price, quantity, market_day(now))
    sign = 1 if side is Side.BUY else -1
    total = charge.amount + sign * (charge.fee + charge.tax)
    return Estimate(price, charge.amount, charge.fee, charge.tax, total)
