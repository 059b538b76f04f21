"""Orders as the API lists them, asked in SQL that is kept from call to call: phones ask nothing more often."""

from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.db.models import CharField, DateTimeField, F, Q, QuerySet, TextField, UUIDField
from django.db.models.functions import Cast

from accounts.api.pages import PLACE, after, cut, order_of, place_of
from accounts.api.problems import Problem
from accounts.models import User
from accounts.models.kept import Given, KeptQuery
from trading.api.order_rows import EXACT, order_row
from trading.api.rows import ExactText
from trading.lifecycle import OPEN
from trading.models import Order

_READ: dict[str, Any] = {
    "id": F("id"),
    "broker_account": F("broker_account_id"),
    "venue": F("instrument__venue"),
    "symbol": F("instrument__symbol"),
    "currency": F("instrument__currency"),
    "plan": F("plan_id"),
    "replaces": F("replaces_id"),
    "facts": Cast(F("facts"), TextField()),
    **{name: ExactText(F(name)) for name in EXACT},
    **{name: F(name) for name in ("side", "order_type", "time_in_force", "division", "purpose", "step", "state")},
    **{name: F(name) for name in ("reason", "cancel_requested", "version")},
    **{name: F(name) for name in ("market_at", "created_at", "expires_at", "finished_at")},
}
_NAMES = tuple(_READ)
_CONDITIONS = {
    "id": Q(pk=Given("id", UUIDField())),
    "state": Q(state=Given("state", CharField())),
    "open": Q(state__in=sorted(OPEN)),
    "side": Q(side=Given("side", CharField())),
    "venue": Q(instrument__venue=Given("venue", CharField())),
    "symbol": Q(instrument__symbol=Given("symbol", CharField())),
    "broker_account": Q(broker_account_id=Given("broker_account", UUIDField())),
    "plan": Q(plan_id=Given("plan", UUIDField())),
    "since": Q(created_at__gte=Given("since", DateTimeField())),
    "until": Q(created_at__lt=Given("until", DateTimeField())),
}
_CURSOR = (Given("cursor_at", DateTimeField()), Given("cursor_id", UUIDField()))


def orders_page(user: User, query: dict[str, Any]) -> dict[str, Any]:
    """One page of a person's orders as an OrderQuery narrows and orders them. Raises Problem for a bad cursor."""
    values = {name: value for name, value in query.items() if name in _CONDITIONS}
    if values.get("state") == "open":
        values["open"] = values.pop("state")
    if "instrument" in query:
        values["venue"], _colon, values["symbol"] = query["instrument"].partition(":")
    conditions = frozenset(values)
    if "cursor" in query:
        values["cursor_at"], values["cursor_id"] = _place(query["cursor"])
    kept = _orders(conditions, "cursor" in query, query["ordering"] == "-created_at")
    found = kept.ask(values | {"user": user.pk}, query["limit"] + 1)
    said: dict[str, str] = {}
    return cut([order_row(dict(zip(_NAMES, row, strict=True)), said) for row in found], query["limit"])


def order_shown(user: User, order_id: UUID) -> dict[str, Any]:
    """One own order. Raises Order.DoesNotExist."""
    found = _orders(frozenset({"id"}), False, True).ask({"user": user.pk, "id": order_id}, 1)
    if not found:
        raise Order.DoesNotExist
    return order_row(dict(zip(_NAMES, found[0], strict=True)), {})


@lru_cache(256)
def _orders(conditions: frozenset[str], goes_on: bool, newest_first: bool) -> KeptQuery:
    return KeptQuery(lambda: _made(conditions, goes_on, newest_first))


def _made(conditions: frozenset[str], goes_on: bool, newest_first: bool) -> QuerySet[Any, tuple[Any, ...]]:
    """The query of one kind of list. It is asked of one person alone, whatever else it is narrowed to."""
    found = Order.objects.filter(user_id=Given("user", UUIDField()))
    found = found.filter(*(_CONDITIONS[name] for name in sorted(conditions)))
    if goes_on:
        found = found.filter(after(PLACE, _CURSOR, newest_first))
    return found.order_by(*order_of(PLACE, newest_first)).values_list(*_READ.values())


def _place(cursor: str) -> tuple[datetime, UUID]:
    at, key = place_of(cursor)
    if not isinstance(at, datetime) or not isinstance(key, UUID):
        raise Problem("bad_cursor", 400)
    return at, key
