"""What surrounded a look at a plan, kept beside the figures of its rule (G01): session, age of the price, free cash, limits."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from json import dumps
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from markets.models import LatestQuote
from trading import ledger
from trading.models import Balance
from trading.risk import Denial


@dataclass(frozen=True, slots=True)
class Around:
    """One instrument's market and the accounts that trade there, as they stood when its plans were looked at.

    `price_age` counts seconds by the wall since the price came in, None: there is none. `cash` is what is free in each account,
    in the instrument's `currency`.
    """

    session: str
    price_age: int | None
    currency: str
    cash: Mapping[UUID, Decimal]
    _texts: dict[UUID, str] = field(default_factory=dict)

    def text(self, account_id: UUID, limit: Denial | None = None) -> str:
        """The JSON that an evaluation keeps: {"session", "price_age", "cash", "currency"} and, of a denied order, "limit"."""
        if limit is not None:
            return dumps(self._data(account_id) | {"limit": {"code": limit.code, "facts": limit.facts}})
        if account_id not in self._texts:
            self._texts[account_id] = dumps(self._data(account_id))
        return self._texts[account_id]

    def _data(self, account_id: UUID) -> dict[str, Any]:
        free = self.cash.get(account_id, Decimal(0))
        return {
            "session": self.session,
            "price_age": self.price_age,
            "cash": format(free, "f"),
            "currency": self.currency,
        }


def price_ages(instrument_ids: Collection[int]) -> dict[int, int]:
    """For how many seconds the last price of each has been here; one without a price of its source is left out."""
    now = timezone.now()
    quotes = LatestQuote.objects.filter(instrument__in=instrument_ids, source=F("instrument__source"))
    return {pk: max(0, int((now - at).total_seconds())) for pk, at in quotes.values_list("pk", "received_at")}


def free_cash(account_ids: Collection[UUID]) -> dict[str, dict[UUID, Decimal]]:
    """By currency, what each account may still spend in it."""
    found: dict[str, dict[UUID, Decimal]] = defaultdict(dict)
    rows = Balance.objects.filter(
        broker_account__in=account_ids, bucket=ledger.AVAILABLE, asset=F("broker_account__currency")
    )
    for account_id, currency, amount in rows.values_list("broker_account_id", "asset", "amount"):
        found[currency][account_id] = amount
    return found
