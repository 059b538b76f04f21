"""The auditor must not be blind: every kind of harm, planted by hand, is found and named; sound books raise nothing."""

from dataclasses import replace
from decimal import Decimal

import pytest

from brokers.protocol import OrderReport, ReportStatus
from tests import factories as make
from tests.faults.auditor import Kind, OurOrder, Truth, VenueOrder, audit, compare, tally
from trading import ledger, services
from trading.lifecycle import OrderState
from trading.models import Balance, BrokerOrder, Order

VENUE = VenueOrder(
    key="20260304-1",
    ours="a",
    instrument="KRX:005930",
    side="buy",
    quantity=Decimal(10),
    limit_price=Decimal(70_000),
    filled_quantity=Decimal(4),
    filled_amount=Decimal(280_000),
    status="working",
)
OURS = OurOrder(
    client_id="a",
    key="20260304-1",
    instrument="KRX:005930",
    side="buy",
    quantity=Decimal(10),
    limit_price=Decimal(70_000),
    filled_quantity=Decimal(4),
    filled_amount=Decimal(280_000),
    state=OrderState.PARTIALLY_FILLED,
)
STRANGERS = replace(VENUE, key="20260304-9", ours="")


def found(ours: list[OurOrder], theirs: list[VenueOrder], strangers: tuple[str, ...] = ()) -> dict[str, int]:
    return {kind.value: number for kind, number in tally(compare(ours, theirs, strangers)).items()}


def test_an_order_that_is_the_same_on_both_sides_raises_nothing() -> None:
    assert compare([OURS], [VENUE], ()) == []


def test_two_venue_orders_for_one_of_ours_are_a_duplicate_and_the_second_is_lost() -> None:
    """I1."""
    assert found([OURS], [VENUE, replace(VENUE, key="20260304-2")]) == {"duplicate": 1, "lost": 1}


@pytest.mark.parametrize("state", ["pending", "unknown", "not_placed", "rejected", "withdrawn", "denied"])
def test_a_venue_order_that_no_row_of_ours_names_is_lost(state: str) -> None:
    """I2."""
    unlinked = replace(OURS, key="", state=OrderState(state), filled_quantity=Decimal(0), filled_amount=Decimal(0))
    assert found([unlinked], [VENUE])["lost"] == 1


def test_a_venue_order_of_ours_shown_as_a_strangers_is_lost() -> None:
    unlinked = replace(OURS, key="", state=OrderState.NOT_PLACED, filled_quantity=Decimal(0))
    assert found([unlinked], [VENUE], (VENUE.key,)) == {"lost": 1}


def test_a_strangers_order_must_be_shown_as_such() -> None:
    assert found([OURS], [VENUE, STRANGERS], (STRANGERS.key,)) == {}
    assert found([OURS], [VENUE, STRANGERS]) == {"lost": 1}


def test_an_order_linked_to_a_strangers_is_wrong() -> None:
    theirs = replace(STRANGERS, key=VENUE.key)
    assert found([OURS], [theirs]) == {"wrong": 1}


def test_two_orders_linked_crosswise_are_both_wrong() -> None:
    other = replace(OURS, client_id="b", key="20260304-2")
    crossed = [replace(VENUE, ours="b"), replace(VENUE, key="20260304-2", ours="a")]
    assert found([OURS, other], crossed) == {"wrong": 2}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("instrument", "KRX:000660"),
        ("side", "sell"),
        ("quantity", Decimal(11)),
        ("limit_price", None),
        ("filled_quantity", Decimal(5)),
        ("filled_amount", Decimal(280_001)),
        ("status", "canceled"),
    ],
)
def test_a_linked_order_that_differs_in_anything_is_wrong(field: str, value: object) -> None:
    assert found([OURS], [replace(VENUE, **{field: value})]) == {"wrong": 1}  # type: ignore[arg-type]


@pytest.mark.parametrize("state", ["accepted", "filled", "canceled", "expired"])
def test_an_order_we_call_accepted_that_the_venue_never_had_is_a_phantom(state: str) -> None:
    assert found([replace(OURS, state=OrderState(state))], []) == {"phantom": 1}
    assert found([replace(OURS, state=OrderState(state), key="")], []) == {"phantom": 1}


@pytest.mark.parametrize("state", ["pending", "submitted", "unknown", "ambiguous"])
def test_an_order_still_in_doubt_at_the_end_is_stuck(state: str) -> None:
    doubtful = replace(OURS, key="", state=OrderState(state), filled_quantity=Decimal(0))
    assert found([doubtful], []) == {"stuck": 1}


@pytest.mark.django_db
class TestBooks:
    """Cash, units and reservations to the unit, from real rows."""

    def test_equal_books_raise_nothing(self) -> None:
        order, truth = self._held()
        assert audit(order.broker_account, truth) == []

    def test_one_won_of_difference_is_found(self) -> None:
        order, truth = self._held()
        truth = replace(truth, cash={"KRW": truth.cash["KRW"] + 1})
        assert [(each.kind, each.subject) for each in audit(order.broker_account, truth)] == [(Kind.BOOKS, "KRW")]

    def test_one_unit_of_difference_is_found(self) -> None:
        order, truth = self._held()
        truth = replace(truth, units={"KRX:005930": Decimal(9)})
        assert tally(audit(order.broker_account, truth)) == {Kind.BOOKS: 1}

    def test_cash_left_reserved_for_nothing_is_found(self) -> None:
        """I7: both as a reservation without an order and as a balance that its postings do not explain."""
        order, truth = self._held()
        rows = Balance.objects.filter(broker_account=order.broker_account, asset="KRW")
        free = rows.get(bucket=ledger.AVAILABLE)
        rows.filter(bucket=ledger.AVAILABLE).update(amount=free.amount - 7)
        rows.filter(bucket=ledger.RESERVED).update(amount=7)
        details = " / ".join(finding.detail for finding in audit(order.broker_account, truth))
        assert "7 reserved for no open order" in details
        assert "balance_is_sum_of_postings" in details

    def test_a_strangers_order_listed_as_external_raises_nothing(self) -> None:
        order, truth = self._held()
        stranger = replace(STRANGERS, instrument="KRX:000660", filled_quantity=Decimal(0), filled_amount=Decimal(0))
        truth = replace(truth, orders=[*truth.orders, stranger])
        assert tally(audit(order.broker_account, truth)) == {Kind.LOST: 1}
        BrokerOrder.objects.create(
            broker_account=order.broker_account,
            key=stranger.key,
            instrument=stranger.instrument,
            side=stranger.side,
            quantity=stranger.quantity,
            order_type="limit",
            limit_price=stranger.limit_price,
            ordered_at=make.NOW,
            status="accepted",
            filled_quantity=Decimal(0),
            filled_amount=Decimal(0),
            is_external=True,
            first_seen_at=make.NOW,
            last_seen_at=make.NOW,
        )
        assert audit(order.broker_account, truth) == []

    def _held(self) -> tuple[Order, Truth]:
        """Ten shares bought by one order, and what the venue would say about it."""
        instrument = make.make_instrument()
        make.put_price(instrument, 70_000)
        account = make.make_account(make.make_user())
        order = make.accept(make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000)))
        told = make.make_fill(order, "E1", 10, 70_000)
        services.apply_report(order.pk, OrderReport(ReportStatus.ACCEPTED, order.broker_order_key, (told,)), make.NOW)
        order = make.fresh(order)
        theirs = VenueOrder(
            key=order.broker_order_key,
            ours=order.client_id,
            instrument=instrument.key,
            side="buy",
            quantity=Decimal(10),
            limit_price=Decimal(70_000),
            filled_quantity=Decimal(10),
            filled_amount=Decimal(700_000),
            status="filled",
        )
        return order, Truth([theirs], {"KRW": make.CASH - 700_000}, {instrument.key: Decimal(10)})
