"""From a broker's running totals to fills: whatever is told, repeated or lost, the sums are the broker's (I6)."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.protocol import FillReport, ListedOrder, OrderType, ReportStatus
from brokers.virtual import costs
from markets.types import InstrumentKind, InstrumentRules, Side, market_day
from tests.factories import facts
from trading.totals import Execution, TotalsContradict, fills_told

AT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
ONE = Decimal(1)
RULES = InstrumentRules(
    key="KRX:005930",
    kind=InstrumentKind.STOCK,
    currency="KRW",
    tick_table="krx-stock",
    calendar="krx",
    price_decimals=0,
    quantity_decimals=0,
    cash_decimals=0,
    lot=ONE,
    min_quantity=ONE,
    min_amount=ONE,
    price_limit_rate=None,
)


def row(quantity: int, amount: int, side: Side = Side.BUY, **fields: Any) -> ListedOrder:
    return ListedOrder(
        key="20260304-1",
        client_id="",
        instrument=RULES.key,
        side=side,
        quantity=Decimal(100),
        order_type=OrderType.MARKET,
        limit_price=None,
        ordered_at=AT,
        status=ReportStatus.ACCEPTED,
        filled_quantity=Decimal(quantity),
        filled_amount=Decimal(amount),
        **fields,
    )


def booked(*fills: FillReport) -> list[Execution]:
    return [Execution(fill.key, fill.quantity, fill.amount, fill.at) for fill in fills]


def test_the_growth_of_the_totals_is_one_fill_with_its_own_key() -> None:
    (first,) = fills_told(row(3, 210_000), [], RULES, AT)
    assert facts(first.key, first.quantity, first.price, first.amount) == ("20260304-1:3", 3, 70_000, 210_000)
    assert facts(first.synthetic, first.fee, first.tax) == (True, 31, 0)
    (rest,) = fills_told(row(10, 700_700), booked(first), RULES, AT)
    assert facts(rest.key, rest.quantity, rest.amount, rest.price) == ("20260304-1:10", 7, 490_700, Decimal("70100"))


def test_totals_told_again_or_from_before_are_no_fill() -> None:
    fills = fills_told(row(5, 350_000), [], RULES, AT)
    assert fills_told(row(5, 350_000), booked(*fills), RULES, AT) == ()
    assert fills_told(row(3, 210_000), booked(*fills), RULES, AT) == ()


def test_a_price_without_an_end_keeps_the_money_exact() -> None:
    (fill,) = fills_told(row(3, 200_000), [], RULES, AT)
    assert fill.amount == 200_000
    assert fill.price == Decimal("66666.666666666666666667")


def test_money_that_fell_while_units_grew_is_a_contradiction() -> None:
    with pytest.raises(TotalsContradict, match="amount_fell"):
        fills_told(row(6, 100), [Execution("a", Decimal(5), Decimal(350_000), AT)], RULES, AT)


def execution(key: str, quantity: int) -> FillReport:
    size = Decimal(quantity)
    return FillReport(key, size, Decimal(70_000), size * 70_000, Decimal(0), Decimal(0), AT)


def test_a_venues_own_executions_are_taken_as_they_are() -> None:
    fills = (execution("x", 2), execution("y", 3))
    assert fills_told(row(5, 350_000, fills=fills), booked(fills[0]), RULES, AT) == fills


def test_executions_beyond_the_total_are_a_contradiction() -> None:
    """What was booked from totals must not be booked once more under the venue's own names."""
    synthetic = fills_told(row(5, 350_000), [], RULES, AT)
    with pytest.raises(TotalsContradict, match="executions_exceed_total"):
        fills_told(row(5, 350_000, fills=(execution("x", 5),)), booked(*synthetic), RULES, AT)


STEPS = st.lists(st.tuples(st.integers(1, 9), st.integers(50_000, 90_000)), min_size=1, max_size=8)


@given(steps=STEPS, side=st.sampled_from(list(Side)), seen=st.sets(st.integers(0, 7)), back=st.booleans())
def test_however_many_of_the_totals_are_seen_the_sums_are_the_brokers(
    steps: list[tuple[int, int]], side: Side, seen: set[int], back: bool
) -> None:
    """I6: some totals are missed, some come late; after the last one quantity, money and costs are those of one fill."""
    totals = [(sum(q for q, _p in steps[: n + 1]), sum(q * p for q, p in steps[: n + 1])) for n in range(len(steps))]
    news = [total for number, total in enumerate(totals) if number in seen] + [totals[-1]]
    fills: list[FillReport] = []
    for quantity, amount in news + (totals if back else []):
        fills += fills_told(row(quantity, amount, side), booked(*fills), RULES, AT)
    assert sum(fill.quantity for fill in fills) == totals[-1][0]
    assert sum(fill.amount for fill in fills) == totals[-1][1]
    assert len({fill.key for fill in fills}) == len(fills)
    at_once = costs.charges(RULES, side, Decimal(totals[-1][1]), Decimal(1), market_day(AT))
    assert (sum(fill.fee for fill in fills), sum(fill.tax for fill in fills)) == (at_once.fee, at_once.tax)
