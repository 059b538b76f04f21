"""The truth: accounts, orders and what they filled at one of the two environments. It never lies; replies may.

Not thread-safe; the sandbox holds its lock. Every order, modification and cancellation has a number and a row of its own.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import ROUND_FLOOR, Decimal

from tests.servers.kis.frames import Notice
from tests.servers.kis.hours import Hours
from tests.servers.kis.market import Market

BRANCHES = {"live": "06010", "paper": "00950"}
SELL, BUY = "01", "02"
NEW, MODIFY, CANCEL = "0", "1", "2"


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates per order, cut to `unit` won; funds pay no tax."""

    rate: Decimal = Decimal("0.00015")
    tax: Decimal = Decimal("0.002")
    unit: int = 1

    def cut(self, amount: Decimal) -> int:
        return int((amount / self.unit).to_integral_value(ROUND_FLOOR)) * self.unit


@dataclass(frozen=True, slots=True)
class Policy:
    """What can trade does so in `parts` that are `pace` seconds apart; 0 parts: only by hand."""

    parts: int = 1
    pace: float = 0.0


@dataclass(slots=True)
class Fill:
    quantity: int
    price: int
    at: datetime
    fee: int
    tax: int


@dataclass(slots=True)
class Order:
    """`price` 0: none. `withdrawn` counts canceled, modified away and expired units. `our_id` is the checkers' alone."""

    account: str
    branch: str
    number: int
    at: datetime
    symbol: str
    side: str
    division: str
    exchange: str
    quantity: int
    price: int
    policy: Policy
    expires: datetime | None
    kind: str = NEW
    origin: int = 0
    withdrawn: int = 0
    moved: int = 0  # of `withdrawn`, what a modification took along
    rejected: int = 0  # by the exchange, after the ledger had taken it
    fills: list[Fill] = field(default_factory=list)
    our_id: str = ""
    is_strangers: bool = False

    @property
    def odno(self) -> str:
        return f"{self.number:010d}"

    @property
    def key(self) -> str:
        return f"{self.at:%Y%m%d}-{self.branch}-{self.odno}"

    @property
    def filled(self) -> int:
        return sum(fill.quantity for fill in self.fills)

    @property
    def amount(self) -> int:
        return sum(fill.quantity * fill.price for fill in self.fills)

    @property
    def rest(self) -> int:
        return 0 if self.kind == CANCEL else self.quantity - self.filled - self.withdrawn - self.rejected

    @property
    def origin_odno(self) -> str:
        return f"{self.origin:010d}" if self.origin else ""


@dataclass(slots=True)
class Movement:
    """Cash on its way: it counts at once, and is there on `settles`."""

    amount: int
    settles: date


@dataclass(slots=True)
class Holding:
    quantity: int = 0
    cost: Decimal = Decimal(0)
    kept_until: date | None = None  # sold out, still listed


@dataclass(slots=True)
class Account:
    number: str
    settled: int
    has_margin: bool = False  # may buy on credit that must be paid in (미수)
    movements: list[Movement] = field(default_factory=list)
    holdings: dict[str, Holding] = field(default_factory=dict)
    hidden_until: datetime | None = None

    @property
    def cash(self) -> int:
        """After all settlement (D+2)."""
        return self.settled + sum(each.amount for each in self.movements)

    def by(self, day: date) -> int:
        """Cash there is once what settles up to that day has settled."""
        return self.settled + sum(each.amount for each in self.movements if each.settles <= day)


class Ledger:
    """One environment's orders. `tell` hears of everything that happens to an order."""

    def __init__(self, environment: str, market: Market, hours: Hours, tell: Callable[[Notice], None]) -> None:
        self.environment = environment
        self.branch = BRANCHES[environment]
        self.market, self.hours, self._tell = market, hours, tell
        self.accounts: dict[str, Account] = {}
        self.orders: list[Order] = []
        self._open: list[Order] = []  # all that may still have a rest
        self.fees = Fees()
        self.policy = Policy()
        self.hts_ids: dict[str, str] = {}
        self._next = 1
        self._is_put = False
        self._day: date | None = None

    def put_next_number(self, number: int) -> None:
        """For the next order, on whatever day."""
        self._next, self._is_put = number, True

    def open_account(self, account: str, cash: int, units: dict[str, tuple[int, Decimal]], *, has_margin: bool) -> None:
        """Opens it, or puts it to this; units are (quantity, average cost)."""
        held = {code: Holding(quantity, quantity * average) for code, (quantity, average) in units.items()}
        self.accounts[account] = Account(account, cash, has_margin, holdings=held)

    def add(self, order: Order) -> Order:
        """Give it a number and tell of its receipt."""
        if self._day != order.at.date() and not self._is_put:
            self._next = 1
        self._day, self._is_put = order.at.date(), False
        order.number, self._next = self._next, self._next + 1
        self.orders.append(order)
        self._open.append(order)
        self.notify(order, order.quantity, order.price, accepted="1" if order.kind == NEW else "2")
        return order

    def live(self, account: str | None = None) -> list[Order]:
        return [order for order in self._open if order.rest > 0 and account in {None, order.account}]

    def forget_ended(self) -> None:
        """Orders without a rest need no looking after."""
        self._open = [order for order in self._open if order.rest > 0]

    def find(self, account: str, number: int, day: date) -> Order | None:
        """An order of that trading day; numbers begin again each day."""
        mine = (o for o in reversed(self.orders) if o.account == account and o.number == number and o.at.date() == day)
        return next(mine, None)

    def reserved_cash(self, account: str) -> int:
        return sum(self.worth(order, order.rest) for order in self.live(account) if order.side == BUY)

    def reserved_units(self, account: str, symbol: str) -> int:
        return sum(o.rest for o in self.live(account) if o.side == SELL and o.symbol == symbol)

    def worth(self, order: Order, quantity: int) -> int:
        """What buying so much needs at worst: without a price, at the upper limit."""
        price = order.price or self.market.issues[order.symbol].limits[1]
        return quantity * price + self.fees.cut(quantity * price * self.fees.rate)

    def unsettled_sales(self, account: Account) -> int:
        return sum(each.amount for each in account.movements if each.amount > 0)

    def buyable(self, account: Account) -> tuple[int, int, int]:
        """Cash, sale proceeds that may be used again, and what orders without debt may cost in all."""
        again = self.unsettled_sales(account)
        cash = account.cash - again - self.reserved_cash(account.number)
        without_debt = self.fees.cut(Decimal(max(0, cash + again)) / (1 + self.fees.rate))
        return cash, again, without_debt

    def execute(self, order: Order, quantity: int, price: int, at: datetime) -> None:
        """One fill: units, cash on its way, a notice."""
        issue = self.market.issues[order.symbol]
        amount = order.amount + quantity * price
        fee = self.fees.cut(amount * self.fees.rate) - sum(fill.fee for fill in order.fills)
        taxed = order.side == SELL and not issue.is_fund
        tax = self.fees.cut(amount * self.fees.tax) - sum(fill.tax for fill in order.fills) if taxed else 0
        order.fills.append(Fill(quantity, price, at, fee, tax))
        account = self.accounts[order.account]
        holding = account.holdings.setdefault(order.symbol, Holding())
        settles = self.hours.trading_day_from(at.date(), 2)
        if order.side == BUY:
            account.movements.append(Movement(-quantity * price - fee, settles))
            holding.quantity, holding.cost = holding.quantity + quantity, holding.cost + quantity * price
            holding.kept_until = None
        else:
            account.movements.append(Movement(quantity * price - fee - tax, settles))
            holding.cost -= holding.cost * quantity / holding.quantity
            holding.quantity -= quantity
            holding.kept_until = None if holding.quantity else settles
        self.notify(order, quantity, price, accepted="2", is_fill=True)

    def withdraw(self, order: Order, quantity: int, *, accepted: str = "") -> None:
        """Take units off an order; a notice of its own only where `accepted` says which (3: rest of an IOC or FOK)."""
        order.withdrawn += quantity
        if accepted:
            self.notify(order, quantity, order.price, accepted=accepted)

    def reject(self, order: Order) -> None:
        """The exchange refuses what the ledger had taken; told by a notice alone."""
        order.rejected = order.rest
        self.notify(order, order.rejected, order.price, accepted="", is_refused=True)

    def settle(self, today: date) -> None:
        for account in self.accounts.values():
            there = [each for each in account.movements if each.settles <= today]
            account.settled += sum(each.amount for each in there)
            account.movements = [each for each in account.movements if each.settles > today]
            gone = [
                code
                for code, h in account.holdings.items()
                if not h.quantity and h.kept_until and h.kept_until <= today
            ]
            for code in gone:
                del account.holdings[code]

    def notify(
        self, order: Order, quantity: int, price: int, *, accepted: str, is_fill: bool = False, is_refused: bool = False
    ) -> None:
        at = order.fills[-1].at if is_fill else order.at
        self._tell(
            Notice(
                hts_id=self.hts_ids.get(order.account, ""),
                account=order.account,
                number=order.odno,
                origin=order.origin_odno,
                side=order.side,
                kind=NEW if is_fill else order.kind,
                division=order.division,
                symbol=order.symbol,
                quantity=quantity,
                price=price,
                hour=f"{at:%H%M%S}",
                is_refused=is_refused,
                is_fill=is_fill,
                accepted=accepted,
                branch=order.branch,
                order_quantity=order.quantity,
                order_price=order.price,
                name=self.market.issues[order.symbol].name,
                exchange={"KRX": "1", "NXT": "2", "SOR": "3"}[order.exchange],
            )
        )
