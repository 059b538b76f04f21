"""What one reading of a broker's list proves about an order in doubt: presence needs one look, absence proof (I2, I3)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from brokers.protocol import Holdings, ListedOrder, OrderType, ReportStatus
from markets.types import Side
from trading.settlement import (
    Adopt,
    Ambiguous,
    CleanRead,
    Evidence,
    External,
    Late,
    NotPlaced,
    Ours,
    Proof,
    Shape,
    Standing,
    Unproven,
    settle,
)

SENT = datetime(2026, 3, 4, 2, 0, tzinfo=UTC)
SHAPE = Shape("KRX:005930", Side.BUY, Decimal(10), OrderType.LIMIT, Decimal(70_000))
PROOF = Proof(
    by_client_id=False,
    settle=timedelta(seconds=120),
    reads_needed=3,
    read_spacing=timedelta(seconds=20),
    clock_skew=timedelta(seconds=5),
)
BY_ID = replace(PROOF, by_client_id=True)
HELD = Holdings({"KRW": Decimal(1_000_000)}, {"KRX:005930": Decimal(3)})
ROOMY = replace(HELD, spendable=HELD.cash | HELD.units)
TIGHTER = replace(ROOMY, spendable={**ROOMY.spendable, "KRW": Decimal(928_900)})  # an order to buy rests, unlisted
FEWER_TO_SELL = replace(ROOMY, spendable={**ROOMY.spendable, "KRX:005930": Decimal(2)})
LONG_AFTER = SENT + timedelta(minutes=5)


def doubt(number: int = 1, **fields: Any) -> Ours:
    order: dict[str, Any] = {"standing": Standing.DOUBTED, "sent_at": SENT}
    return Ours(UUID(int=number), f"id-{number}", SHAPE, **order | fields)


def row(key: str = "1", seconds: float = 1, client_id: str = "", **fields: Any) -> ListedOrder:
    listed: dict[str, Any] = {
        "instrument": SHAPE.instrument,
        "side": SHAPE.side,
        "quantity": SHAPE.quantity,
        "order_type": SHAPE.order_type,
        "limit_price": SHAPE.limit_price,
        "ordered_at": SENT + timedelta(seconds=seconds),
        "status": ReportStatus.ACCEPTED,
    }
    return ListedOrder(key, client_id, **listed | fields)


def reading(*rows: ListedOrder, at: datetime = LONG_AFTER, **fields: Any) -> Evidence:
    told: dict[str, Any] = {"owned": frozenset(), "known": {}, "holdings": HELD}
    return Evidence(at, rows, **told | fields)


KNOWN = row("known", seconds=-3600)
CONTROL: dict[str, Any] = {"owned": frozenset({"known"}), "known": {"known": KNOWN.ordered_at}}


def test_a_listed_order_of_the_same_shape_that_nobody_owns_is_it() -> None:
    assert settle([doubt()], reading(row()), PROOF) == [Adopt(UUID(int=1), row())]


@pytest.mark.parametrize(
    "other",
    [
        {"side": Side.SELL},
        {"quantity": Decimal(11)},
        {"limit_price": Decimal(70_100)},
        {"instrument": "KRX:000660"},
        {"order_type": OrderType.MARKET, "limit_price": None},
        {"seconds": -6},
    ],
    ids=lambda other: next(iter(other)),
)
def test_an_order_of_another_shape_or_from_before_is_somebody_elses(other: dict[str, Any]) -> None:
    verdicts = settle([doubt()], reading(row(**other)), PROOF)
    assert [type(each) for each in verdicts] == [Unproven, External]


def test_a_clock_that_is_a_little_behind_ours_hides_nothing() -> None:
    assert settle([doubt()], reading(row(seconds=-5)), PROOF) == [Adopt(UUID(int=1), row(seconds=-5))]


def test_an_order_that_has_its_owner_is_not_found_again() -> None:
    verdicts = settle([doubt()], reading(row(), owned=frozenset({"1"}), known={"1": SENT}), PROOF)
    assert verdicts == [CleanRead(UUID(int=1))]


def test_of_two_that_could_be_it_none_is_taken() -> None:
    both = (row("1"), row("2"))
    assert settle([doubt()], reading(*both), PROOF) == [Ambiguous(UUID(int=1), both)]


def test_where_the_venue_keeps_our_id_the_shape_says_nothing() -> None:
    mine, theirs = row("1", client_id="id-1", limit_price=None), row("2")
    assert settle([doubt()], reading(theirs, mine), BY_ID) == [Adopt(UUID(int=1), mine), External(theirs)]


@pytest.mark.parametrize(
    ("order", "evidence", "why"),
    [
        (doubt(), {"at": SENT + timedelta(seconds=119)}, "too_early"),
        (
            doubt(clean_reads=1, last_clean_read_at=LONG_AFTER - timedelta(seconds=19)),
            {},
            "too_soon_after_the_last",
        ),
        (doubt(), {"known": CONTROL["known"] | {"hidden": SENT}}, "known_order_missing"),
        (doubt(), {"unexplained": frozenset({"KRX:005930"})}, "position_moved"),
        (doubt(), {"known": {}}, "no_positive_control"),
        (doubt(before=Holdings({"KRW": Decimal(5)}, HELD.units)), {"known": {}}, "no_positive_control"),
        (doubt(before=Holdings(HELD.cash, {})), {"known": {}}, "no_positive_control"),
        (doubt(before=ROOMY), {"known": {}, "holdings": TIGHTER}, "no_positive_control"),
        (doubt(before=ROOMY), {"known": {}, "holdings": FEWER_TO_SELL}, "no_positive_control"),
        (doubt(before=ROOMY), {"known": {}, "holdings": HELD}, "no_positive_control"),  # the venue stopped telling
    ],
)
def test_absence_without_proof_proves_nothing(order: Ours, evidence: dict[str, Any], why: str) -> None:
    """I3: an empty list alone, or one that leaves out what is known to be there, is no evidence."""
    assert settle([order], reading(KNOWN, **CONTROL | evidence), PROOF) == [Unproven(order.id, why)]


def test_a_known_order_of_another_day_is_no_control() -> None:
    yesterday = {"known": SENT - timedelta(days=1)}
    verdicts = settle([doubt()], reading(KNOWN, **CONTROL | {"known": yesterday}), PROOF)
    assert verdicts == [Unproven(UUID(int=1), "no_positive_control")]


@pytest.mark.parametrize(
    "control",
    [(reading(KNOWN, **CONTROL), None), (reading(), HELD), (reading(holdings=ROOMY), ROOMY)],
    ids=["order", "holdings", "spendable"],
)
def test_three_readings_with_a_control_prove_that_it_never_arrived(control: tuple[Evidence, Holdings | None]) -> None:
    evidence, before = control
    assert settle([doubt(before=before)], evidence, PROOF) == [CleanRead(UUID(int=1))]
    twice = doubt(before=before, clean_reads=2, last_clean_read_at=LONG_AFTER - timedelta(seconds=20))
    assert settle([twice], evidence, PROOF) == [NotPlaced(UUID(int=1))]


def test_what_is_just_being_sent_is_nobodys_stranger() -> None:
    """The list may show it before its answer is written down."""
    assert settle([doubt(standing=Standing.IN_FLIGHT)], reading(row()), PROOF) == []


def test_what_a_person_is_to_decide_on_is_left_alone() -> None:
    assert settle([doubt(standing=Standing.AMBIGUOUS)], reading(row("1"), row("2")), PROOF) == []


def test_a_late_order_is_that_one_of_ours_that_was_sent_last_before_it() -> None:
    first = doubt(1, standing=Standing.NOT_PLACED, sent_at=SENT - timedelta(hours=2))
    second = doubt(2, standing=Standing.NOT_PLACED, sent_at=SENT - timedelta(hours=1))
    third = doubt(3, standing=Standing.NOT_PLACED, sent_at=SENT + timedelta(hours=1))
    assert settle([first, second, third], reading(row()), PROOF) == [Late(UUID(int=2), row())]


def test_an_order_in_doubt_comes_before_one_taken_for_absent() -> None:
    absent = doubt(1, standing=Standing.NOT_PLACED, sent_at=SENT - timedelta(hours=1))
    assert settle([absent, doubt(2)], reading(row()), PROOF) == [Adopt(UUID(int=2), row())]


def test_of_two_late_orders_each_finds_its_own() -> None:
    orders = [doubt(n, standing=Standing.NOT_PLACED, sent_at=SENT - timedelta(hours=n)) for n in (1, 2)]
    found = settle(orders, reading(row("a"), row("b", seconds=2)), PROOF)
    assert {verdict.order for verdict in found if isinstance(verdict, Late)} == {UUID(int=1), UUID(int=2)}


KEYS = st.sampled_from(["1", "2", "3", "4"])
ROWS = st.lists(
    st.builds(
        row,
        KEYS,
        st.integers(-20, 300),
        client_id=st.sampled_from(["", "id-1", "id-2", "stranger"]),
        quantity=st.sampled_from([Decimal(10), Decimal(11)]),
    ),
    max_size=4,
    unique_by=lambda listed: listed.key,
)
STANDINGS = st.lists(st.sampled_from(list(Standing)), max_size=3)


@given(
    rows=ROWS,
    standings=STANDINGS,
    owned=st.frozensets(KEYS),
    proof=st.sampled_from([PROOF, BY_ID]),
    minutes=st.integers(-1, 10),
    clean_reads=st.integers(0, 3),
    known=st.frozensets(KEYS),
)
def test_whatever_is_listed_nothing_is_taken_twice_and_nothing_settled_without_proof(
    rows: list[ListedOrder],
    standings: list[Standing],
    owned: frozenset[str],
    proof: Proof,
    minutes: int,
    clean_reads: int,
    known: frozenset[str],
) -> None:
    """I2, I3 as properties: one order each, one owner each, and every verdict for a reason."""
    # A lane holds one order in doubt, in flight or ambiguous: the others of the same shape are taken for absent.
    lane = [each if each is Standing.NOT_PLACED or n == 0 else Standing.NOT_PLACED for n, each in enumerate(standings)]
    orders = [doubt(n + 1, standing=each, clean_reads=clean_reads) for n, each in enumerate(lane)]
    evidence = reading(*rows, at=SENT + timedelta(minutes=minutes), owned=owned, known=dict.fromkeys(known, SENT))
    verdicts = settle(orders, evidence, proof)
    taken = [each.row.key for each in verdicts if isinstance(each, Adopt | Late | External)]
    assert len(taken) == len(set(taken)), "one row, one verdict"
    assert not set(taken) & owned, "what has its owner keeps it"
    about = [each.order for each in verdicts if not isinstance(each, External)]
    assert len(about) == len(set(about)), "one order, one verdict"
    for verdict in verdicts:
        if isinstance(verdict, CleanRead | NotPlaced):
            assert evidence.asked_at >= SENT + proof.settle
            assert known
            assert known <= {listed.key for listed in rows}
        if isinstance(verdict, NotPlaced):
            assert clean_reads + 1 >= proof.reads_needed
        if isinstance(verdict, Adopt | Late) and proof.by_client_id:
            assert verdict.row.client_id == f"id-{verdict.order.int}"
    standing = {order.id: order.standing for order in orders}
    assert all(standing[each.order] is Standing.NOT_PLACED for each in verdicts if isinstance(each, Late))
