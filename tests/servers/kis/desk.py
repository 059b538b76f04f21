"""Taking, matching, changing and expiring orders at one environment, by the phase of the day and the division codes."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tests.servers.kis import prices, refusals
from tests.servers.kis.access import PAPER
from tests.servers.kis.hours import AFTER_CLOSE, CLOSE, REFORM, Hours, Phase, at
from tests.servers.kis.ledger import BUY, CANCEL, MODIFY, NEW, SELL, Account, Ledger, Order
from tests.servers.kis.market import Issue, Market
from tests.servers.kis.refusals import INVENTED, Refused, Saying

LIMITED = {"00", "02", "11", "12", "41", "42", "43"}  # the customer names a price
PRICELESS = {"01", "13", "14", "44", "45", "46"}  # market, or best after hours: no price is kept
BEST = {"03", "04", "15", "16", "47"}  # the price is read from the book
CLOSING_PRICE = {"05", "06"}
AFTER_HOURS = {"41", "42", "43", "44", "45", "46", "47"}
IOC = {"11", "13", "15", "42", "45"}
FOK = {"12", "14", "16", "43", "46"}
KNOWN = LIMITED | PRICELESS | BEST | CLOSING_PRICE
PAPER_KNOWN = {"00", "01", "02", "03", "04"}
ENTRY = {Phase.OPENING, Phase.OPEN, Phase.CLOSING}
DEBT_TIMES = 5  # what 20 % margin buys


@dataclass(frozen=True, slots=True)
class Asked:
    """`price` 0: none given."""

    account: str
    symbol: str
    side: str
    division: str
    quantity: int
    price: int
    exchange: str = "KRX"
    our_id: str = ""
    is_strangers: bool = False


class Desk:
    """Not thread-safe; the sandbox holds its lock."""

    def __init__(self, ledger: Ledger, market: Market, hours: Hours) -> None:
        self.ledger, self.market, self.hours = ledger, market, hours
        self.is_paper = ledger.environment == PAPER
        self.reject_next = 0  # so many orders will be taken and then refused by the exchange

    def submit(self, asked: Asked, now: datetime) -> Order:
        """Take it into the book and trade what can be traded. Raises Refused."""
        account = self.account(asked.account)
        issue = self._require_sound(asked, now)
        order = self._order(asked, issue, now)
        self._require_means(order, account)
        self.ledger.add(order)
        if self.reject_next:
            self.reject_next -= 1
            self.ledger.reject(order)
            return order
        self._trade(order, now)
        if asked.division in IOC | FOK and order.rest:
            self.ledger.withdraw(order, order.rest, accepted="3")
        return order

    def revise(
        self,
        account: str,
        number: int,
        kind: str,
        division: str,
        quantity: int | None,
        price: int,
        exchange: str,
        now: datetime,
        *,
        is_strangers: bool = False,
    ) -> Order:
        """Modify (kind 1) or cancel (2) so many units of an order (None: all that is left); the new row. Raises Refused."""
        self.account(account)
        origin = self.ledger.find(account, number, now.date())
        if origin is None or origin.exchange != exchange:
            raise self._no(refusals.NO_ORIGINAL)
        units = origin.rest if quantity is None else quantity
        if not 0 < units <= origin.rest:
            raise self._no(refusals.NOTHING_LEFT)
        asked = Asked(
            account, origin.symbol, origin.side, division, units, price, exchange, origin.our_id, is_strangers
        )
        if kind == CANCEL:
            self._require_time(origin.division, now)
            origin.withdrawn += units
            order = self._bare(asked, origin.price, now)
        else:
            order = self._order(asked, self._require_sound(asked, now), now)
            origin.withdrawn, origin.moved = origin.withdrawn + units, origin.moved + units
            try:
                self._require_means(order, self.account(account))
            except Refused:
                origin.withdrawn, origin.moved = origin.withdrawn - units, origin.moved - units
                raise
        order.kind, order.origin = kind, origin.number
        self.ledger.add(order)
        if kind == MODIFY:
            self._trade(order, now)
        return order

    def fill(self, order: Order, quantity: int, price: int, now: datetime) -> None:
        """One execution by hand, of what is left at most."""
        if order.rest:
            self.ledger.execute(order, min(quantity, order.rest), price, now)

    def catch_up(self, now: datetime) -> None:
        """What the clock brought: parts of orders fill, the day's orders expire, cash settles."""
        for order in self.ledger.live():
            if order.expires is not None and now >= order.expires:
                self._expire(order)
            else:
                self._trade(order, now)
        self.ledger.forget_ended()
        self.ledger.settle(now.date())

    def account(self, number: str) -> Account:
        try:
            return self.ledger.accounts[number]
        except KeyError:
            raise Refused(refusals.BAD_ACCOUNT) from None

    def _require_sound(self, asked: Asked, now: datetime) -> Issue:
        if asked.exchange != "KRX" and self.is_paper:
            raise Refused(INVENTED["paper_exchange"])
        if asked.division not in (PAPER_KNOWN if self.is_paper else KNOWN):
            raise self._no(refusals.BAD_DIVISION)
        if asked.division in AFTER_HOURS and now.date() < REFORM:
            raise self._no(refusals.BAD_DIVISION)
        issue = self.market.issues.get(asked.symbol)
        if issue is None:
            raise self._no(refusals.NO_SYMBOL)
        if issue.is_halted:
            raise self._no(refusals.HALTED)
        if self.is_paper and issue.price < 1_000:
            raise Refused(refusals.PAPER_UNTRADABLE)
        self._require_time(asked.division, now)
        if asked.division in AFTER_HOURS and issue.is_fund:
            raise Refused(INVENTED["no_etf"])
        if asked.division in LIMITED:
            self._require_price(asked.price, issue)
        return issue

    def _require_time(self, division: str, now: datetime) -> None:
        phase = self.hours.phase(now)
        if phase is Phase.CLOSED_DAY:
            raise self._no(refusals.NOT_A_DAY)
        if phase is Phase.AFTER and division not in AFTER_HOURS and not self.is_paper:
            raise Refused(refusals.AFTER_MARKET_ONLY)
        is_time = {
            "05": self.hours.is_closing_price_time(now),
            "06": phase is Phase.POST or self.hours.always,
        }.get(division, phase in ({Phase.AFTER} if division in AFTER_HOURS and not self.hours.always else ENTRY))
        if is_time:
            return
        if self.is_paper:
            is_early = phase in {Phase.BEFORE, Phase.OPENING}
            raise Refused(refusals.PAPER_BEFORE_OPEN if is_early else refusals.PAPER_AFTER_CLOSE)
        raise Refused(refusals.CLOSED)

    def _require_price(self, price: int, issue: Issue) -> None:
        low, high, _width = issue.limits
        if price <= 0 or price % prices.tick(price, is_fund=issue.is_fund):
            raise self._no(refusals.OFF_TICK)
        if price > high:
            raise self._no(INVENTED["above"])
        if price < low:
            raise self._no(INVENTED["below"])

    def _require_means(self, order: Order, account: Account) -> None:
        if order.side == SELL:
            held = account.holdings.get(order.symbol)
            free = (held.quantity if held else 0) - self.ledger.reserved_units(account.number, order.symbol)
            if order.quantity > free:
                raise self._no(refusals.NO_UNITS)
            return
        cash, again, _no_debt = self.ledger.buyable(account)
        means = (cash + again) * (DEBT_TIMES if account.has_margin else 1)
        if self.ledger.worth(order, order.quantity) > means:
            raise self._no(refusals.NO_CASH)

    def _order(self, asked: Asked, issue: Issue, now: datetime) -> Order:
        price = asked.price if asked.division in LIMITED else 0
        if asked.division in BEST:
            own_side = asked.division in {"04", "47"}
            levels = issue.bids if own_side == (asked.side == BUY) else issue.asks
            price = levels[0][0] if levels else issue.price
        if asked.division in CLOSING_PRICE:
            price = issue.base if asked.division == "05" else issue.close or issue.price
        return self._bare(asked, price, now)

    def _bare(self, asked: Asked, price: int, now: datetime) -> Order:
        return Order(
            account=asked.account,
            branch=self.ledger.branch,
            number=0,
            at=now,
            symbol=asked.symbol,
            side=asked.side,
            division=asked.division,
            exchange=asked.exchange,
            quantity=asked.quantity,
            price=price,
            policy=self.ledger.policy,
            expires=self._expiry(asked.division, now),
            kind=NEW,
            our_id=asked.our_id,
            is_strangers=asked.is_strangers,
        )

    def _expiry(self, division: str, now: datetime) -> datetime | None:
        if self.hours.always:
            return None
        if division in AFTER_HOURS:
            return at(now.date(), AFTER_CLOSE)
        if division == "06":
            return at(now.date(), CLOSE) + timedelta(minutes=30)
        return at(now.date(), CLOSE)

    def _expire(self, order: Order) -> None:
        """At the close: a conditional limit trades at the closing price, anything else ends."""
        end = order.expires
        assert end is not None
        if order.division == "02" and order.policy.parts:
            issue = self.market.issues[order.symbol]
            self.ledger.execute(order, order.rest, issue.close or issue.price, end)
        else:
            self.ledger.withdraw(order, order.rest)

    def _trade(self, order: Order, now: datetime) -> None:
        """Fill the parts that are due, the last one with whatever is left."""
        if not order.policy.parts or not self._is_matching(order, now):
            return
        price = self._price_for(order)
        if price is None:
            return
        parts, pace = order.policy.parts, order.policy.pace
        due = parts if not pace else min(parts, 1 + int((now - order.at).total_seconds() // pace))
        part = max(1, order.quantity // parts)
        if order.division in FOK:
            due, part = parts, order.quantity
        while order.rest and len(order.fills) < due:
            is_last = len(order.fills) + 1 >= parts
            self.ledger.execute(order, order.rest if is_last else min(part, order.rest), price, now)

    def _is_matching(self, order: Order, now: datetime) -> bool:
        phase = self.hours.phase(now)
        if order.division in AFTER_HOURS:
            return phase in {Phase.AFTER, Phase.OPEN}
        if order.division in CLOSING_PRICE:
            return True
        return phase is Phase.OPEN

    def _price_for(self, order: Order) -> int | None:
        """The market's price where it reaches the order's; None where it does not."""
        market = self.market.issues[order.symbol].price
        if not order.price:
            return market
        if order.division in CLOSING_PRICE:
            return order.price
        if order.division in BEST:  # the best of the other side trades there and then, the own side waits
            return order.price if order.division in {"03", "15", "16"} else market if market == order.price else None
        is_reached = market <= order.price if order.side == BUY else market >= order.price
        return market if is_reached else None

    def _no(self, saying: Saying) -> Refused:
        return Refused(refusals.PAPER.get(saying, saying) if self.is_paper else saying)
