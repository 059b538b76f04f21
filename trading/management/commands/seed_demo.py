"""`manage.py seed_demo`: fill an empty database with the demo; the last line printed is the one-time sign-in."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from trading.services.running.demo import seed_demo, seed_instruments

EMAIL = "demo@kairos.example"


class Command(BaseCommand):
    help = (
        "Fill an empty database with the demo: a simulated market (모의), a person, and plans that have been trading."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--instruments-only", action="store_true", help="only what can be traded: no person, no past"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["instruments_only"]:
            self.stdout.write(f"{len(seed_instruments())} instruments")
            return
        if User.objects.exists():
            raise CommandError("There are people in this database already; the demo is only for an empty one.")
        password = secrets.token_urlsafe(12)
        now = timezone.now().replace(microsecond=0)
        seed_demo(EMAIL, password, settings.SIMULATOR_SEED, settings.SIMULATOR_SESSIONS, now)
        self.stdout.write(f"{EMAIL} {password}")
