"""Settling doubt and keeping real accounts in step: the broker is asked, never told again (reliability.md §3.4).

Anybody may read at any time, holding the dispatch lease or not: a reading only asks, and what it proves stays true.
"""

import logging

from brokers.errors import BrokerNotConfigured
from brokers.models import BrokerAccount
from brokers.protocol import Broker, ListedOrder
from brokers.services import OpenAccount
from trading.services.ordering.opening_brokers import open_for_orders
from trading.services.settling import doubts, readings, unsettled
from trading.services.settling.evidence import Reading, Taken, take
from trading.services.settling.readings import Question

logger = logging.getLogger(__name__)


def reconcile_once(
    fence: int, open_account: OpenAccount = open_for_orders, account: BrokerAccount | None = None
) -> int:
    """Read every real account whole and settle what is in doubt, or only `account`, now; how many were read or looked up.

    `fence` is the dispatch lease's under which orders may be sent once this is done. An account that cannot be read stays
    as it is, and the others are read all the same.
    """
    accounts = readings.readable() if account is None else [account]
    return sum(settle_account(each, fence, open_account) is not None for each in accounts)


def settle_account(account: BrokerAccount, fence: int, open_account: OpenAccount = open_for_orders) -> Taken | None:
    """Read and settle one account; None where it could not be read whole, which proves nothing."""
    unsettled.give_up_lapsed(account.pk)
    try:
        broker = open_account(account)
        return read_account(account, broker, fence) if broker.abilities.has_wire else _look_up(account, broker)
    except BrokerNotConfigured as e:
        readings.fail(account.pk, e)
        return None
    except Exception as e:
        logger.exception("account %s: cannot be settled", account.pk)
        readings.fail(account.pk, e)
        return None
    finally:
        doubts.tell_of_long_doubts(account.pk)


def read_account(account: BrokerAccount, broker: Broker, fence: int) -> Taken | None:
    """One complete reading taken into our rows, or None and nothing but the failure written down."""
    question = readings.begin(account.pk, broker.abilities)
    try:
        listed = _listed(broker, question)
        holdings = broker.holdings()
    except Exception as e:
        logger.info("account %s: reading failed (%s)", account.pk, e)
        readings.fail(account.pk, e)
        return None
    return take(account, Reading(fence, question, listed, holdings, broker.abilities))


def _listed(broker: Broker, question: Question) -> list[ListedOrder]:
    """The order list, with what is found by our own ids beside it."""
    listed = broker.orders(question.since)
    shown = {row.client_id for row in listed}
    found = [broker.find(request) for request in question.doubts if request.client_id not in shown]
    return [*listed, *(row for row in found if row is not None)]


def _look_up(account: BrokerAccount, broker: Broker) -> Taken:
    """An account of our own book-keeping: its sender died, and what became of the order is simply there."""
    taken = Taken()
    for order in unsettled.unknown(account.pk):
        try:
            row = broker.find(order.as_request())
        except Exception:
            logger.exception("order %s: cannot be looked up, still in doubt", order.pk)
            continue
        if row is not None:
            taken.adopted += doubts.adopt(order.pk, row, doubts.UNSETTLED)
    return taken
