"""Everything the sandbox's servers share: clock, market, keys, both environments' books, quirks, faults, and one lock."""

import threading
from collections import Counter, deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.servers.kis.access import LIVE, PAPER, Access, default_key
from tests.servers.kis.clock import KST, Clock
from tests.servers.kis.desk import Desk
from tests.servers.kis.faults import Plan, Rule
from tests.servers.kis.frames import Notice
from tests.servers.kis.hours import Hours
from tests.servers.kis.ledger import Ledger, Order
from tests.servers.kis.market import Market
from tests.servers.kis.refusals import Refused

CASH = 100_000_000
QUIRKS: dict[str, Any] = {
    "pad_days": False,  # empty objects fill the list of days up to 100
    "same_day_empty": "old",  # paper's order list lacks today's orders: "never", for "old" TR ids only, "always"
    "old_trs": True,  # the TR ids of before 2025 still answer
    "trade_width": 47,  # fields of H0STCNT0: 46 or 47
    "book_width": 59,  # of H0STASP0: 59 or 60
    "notice_width_live": 26,  # of H0STCNI0: 23 or 26
    "notice_width_paper": 23,  # of H0STCNI9
    "ping_seconds": 10.0,  # real ones, between PINGPONGs
    "ping_grace": 30.0,  # unanswered for so long: the connection ends
    "most_registrations": 41,
    "second_session": "refused",  # or "kicks": the older one ends
    "cut_every": 0.0,  # seconds of the sandbox's clock after which every socket is cut; 0: never
    "linger_seconds": 0.0,  # real ones: a key counts as in use for so long after its session ended
    "same_session_keys": False,  # every session gets this iv/key: a test vector's
    "duplicate_frames": False,
    "mute_notices": False,  # notices are lost
}
VECTOR = ("fedcba9876543210", "0123456789abcdef0123456789abcdef")


class Sandbox:
    """Whoever touches a part of it holds `lock`. `streams` are told of what happens, by environment."""

    def __init__(
        self, *, start: datetime | None = None, speed: float = 1.0, always: bool = False, seed: int = 0
    ) -> None:
        self.lock = threading.RLock()
        self.on_notice: dict[str, Callable[[Notice], None]] = {}
        self.reset(start=start, speed=speed, always=always, seed=seed)

    def reset(self, *, start: datetime | None = None, speed: float = 1.0, always: bool = False, seed: int = 0) -> None:
        """As if just started."""
        self.clock = Clock(start, speed)
        self.hours = Hours(always=always)
        self.market = Market(self.hours)
        self.access = Access(seed)
        self.plan = Plan(seed=seed)
        self.quirks = dict(QUIRKS)
        self.counts: Counter[str] = Counter()
        self.submissions: list[dict[str, Any]] = []
        self.sent: deque[tuple[float, str, str]] = deque(maxlen=200_000)  # (time.time(), channel, frame's text)
        self._late: list[tuple[datetime, Callable[[], object]]] = []
        self.desks: dict[str, Desk] = {}
        for environment in (LIVE, PAPER):
            ledger = Ledger(environment, self.market, self.hours, lambda notice, e=environment: self._notice(e, notice))  # type: ignore[misc]
            self.desks[environment] = Desk(ledger, self.market, self.hours)
            key = default_key(environment)
            self.access.add(key)
            ledger.open_account(key.accounts[0], CASH, {}, has_margin=False)
            ledger.hts_ids[key.accounts[0]] = key.hts_id
        self.catch_up()

    def now(self) -> datetime:
        return self.clock.now()

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do it once the sandbox's clock is there; a refusal then goes unheard."""
        self._late.append((self.now() + timedelta(seconds=seconds), act))

    def catch_up(self) -> datetime:
        """Let happen what the clock has brought; its time."""
        with self.lock:
            now = self.now()
            for desk in self.desks.values():
                desk.catch_up(now)  # yesterday's orders end at yesterday's prices
            self.market.begin(now)
            due = [act for at, act in self._late if at <= now]
            self._late = [(at, act) for at, act in self._late if at > now]
            for act in due:
                try:
                    act()
                except Refused:
                    continue  # whoever asked is long gone
            return now

    def draw(self, environment: str, route: str, *, is_later_page: bool, told: dict[str, Any] | None) -> Rule | None:
        """The fault that strikes this call, if any; writes the call down, and what an order said."""
        with self.lock:
            rule = self.plan.draw(route, is_later_page=is_later_page)
            fault = rule.fault.value if rule else "healthy"
            self.counts[f"{environment}:{route}:{fault}"] += 1
            if told is not None:
                self.submissions.append(
                    {"at": self.now().isoformat(), "environment": environment, "fault": fault} | told
                )
            return rule

    def hide(self, environment: str, account: str, seconds: float) -> None:
        """For that long (sandbox clock) the account's lists are empty and say they are whole."""
        self.desks[environment].account(account).hidden_until = self.now() + timedelta(seconds=seconds)

    def truth(self) -> dict[str, Any]:
        """All that is so, as JSON for checkers."""
        now = self.catch_up()
        with self.lock:
            return {
                "now": now.isoformat(),
                "phase": self.hours.phase(now).value,
                "accounts": {name: self._accounts(desk) for name, desk in self.desks.items()},
                "orders": [
                    order_data(name, order) for name, desk in self.desks.items() for order in desk.ledger.orders
                ],
                "tokens_issued": {key.appkey: key.issues for key in self.access.keys.values()},
                "requests": dict(self.counts),
                "submissions": list(self.submissions),
                "late": len(self._late),
            }

    def _accounts(self, desk: Desk) -> dict[str, Any]:
        return {
            number: {
                "cash": account.cash,
                "settled": account.settled,
                "reserved": desk.ledger.reserved_cash(number),
                "units": {code: holding.quantity for code, holding in account.holdings.items() if holding.quantity},
                "cost": {code: str(holding.cost) for code, holding in account.holdings.items() if holding.quantity},
            }
            for number, account in desk.ledger.accounts.items()
        }

    def _notice(self, environment: str, notice: Notice) -> None:
        tell = self.on_notice.get(environment)
        if tell is not None and not self.quirks["mute_notices"]:
            tell(notice)


def order_data(environment: str, order: Order) -> dict[str, Any]:
    return {
        "environment": environment,
        "key": order.key,
        "account": order.account,
        "odno": order.odno,
        "origin": order.origin_odno,
        "kind": {"0": "new", "1": "modify", "2": "cancel"}[order.kind],
        "symbol": order.symbol,
        "side": "buy" if order.side == "02" else "sell",
        "division": order.division,
        "exchange": order.exchange,
        "quantity": order.quantity,
        "price": order.price,
        "at": order.at.astimezone(KST).isoformat(),
        "filled": order.filled,
        "amount": order.amount,
        "withdrawn": order.withdrawn,
        "moved": order.moved,
        "rejected": order.rejected,
        "rest": order.rest,
        "our_id": order.our_id,
        "stranger": order.is_strangers,
        "fills": [
            {"quantity": f.quantity, "price": f.price, "fee": f.fee, "tax": f.tax, "at": f.at.isoformat()}
            for f in order.fills
        ],
    }
