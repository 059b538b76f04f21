"""`manage.py restrict_role ROLE`: give the application's own role what it needs and nothing more (I19)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from trading.services.running.restricting import RoleCannotBeRestricted, restrict


class Command(BaseCommand):
    help = (
        "PostgreSQL: let a role read and write as the program does, and change no row that is a fact. Run by the owner."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("role", help="an existing role with LOGIN and no other attribute")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            rights = restrict(options["role"])
        except RoleCannotBeRestricted as e:
            raise CommandError(str(e)) from e
        for table, allowed in rights.items():
            self.stdout.write(f"{table:<40} {', '.join(allowed)}")
