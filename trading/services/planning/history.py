"""What a plan has done, fill by fill: the table a person reads to see whether it did what it said."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from trading import ledger
from trading.models import Fill, Posting, SignalStep, SwingPlan
from trading.services.ledger import books


@dataclass(frozen=True, slots=True)
class PlanFill:
    """One fill of a plan. `signal` is where SIGNAL stood once its order had ended; `cash_after` is the account's cash,
    reserved or not, right after the fill, in the instrument's currency."""

    at: datetime  # market time
    cycle: int
    signal: int
    side: str
    price: Decimal
    quantity: Decimal
    fee: Decimal
    tax: Decimal
    cash_after: Decimal


def plan_fills(plan: SwingPlan) -> list[PlanFill]:
    """Every fill of the plan, oldest first, in three queries."""
    fills = list(Fill.objects.filter(order__plan=plan).select_related("order").order_by("id"))
    reached = {step.order_id: step.to_signal for step in SignalStep.objects.filter(plan=plan)}
    cash = _cash_after_each_fill(plan)
    return [
        PlanFill(
            at=fill.at,
            cycle=fill.order.cycle or 0,
            signal=reached.get(fill.order_id, (fill.order.step or 1) - 1),
            side=fill.order.side,
            price=fill.price,
            quantity=fill.quantity,
            fee=fill.fee,
            tax=fill.tax,
            cash_after=cash[books.fill_source(fill)],
        )
        for fill in fills
    ]


def _cash_after_each_fill(plan: SwingPlan) -> dict[str, Decimal]:
    """The account's cash after each booking, by the booking's source: the running sum of its postings.

    A fill too small to cost one unit of the currency moves none, and stands with the cash there was.
    """
    cash_buckets, currency = {ledger.AVAILABLE, ledger.RESERVED}, plan.instrument.currency
    postings: Iterable[tuple[str, str, str, Decimal]] = (
        Posting.objects.filter(journal__broker_account_id=plan.broker_account_id)
        .order_by("journal_id", "id")
        .values_list("journal__source", "asset", "bucket", "amount")
    )
    cash, after = Decimal(0), {}
    for source, asset, bucket, amount in postings:
        if asset == currency and bucket in cash_buckets:
            cash += amount
        after[source] = cash
    return after
