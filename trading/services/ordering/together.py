"""Placing orders of many accounts at once: what plans ask for in the same hour, by some ten statements for all of them.

The same checks, rows and locks as `place_order`, in the same order. Only what nothing at all speaks against is placed here:
a wish that is refused, denied, limited or asked for a second time is left to be asked by itself, where each of these cases
has its answer. So there is nothing that an order placed here could have been spared by being placed alone.
"""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID, uuid4

from markets import services as markets
from markets.models import LatestQuote
from markets.services import Moment
from trading import ledger
from trading.errors import TradingError
from trading.models import Order
from trading.services.ledger import books
from trading.services.ledger.books import Booking
from trading.services.ordering.asked import Asked, check_account, check_rights
from trading.services.ordering.checks import check_plan, check_rules, check_venue, usable
from trading.services.ordering.idempotency import claim_keys
from trading.services.ordering.orders import order_of, tell, write
from trading.services.ordering.verdicts import Verdict, asset_of, weigh
from trading.services.safeguards import halts, limit_rows


class KeyTaken(Exception):
    """One of the keys has been used: nothing may be kept of what was placed together with it."""


class Judged(NamedTuple):
    """A wish that nothing speaks against."""

    asked: Asked
    present: Moment
    verdict: Verdict


def place_together(wishes: Sequence[Asked]) -> list[Order | None]:
    """Place these wishes; None for each that has to be asked by itself.

    Inside a transaction that has locked all their accounts, of which no two are the same; each wish comes with its account
    as read then. Raises KeyTaken, and whatever else goes wrong with one of them: then nothing of the transaction is kept.
    """
    judged = _judged(wishes)
    orders = {each.asked.client_key: _order(each) for each in judged}
    if orders:
        _keep(judged, orders)
    return [orders.get(wish.client_key) for wish in wishes]


def _judged(wishes: Sequence[Asked]) -> list[Judged]:
    """What is left of the wishes after everything that could stand against one of them has been asked."""
    quotes = markets.latest_quotes([wish.instrument for wish in wishes])
    presents = {source: markets.moment(source) for source in sorted({wish.instrument.source for wish in wishes})}
    sound = [
        (asked, quote, presents[wish.instrument.source])
        for wish in wishes
        if (quote := quotes.get(wish.instrument.pk)) is not None
        and (asked := _sound(wish, quote, presents[wish.instrument.source])) is not None
    ]
    if not sound:
        return []
    left = [each for each, _quote, _present in sound]
    is_free, is_unlimited = halts.free_at_place(left), limit_rows.unlimited(left)
    held = books.held_by({each.broker_account.pk for each in left}, {asset_of(each) for each in left})
    found = []
    for (each, quote, present), *is_clear in zip(sound, is_free, is_unlimited, strict=True):
        verdict = weigh(each, quote, present, held[each.broker_account.pk])
        if all(is_clear) and verdict.denial is None:
            found.append(Judged(each, present, verdict))
    return found


def _sound(wish: Asked, quote: LatestQuote, present: Moment) -> Asked | None:
    """The wish with its numbers as short as they can be written; None where it would be refused."""
    try:
        check_rights(wish)
        asked = wish.plain()
        check_account(asked.user, asked.broker_account)
        check_venue(asked)
        check_rules(asked, usable(quote, asked.instrument), present)
        check_plan(asked, present)
    except TradingError:
        return None
    return asked


def _order(judged: Judged) -> Order:
    order_id: UUID = uuid4()
    return order_of(order_id, judged.asked, judged.present, judged.verdict)


def _keep(judged: Sequence[Judged], orders: dict[str, Order]) -> None:
    results = {key: {"order": str(order.pk)} for key, order in orders.items()}
    if not claim_keys([each.asked for each in judged], results):
        raise KeyTaken
    write(list(orders.values()))
    books.book_all([_booking(each, orders[each.asked.client_key]) for each in judged])
    tell(list(orders.values()))


def _booking(judged: Judged, order: Order) -> Booking:
    verdict = judged.verdict
    reserved = ledger.reserve(verdict.asset, verdict.needed)
    held = {key: amount for key, amount in verdict.held.items() if key[1] == verdict.asset}
    return Booking(judged.asked.broker_account, "reserve", f"order:{order.pk}", judged.present.at, reserved, held)
