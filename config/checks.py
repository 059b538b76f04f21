"""`manage.py check [--deploy]`: our own points beside Django's (A18)."""

import stat
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Tags, Warning, register  # noqa: A004 Django's own name

from config.security import security_ticks


@register(Tags.security, deploy=True)
def security_list_holds(**_kwargs: Any) -> list[CheckMessage]:
    """One warning for each of the seven ticks that does not hold, numbered kairos.W001 to W007."""
    return [
        Warning(f"security checklist: {tick.name}", hint=str(tick.what_to_do), id=f"kairos.W{number:03}")
        for number, tick in enumerate(security_ticks(), start=1)
        if not tick.ok
    ]


@register(Tags.security)
def database_file_is_private(**_kwargs: Any) -> list[CheckMessage]:
    """SQLite's file holds password hashes and sealed keys: its mode, or its folder's, must keep others out."""
    file = settings.ENVIRONMENT.sqlite_file
    if file is None or not _open_to_others(file) or not _open_to_others(file.parent):
        return []
    return [Warning(f"{file} can be read by other users", hint=f"chmod 600 {file}", id="kairos.W010")]


def _open_to_others(path: Path) -> bool:
    return path.exists() and bool(stat.S_IMODE(path.stat().st_mode) & 0o077)
