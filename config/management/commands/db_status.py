"""`manage.py db_status`: engine, place, migrations, rows and size of the database (P12)."""

import sys
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from config.database import database_status


class Command(BaseCommand):
    help = "Show which database is used, whether it is up to date, and what is in it."
    requires_system_checks: list[str] = []  # it must also answer when something is wrong

    def handle(self, *_args: Any, **_options: Any) -> None:
        try:
            status = database_status()
        except Error as e:
            reason = str(e).strip().partition("\n")[0]
            sys.exit(f"DATABASE_URL: the database cannot be reached: {reason}")
        lines = {
            "engine": status.engine,
            "place": status.place,
            "size": f"{status.size / 2**20:.1f} MB",
            "migrations": f"pending: {', '.join(status.pending)}" if status.pending else "up to date",
            **{label: "no table" if count is None else f"{count:,}" for label, count in status.rows.items()},
        }
        for name, value in lines.items():
            self.stdout.write(f"{name:24} {value}")
