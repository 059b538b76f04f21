"""Recomputing the books: everything that is cached or denormalised, from the postings and fills it came from.

Account by account, each under its lock: what is compared cannot move meanwhile, and only that account waits.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from django.db import transaction

from brokers.models import BrokerAccount
from markets.types import Side
from trading import ledger, lifecycle
from trading.models import Fill, Order, OrderAttempt, Posting, SwingPlan
from trading.services.ledger import books
from trading.services.ledger.settlement_dates import last_resets

AT_ONCE = 2000  # rows read at a time
Sums = dict[tuple[str, str], Decimal]


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure that is not what its sources say. `subject` names the row or the bucket."""

    check: str
    account: UUID
    subject: str
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was looked at, and what was wrong."""

    accounts: int
    postings: int
    orders: int
    fills: int
    plans: int
    differences: tuple[Difference, ...]


def check_books(account_id: UUID | None = None) -> Audit:
    """Recompute one account's books or all of them."""
    accounts = BrokerAccount.objects.order_by("created_at").values_list("pk", flat=True)
    checked = [_check_account(pk) for pk in (accounts if account_id is None else accounts.filter(pk=account_id))]
    return Audit(
        accounts=len(checked),
        postings=sum(each.postings for each in checked),
        orders=sum(len(each.orders) for each in checked),
        fills=sum(len(each.fills) for each in checked),
        plans=sum(len(each.plans) for each in checked),
        differences=tuple(difference for each in checked for difference in each.differences()),
    )


@transaction.atomic
def _check_account(account_id: UUID) -> "AccountBooks":
    return AccountBooks(books.lock_account(account_id))


class AccountBooks:
    """One account as it is stored, read once, and the comparisons."""

    def __init__(self, account: BrokerAccount) -> None:
        self.account = account
        self.postings = 0
        self.reset = last_resets([account]).get(account.pk, 0)
        self.sums, self.unbalanced, self.fill_lines = self._read_postings()
        self.balances = dict(books.held(account))
        self.orders = list(Order.objects.filter(broker_account=account).select_related("instrument").order_by("pk"))
        self.fills = list(Fill.objects.filter(broker_account=account).order_by("pk"))
        self.plans = list(SwingPlan.objects.filter(broker_account=account).select_related("instrument"))
        may_have_landed = OrderAttempt.objects.filter(order__broker_account=account).exclude(outcome="refused")
        self.landings = Counter(may_have_landed.values_list("order_id", flat=True))
        self._by_id = {order.pk: order for order in self.orders}

    def differences(self) -> Iterator[Difference]:
        """Everything that is not what it should be, check by check."""
        yield from self._journals()
        yield from self._cached_balances()
        yield from self._equation()
        yield from self._reservations()
        yield from self._attempts()
        yield from self._order_totals()
        yield from self._fill_postings()
        yield from self._positions()
        yield from self._plans()

    def _read_postings(self) -> tuple[Sums, dict[int, Sums], dict[str, Sums]]:
        """Sums per bucket; the journals that do not sum to zero; the lines of each fill's journal."""
        sums: Sums = defaultdict(Decimal)
        zero: dict[int, Sums] = defaultdict(lambda: defaultdict(Decimal))
        fills: dict[str, Sums] = defaultdict(lambda: defaultdict(Decimal))
        self._before_reset: set[str] = set()
        self._booked: dict[str, int] = {}  # each fill's journal
        self._adjusted: dict[int, Sums] = defaultdict(lambda: defaultdict(Decimal))  # by journal
        self._set_aside: dict[str, Decimal] = defaultdict(Decimal)  # by "order:<id>" or "fill:<id>"
        rows = Posting.objects.filter(journal__broker_account=self.account).values_list(
            "journal_id", "journal__kind", "journal__source", "bucket", "asset", "amount"
        )
        for journal, kind, source, bucket, asset, amount in rows.iterator(chunk_size=AT_ONCE):
            self.postings += 1
            sums[bucket, asset] = ledger.total((sums[bucket, asset], amount))
            zero[journal]["", asset] = ledger.total((zero[journal]["", asset], amount))
            if bucket == ledger.RESERVED:
                owner = ":".join(source.split(":")[:2])
                self._set_aside[owner] = ledger.total((self._set_aside[owner], amount))
            if kind == "adjustment" and journal > self.reset:
                self._adjusted[journal][bucket, asset] = ledger.total((self._adjusted[journal][bucket, asset], amount))
            if kind == "fill":
                self._booked[source] = journal
                fills[source][bucket, asset] = ledger.total((fills[source][bucket, asset], amount))
                if journal < self.reset:
                    self._before_reset.add(source)
        unbalanced = {journal: left for journal, left in zero.items() if any(left.values())}
        return sums, unbalanced, fills

    def _found(self, check: str, subject: object, expected: object, found: object) -> Iterator[Difference]:
        if expected != found:
            yield Difference(check, self.account.pk, str(subject), _text(expected), _text(found))

    def _journals(self) -> Iterator[Difference]:
        """I16: each journal, and so all of them together."""
        for asset in sorted({asset for _bucket, asset in self.sums}):
            rest = ledger.total(amount for (_bucket, each), amount in self.sums.items() if each == asset)
            yield from self._found("postings_sum_to_zero", asset, Decimal(0), rest)
        for journal, left in self.unbalanced.items():
            for (_bucket, asset), amount in left.items():
                yield from self._found("journal_sums_to_zero", f"journal {journal} {asset}", Decimal(0), amount)

    def _cached_balances(self) -> Iterator[Difference]:
        """I17, I18: every balance is the sum of its postings, and what is owned is never below zero."""
        for key in sorted(self.sums.keys() | self.balances.keys()):
            found = self.balances.get(key, Decimal(0))
            yield from self._found("balance_is_sum_of_postings", " ".join(key), self.sums.get(key, Decimal(0)), found)
            if found < 0 and ledger.is_owned(key[0]):
                yield Difference("balance_not_negative", self.account.pk, " ".join(key), "0", _text(found))

    def _equation(self) -> Iterator[Difference]:
        """I17: available + reserved + Σ position cost = deposits − withdrawals + realised − fees − taxes."""
        for asset in sorted({asset for _bucket, asset in self.balances}):
            ours = [
                amount for (bucket, each), amount in self.balances.items() if each == asset and ledger.is_owned(bucket)
            ]
            others = (ledger.EXTERNAL, ledger.REALISED, ledger.FEES, ledger.TAX)
            theirs = [self.balances.get((bucket, asset), Decimal(0)) for bucket in others]
            yield from self._found("owned_equals_paid_in", asset, -ledger.total(theirs), ledger.total(ours))

    def _reservations(self) -> Iterator[Difference]:
        """I7, I18: what is set aside is what the open orders need; a finished order holds nothing."""
        needed: dict[str, Decimal] = defaultdict(Decimal)
        for order in self.orders:
            if order.state in lifecycle.OPEN:
                asset = order.instrument.currency if order.side == Side.BUY else order.instrument.key
                needed[asset] = ledger.total((needed[asset], order.reserved))
            else:
                yield from self._found("finished_order_holds_nothing", f"order {order.pk}", Decimal(0), order.reserved)
        reserved = {asset: amount for (bucket, asset), amount in self.balances.items() if bucket == ledger.RESERVED}
        for asset in sorted(needed.keys() | reserved.keys()):
            expected, found = needed.get(asset, Decimal(0)), reserved.get(asset, Decimal(0))
            yield from self._found("reserved_is_open_orders", asset, expected, found)

        spent: dict[UUID, Decimal] = defaultdict(Decimal)
        for fill in self.fills:
            spent[fill.order_id] = ledger.total((spent[fill.order_id], self._set_aside[books.fill_source(fill)]))
        for order in self.orders:
            expected = ledger.total((self._set_aside[f"order:{order.pk}"], spent[order.pk]))
            yield from self._found("order_reserved_is_its_postings", f"order {order.pk}", expected, order.reserved)

    def _attempts(self) -> Iterator[Difference]:
        """I1: of all tries to send an order at most one may have reached the broker."""
        for order_id, landings in self.landings.items():
            if landings > 1:
                yield Difference(
                    "at_most_one_attempt_may_have_landed", self.account.pk, f"order {order_id}", "1", str(landings)
                )

    def _order_totals(self) -> Iterator[Difference]:
        """I6: an order's figures are the sums of its fills, and never more than was ordered."""
        fills: dict[UUID, list[Fill]] = defaultdict(list)
        for fill in self.fills:
            fills[fill.order_id].append(fill)
        for order in self.orders:
            own, subject = fills[order.pk], f"order {order.pk}"
            quantity = ledger.total(fill.quantity for fill in own)
            yield from self._found("order_quantity_is_its_fills", subject, quantity, order.filled_quantity)
            amount = ledger.total(fill.amount for fill in own)
            yield from self._found("order_amount_is_its_fills", subject, amount, order.filled_amount)
            yield from self._found("order_fee_is_its_fills", subject, ledger.total(f.fee for f in own), order.fee)
            yield from self._found("order_tax_is_its_fills", subject, ledger.total(f.tax for f in own), order.tax)
            if order.filled_quantity > order.quantity:
                yield Difference(
                    "filled_within_quantity",
                    self.account.pk,
                    subject,
                    _text(order.quantity),
                    _text(order.filled_quantity),
                )

    def _fill_postings(self) -> Iterator[Difference]:
        """Every fill is booked once, with its units, fee and tax; and no journal claims a fill that is not there."""
        sources = {books.fill_source(fill): fill for fill in self.fills}
        for source in sorted(self.fill_lines.keys() - sources.keys()):
            yield Difference("fill_journal_has_its_fill", self.account.pk, source, "a fill", "none")
        for source, fill in sources.items():
            order, lines = self._by_id[fill.order_id], self.fill_lines.get(source, {})
            way = -1 if order.side == Side.BUY else 1
            currency = order.instrument.currency
            expected = (way * fill.quantity, fill.fee, fill.tax)
            buckets = ((ledger.EXTERNAL, order.instrument.key), (ledger.FEES, currency), (ledger.TAX, currency))
            found = tuple(lines.get(key, Decimal(0)) for key in buckets)
            yield from self._found("fill_is_booked", source, expected, found)

    def _since_reset(self) -> list[Fill]:
        """What positions and profits are made of: an account that began anew has neither from before."""
        return [fill for fill in self.fills if books.fill_source(fill) not in self._before_reset]

    def _moves(self) -> dict[str, list[tuple[int, "Move"]]]:
        """By instrument, what its position is made of, each with the journal that booked it."""
        moves: dict[str, list[tuple[int, Move]]] = defaultdict(list)
        for fill in self._since_reset():
            order = self._by_id[fill.order_id]
            moves[order.instrument.key].append((self._booked.get(books.fill_source(fill), 0), (order, fill)))
        for journal, lines in self._adjusted.items():
            for (bucket, asset), amount in lines.items():
                if bucket == ledger.EXTERNAL:  # of cash too, which nobody asks for
                    position = ledger.position_bucket(asset)
                    cost = ledger.total(moved for (each, _currency), moved in lines.items() if each == position)
                    moves[asset].append((journal, Adjustment(-amount, cost)))
        return moves

    def _positions(self) -> Iterator[Difference]:
        """Units, cost and profit of each instrument, from its fills and adjustments in the order they were booked."""
        instruments = {order.instrument for order in self.orders}
        moves = self._moves()
        realised: dict[str, Decimal] = defaultdict(Decimal)
        for instrument in sorted(instruments, key=lambda each: each.key):
            stood = _replay(move for _journal, move in sorted(moves[instrument.key], key=lambda each: each[0]))
            units = [self.balances.get((b, instrument.key), Decimal(0)) for b in (ledger.AVAILABLE, ledger.RESERVED)]
            yield from self._found("units_are_fills", instrument.key, stood.quantity, ledger.total(units))
            key = (ledger.position_bucket(instrument.key), instrument.currency)
            yield from self._found("cost_is_fills", instrument.key, stood.cost, self.balances.get(key, Decimal(0)))
            realised[instrument.currency] = ledger.total((realised[instrument.currency], stood.profit))
        for currency, profit in realised.items():
            found = -self.balances.get((ledger.REALISED, currency), Decimal(0))
            yield from self._found("realised_is_fills", currency, profit, found)

    def _plans(self) -> Iterator[Difference]:
        """G18: a plan's own units, cost and profit, from its own fills."""
        counted = self._since_reset()
        for plan in self.plans:
            own = [(self._by_id[f.order_id], f) for f in counted if self._by_id[f.order_id].plan_id == plan.pk]
            stood, subject = _replay(own), f"plan {plan.pk}"
            costs = ledger.total(fill.fee + fill.tax for _order, fill in own)
            this_cycle = [f for o, f in own if o.side == Side.BUY and o.cycle == plan.cycle]
            spent = ledger.total(f.amount + f.fee for f in this_cycle)
            yield from self._found("plan_holds_its_fills", subject, stood.quantity, plan.held_quantity)
            yield from self._found("plan_cost_is_its_fills", subject, stood.cost, plan.held_cost)
            yield from self._found("plan_profit_is_its_fills", subject, stood.profit - costs, plan.realised)
            yield from self._found("plan_spent_is_its_fills", subject, spent, plan.cycle_spent)


@dataclass(slots=True)
class _Stood:
    quantity: Decimal = Decimal(0)
    cost: Decimal = Decimal(0)
    profit: Decimal = Decimal(0)  # before fees and taxes


@dataclass(frozen=True, slots=True)
class Adjustment:
    """Units that came (above zero) or went without a trade of ours, and the cost they brought or took along."""

    quantity: Decimal
    cost: Decimal


Move = tuple[Order, Fill] | Adjustment


def _replay(moves: Iterable[Move]) -> _Stood:
    """What a row of fills and adjustments of one instrument adds up to, by average cost."""
    stood = _Stood()
    for move in moves:
        if isinstance(move, Adjustment):
            stood.quantity += move.quantity
            stood.cost += move.cost
            continue
        order, fill = move
        if order.side == Side.BUY:
            stood.quantity += fill.quantity
            stood.cost += fill.amount
        else:
            cost = ledger.cost_of_sold(fill.quantity, stood.quantity, stood.cost, order.instrument.cash_decimals)
            stood.quantity -= fill.quantity
            stood.cost -= cost
            stood.profit += fill.amount - cost
    return stood


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(map(_text, value))
    return format(value, "f") if isinstance(value, Decimal) else str(value)
