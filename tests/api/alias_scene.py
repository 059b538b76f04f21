"""Somebody to walk the literal addresses as, and real things in place of their placeholders."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from accounts.models import User
from markets.models import Instrument, StoredBar
from tests import factories as make
from tests.trading import scene
from trading.models import AliasDefaults

ORDER = {"symbol": "005930", "side": "buy", "order_type": "limit", "quantity": 1, "price": 70500}


def alias_person(email: str = "somebody@example.com") -> User:
    """Somebody with a default account, instrument and budget (C15), and hourly bars to test strategies on."""
    user = make.make_user(email)
    stock = Instrument.objects.filter(venue="KRX", symbol="005930").first() or scene.make_stock()
    first, hour = 1_600_002_000, 3600
    StoredBar.objects.bulk_create(
        StoredBar(
            instrument=stock, interval="1h", source=stock.source, opened_at=at, closed_at=at + hour,
            open=70_000, high=71_000, low=69_000, close=70_000 + at // hour % 7, volume=1000,
        )
        for at in range(first, first + 900 * hour, hour)
    )  # fmt: skip
    AliasDefaults.objects.create(
        user=user, broker_account=make.make_account(user), instrument=stock, budget=Decimal(1_000_000)
    )
    return user


def filled(path: str, post: Callable[[str, dict[str, Any]], dict[str, Any]]) -> str:
    """The address with real things in place of its placeholders; `post` makes them."""
    if "{order_id}" in path:
        path = path.replace("{order_id}", post("/order/submit", ORDER)["order_id"])
    if "{id}" in path:
        path = path.replace("{id}", post("/backtest/start", {"symbol": "005930"})["id"])
    return path.replace("{symbol}", "005930").replace("{stock_code}", "005930")
