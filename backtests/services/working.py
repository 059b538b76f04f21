"""One piece of work from claim to end. What cannot be computed ends with a reason, what goes wrong never stays half done."""

import logging
from collections.abc import Callable

from django.db import DatabaseError

from backtests.errors import BacktestRefused
from backtests.models import Job
from backtests.services import queue
from backtests.services.checking import work_on_upload
from backtests.services.heart import Heart
from backtests.services.queue import WorkLost
from backtests.services.running import work_on_run
from backtests.services.scoring import work_on_scorecard
from backtests.services.sweeping import work_on_part
from markets.dated import NoRuleInForce
from strategies.errors import BarsInvalid

logger = logging.getLogger(__name__)

WORK: dict[str, Callable[[Job, Heart], None]] = {
    "run": work_on_run,
    "scorecard": work_on_scorecard,
    "part": work_on_part,
    "upload": work_on_upload,
}


def work_once(took_too_long: type[BaseException] = TimeoutError) -> bool:
    """Claim the next piece of work and do it; False where none is due. `took_too_long`: what the worker's time limit raises."""
    job = queue.claim()
    if job is None:
        return False
    try:
        _do(job, took_too_long)
    except WorkLost:
        logger.info("%s %s was called off, or is somebody else's by now", job.kind, job.pk)
    return True


def _do(job: Job, took_too_long: type[BaseException]) -> None:
    try:
        with Heart(job) as heart:
            WORK[job.kind](job, heart)
    except BacktestRefused as e:
        queue.fail(job, e)
    except NoRuleInForce as e:
        queue.fail(job, BacktestRefused("no_rule_in_force", why=str(e)))
    except BarsInvalid as e:
        queue.fail(job, BacktestRefused("not_finite", why=str(e)))
    except MemoryError:
        queue.fail(job, BacktestRefused("out_of_memory"))
    except took_too_long:
        queue.fail(job, BacktestRefused("took_too_long"))
    except (WorkLost, DatabaseError):  # the lease lapses, and another attempt is made
        raise
    except Exception:
        logger.exception("%s %s ended by an error of ours", job.kind, job.pk)
        queue.fail(job, BacktestRefused("our_error"))
