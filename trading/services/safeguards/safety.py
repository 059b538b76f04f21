"""What is stopped, and what waits for somebody's eye, as one person may see it. Only read here: `halts` latches and releases."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import CharField, Count, Q, QuerySet, Value
from django.db.models.functions import Cast

from accounts.models import User
from brokers.models import BrokerAccount
from markets.models import Instrument
from trading import lifecycle
from trading.models import Alert, Halt, Order, SwingPlan

STRICTNESS = {"active": 0, "reduce_only": 1, "halted": 2}
UNREAD = "unread"


@dataclass(frozen=True, slots=True)
class Stop:
    """A latch that is not open. `name` is what the person calls its account, plan or instrument; '' for wider scopes."""

    scope: str
    mode: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Glance:
    """What every page shows: the stops that touch this person, strictest and widest first, and how many alerts are open."""

    stops: tuple[Stop, ...]
    unread: int

    @property
    def mode(self) -> str:
        return max((stop.mode for stop in self.stops), key=STRICTNESS.__getitem__, default="active")

    @property
    def everything(self) -> Stop | None:
        """The stop of all this person's trading at once, if there is one."""
        return next((stop for stop in self.stops if stop.scope in {"site", "user"}), None)


@dataclass(frozen=True, slots=True)
class Switch:
    """One latch as the safety page shows it. `above` is a wider stop that is stricter than the latch itself.

    `working` orders are still open under it; of them the venue has yet to confirm that nothing is left of `unconfirmed`.
    """

    scope: str
    target: str
    name: str
    halt: Halt | None
    above: Stop | None
    working: int
    unconfirmed: int
    account: str = ""  # the name of a plan's account

    @property
    def mode(self) -> str:
        return self.halt.mode if self.halt else "active"

    @property
    def is_open(self) -> bool:
        return self.mode == "active"


def glance(user: User) -> Glance:
    """One query while nothing is stopped, and at most one more for each scope in which something is."""
    closed = Halt.objects.exclude(mode="active").order_by().values_list("scope", "target", "mode")
    counted = (
        alerts_of(user)
        .filter(closed_at=None)
        .order_by()
        .annotate(row=Value(UNREAD))
        .values("row")
        .annotate(n=Count("pk"))
        .values_list("row", Cast("n", CharField()), Value(""))
    )
    rows = list(closed.union(counted, all=True))
    unread = next((int(number) for row, number, _mode in rows if row == UNREAD), 0)
    latches = [row for row in rows if row[0] != UNREAD]
    return Glance(tuple(_stops(user, latches)) if latches else (), unread)


def alerts_of(user: User) -> QuerySet[Alert]:
    """The person's alerts; an admin sees those for the staff, too."""
    return Alert.objects.filter(Q(user=user) | Q(user=None) if user.is_staff else Q(user=user))


def switches(user: User) -> list[Switch]:
    """Everything this person may stop: all of it, each account in use, each plan that runs or is stopped."""
    halts = {(halt.scope, halt.target): halt for halt in Halt.objects.select_related("by")}
    busy, site = _Busy(user), _stop(halts.get(("site", "")))
    own = halts.get(("user", str(user.pk)))
    wide = _strictest([site, _stop(own)])
    rows = [Switch("user", str(user.pk), "", own, _stricter(site, own), *busy.of_all([wide]))]
    for account in BrokerAccount.objects.for_user(user).active():
        halt = halts.get(("account", str(account.pk)))
        above, counts = _stricter(wide, halt), busy.of_account(account.pk, [wide, _stop(halt)])
        rows.append(Switch("account", str(account.pk), account.name, halt, above, *counts))
    for plan in SwingPlan.objects.for_user(user).select_related("broker_account"):
        halt = halts.get(("plan", str(plan.pk)))
        if plan.mode == "off" and _stop(halt) is None:
            continue
        over = _strictest([wide, _stop(halts.get(("account", str(plan.broker_account_id))), plan.broker_account.name)])
        above, counts = _stricter(over, halt), busy.of_plan(plan.pk, [over, _stop(halt)])
        rows.append(Switch("plan", str(plan.pk), plan.name, halt, above, *counts, plan.broker_account.name))
    return rows


def staff_switches() -> list[Switch]:
    """What admins stop for everybody: the site, and the instruments that are stopped now."""
    halts = list(Halt.objects.filter(scope__in=["site", "instrument"]).select_related("by"))
    site = next((halt for halt in halts if halt.scope == "site"), None)
    stopped = {halt.target: halt for halt in halts if halt.scope == "instrument" and halt.mode != "active"}
    named, busy = _instrument_names(stopped), _Busy(None)
    rows = [Switch("site", "", "", site, None, *busy.of_all([_stop(site)]))]
    for key, halt in stopped.items():
        counts = busy.of_instrument(key, _strictest([_stop(site), _stop(halt)]))
        rows.append(Switch("instrument", key, named.get(key, key), halt, _stricter(_stop(site), halt), *counts))
    return rows


def latch_of(scope: str, target: str) -> Halt | None:
    """The latch itself, whoever may see it."""
    return Halt.objects.filter(scope=scope, target=target).select_related("by").first()


class _Busy:
    """How many orders are open under each account, plan and instrument, and unconfirmed of them: counted in one query."""

    def __init__(self, user: User | None) -> None:
        orders = Order.objects.filter(state__in=sorted(lifecycle.OPEN))
        if user is not None:
            orders = orders.filter(user=user)
        grouped = orders.order_by().values("broker_account_id", "plan_id", "instrument_id", "state", "cancel_requested")
        self._rows: list[Any] = list(grouped.annotate(n=Count("pk")))

    def of_all(self, stops: Iterable[Stop | None]) -> tuple[int, int]:
        return self._sums(self._rows, stops)

    def of_account(self, account_id: UUID, stops: Iterable[Stop | None]) -> tuple[int, int]:
        return self._sums((row for row in self._rows if row["broker_account_id"] == account_id), stops)

    def of_plan(self, plan_id: UUID, stops: Iterable[Stop | None]) -> tuple[int, int]:
        return self._sums((row for row in self._rows if row["plan_id"] == plan_id), stops)

    def of_instrument(self, target: str, stop: Stop | None) -> tuple[int, int]:
        return self._sums((row for row in self._rows if str(row["instrument_id"]) == target), [stop])

    @staticmethod
    def _sums(rows: Iterable[Any], stops: Iterable[Stop | None]) -> tuple[int, int]:
        taken = list(rows)
        is_halted = any(stop.mode == "halted" for stop in stops if stop)
        return sum(row["n"] for row in taken), sum(row["n"] for row in taken if _is_unconfirmed(row, is_halted))


def _is_unconfirmed(row: Any, is_halted: bool) -> bool:
    """As `halts.unconfirmed` counts: under a halt everything that may rest at a venue is being asked back."""
    in_doubt = row["state"] in lifecycle.UNRESOLVED
    return in_doubt or (row["state"] in lifecycle.WORKING and (is_halted or row["cancel_requested"]))


def _stops(user: User, latches: Sequence[tuple[str, str, str]]) -> list[Stop]:
    mine = _names(user, latches)
    stops = [Stop(scope, mode, mine[scope, target]) for scope, target, mode in latches if (scope, target) in mine]
    widest = ["site", "user", "account", "instrument", "plan"]
    return sorted(stops, key=lambda stop: (-STRICTNESS[stop.mode], widest.index(stop.scope), stop.name))


def _names(user: User, latches: Sequence[tuple[str, str, str]]) -> dict[tuple[str, str], str]:
    """What is this person's among the latches, and what they call it."""
    scopes = {scope for scope, _target, _mode in latches}
    names = {("site", ""): "", ("user", str(user.pk)): ""}
    if "account" in scopes:
        own = BrokerAccount.objects.for_user(user).values_list("pk", "name")
        names |= {("account", str(pk)): name for pk, name in own}
    if "plan" in scopes:
        plans = SwingPlan.objects.for_user(user).values_list("pk", "name")
        names |= {("plan", str(pk)): name for pk, name in plans}
    if "instrument" in scopes:
        traded = Instrument.objects.filter(Q(swing_plans__user=user) | Q(orders__user=user)).distinct()
        names |= {("instrument", _instrument_target(each)): each.name for each in traded}
    return names


def _instrument_names(targets: Iterable[str]) -> dict[str, str]:
    numbers = [int(target) for target in targets if target.isdigit()]
    return {_instrument_target(each): each.name for each in Instrument.objects.filter(pk__in=numbers)}


def _instrument_target(instrument: Instrument) -> str:
    return str(instrument.pk)


def _stop(halt: Halt | None, name: str = "") -> Stop | None:
    return Stop(halt.scope, halt.mode, name) if halt and halt.mode != "active" else None


def _strictest(stops: Iterable[Stop | None]) -> Stop | None:
    return max((stop for stop in stops if stop), key=lambda stop: STRICTNESS[stop.mode], default=None)


def _stricter(above: Stop | None, halt: Halt | None) -> Stop | None:
    """The wider stop, where it is stricter than the latch below it."""
    own = STRICTNESS[halt.mode] if halt else 0
    return above if above and STRICTNESS[above.mode] > own else None
