"""Order requests for tests of brokers, and an account row that needs no database."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from uuid import uuid4

from brokers.models import BrokerAccount
from brokers.protocol import Division, Environment, OrderRequest, OrderType, TimeInForce
from markets.types import Side

SAMSUNG = "KRX:005930"
PRICE = Decimal(71_200)
CASH = Decimal(100_000_000)
_numbers = count(1)


def asked(
    quantity: Decimal | int = 3,
    limit_price: Decimal | int | None = PRICE,
    side: Side = Side.BUY,
    time_in_force: TimeInForce = TimeInForce.DAY,
    instrument: str = SAMSUNG,
    division: Division = Division.PLAIN,
) -> OrderRequest:
    """A buy at the limit, unless said otherwise; without a limit price a market order."""
    return OrderRequest(
        id=uuid4(),
        client_id=f"K{next(_numbers):020d}",
        instrument=instrument,
        side=side,
        quantity=Decimal(quantity),
        order_type=OrderType.MARKET if limit_price is None else OrderType.LIMIT,
        limit_price=None if limit_price is None else Decimal(limit_price),
        time_in_force=time_in_force,
        claimed_at=datetime.now(UTC),
        division=division,
    )


def account_row(broker: str) -> BrokerAccount:
    """Not saved: adapters read its fields only."""
    return BrokerAccount(name="paper", broker=broker, environment=Environment.PAPER)
