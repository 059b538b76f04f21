"""Leaving a row behind for every act that makes trading stricter or looser: who, what, before and after (I42)."""

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec

import structlog

from accounts.models import User

logger = structlog.get_logger(__name__)
AUDIT = "accounts.services.audit"


def record_act(
    by: User | str | None, act: str, subject: str, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Write the act down; in the log always, in the audit trail where this installation keeps one."""
    actor = str(by.pk) if isinstance(by, User) else by or "system"
    logger.info("act", act=act, subject=subject, by=actor, before=dict(before), after=dict(after))
    if find_spec(AUDIT) is not None:
        import_module(AUDIT).record(by, act, subject, dict(before), dict(after))
