"""One round of dispatch: who has something to send, to cancel or to be read, each account for itself."""

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial
from uuid import UUID

from brokers.models import BrokerAccount
from brokers.services import OpenAccount
from trading import dispatch, reconcile, services
from trading.services.ordering.opening_brokers import open_for_orders
from trading.services.ordering.sending import LeaseLost
from trading.services.running.couriers import Couriers
from trading.services.running.system import NotArmed
from trading.services.settling import readings

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]


class Rounds:
    """What a dispatcher does over and over while it holds the lease. `clock`: the wall's."""

    def __init__(self, couriers: Couriers, clock: Clock, open_account: OpenAccount = open_for_orders) -> None:
        self._couriers = couriers
        self._clock = clock
        self._open_account = open_account
        self._tried: dict[UUID, datetime] = {}
        self.is_disarmed = False  # a claim was told that nothing may be sent out of this database

    def turn(self, fence: int, has_time: Callable[[], bool] = lambda: True, epoch: UUID | None = None) -> int:
        """Serve every account that is due: those with a wire by a courier each, the others here; how many moved here.

        Once there is no time left, the accounts that were not reached wait for the next turn; one is always reached.
        Raises ReleaseSuperseded where newer code sends.
        """
        self._couriers.raise_superseded()
        moved = services.trigger_due()
        due = {account.pk: account for account in readings.due(fence, self._tried)}
        busy = dispatch.accounts_with_work()
        here: list[Callable[[], int]] = []
        for account_id in dict.fromkeys([*due, *busy]):
            if self._couriers.is_busy(account_id):
                continue
            account = due.get(account_id) or BrokerAccount.objects.get(pk=account_id)
            work = partial(self._serve, account, fence, epoch, is_due=account_id in due)
            if self._has_wire(account):
                self._couriers.start(account_id, work)
            else:
                here.append(work)
        for serve in here:
            moved += serve()
            if not has_time():
                break
        return moved + services.carry_out_changes()

    def _serve(self, account: BrokerAccount, fence: int, epoch: UUID | None, *, is_due: bool) -> int:
        if is_due:
            self._tried[account.pk] = self._clock()
            reconcile.settle_account(account, fence, self._open_account)
        try:
            return dispatch.serve(account.pk, fence, self._open_account, epoch)
        except LeaseLost:
            logger.warning("account %s: the lease is somebody else's", account.pk)
        except NotArmed as e:
            self.is_disarmed = True
            logger.warning("account %s: nothing is sent (%s)", account.pk, e)
        return 0

    def _has_wire(self, account: BrokerAccount) -> bool:
        try:
            return self._open_account(account).abilities.has_wire
        except Exception:  # nothing can be sent on it, and what is done instead is done quickly
            logger.debug("account %s: no broker", account.pk)
            return False
