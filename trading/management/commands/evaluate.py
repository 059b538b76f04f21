"""`manage.py evaluate`: look at every plan with an undecided closed bar, here and now."""

from typing import Any

from django.core.management.base import BaseCommand

from trading.services import evaluate_due


class Command(BaseCommand):
    help = "Decide for every running plan on each closed bar it has not decided on."

    def handle(self, *_args: Any, **_options: Any) -> None:
        self.stdout.write(f"{evaluate_due()} decisions")
