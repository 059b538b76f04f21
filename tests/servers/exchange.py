"""The truth: one venue in memory, with its accounts, its book of orders and what it filled. It never lies; replies may.

Thread-safe: every public method holds one lock. Times are the venue's own, from the clock it is given.
"""

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from brokers.virtual import costs
from markets.types import InstrumentRules, Side, market_day
from tests.servers.venue import (
    WORKING,
    ZERO,
    Account,
    Asked,
    Execution,
    Policy,
    Refusal,
    VenueOrder,
    account_data,
    order_data,
)

PAGE_ROWS = 15


class Exchange:
    """One venue. `now` is its clock. It charges nothing for an instrument until told what that costs."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._rules: dict[str, InstrumentRules] = {}
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._orders: dict[str, VenueOrder] = {}
        self._prices: dict[str, Decimal] = {}
        self._policy = Policy()
        self._late: list[tuple[datetime, Callable[[], object]]] = []

    # What a checker or a person at the venue does.

    def open_account(
        self, account: str, cash: Decimal, units: Mapping[str, Decimal] | None = None, currency: str = "KRW"
    ) -> None:
        """Opens it, or puts its cash and units to these."""
        with self._lock:
            self._accounts[account] = Account(cash, dict(units or {}), currency=currency)

    def set_policy(self, policy: Policy) -> None:
        """For orders accepted from now on."""
        with self._lock:
            self._policy = policy

    def set_price(self, instrument: str, price: Decimal) -> None:
        """Where the market is; resting orders it reaches trade."""
        with self._lock:
            self._catch_up()
            self._prices[instrument] = price
            self._catch_up()

    def set_costs(self, rules: InstrumentRules) -> None:
        """Charge for this instrument what the dated tables say, from now on."""
        with self._lock:
            self._rules[rules.key] = rules

    def fill(self, key: str, quantity: Decimal, price: Decimal) -> None:
        """One execution by hand. Raises Refusal."""
        with self._lock:
            order = self._working(self._orders[key].asked.account, key)
            self._execute(order, min(quantity, order.rest), price)

    def close_day(self) -> None:
        """Day orders expire."""
        with self._lock:
            self._catch_up()
            for order in self._orders.values():
                if order.status == WORKING and order.asked.time_in_force == "day":
                    order.status = "expired"

    def hide_lists(self, account: str, seconds: float) -> None:
        """For that long the account's lists are empty and claim to be whole."""
        with self._lock:
            self._account(account).list_hidden_until = self._now() + timedelta(seconds=seconds)

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do it once the clock is there; a refusal then goes unheard."""
        with self._lock:
            self._late.append((self._now() + timedelta(seconds=seconds), act))

    # What customers ask.

    def submit(self, asked: Asked) -> VenueOrder:
        """Take an order into the book and trade what can be traded. Raises Refusal."""
        with self._lock:
            self._catch_up()
            self._require_sound(asked)
            order = VenueOrder(len(self._orders) + 1, asked, self._now(), self._policy)
            self._orders[order.key] = order
            self._trade(order)
            if asked.time_in_force == "ioc" and order.status == WORKING:
                order.status = "canceled"
            return order

    def cancel(self, account: str, key: str) -> VenueOrder:
        """Withdraw the rest. Raises Refusal."""
        with self._lock:
            self._catch_up()
            order = self._working(account, key)
            order.status = "canceled"
            return order

    def page(self, account: str, since: datetime, after: str) -> tuple[list[VenueOrder], bool]:
        """Up to PAGE_ROWS orders after that key ('' for the first), oldest first, and whether that is the end."""
        with self._lock:
            self._catch_up()
            hidden = self._account(account).list_hidden_until
            if hidden is not None and self._now() < hidden:
                return [], True
            rest = [
                order
                for order in self._orders.values()
                if order.asked.account == account and order.at >= since and (not after or order.key > after)
            ]
            return rest[:PAGE_ROWS], len(rest) <= PAGE_ROWS

    def find(self, account: str, client_id: str) -> VenueOrder | None:
        with self._lock:
            self._catch_up()
            hidden = self._account(account).list_hidden_until
            if hidden is not None and self._now() < hidden:
                return None
            own = [o for o in self._orders.values() if o.asked.account == account and o.asked.client_id == client_id]
            return own[-1] if own else None

    def holdings(self, account: str) -> Account:
        """A copy. Raises Refusal."""
        with self._lock:
            self._catch_up()
            held = self._account(account)
            return Account(held.cash, dict(held.units), dict(held.cost), held.currency)

    def truth(self) -> dict[str, Any]:
        """Everything, as JSON for checkers."""
        with self._lock:
            self._catch_up()
            return {
                "now": self._now().isoformat(),
                "accounts": {name: account_data(account) for name, account in self._accounts.items()},
                "orders": [order_data(order) for order in self._orders.values()],
                "late": len(self._late),
            }

    def truth_of(self, name: str) -> dict[str, Any]:
        """One account's orders and holdings. Raises Refusal."""
        with self._lock:
            self._catch_up()
            own = [order_data(order) for order in self._orders.values() if order.asked.account == name]
            return {"account": account_data(self._account(name)), "orders": own}

    def _account(self, name: str) -> Account:
        try:
            return self._accounts[name]
        except KeyError:
            raise Refusal("no_account") from None

    def _working(self, account: str, key: str) -> VenueOrder:
        order = self._orders.get(key)
        if order is None or order.asked.account != account:
            raise Refusal("unknown_order")
        if order.status != WORKING:
            raise Refusal("too_late")
        return order

    def _require_sound(self, asked: Asked) -> None:
        account = self._account(asked.account)
        if asked.quantity <= 0 or (asked.limit_price is not None and asked.limit_price <= 0):
            raise Refusal("bad_order")
        if (asked.type == "limit") != (asked.limit_price is not None) or asked.type not in {"limit", "market"}:
            raise Refusal("bad_order")
        if asked.type == "market" and asked.instrument not in self._prices:
            raise Refusal("no_price")
        mine = [order for order in self._orders.values() if order.asked.account == asked.account]
        if asked.client_id and any(o.asked.client_id == asked.client_id and o.status == WORKING for o in mine):
            raise Refusal("duplicate_client_id")  # no proof at all: the first of the two is in the book
        needs = [order.needs() for order in mine]
        if asked.side == Side.BUY:
            price = asked.limit_price or self._prices[asked.instrument]
            costs_too = self._costs(asked, [], asked.quantity, price)
            if -costs_too.cash(Side.BUY) > account.cash - sum((cash for cash, _ in needs), ZERO):
                raise Refusal("no_cash")
        else:
            set_aside = sum((o.needs()[1] for o in mine if o.asked.instrument == asked.instrument), ZERO)
            if asked.quantity > account.units.get(asked.instrument, ZERO) - set_aside:
                raise Refusal("no_units")

    def _catch_up(self) -> None:
        """Let happen what is due by the clock: late orders arrive, parts fill."""
        now = self._now()
        due = [act for at, act in self._late if at <= now]
        self._late = [(at, act) for at, act in self._late if at > now]
        for act in due:
            try:
                act()
            except Refusal:
                continue  # whoever asked is long gone
        for order in self._orders.values():
            if order.status == WORKING:
                self._trade(order)

    def _trade(self, order: VenueOrder) -> None:
        """Fill the parts that are due, the last one with whatever is left."""
        price = self._price_for(order)
        if price is None or not order.policy.parts:
            return
        passed = (self._now() - order.at).total_seconds()
        pace = order.policy.pace_seconds
        due = order.policy.parts if not pace else min(order.policy.parts, 1 + int(passed // pace))
        part = max(Decimal(1), (order.asked.quantity / order.policy.parts).to_integral_value(ROUND_FLOOR))
        while order.status == WORKING and len(order.executions) < due:
            is_last = len(order.executions) + 1 >= order.policy.parts
            self._execute(order, order.rest if is_last else min(part, order.rest), price)

    def _price_for(self, order: VenueOrder) -> Decimal | None:
        """What it would trade at; None where the market is not there. Without a market a limit order trades at its limit."""
        limit, price = order.asked.limit_price, self._prices.get(order.asked.instrument)
        if limit is None or price is None:
            return price if limit is None else limit
        reached = price <= limit if order.asked.side == Side.BUY else price >= limit
        return price if reached else None

    def _execute(self, order: VenueOrder, quantity: Decimal, price: Decimal) -> None:
        account, asked = self._accounts[order.asked.account], order.asked
        charge = self._costs(asked, order.executions, quantity, price)
        identity = f"E{order.number}-{len(order.executions) + 1}"
        order.executions.append(
            Execution(identity, quantity, price, charge.amount, charge.fee, charge.tax, self._now())
        )
        account.cash += charge.cash(asked.side)
        held = account.units.get(asked.instrument, ZERO)
        cost = account.cost.get(asked.instrument, ZERO)
        if asked.side == Side.BUY:
            account.units[asked.instrument] = held + quantity
            account.cost[asked.instrument] = cost + charge.amount
        else:
            account.units[asked.instrument] = held - quantity
            account.cost[asked.instrument] = cost - (cost * quantity / held if held else ZERO)
        if not order.rest:
            order.status = "filled"

    def _costs(self, asked: Asked, had: list[Execution], quantity: Decimal, price: Decimal) -> costs.Charges:
        """What the next fill of an order moves, reckoned on the order as a whole."""
        rules = self._rules.get(asked.instrument)
        if rules is None:
            return costs.Charges(quantity * price, ZERO, ZERO)
        state = costs.charge_state(
            rules, asked.side, [costs.Fill(each.price, each.quantity, market_day(each.at)) for each in had]
        )
        fill = costs.Fill(price, quantity, market_day(self._now()))
        return costs.incremental_charges(rules, asked.side, state, fill)[0]
