"""Before anything runs: reach the database, migrate it, fill an empty one with the demo. In a process of its own, so
that the supervisor never holds a connection that its children would share."""

import io
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Report:
    """What came of it. `fault` is one sentence, or empty; `sign_in` is "email password" right after seeding."""

    fault: str = ""
    sign_in: str = ""

    @classmethod
    def parse(cls, text: str) -> "Report":
        """The report the child wrote; a child that died before it could write is a fault of its own."""
        return cls(**json.loads(text)) if text else cls(fault="preparing the database ended early; see the lines above")


def prepare(demo: bool) -> Report:
    """Migrate, forget the last run's signs of life and, where nobody has an account yet and `demo`, seed the demo."""
    from django.conf import settings
    from django.core.management import call_command
    from django.db import Error, connection

    from accounts.models import User

    try:
        connection.ensure_connection()
        call_command("migrate", verbosity=0, interactive=False)
        _forget_signs_of_life()
        if not demo or User.objects.exists():
            return Report()
    except Error as e:
        reason = str(e).strip().partition("\n")[0]
        where = settings.DATABASES["default"]["NAME"] if connection.vendor == "sqlite" else "the server"
        return Report(fault=f"DATABASE_URL: the database cannot be used: {where}: {reason}")
    sys.stderr.write("데모를 준비합니다, 처음 한 번 / preparing the demo, once…\n")
    said = io.StringIO()
    call_command("seed_demo", stdout=said)
    _forget_signs_of_life()
    return Report(sign_in=said.getvalue().strip().rpartition("\n")[2])


def _forget_signs_of_life() -> None:
    """What the last run, or the seeding, left behind would pass for a process that is up."""
    from markets.models import PriceFeed
    from trading.models import Pulse

    Pulse.objects.all().delete()
    PriceFeed.objects.update(heartbeat_at=datetime.fromtimestamp(0, UTC))


def main(report: str, demo: str) -> None:
    text = json.dumps(asdict(prepare(demo == "demo")))
    with os.fdopen(int(report), "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(*sys.argv[1:3])
