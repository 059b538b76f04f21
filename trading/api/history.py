"""A person's portfolio day by day: what it was worth each evening, what was paid in, and what was realised (P07, P11)."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from rest_framework import serializers
from rest_framework.response import Response

from accounts.api.fields import Answer, NumberText, Strict
from accounts.api.view import ApiRequest, ApiView, operation
from brokers.models import BrokerAccount
from markets.types import market_day
from trading import ledger
from trading.models import Posting
from trading.services.valuation.worth import worth_by_day
from trading.worth import DayWorth

RESULTS = (ledger.REALISED, ledger.FEES, ledger.TAX)  # buckets: what comes into them has left the person's money
MOST_DAYS = 366
ZERO = Decimal(0)
Day = tuple[date, str]  # and the currency


class HistoryQuery(Strict):
    days = serializers.IntegerField(min_value=1, max_value=MOST_DAYS, default=90)


class DayAnswer(Answer):
    """One market day in one currency. The newest one is now, at last prices."""

    on = serializers.DateField()
    currency = serializers.CharField()
    total_value = NumberText(
        allow_null=True, help_text="Cash and holdings at the evening's prices; null where a price is not known."
    )
    paid_in = NumberText(allow_null=True, help_text="Everything paid in until then, less what was paid out.")
    flow = NumberText(help_text="Of it, what was paid in or out on this day.")
    realised = NumberText(help_text="After fees and taxes.")
    cumulative = NumberText(help_text="`realised` since the first day listed.")


class HistoryAnswer(Answer):
    results = DayAnswer(many=True)


class History(ApiView):
    @operation(
        "The portfolio day by day, oldest first; currencies stand side by side",
        query=HistoryQuery,
        answer=HistoryAnswer,
    )
    def get(self, request: ApiRequest) -> Response:
        accounts = list(BrokerAccount.objects.filter(user=request.user, is_active=True))
        days = self.query["days"]
        evenings = {(each.on, worth.currency): each for worth in worth_by_day(accounts, days) for each in worth.days}
        return Response({"results": list(_rows(evenings, _realised(accounts, days)))})


def _realised(accounts: Sequence[BrokerAccount], days: int) -> dict[Day, Decimal]:
    found = Posting.objects.filter(journal__broker_account__in=accounts, bucket__in=RESULTS)
    newest = found.order_by("-journal__at").values_list("journal__at", flat=True).first()
    realised: dict[Day, Decimal] = defaultdict(Decimal)
    if newest is None:
        return realised
    rows = found.filter(journal__at__gt=newest - timedelta(days=days)).order_by("journal__at", "id")
    for at, currency, amount in rows.values_list("journal__at", "asset", "amount").iterator(chunk_size=2000):
        realised[market_day(at), currency] -= amount
    return realised


def _rows(evenings: dict[Day, DayWorth], realised: dict[Day, Decimal]) -> Iterator[dict[str, Any]]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for on, currency in sorted(evenings.keys() | realised.keys()):
        evening, brought = evenings.get((on, currency)), realised.get((on, currency), ZERO)
        sums[currency] += brought
        yield {
            "on": on,
            "currency": currency,
            "total_value": evening.value if evening else None,
            "paid_in": evening.paid_in if evening else None,
            "flow": evening.flow if evening else ZERO,
            "realised": brought,
            "cumulative": sums[currency],
        }
