"""The Celery app. Tasks ring and evaluate; the rows in the database are the queue (reliability.md §4)."""

import logging
import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import beat_init, setup_logging, worker_process_init
from kombu import Queue
from kombu.exceptions import OperationalError as BrokerAway

from config.supervision.processes import die_with_parent, take_name

logger = logging.getLogger(__name__)
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("kairos")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_time_limit=600,
    broker_transport_options={"visibility_timeout": 3600},
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=1,
    # Workers take from both by turns: a hundred parts of a sweep do not stand before the plans' evaluation.
    task_queues=(Queue("celery"), Queue("backtests")),
    task_default_queue="celery",
    task_routes={"backtests.tasks.*": {"queue": "backtests"}},
    timezone="UTC",
    beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler",
    # Beat only rings. A missed or doubled ring changes nothing: one decision per (plan, bar) is the database's rule.
    beat_schedule={
        "evaluate plans each hour": {"task": "trading.tasks.evaluate_plans", "schedule": crontab(minute="0")},
        "catch up on missed bars": {"task": "trading.tasks.evaluate_plans", "schedule": 60.0},
        "send what nobody sent": {"task": "trading.tasks.dispatch_orders", "schedule": 30.0},
        "look for what people are to be told": {"task": "trading.tasks.tell_people", "schedule": 30.0},
        "look for backtests that have ended": {"task": "backtests.tasks.tell_people", "schedule": 30.0},
        "mail what people are to be told": {"task": "accounts.tasks.send_notices", "schedule": 30.0},
        "forget old notices": {
            "task": "accounts.tasks.forget_old_notices",
            "schedule": crontab(hour="18", minute="50"),
        },
        "forget old request keys": {
            "task": "trading.tasks.forget_request_keys",
            "schedule": crontab(hour="18", minute="30"),
        },
        "forget old evaluations": {
            "task": "trading.tasks.forget_old_evaluations",
            "schedule": crontab(hour="18", minute="40"),
        },
        "ring for backtests that wait": {"task": "backtests.tasks.sweep_up", "schedule": 30.0},
        "prove that beat and worker live": {"task": "config.tasks.beat_canary", "schedule": 10.0},
    },
)
app.autodiscover_tasks()


@setup_logging.connect
def _keep_our_logging(**_facts: Any) -> None:
    """Celery asks; whoever answers has set logging up. Django's settings already did."""


@beat_init.connect
def _ring_at_once(**_facts: Any) -> None:
    """The schedule's first ring comes after a full interval; nobody should wait that long to see that all is well."""
    try:
        app.send_task("config.tasks.beat_canary", retry=False)
    except BrokerAway:
        logger.warning("beat cannot ring yet: Redis is away")


@worker_process_init.connect
def _end_with_the_worker(**_facts: Any) -> None:
    """A pool process whose worker was killed would go on with nobody to report to."""
    die_with_parent(os.getppid())
    take_name("task")


@worker_process_init.connect
def _do_not_wait_for_the_disk(**_facts: Any) -> None:
    from trading.services.ledger.durability import commit_without_waiting_for_the_disk

    commit_without_waiting_for_the_disk()
