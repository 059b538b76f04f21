"""The states an order can be in, and the only ways from one to another (reliability.md §3.3). States follow FIX."""

from enum import StrEnum

from trading.errors import IllegalTransition


class OrderState(StrEnum):
    DENIED = "denied"  # our own limits refused it; it never left
    PENDING = "pending"  # reserved and waiting for dispatch
    WITHDRAWN = "withdrawn"  # called back before sending
    SUBMITTED = "submitted"  # claimed: from here only the broker's word moves it
    UNKNOWN = "unknown"  # it may or may not have arrived
    AMBIGUOUS = "ambiguous"  # two orders at the broker could be ours; a person decides
    NOT_PLACED = "not_placed"  # proven never to have arrived
    REJECTED = "rejected"  # the broker refused it
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"


_S = OrderState
TRANSITIONS: dict[OrderState, frozenset[OrderState]] = {
    _S.DENIED: frozenset(),
    _S.PENDING: frozenset({_S.SUBMITTED, _S.WITHDRAWN}),
    _S.WITHDRAWN: frozenset(),
    _S.SUBMITTED: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.UNKNOWN, _S.PENDING, _S.CANCELED, _S.EXPIRED}
    ),
    _S.UNKNOWN: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.AMBIGUOUS, _S.NOT_PLACED, _S.CANCELED, _S.EXPIRED}
    ),
    # A person has said which of the broker's orders it is, and that order may have gone on meanwhile.
    _S.AMBIGUOUS: frozenset(
        {_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.REJECTED, _S.NOT_PLACED, _S.CANCELED, _S.EXPIRED}
    ),
    # Late evidence only; it raises an alert.
    _S.NOT_PLACED: frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.REJECTED: frozenset(),
    _S.ACCEPTED: frozenset({_S.PARTIALLY_FILLED, _S.FILLED, _S.CANCELED, _S.EXPIRED, _S.REJECTED}),
    _S.PARTIALLY_FILLED: frozenset({_S.FILLED, _S.CANCELED, _S.EXPIRED}),
    _S.FILLED: frozenset(),
    _S.CANCELED: frozenset(),
    _S.EXPIRED: frozenset(),
}

UNRESOLVED = frozenset({_S.SUBMITTED, _S.UNKNOWN, _S.AMBIGUOUS})  # these shut their lane
WORKING = frozenset({_S.ACCEPTED, _S.PARTIALLY_FILLED})  # resting at the venue
OPEN = frozenset({_S.PENDING}) | UNRESOLVED | WORKING  # hold a reservation
TERMINAL = frozenset(OrderState) - OPEN


def advance(state: OrderState, to: OrderState) -> OrderState:
    """`to`, where the way there is open; the same state again is no move. Raises IllegalTransition."""
    if to != state and to not in TRANSITIONS[state]:
        raise IllegalTransition(state, to)
    return to
