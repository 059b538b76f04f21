"""Pre-trade limits (reliability.md §3.12): what there is to limit, where it starts, and the first one an order breaks.

Pure. A limit is a number with a name; scopes may set it, and the strictest one that applies counts. A fact that a limit
needs and nobody knows denies the order: fail closed.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

from brokers.protocol import Environment
from markets.types import InstrumentKind, Side
from trading.risk import Denial

Limits = Mapping[str, Decimal]  # name → value; a missing one does not limit


class Unit(StrEnum):
    RATE = "rate"  # a fraction: 0.03
    MONEY = "money"  # in the account's currency
    COUNT = "count"
    SECONDS = "seconds"
    SWITCH = "switch"  # 1: forbidden


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that can be limited. `start`: its value on a real account, in paper trading and live alike."""

    name: str
    unit: Unit
    start: Decimal | None
    # Watched by the triggers after the fact, on virtual accounts too where `everywhere`.
    is_watched: bool = False
    everywhere: bool = False
    higher_is_stricter: bool = False


def _table(*limits: Limit) -> dict[str, Limit]:
    return {limit.name: limit for limit in limits}


TABLE = _table(
    Limit("quote_age", Unit.SECONDS, Decimal(5)),
    Limit("price_collar_stock", Unit.RATE, Decimal("0.03")),
    Limit("price_collar_coin", Unit.RATE, Decimal("0.02")),
    Limit("order_amount", Unit.MONEY, None),
    Limit("order_share", Unit.RATE, Decimal("0.05")),
    Limit("first_orders_amount", Unit.MONEY, Decimal(1_000_000)),
    Limit("first_orders", Unit.COUNT, Decimal(20), higher_is_stricter=True),
    Limit("instrument_share", Unit.RATE, Decimal("0.2")),
    Limit("account_share", Unit.RATE, Decimal(1)),
    Limit("open_orders_lane", Unit.COUNT, Decimal(1)),
    Limit("open_orders_account", Unit.COUNT, Decimal(20)),
    Limit("orders_per_minute_plan", Unit.COUNT, Decimal(2)),
    Limit("orders_per_minute_account", Unit.COUNT, Decimal(10)),
    Limit("orders_per_minute_site", Unit.COUNT, Decimal(60)),
    Limit("duplicate_within", Unit.SECONDS, Decimal(600), higher_is_stricter=True),
    Limit("self_cross", Unit.SWITCH, Decimal(1), higher_is_stricter=True),
    Limit("daily_loss_account", Unit.RATE, Decimal("0.03")),
    Limit("daily_loss_plan", Unit.RATE, Decimal("0.015")),
    Limit("rejects_in_row", Unit.COUNT, Decimal(3), is_watched=True, everywhere=True),
    Limit("losses_in_row", Unit.COUNT, Decimal(5), is_watched=True),
)


@dataclass(frozen=True, slots=True)
class Facts:
    """What an order would do, and what there is already. Money in the account's currency; None: not known.

    `reference` is the last good quote and `limit_price` what the order names, None at the market. `amount` is its dearest
    way to fill. `held` values what the account holds and has ordered of this instrument, `gross` of all, this order not
    counted. Counts leave this order out; `loss` is a fraction of the account's value when the day began.
    """

    side: Side
    kind: InstrumentKind
    reference: Decimal
    limit_price: Decimal | None
    amount: Decimal
    quote_age: Decimal | None = None
    account_value: Decimal | None = None
    held: Decimal | None = None
    gross: Decimal | None = None
    clean_orders: int | None = None
    open_in_lane: int | None = None
    open_in_account: int | None = None
    minute_plan: int | None = None
    minute_account: int | None = None
    minute_site: int | None = None
    is_duplicate: bool | None = None
    crosses: bool | None = None
    loss_account: Decimal | None = None
    loss_plan: Decimal | None = None
    of_plan: bool = False

    @property
    def collar(self) -> str:
        return collar_of(self.kind)


def collar_of(kind: InstrumentKind) -> str:
    """The name of the price collar that instruments of this kind have."""
    return "price_collar_coin" if kind is InstrumentKind.CRYPTO else "price_collar_stock"


def start_values(environment: Environment, currency: str = "KRW") -> dict[str, Decimal]:
    """What limits an account before anybody has set anything: a virtual one, nothing that stands before an order.

    The cap on the first orders is in won. In another currency it is zero until a person has said what it should be:
    nothing is guessed together.
    """
    real = environment is not Environment.VIRTUAL
    values = {each.name: each.start for each in TABLE.values() if each.start is not None and (real or each.everywhere)}
    if real and currency != "KRW":
        values["first_orders_amount"] = Decimal(0)
    return values


def stricter(name: str, one: Decimal, other: Decimal) -> Decimal:
    """The one of two values that lets less through."""
    return max(one, other) if TABLE[name].higher_is_stricter else min(one, other)


def loosens(name: str, now: Decimal | None, wanted: Decimal | None) -> bool:
    """Whether going from `now` to `wanted` lets more through. None: no limit at all."""
    if wanted is None or now is None:
        return wanted is None and now is not None
    return wanted != now and stricter(name, now, wanted) == now


def effective(start: Limits, rows: Iterable[tuple[str, str, Decimal]]) -> dict[str, Decimal]:
    """What counts, of rows (scope, name, value): the account's own value, or where it has none the start value, and
    whatever the other scopes have set that is stricter."""
    found = list(rows)
    chosen = {**start, **{name: value for scope, name, value in found if scope == "account"}}
    for _scope, name, value in found:
        chosen[name] = stricter(name, chosen[name], value) if name in chosen else value
    return chosen


def guards_orders(limits: Limits) -> bool:
    """Whether any of these stands before an order, rather than being watched afterwards."""
    return any(not TABLE[name].is_watched for name in limits)


def first_denial(limits: Limits, facts: Facts) -> Denial | None:
    """The first limit the order would break, with its numbers, or None.

    Prices and self-crosses hold both ways, and so does a double unless a plan is getting out. How much, how many and the
    day's loss hold only what makes a position bigger: a limit must not keep anybody from getting out.
    """
    checks = _BOTH_WAYS if facts.side is Side.SELL else (*_BOTH_WAYS, *_ENTRIES)
    for check in checks:
        if denial := check(limits, facts):
            return denial
    return None


def crosses(side: Side, price: Decimal | None, other: Decimal | None) -> bool:
    """Whether an order and a resting one on the other side could trade with each other. None: at the market."""
    if price is None or other is None:
        return True
    return price >= other if side is Side.BUY else price <= other


def _text(number: Decimal | int) -> str:
    return format(Decimal(number).normalize() if number else Decimal(), "f")


def _unknown(name: str) -> Denial:
    return Denial("limit_unreadable", {"limit": name})


def _above(
    name: str, code: str, read: Callable[[Facts], Decimal | int | None], *, reached: bool = False
) -> Callable[[Limits, Facts], Denial | None]:
    """A check that denies what is above its limit, or what has reached it."""

    def check(limits: Limits, facts: Facts) -> Denial | None:
        limit = limits.get(name)
        if limit is None:
            return None
        found = read(facts)
        if found is None:
            return _unknown(name)
        if found > limit or (reached and found == limit):
            return Denial(code, {"value": _text(found), "limit": _text(limit)})
        return None

    return check


def _share(name: str, code: str, read: Callable[[Facts], Decimal | None]) -> Callable[[Limits, Facts], Denial | None]:
    """A check on money as a fraction of what the account is worth."""

    def check(limits: Limits, facts: Facts) -> Denial | None:
        rate = limits.get(name)
        if rate is None:
            return None
        already = read(facts)
        if already is None or facts.account_value is None:
            return _unknown(name)
        if not facts.account_value:
            return None  # there is nothing to pay with: that is refused for want of cash, which says more
        value, most = already + facts.amount, facts.account_value * rate
        if value > most:
            return Denial(code, {"value": _text(value), "limit": _text(most), "percent": percent(rate)})
        return None

    return check


def _collar(limits: Limits, facts: Facts) -> Denial | None:
    """A limit price further from the last good quote than anybody means it. At the market the collar is the limit."""
    rate = limits.get(facts.collar)
    if rate is None or facts.limit_price is None:
        return None
    low, high = facts.reference * (1 - rate), facts.reference * (1 + rate)
    if low <= facts.limit_price <= high:
        return None
    numbers = {"price": facts.limit_price, "low": low, "high": high, "reference": facts.reference}
    return Denial("price_outside_collar", {name: _text(number) for name, number in numbers.items()})


def _loss(name: str, read: Callable[[Facts], Decimal | None]) -> Callable[[Limits, Facts], Denial | None]:
    """A check on what the day has cost, in percent for the reader."""

    def check(limits: Limits, facts: Facts) -> Denial | None:
        most = limits.get(name)
        if most is None:
            return None
        loss = read(facts)
        if loss is None:
            return _unknown(name)
        return Denial(name, {"percent": percent(loss), "most": percent(most)}) if loss > most else None

    return check


def percent(rate: Decimal) -> str:
    """A fraction as a reader sees it: 0.03125 is 3.13."""
    return _text((rate * 100).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))


def _first_orders(limits: Limits, facts: Facts) -> Denial | None:
    """The ramp: small orders until enough of them have gone well."""
    most, needed = limits.get("first_orders_amount"), limits.get("first_orders")
    if most is None or needed is None or facts.amount <= most:
        return None
    if facts.clean_orders is None:
        return _unknown("first_orders_amount")
    if facts.clean_orders >= needed:
        return None
    done = {"done": str(facts.clean_orders), "needed": _text(needed)}
    return Denial("first_orders_amount", {"value": _text(facts.amount), "limit": _text(most), **done})


def _duplicate(limits: Limits, facts: Facts) -> Denial | None:
    seconds = limits.get("duplicate_within")
    if not seconds or (facts.of_plan and facts.side is Side.SELL):
        return None
    if facts.is_duplicate is None:
        return _unknown("duplicate_within")
    return Denial("duplicate_order", {"minutes": _text(seconds / 60)}) if facts.is_duplicate else None


def _self_cross(limits: Limits, facts: Facts) -> Denial | None:
    if not limits.get("self_cross"):
        return None
    if facts.crosses is None:
        return _unknown("self_cross")
    return Denial("self_cross", {}) if facts.crosses else None


def _of_plan(check: Callable[[Limits, Facts], Denial | None]) -> Callable[[Limits, Facts], Denial | None]:
    return lambda limits, facts: check(limits, facts) if facts.of_plan else None


_BOTH_WAYS: tuple[Callable[[Limits, Facts], Denial | None], ...] = (
    _above("quote_age", "quote_too_old", lambda facts: facts.quote_age),
    _collar,
    _self_cross,
    _duplicate,
)
_ENTRIES: tuple[Callable[[Limits, Facts], Denial | None], ...] = (
    _above("order_amount", "order_amount_limit", lambda facts: facts.amount),
    _first_orders,
    _share("order_share", "order_share_limit", lambda _facts: Decimal(0)),
    _share("instrument_share", "instrument_share_limit", lambda facts: facts.held),
    _share("account_share", "account_share_limit", lambda facts: facts.gross),
    _above("open_orders_lane", "open_orders_lane_limit", lambda facts: facts.open_in_lane, reached=True),
    _above("open_orders_account", "open_orders_account_limit", lambda facts: facts.open_in_account, reached=True),
    _of_plan(_above("orders_per_minute_plan", "orders_per_minute_plan", lambda f: f.minute_plan, reached=True)),
    _above("orders_per_minute_account", "orders_per_minute_account", lambda f: f.minute_account, reached=True),
    _above("orders_per_minute_site", "orders_per_minute_site", lambda f: f.minute_site, reached=True),
    _loss("daily_loss_account", lambda facts: facts.loss_account),
    _of_plan(_loss("daily_loss_plan", lambda facts: facts.loss_plan)),
)
