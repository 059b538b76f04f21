"""Telling people that a backtest they had to wait for has ended."""

from datetime import datetime, timedelta

from accounts import notices as rules
from accounts.services import notices
from accounts.services.notices import News
from backtests.models import Job

BACK = timedelta(minutes=10)
LONG = timedelta(minutes=1)  # nobody has gone away in less


def tell_people(now: datetime) -> int:
    """Of the runs that ended lately those that took long; how many notices. One that was canceled is no news."""
    ended = Job.objects.filter(kind="run", state__in=["done", "failed"], ended_at__gte=now - BACK)
    return notices.tell(
        News(
            job.user_id, rules.BACKTESTS, f"backtest_run_{job.state}", f"job:{job.pk}", f"job:{job.pk}", at=job.ended_at
        )
        for job in ended
        if job.ended_at is not None and job.ended_at - job.created_at >= LONG
    )
