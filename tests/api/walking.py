"""Every address of the site, filled in with one person's things, so that others can try them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.contrib.admin.sites import AdminSite
from django.db import connection
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework import serializers

from accounts.api import fields
from accounts.api.view import ApiView
from accounts.models import Device, Scope, User
from accounts.services import api_tokens
from config import compat_bodies
from tests import factories as make
from tests.trading import scene
from trading.models import AliasDefaults
from trading.services.safeguards.alerts import raise_alert

CANARY = "canary-7f3a"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
# What every request may touch: the audit of refused tries, counters, and who asks.
NOT_COMPARED = {"accounts_throttle", "accounts_auditentry", "accounts_audittail", "django_session", "accounts_device"}
NOT_COMPARED |= {"accounts_refreshtoken", "accounts_socketticket", "django_migrations", "sqlite_sequence"}


@dataclass(frozen=True)
class Address:
    """One pattern with its view; `view` is None for a page."""

    route: str
    names: tuple[str, ...]
    view: type[ApiView] | None
    methods: tuple[str, ...] = METHODS


@dataclass
class Owned:
    """A person, and one of everything a person can have."""

    user: User
    things: dict[str, Any] = field(default_factory=dict)

    def fill(self, address: Address) -> str | None:
        """The address with this person's keys; None where there is nothing of the kind."""
        path = address.route
        for name in address.names:
            if name not in self.things:
                return None
            path = _replaced(path, name, str(self.things[name]))
        return "/" + path


def addresses() -> list[Address]:
    """Every pattern of the site but the admin's own, which has tests of its own."""
    found = list(_walk(get_resolver(), ""))
    return [each for each in found if not each.route.startswith(("admin/", "static/")) and "^" not in each.route]


def owner_with_everything() -> Owned:
    """Somebody with an account, a plan, orders, a strategy and an alert, all called by the canary."""
    user = make.make_user("owner@example.com")
    User.objects.filter(pk=user.pk).update(name=CANARY)
    stock = scene.make_stock()
    account = make.make_account(user, name=f"account {CANARY}")
    plan = scene.make_plan(user, account, stock, name=f"plan {CANARY}")
    scene.make_look(plan)
    order = make.place(account, stock, quantity=Decimal(1), limit_price=Decimal(70_500))
    alert = raise_alert("unknown_too_long", f"order:{order.pk}", user.pk)
    AliasDefaults.objects.create(user=user, broker_account=account, instrument=stock, budget=Decimal(1_000_000))
    token = api_tokens.create(user, name=CANARY, scope=Scope.TRADE, days=7, second_factor=False, address="127.0.0.1")
    device = Device.objects.filter(user=user).first()
    things = {
        "account_id": account.pk,
        "order_id": order.pk,
        "plan_id": plan.pk,
        "alert_id": alert.pk,
        "strategy_id": plan.strategy_version.strategy_id,
        "version_id": plan.strategy_version_id,
        "device_id": device.pk if device else user.pk,
        "token_id": token.device.pk,
        "run_id": user.pk,
        "key": stock.key,
        "stock_code": stock.symbol,
        "symbol": stock.symbol,
        "venue": stock.venue,
        "name": "order_amount",
        "pk": stock.pk,
        "scope": "account",
        "target": str(account.pk),
        "difference_id": 1,
        "number": 1,
        "interval": "1h",
    }
    return Owned(user, things)


def body_of(view: type[ApiView], method: str, owned: Owned) -> dict[str, Any] | None:
    """A body that would be taken from the owner, as far as its fields say; None for a method without one."""
    declared = getattr(getattr(view, method.lower(), None), "declared", None)
    if declared is None or declared.body is None:
        return None
    return _example(declared.body(), owned)


def checksums() -> dict[str, Any]:
    """All rows of all tables, as they are now."""
    tables = [name for name in connection.introspection.table_names() if name not in NOT_COMPARED]
    found = {}
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 (names of our own)
            found[table] = sorted(map(repr, cursor.fetchall()))
    return found


def _example(serializer: Any, owned: Owned) -> dict[str, Any]:
    return {name: _value(name, each, owned) for name, each in serializer.fields.items() if not each.read_only}


def _value(name: str, declared: Any, owned: Owned) -> Any:
    if isinstance(declared, serializers.Serializer):
        return _example(declared, owned) if declared.required else {"kind": "swing"}
    if isinstance(declared, serializers.ChoiceField):
        return next(iter(declared.choices))
    by_kind: list[tuple[type, Any]] = [
        (fields.Key, str(owned.things["account_id" if "account" in name else "version_id"])),
        (fields.NumberText, "70500" if "price" in name else "1"),
        (fields.InstrumentKey, owned.things["key"]),
        (compat_bodies.Symbol, owned.things["symbol"]),
        (fields.Flag, False),
        (fields.Whole, 5),
        (fields.Plain, {}),
        (serializers.EmailField, "stranger@example.com"),
        (serializers.DateField, "2030-01-01"),
    ]
    by_name = {"account": str(owned.things["account_id"]), "target": str(owned.things["account_id"])}
    by_name["time_zone"] = "Asia/Seoul"
    fitting = (example for kind, example in by_kind if isinstance(declared, kind))
    return next(fitting, by_name.get(name, "a long pass phrase 7"))


def _walk(resolver: URLResolver, before: str) -> Iterator[Address]:
    for each in resolver.url_patterns:
        route = before + str(each.pattern)
        if isinstance(each, URLResolver):
            if not isinstance(getattr(each.urlconf_name, "__self__", None), AdminSite) and each.app_name != "admin":
                yield from _walk(each, route)
        elif isinstance(each, URLPattern):
            view = getattr(each.callback, "cls", None)
            is_api = isinstance(view, type) and issubclass(view, ApiView)
            methods = tuple(m for m in METHODS if hasattr(view, m.lower())) if is_api else METHODS[:2]
            yield Address(route, tuple(each.pattern.converters), view if is_api else None, methods)


def _replaced(route: str, name: str, value: str) -> str:
    start = route.index("<", route.rfind(">", 0, route.index(f"{name}>")) + 1)
    return route[:start] + value + route[route.index(">", start) + 1 :]
