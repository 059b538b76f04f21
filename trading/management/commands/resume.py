"""`manage.py resume`: open a latch from the server's own command line. Nothing but a person's word does that."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from trading.latches import Mode
from trading.management.commands.halt import add_scope, chosen_scope, described
from trading.models import Halt
from trading.services.safeguards import halts


class Command(BaseCommand):
    help = (
        "Let orders out again after `halt`, or after something was stopped by itself. What was canceled stays canceled."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope(parser)

    def handle(self, *_args: Any, **options: Any) -> None:
        scope = chosen_scope(options)
        left = halts.unconfirmed(*scope)
        before = Halt.objects.filter(scope=scope[0], target=scope[1]).exclude(mode=Mode.ACTIVE).first()
        halts.open_latch(*scope, by=None)
        if before is None:
            self.stdout.write(f"{described(scope)} was not stopped.")
        else:
            self.stdout.write(f"{described(scope)} was {before.mode} ({before.reason}) and trades again.")
        self.stdout.write(f"Unconfirmed: {left}.")
        others = Halt.objects.exclude(mode=Mode.ACTIVE).order_by("scope", "target")
        for row in others:
            self.stdout.write(f"Still {row.mode}: {described((row.scope, row.target))} ({row.reason}).")
