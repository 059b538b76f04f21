"""How much a plan's next step buys: its share of the budget at the dearest price the order may pay, costs included."""

from datetime import date
from decimal import Decimal

from brokers.virtual import costs
from markets.types import Side
from trading.models import SwingPlan
from trading.sizing import size_buy


def units_of_step(plan: SwingPlan, step: int, worst_price: Decimal, on: date) -> Decimal:
    """The units of the first or second buy, in whole lots; zero where its share pays for none. The plan has its instrument."""
    rules = plan.instrument.rules
    return size_buy(
        budget=plan.budget,
        share=plan.first_share if step == 1 else Decimal(1),
        price=worst_price,
        fee_rate=costs.rates(rules, Side.BUY, on).commission,
        lot=rules.lot,
        min_quantity=rules.min_quantity,
        min_amount=rules.min_amount,
        already_spent=plan.cycle_spent,
    )
