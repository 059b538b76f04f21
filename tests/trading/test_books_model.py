"""A model of the books: whatever people, markets and brokers do, in any order, not one won appears or disappears.

After every command: I16 (every journal sums to zero), I17 (available + reserved + position cost = paid in + realised −
fees − taxes, balances are the sums of their postings), I18 (nothing owned is negative, reserved is what open orders need).
"""

import os
from collections import defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from brokers.models import BrokerAccount
from brokers.protocol import FillReport, OrderReport, ReportStatus
from brokers.virtual.adapter import VirtualBroker
from markets.calendars import load_default
from markets.models import Instrument
from markets.services import market_time
from markets.types import Side, Source, market_day
from tests import factories as make
from tests.fakes import REJECTED, FakeBroker
from trading import lifecycle, services
from trading.dispatch import dispatch_once
from trading.errors import OrderNotOpen, OrderRefused, SameKeyOtherRequest
from trading.models import Balance, Fill, Order, Posting, SwingPlan
from trading.reconcile import reconcile_once
from trading.services.ledger import books
from trading.services.ledger.audit import check_books
from trading.services.ordering import sending
from trading.services.running import leases

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "20"))
STEPS = 30
MOST_ACCOUNTS = 3
STOCK_PRICES = st.integers(500, 900).map(lambda hundreds: Decimal(100 * hundreds))
SIDES = st.sampled_from(list(Side))
WHICH = st.integers(0, 10**6)


class BooksModel(RuleBasedStateMachine):
    """Two instruments (whole shares, and a coin in hundred-millionths), up to three accounts, one plan."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = transaction.atomic()
        self._undo.__enter__()
        self.now: datetime = make.NOW
        self.paid_in: dict[Any, Decimal] = defaultdict(Decimal)
        self.prices: dict[int, Decimal] = {}
        self.began: dict[Any, int] = defaultdict(int)  # the last fill before each account began anew
        self.steps = 0

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undo.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.stock = make.make_instrument()
        self.coin = make.make_instrument(
            "BTC/KRW", venue="UPBIT", kind="crypto", tick_table="upbit-krw", calendar="always", quantity_decimals=8,
            lot=Decimal("1e-8"), min_quantity=Decimal("1e-8"), min_amount=Decimal(5000), price_limit_rate=None,
        )  # fmt: skip
        self.accounts: list[BrokerAccount] = []
        self.open_account(Decimal(20_000_000))
        self.set_price(self.stock, Decimal(70_000))
        self.set_price(self.coin, Decimal(1_234_000))
        self.plan = make.make_plan(self.accounts[0], self.stock)

    # people

    @rule(which=WHICH, side=SIDES, quantity=st.integers(5, 20))
    def an_order_is_canceled_while_it_rests(self, which: int, side: Side, quantity: int) -> None:
        self.place(self.account(which), self.stock, side=side, quantity=Decimal(quantity))
        self.dispatch()
        self.cancel(which)
        self.dispatch()

    @precondition(lambda self: len(self.accounts) < MOST_ACCOUNTS)
    @rule(cash=st.integers(1, 5_000_000).map(Decimal))
    def open_account(self, cash: Decimal) -> None:
        account = make.make_account(make.make_user(), cash)
        self.accounts.append(account)
        self.paid_in[account.pk] += cash

    @rule(which=WHICH, amount=st.integers(1, 1_000_000).map(Decimal), twice=st.booleans())
    def deposit(self, which: int, amount: Decimal, twice: bool) -> None:
        account, source = self.account(which), f"model:{self.tick()}"
        assert services.deposit(account, amount, source, self.now)
        if twice:
            assert services.deposit(account, amount, source, self.now) is None
        self.paid_in[account.pk] += amount

    @rule(which=WHICH, amount=st.integers(1, 5_000_000).map(Decimal))
    def withdraw(self, which: int, amount: Decimal) -> None:
        account = self.account(which)
        free = self.balance(account, "available", "KRW")
        source = f"model:{self.tick()}"
        if amount > free - self.unsettled(account):
            code = "insufficient_cash" if amount > free else "not_settled_yet"
            with pytest.raises(OrderRefused, match=code):
                services.withdraw(account, amount, source, self.now)
            return
        services.withdraw(account, amount, source, self.now)
        self.paid_in[account.pk] -= amount

    @rule(which=WHICH, cash=st.integers(1, 5_000_000).map(Decimal), is_paused=st.booleans())
    def begin_anew(self, which: int, cash: Decimal, is_paused: bool) -> None:
        account = self.account(which)
        in_doubt = Order.objects.filter(broker_account=account, state__in=lifecycle.UNRESOLVED).exists()
        has_plan = account.pk == self.accounts[0].pk
        SwingPlan.objects.update(mode="off" if is_paused else "on")
        try:
            services.reset_account(account.user, account, cash, f"anew:{self.tick()}")
        except OrderRefused as e:
            expected = "plan_running" if has_plan and not is_paused else "order_unresolved"
            assert e.code == expected, e.code  # noqa: PT017
            assert in_doubt or expected == "plan_running"
        else:
            assert not in_doubt
            assert make.balances(account) == {"external KRW": -cash, "available KRW": cash}
            assert not Order.objects.open().filter(broker_account=account).exists()
            assert services.portfolio(account).profit == 0
            self.paid_in[account.pk] = cash
            self.began[account.pk] = max(Fill.objects.values_list("pk", flat=True), default=0)
        SwingPlan.objects.update(mode="on")

    @rule(which=WHICH, side=SIDES, quantity=st.integers(1, 60))
    def market_order(self, which: int, side: Side, quantity: int) -> None:
        self.place(self.account(which), self.stock, side=side, quantity=Decimal(quantity))

    @rule(which=WHICH, side=SIDES, quantity=st.integers(1, 60), price=STOCK_PRICES)
    def limit_order(self, which: int, side: Side, quantity: int, price: Decimal) -> None:
        self.place(self.account(which), self.stock, side=side, quantity=Decimal(quantity), limit_price=price)

    @rule(which=WHICH, side=SIDES, units=st.integers(1, 4 * 10**8))
    def coin_order(self, which: int, side: Side, units: int) -> None:
        self.place(self.account(which), self.coin, side=side, quantity=Decimal(units).scaleb(-8))

    @rule(which=WHICH, share=st.sampled_from([1, 2, 3]), limit=st.none() | STOCK_PRICES)
    def sell_what_is_held(self, which: int, share: int, limit: Decimal | None) -> None:
        account = self.account(which)
        if shares := self.balance(account, "available", self.stock.key) // share:
            self.place(account, self.stock, side=Side.SELL, quantity=shares, limit_price=limit)
        if coins := self.balance(account, "available", self.coin.key) * 10**8 // share:
            self.place(account, self.coin, side=Side.SELL, quantity=coins.scaleb(-8))

    @rule(which=WHICH, side=SIDES, quantity=st.integers(1, 10))
    def same_key_again(self, which: int, side: Side, quantity: int) -> None:
        for _ in range(2):
            try:
                self.place(self.account(which), self.stock, side=side, quantity=Decimal(quantity), client_key="again")
            except SameKeyOtherRequest:
                return

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        if order := self.order(which, state__in=lifecycle.OPEN):
            services.cancel_order(order.user, order.pk)

    @rule(which=WHICH)
    def cancel_what_has_ended(self, which: int) -> None:
        if order := self.order(which, state__in=lifecycle.TERMINAL):
            with pytest.raises(OrderNotOpen):
                services.cancel_order(order.user, order.pk)

    @rule(step=st.sampled_from([1, 2, 3]), quantity=st.integers(1, 10))
    def plan_order(self, step: int, quantity: int) -> None:
        plan = SwingPlan.objects.get(pk=self.plan.pk)
        if Order.objects.open().filter(plan=plan).exists():
            return
        side = Side.SELL if step == 3 else Side.BUY
        wanted = plan.held_quantity if side is Side.SELL else Decimal(quantity)
        if wanted:
            self.place(self.accounts[0], self.stock, side=side, quantity=wanted, plan=plan, step=step)
            self.dispatch()

    # the market

    @rule(price=STOCK_PRICES)
    def price_moves(self, price: Decimal) -> None:
        self.set_price(self.stock, price)

    @rule(price=st.integers(1000, 1500).map(lambda thousands: Decimal(1000 * thousands)))
    def coin_price_moves(self, price: Decimal) -> None:
        self.set_price(self.coin, price)

    @rule(which=WHICH, side=SIDES, quantity=st.integers(1, 20))
    def an_order_goes_the_whole_way(self, which: int, side: Side, quantity: int) -> None:
        self.place(self.account(which), self.stock, side=side, quantity=Decimal(quantity))
        self.dispatch()
        self.a_thick_book_arrives()

    @rule(quantity=st.integers(1, 7))
    def a_thin_book_arrives(self, quantity: int) -> None:
        self.dispatch()
        self.show_book(self.stock, Decimal(quantity))
        self.show_book(self.coin, Decimal(quantity) / 10)

    @rule()
    def a_thick_book_arrives(self) -> None:
        self.show_book(self.stock, Decimal(10**6))
        self.show_book(self.coin, Decimal(10**6))

    @rule(hours=st.integers(1, 30))
    def time_passes_and_day_orders_expire(self, hours: int) -> None:
        self.now += timedelta(hours=hours)
        self.set_price(self.stock, self.prices[self.stock.pk])
        services.match_virtual(self.stock, make.make_book(self.stock, 10**6, 1, self.now, bid=1))

    # the wire

    @rule()
    def dispatch(self) -> None:
        dispatch_once(self.fence())

    @rule(answer=st.sampled_from(["lost", "refused", "broken"]))
    def a_broker_answers_badly(self, answer: str) -> None:
        answers: dict[str, Any] = {"lost": None, "refused": REJECTED, "broken": ValueError("half an answer")}
        dispatch_once(self.fence(), FakeBroker(answer=answers[answer]).opened)

    @rule(is_found=st.booleans())
    def reconcile(self, is_found: bool) -> None:
        reconcile_once(self.fence(), (lambda _account: VirtualBroker()) if is_found else FakeBroker().opened)

    @rule(which=WHICH, status=st.sampled_from(list(ReportStatus)))
    def old_news_again(self, which: int, status: ReportStatus) -> None:
        """Everything ever told of an order, told again, with any state beside it."""
        if order := self.order(which, fills__isnull=False):
            told = OrderReport(status, fills=tuple(_as_told(fill) for fill in order.fills.all()))
            before = make.balances(order.broker_account), _contradictions(order)
            was_open = order.is_open
            services.apply_report(order.pk, told, self.now)
            if status is ReportStatus.ACCEPTED or not was_open:
                assert make.balances(order.broker_account) == before[0]
            assert _contradictions(order) == before[1], "no fill of ours contradicts itself"

    @rule(which=WHICH, quantity=st.integers(1, 12), price=STOCK_PRICES)
    def a_fill_nobody_expected(self, which: int, quantity: int, price: Decimal) -> None:
        """Late, dearer than the limit, or more than was ordered: booked where that is possible, else kept as told."""
        unfilled = {"filled_quantity__lt": F("quantity"), "instrument": self.stock}
        if order := self.order(which, attempts__isnull=False, **unfilled):
            fill = make.make_fill(order, f"surprise {self.tick()}", quantity, int(price), 7)
            services.apply_report(order.pk, OrderReport(ReportStatus.ACCEPTED, fills=(fill,)), self.now)

    # what must always hold

    @invariant()
    def every_journal_sums_to_zero(self) -> None:
        """I16."""
        sums: dict[tuple[int, str], Decimal] = defaultdict(Decimal)
        for journal, asset, amount in Posting.objects.values_list("journal_id", "asset", "amount"):
            sums[journal, asset] += amount
        assert not any(sums.values())

    @invariant()
    def nothing_is_lost_between_what_was_paid_in_and_what_is_there(self) -> None:
        """I17, from the fills themselves and not from the ledger."""
        for account in self.accounts:
            fills = Fill.objects.filter(broker_account=account, pk__gt=self.began[account.pk]).select_related("order")
            bought = sum((f.amount for f in fills if f.order.side == Side.BUY), Decimal(0))
            sold = sum((f.amount for f in fills if f.order.side == Side.SELL), Decimal(0))
            costs = sum((f.fee + f.tax for f in fills), Decimal(0))
            cash = self.balance(account, "available", "KRW") + self.balance(account, "reserved", "KRW")
            assert cash == self.paid_in[account.pk] - bought + sold - costs
            portfolio = services.portfolio(account)
            held = sum((position.cost for position in portfolio.positions), Decimal(0))
            assert cash + held == self.paid_in[account.pk] + portfolio.realised

    @invariant()
    def the_checker_finds_nothing(self) -> None:
        """I16 to I18 as production checks them."""
        assert check_books().differences == ()

    @invariant()
    def nothing_owned_is_negative(self) -> None:
        """I18."""
        ours = Balance.objects.exclude(bucket__in=["external", "fees", "tax", "realised"])
        assert all(amount >= 0 for amount in ours.values_list("amount", flat=True))
        assert all(plan.held_quantity >= 0 and plan.held_cost >= 0 for plan in SwingPlan.objects.all())

    # by hand

    def tick(self) -> int:
        self.steps += 1
        return self.steps

    def account(self, which: int) -> BrokerAccount:
        return self.accounts[which % len(self.accounts)]

    def order(self, which: int, **wanted: Any) -> Order | None:
        orders = Order.objects.filter(**wanted).select_related("instrument", "user")
        found = list(orders.distinct().order_by("created_at", "pk"))
        return found[which % len(found)] if found else None

    def place(self, account: BrokerAccount, instrument: Instrument, **asked: Any) -> None:
        try:
            make.place(account, instrument, **asked)
        except OrderRefused as e:
            assert e.code in {"below_minimum", "outside_price_limit"}, e.code  # noqa: PT017

    def set_price(self, instrument: Instrument, price: Decimal) -> None:
        self.prices[instrument.pk] = price
        make.put_price(instrument, price, self.now, base=70_000 if instrument == self.stock else price)

    def show_book(self, instrument: Instrument, quantity: Decimal) -> None:
        self.now += timedelta(seconds=1)
        services.match_virtual(instrument, make.make_book(instrument, self.prices[instrument.pk], quantity, self.now))

    def fence(self) -> int:
        fence = leases.acquire(sending.DISPATCH, make.HOLDER)
        assert fence is not None
        return fence

    def unsettled(self, account: BrokerAccount) -> Decimal:
        """T+2, counted by hand: the proceeds of shares sold fewer than two trading days ago."""
        today, days = market_day(market_time(Source.SIMULATOR)), load_default()["krx"]
        sales = Fill.objects.filter(broker_account=account, pk__gt=self.began[account.pk], order__side="sell")
        owed = Decimal(0)
        for fill in sales.filter(order__instrument=self.stock):
            sold_on = market_day(fill.at)
            since = [sold_on + timedelta(days=each) for each in range(1, (today - sold_on).days + 1)]
            is_open = sold_on <= today and sum(days.session(day) is not None for day in since) < 2
            owed += fill.amount - fill.fee - fill.tax if is_open else 0
        return owed

    def balance(self, account: BrokerAccount, bucket: str, asset: str) -> Decimal:
        return books.held(account, [asset]).get((bucket, asset), Decimal(0))


def _as_told(fill: Fill) -> FillReport:
    return FillReport(fill.key, fill.quantity, fill.price, fill.amount, fill.fee, fill.tax, fill.at)


def _contradictions(order: Order) -> int:
    return order.events.filter(reason__in=["fill_contradicts", "fill_not_booked"]).count()


@pytest.mark.django_db
def test_not_one_won_appears_or_disappears() -> None:
    run_state_machine_as_test(
        BooksModel,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
