"""`manage.py seed_demo`: fill an empty database with the demo; the last line printed is the one-time sign-in."""

import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts.models import User
from trading.services.demo import seed_demo

EMAIL = "demo@kairos.example"


class Command(BaseCommand):
    help = "Fill an empty database with the demo: a simulated market (모의), a person, and plans that have been trading."

    def handle(self, *_args: Any, **_options: Any) -> None:
        if User.objects.exists():
            raise CommandError("There are people in this database already; the demo is only for an empty one.")
        password = secrets.token_urlsafe(12)
        now = timezone.now().replace(microsecond=0)
        seed_demo(EMAIL, password, settings.SIMULATOR_SEED, settings.SIMULATOR_SESSIONS, now)
        self.stdout.write(f"{EMAIL} {password}")
