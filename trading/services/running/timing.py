"""How long we wait for what. `KAIROS_TIME_SCALE` (tests only) makes every wait that much shorter."""

from datetime import timedelta

from django.conf import settings


def scaled(wait: timedelta) -> timedelta:
    """`wait` as this process waits it: polling, leases, settling. Never a rule of a market."""
    return wait / settings.TIME_SCALE if settings.TIME_SCALE != 1 else wait
