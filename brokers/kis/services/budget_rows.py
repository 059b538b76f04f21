"""The budget of one key in the database: however many processes ask, together they stay below the venue's limit (I14)."""

import time
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from brokers.kis.budget import Bucket, Purpose, Rates, rates_under
from brokers.models import CallBudget
from brokers.protocol import Environment

SET_BACK = 5.0  # seconds: a bucket that far in the future was filled by a clock that has been set back since
LONGEST_NAP = 0.25  # seconds: who waits looks again, for an order may have come meanwhile
LONGEST_BACK_OFF = 30.0


class SharedBudget:
    """`brokers.kis.budget.Budget` for all processes. A question stands back while an order waits anywhere."""

    def __init__(self, credential_id: UUID, environment: Environment, rates: Rates | None = None) -> None:
        self._credential_id = credential_id
        self._rates = rates or rates_under(settings.KIS_LIMITS[environment.value])

    def take(self, purpose: Purpose, most_seconds: float) -> bool:
        until = time.time() + most_seconds
        while (wait := self._try(purpose, until)) > 0:
            if time.time() + wait >= until:
                return False
            time.sleep(min(wait, LONGEST_NAP))
        return True

    @transaction.atomic
    def back_off(self, seconds: float) -> None:
        now = time.time()
        row = self._locked(now)
        _put(row, _bucket(row, now).closed(now + min(seconds, LONGEST_BACK_OFF)))
        row.save()

    @transaction.atomic
    def _try(self, purpose: Purpose, until: float) -> float:
        """0 where a slot was taken, else how many seconds to wait for one."""
        now = time.time()
        row = self._locked(now)
        bucket, is_order = _bucket(row, now), purpose is Purpose.ORDER
        wait = bucket.wait(self._rates, now, purpose)
        if not is_order and now < row.order_waits_until <= now + LONGEST_BACK_OFF:
            wait = max(wait, LONGEST_NAP)
        if wait > 0 and not is_order:
            return wait
        if wait > 0:
            row.order_waits_until = max(row.order_waits_until, min(now + wait + LONGEST_NAP, until))
        else:
            _put(row, bucket.taken(self._rates, now))
            row.last_call_at = timezone.now()
            row.order_waits_until = 0 if is_order else row.order_waits_until
        row.save()
        return wait

    def _locked(self, now: float) -> CallBudget:
        rows = CallBudget.objects.select_for_update()
        fresh = {"slots": self._rates.burst, "at": now}
        return rows.get_or_create(credential_id=self._credential_id, defaults=fresh)[0]


def _bucket(row: CallBudget, now: float) -> Bucket:
    """As stored, unless its times lie in a future that a clock set back has left behind."""
    at = row.at if row.at <= now + SET_BACK else now
    closed_until = row.closed_until if row.closed_until <= now + LONGEST_BACK_OFF else 0.0
    return Bucket(row.slots, at, closed_until)


def _put(row: CallBudget, bucket: Bucket) -> None:
    row.slots, row.at, row.closed_until = bucket.slots, bucket.at, bucket.closed_until
