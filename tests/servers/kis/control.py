"""What the sandbox can be told to do, and asked: one method per wish."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from tests.servers.kis.access import Key
from tests.servers.kis.clock import KST
from tests.servers.kis.desk import Asked
from tests.servers.kis.faults import Plan, Rule
from tests.servers.kis.ledger import BUY, CANCEL, SELL, Fees, Order, Policy
from tests.servers.kis.market import Row
from tests.servers.kis.sandbox import Sandbox, order_data
from tests.servers.kis.stream import Hub
from tests.servers.kis.tape import Feed, Tick, issue_of

Data = dict[str, Any]
_SIDES = {"buy": BUY, "sell": SELL}


class Control:
    """One method per wish; its name is the path under /control/. All raise KeyError, TypeError, ValueError or Refused."""

    def __init__(self, sandbox: Sandbox, hubs: dict[str, Hub], feed: Feed) -> None:
        self.sandbox, self.hubs, self.feed = sandbox, hubs, feed
        self.wishes: dict[str, Callable[[Data], Data | None]] = {
            name: getattr(self, name)
            for name in (
                *(
                    "clock",
                    "advance",
                    "hours",
                    "days",
                    "account",
                    "key",
                    "tokens",
                    "limits",
                    "fees",
                    "policy",
                    "faults",
                ),
                *("quirks", "symbol", "bars", "trade", "book", "flow", "say", "cut", "hide", "order", "cancel", "fill"),
                *("number", "connections", "reject", "reset"),
            )
        }

    def reset(self, data: Data) -> None:
        """{at?, speed?, always?, seed?}: as if just started so"""
        self.feed.flow([], 0)
        for hub in self.hubs.values():
            hub.reset()
        self.sandbox.reset(
            start=_time(data["at"]) if "at" in data else None,
            speed=float(data.get("speed", 1)),
            always=bool(data.get("always", False)),
            seed=int(data.get("seed", 0)),
        )

    def clock(self, data: Data) -> None:
        """{at?: ISO time (KST without an offset), speed?: seconds per second}"""
        self.sandbox.clock.put(
            _time(data["at"]) if "at" in data else None, None if "speed" not in data else float(data["speed"])
        )
        self.sandbox.catch_up()

    def advance(self, data: Data) -> None:
        """{seconds}"""
        self.sandbox.clock.advance(float(data["seconds"]))
        self.sandbox.catch_up()

    def hours(self, data: Data) -> None:
        """{always: true|false}"""
        self.sandbox.hours.always = bool(data["always"])
        self.sandbox.catch_up()

    def days(self, data: Data) -> None:
        """{"2026-11-20": false, ...}: open or closed, whatever the calendar says"""
        self.sandbox.hours.days |= {date.fromisoformat(day): bool(is_open) for day, is_open in data.items()}

    def account(self, data: Data) -> None:
        """{environment, account, cash, units?: {code: quantity | [quantity, average]}, margin?}: opens it or puts it to this"""
        units = {
            code: (int(held[0]), Decimal(held[1])) if isinstance(held, list) else (int(held), Decimal(0))
            for code, held in data.get("units", {}).items()
        }
        unknown = set(units) - set(self.sandbox.market.issues)
        if unknown:
            raise KeyError(*unknown)
        ledger = self.sandbox.desks[data["environment"]].ledger
        ledger.open_account(data["account"], int(data["cash"]), units, has_margin=bool(data.get("margin", False)))
        for key in self.sandbox.access.keys.values():
            if data["account"] in key.accounts:
                ledger.hts_ids[data["account"]] = key.hts_id

    def key(self, data: Data) -> None:
        """{environment, appkey, appsecret, hts_id, accounts: [ten digits]}"""
        key = Key(data["environment"], data["appkey"], data["appsecret"], data["hts_id"], list(data["accounts"]))
        self.sandbox.access.add(key)
        for account in key.accounts:
            self.sandbox.desks[key.environment].ledger.hts_ids[account] = key.hts_id

    def tokens(self, data: Data) -> None:
        """{end: "expired" | "revoked", appkey?}"""
        if data["end"] not in {"expired", "revoked"}:
            raise ValueError(data["end"])
        self.sandbox.access.end_tokens(data.get("appkey"), revoked=data["end"] == "revoked")

    def limits(self, data: Data) -> None:
        """{live?, paper?: calls per second, refused_share?}"""
        for environment in ("live", "paper"):
            if environment in data:
                self.sandbox.access.limits[environment] = int(data[environment])
        self.sandbox.access.refused_share = float(data.get("refused_share", self.sandbox.access.refused_share))

    def fees(self, data: Data) -> None:
        """{rate, tax, unit}"""
        fees = Fees(Decimal(data["rate"]), Decimal(data["tax"]), int(data["unit"]))
        for desk in self.sandbox.desks.values():
            desk.ledger.fees = fees

    def policy(self, data: Data) -> None:
        """{parts: 0 never, 1 whole, n; pace?: seconds between}: of orders from now on"""
        for desk in self.sandbox.desks.values():
            desk.ledger.policy = Policy(int(data["parts"]), float(data.get("pace", 0)))

    def faults(self, data: Data) -> None:
        """{rules: [{route, fault, times?, share?, seconds?}], seed?}: instead of the ones before"""
        self.sandbox.plan = Plan([Rule.from_data(each) for each in data["rules"]], int(data.get("seed", 0)))

    def quirks(self, data: Data) -> None:
        unknown = set(data) - set(self.sandbox.quirks)
        if unknown:
            raise KeyError(*unknown)
        self.sandbox.quirks |= data

    def symbol(self, data: Data) -> None:
        """Fields of `market.Issue`: a new one, or one put anew"""
        issue = issue_of(data)
        known = self.sandbox.market.issues.get(issue.code)
        issue.day = known.day if known else self.sandbox.market.last_trading_day(self.sandbox.now())
        self.sandbox.market.issues[issue.code] = issue

    def bars(self, data: Data) -> None:
        """{code, days: [[date, open, high, low, close, volume], ...]}"""
        issue = self.sandbox.market.issues[data["code"]]
        for day, *numbers in data["days"]:
            start, high, low, close, volume = (int(number) for number in numbers)
            at = date.fromisoformat(day)
            issue.days[at] = Row(at, start, high, low, close, volume, close * volume)

    def trade(self, data: Data) -> None:
        """{code, ticks: [[price, quantity, "buy"|"sell"], ...], books?}: one frame"""
        ticks = [Tick(int(price), int(quantity), side == "buy") for price, quantity, side in data["ticks"]]
        self.feed.trade(data["code"], ticks, books=bool(data.get("books", False)))

    def book(self, data: Data) -> None:
        """{code, asks: [[price, quantity], ...], bids, hour?}"""
        asks, bids = ([(int(price), int(quantity)) for price, quantity in data[side]] for side in ("asks", "bids"))
        hour = data.get("hour") or f"{self.sandbox.now():%H%M%S}"
        self.sandbox.market.issues[data["code"]].put_book(asks, bids, hour)
        self.feed.tell_book(data["code"])

    def flow(self, data: Data) -> None:
        """{codes, per_second (0 stops), burst?, books?}"""
        codes = [code for code in data["codes"] if self.sandbox.market.issues[code]]
        self.feed.flow(
            codes, float(data["per_second"]), burst=int(data.get("burst", 1)), books=bool(data.get("books", False))
        )

    def say(self, data: Data) -> None:
        """{environment, text}: this text to every session"""
        self.hubs[data["environment"]].say(data["text"])

    def cut(self, data: Data) -> Data:
        """{environment}: every session ends without a close frame"""
        return {"cut": self.hubs[data["environment"]].cut_all()}

    def connections(self, data: Data) -> None:
        """{environment, refuse: true|false}: new sockets end before the upgrade"""
        self.hubs[data["environment"]].refuses = bool(data["refuse"])

    def hide(self, data: Data) -> None:
        """{environment, account, seconds}"""
        self.sandbox.hide(data["environment"], data["account"], float(data["seconds"]))

    def order(self, data: Data) -> Data:
        """{environment, account, code, side, quantity, price?, division?}: given by another program of the owner"""
        asked = Asked(
            data["account"],
            data["code"],
            _SIDES[data["side"]],
            data.get("division", "00"),
            int(data["quantity"]),
            int(data.get("price", 0)),
            is_strangers=True,
        )
        order = self.sandbox.desks[data["environment"]].submit(asked, self.sandbox.now())
        return order_data(data["environment"], order)

    def cancel(self, data: Data) -> Data:
        """{environment, key}: by another program of the owner"""
        order = self._order(data)
        desk = self.sandbox.desks[data["environment"]]
        row = desk.revise(
            order.account,
            order.number,
            CANCEL,
            order.division,
            None,
            0,
            order.exchange,
            self.sandbox.now(),
            is_strangers=True,
        )
        return order_data(data["environment"], row)

    def fill(self, data: Data) -> None:
        """{environment, key, quantity, price}"""
        desk = self.sandbox.desks[data["environment"]]
        desk.fill(self._order(data), int(data["quantity"]), int(data["price"]), self.sandbox.now())

    def reject(self, data: Data) -> None:
        """{environment, next: n}: the next n orders are taken, and refused by the exchange after that"""
        self.sandbox.desks[data["environment"]].reject_next = int(data["next"])

    def number(self, data: Data) -> None:
        """{environment, next}: of the next order"""
        self.sandbox.desks[data["environment"]].ledger.put_next_number(int(data["next"]))

    def _order(self, data: Data) -> Order:
        orders = self.sandbox.desks[data["environment"]].ledger.orders
        found = [order for order in orders if order.key == data["key"]]
        if not found:
            raise KeyError(data["key"])
        return found[0]

    def told(self, what: str) -> Data:
        """What GET answers: the truth, the sessions, or the frames sent. Raises KeyError."""
        match what:
            case "truth":
                return self.sandbox.truth()
            case "sessions":
                with self.sandbox.lock:
                    return {name: _sessions(hub) for name, hub in self.hubs.items()}
            case "sent":
                with self.sandbox.lock:
                    return {"frames": list(self.sandbox.sent)}
            case _:
                raise KeyError(what)


def _time(text: str) -> datetime:
    """Korean time unless it says otherwise."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=KST)


def _sessions(hub: Hub) -> Data:
    told = [
        {"appkey": each.key.appkey if each.key else "", "subscribed": [list(pair) for pair in each.subscribed]}
        for each in hub.sessions
    ]
    return {"opened": hub.opened, "open": told}
