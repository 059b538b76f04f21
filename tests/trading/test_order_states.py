"""Orders on a venue that loses, delays, hides and fails: whatever happens in whatever order, the states move only along the
table, no lane has two orders in doubt, nothing is sent twice, and once the faults end every order is known for what it is.

I1, I2, I4, I5, I6, I7. The table of states is tested pair by pair.
"""

import os
from datetime import timedelta
from decimal import Decimal
from itertools import pairwise, product
from typing import Any
from uuid import UUID

import pytest
from django.db import transaction
from django.utils import timezone
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

from brokers.errors import NotSent, ReadIncomplete
from brokers.protocol import CancelReply, MaySend, OrderReport, OrderRequest, ReportStatus, always
from markets.types import Side
from tests.fakes import WIRED, WIRED_WITH_ID, FakeVenue
from tests.trading.wired import Wired, make_wired
from trading import adjustments, lifecycle, services
from trading.errors import IllegalTransition
from trading.lifecycle import OrderState, advance
from trading.models import BrokerOrder, Halt, Order
from trading.services.ledger import books
from trading.services.ledger.audit import check_books
from trading.services.ordering import sending
from trading.services.settling import openings

EXAMPLES = int(os.environ.get("MODEL_EXAMPLES", "15"))
STEPS = 25
S = OrderState
LEGAL = {
    (S.PENDING, S.SUBMITTED), (S.PENDING, S.WITHDRAWN),
    *product([S.SUBMITTED], [S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.REJECTED, S.UNKNOWN, S.PENDING]),
    *product([S.SUBMITTED], [S.CANCELED, S.EXPIRED]),
    *product([S.UNKNOWN, S.AMBIGUOUS], [S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.REJECTED, S.NOT_PLACED]),
    *product([S.UNKNOWN, S.AMBIGUOUS], [S.CANCELED, S.EXPIRED]), (S.UNKNOWN, S.AMBIGUOUS),
    *product([S.NOT_PLACED], [S.ACCEPTED, S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED]),
    *product([S.ACCEPTED], [S.PARTIALLY_FILLED, S.FILLED, S.CANCELED, S.EXPIRED, S.REJECTED]),
    *product([S.PARTIALLY_FILLED], [S.FILLED, S.CANCELED, S.EXPIRED]),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after"), [pair for pair in product(S, S) if pair[0] != pair[1]])
def test_a_state_moves_along_the_table_or_not_at_all(before: OrderState, after: OrderState) -> None:
    """I5: every illegal pair is refused."""
    if (before, after) in LEGAL:
        assert advance(before, after) is after
    else:
        with pytest.raises(IllegalTransition):
            advance(before, after)


class TruthfulVenue(FakeVenue):
    """Knows which of our orders each of its own is, which we are never told."""

    def __init__(self, *reply: Any, **fields: Any) -> None:
        super().__init__(*reply, **fields)
        self.truth: dict[UUID, str] = {}
        self.late: list[OrderRequest] = []

    def arrive(self, order: OrderRequest, late: timedelta = timedelta(0)) -> Any:
        row = super().arrive(order, late)
        assert order.id not in self.truth, "the same order arrived twice"
        self.truth[order.id] = row.key
        return row

    def submit(self, order: OrderRequest, may_send: MaySend = always) -> OrderReport:
        vanishes = self.reply[0] == "vanished"
        try:
            return super().submit(order, may_send)
        finally:
            if vanishes:
                self.late.append(order)


WHICH = st.integers(0, 10**6)


class OrderStates(RuleBasedStateMachine):
    """One account; every order has a quantity of its own, so that the truth is one."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = transaction.atomic()
        self._undo.__enter__()
        self.states: dict[UUID, str] = {}
        self.quantity = 0
        self.strangers: set[str] = set()

    def teardown(self) -> None:
        try:
            if hasattr(self, "wired"):
                self.the_faults_end()
        finally:
            transaction.set_rollback(True)
            self._undo.__exit__(None, None, None)

    @initialize(with_id=st.booleans())
    def begin(self, with_id: bool) -> None:
        self.wired: Wired = make_wired()
        self.venue = TruthfulVenue(abilities=WIRED_WITH_ID if with_id else WIRED, cash=10**10)
        self.venue.units["KRX:005930"] = Decimal(10**6)
        self.wired.venue = self.venue
        self.reopen_books()

    def reopen_books(self) -> None:
        """The account of the machine holds more than the one that was made."""
        held = books.held(self.wired.account)
        lines = openings.units_in(self.wired.account, "KRX:005930", Decimal(10**6), Decimal(1))
        lines += adjustments.cash_in("KRW", self.venue.cash - held["available", "KRW"])
        books.book(self.wired.account, "adjustment", "model", timezone.now(), lines, held)
        self.wired.read()

    # what people do

    @rule(side=st.sampled_from(list(Side)))
    def place(self, side: Side) -> None:
        self.quantity += 1
        self.wired.place(side=side, quantity=Decimal(self.quantity))

    @rule(which=WHICH)
    def cancel(self, which: int) -> None:
        if order := self.order(which, state__in=lifecycle.OPEN):
            services.cancel_order(order.user, order.pk)

    @rule()
    def a_stranger_trades_something_else(self) -> None:
        self.strangers.add(self.venue.list_order("KRX:000660", Side.BUY, 7, 100_000, timezone.now()).key)

    # what the wire does

    @rule(reply=st.sampled_from(["accepted", "accepted", "lost", "vanished", "refused", "unreachable", "busy"]))
    def dispatch(self, reply: str) -> None:
        failures: dict[str, Any] = {"unreachable": NotSent("connect"), "busy": NotSent("rate limited")}
        self.venue.reply = [failures.get(reply, reply)]
        Order.objects.filter(not_before__isnull=False).update(not_before=None)
        self.wired.dispatch()

    @rule()
    def a_sender_dies_before_the_wire(self) -> None:
        if order_id := sending.next_pending(self.wired.account.pk):
            sending.claim(order_id, self.wired.fence, self.venue.abilities)

    @rule(answers=st.booleans())
    def a_sender_dies_after_the_wire(self, answers: bool) -> None:
        if order_id := sending.next_pending(self.wired.account.pk):
            claimed = sending.claim(order_id, self.wired.fence, self.venue.abilities)
            if claimed:
                row = self.venue.arrive(claimed.request)
                if answers:
                    sending.record(claimed, OrderReport(ReportStatus.ACCEPTED, row.key))

    @precondition(lambda self: self.venue.late)
    @rule()
    def a_vanished_order_arrives_after_all(self) -> None:
        self.venue.arrive(self.venue.late.pop(0), timedelta(seconds=1))

    # what the venue does

    @rule(which=WHICH, quantity=st.integers(1, 5))
    def fill(self, which: int, quantity: int) -> None:
        if key := self.resting(which):
            row = self.venue.rows[key]
            self.venue.fill(key, min(Decimal(quantity), row.quantity - row.filled_quantity), 70_000)

    @rule(which=WHICH, status=st.sampled_from([ReportStatus.CANCELED, ReportStatus.EXPIRED]))
    def end(self, which: int, status: ReportStatus) -> None:
        if key := self.resting(which):
            self.venue.end(key, status)

    @rule(reply=st.sampled_from(list(CancelReply)))
    def cancels_are_answered(self, reply: CancelReply) -> None:
        self.venue.canceled = reply

    # reading

    @rule()
    def read(self) -> None:
        self.wired.read()

    @rule()
    def a_reading_fails(self) -> None:
        self.venue.reading = ReadIncomplete("page 2")
        self.wired.read()
        self.venue.reading = None

    @rule(which=WHICH)
    def an_order_is_hidden(self, which: int) -> None:
        hidden = f"-{which % (len(self.venue.rows) + 1):04}"
        self.venue.hides = lambda row: row.key.endswith(hidden)
        self.wired.read()
        self.venue.hides = lambda _row: False

    @rule(seconds=st.sampled_from([3, 30, 100]))
    def time_passes(self, seconds: int) -> None:
        self.wired.wait(timedelta(seconds=seconds))

    # what must always hold

    @invariant()
    def states_move_along_the_table(self) -> None:
        """I5, from the events themselves: they are written in the transaction that moves the state."""
        for order in Order.objects.all():
            path = [OrderState(state) for state in order.events.order_by("id").values_list("state", flat=True)]
            for before, after in pairwise(path):
                assert before == after or (before, after) in LEGAL, (path, order.pk)
            assert path[-1] == order.state

    @invariant()
    def one_order_in_doubt_per_lane(self) -> None:
        """I4."""
        for side in Side:
            assert Order.objects.filter(side=side, state__in=lifecycle.UNRESOLVED).count() <= 1

    @invariant()
    def one_attempt_may_have_landed(self) -> None:
        """I1."""
        for order in Order.objects.all():
            assert order.attempts.exclude(outcome="refused").count() <= 1
            assert order.filled_quantity <= order.quantity

    @invariant()
    def the_books_are_sound(self) -> None:
        """I7, I16 to I18."""
        assert check_books().differences == ()

    # the end

    def the_faults_end(self) -> None:
        """I2: every order is linked, or proven absent; every stranger is shown as one; the books are the broker's."""
        for _ in range(8):
            self.wired.wait(timedelta(minutes=2))
            self.wired.read()
        for order in Order.objects.all():
            key = self.venue.truth.get(order.pk, "")
            assert order.state not in lifecycle.UNRESOLVED, f"{order} {key}"
            assert order.broker_order_key == key, f"{order}"
            if key:
                row = self.venue.rows[key]
                assert (order.filled_quantity, order.filled_amount) == (row.filled_quantity, row.filled_amount)
                assert order.is_open == (row.status is ReportStatus.ACCEPTED and row.filled_quantity < row.quantity)
        external = set(BrokerOrder.objects.filter(is_external=True).values_list("key", flat=True))
        assert external == self.strangers
        assert not Halt.objects.exclude(mode="active").exists()
        self.the_books_are_sound()

    # by hand

    def order(self, which: int, **wanted: Any) -> Order | None:
        found = list(Order.objects.filter(**wanted).select_related("user").order_by("created_at", "pk"))
        return found[which % len(found)] if found else None

    def resting(self, which: int) -> str | None:
        rows = self.venue.rows.values()
        keys = [r.key for r in rows if r.status is ReportStatus.ACCEPTED and r.filled_quantity < r.quantity]
        return keys[which % len(keys)] if keys else None


@pytest.mark.django_db
def test_whatever_the_wire_does_every_order_is_known_in_the_end() -> None:
    run_state_machine_as_test(
        OrderStates,
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
