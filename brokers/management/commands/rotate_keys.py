"""`manage.py rotate_keys`: seal everything under the current ENCRYPTION_KEY, so that the one before can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from brokers.services.rotation import rotate


class Command(BaseCommand):
    help = "Seal brokers' keys and tokens under the current ENCRYPTION_KEY. May be stopped and run again at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        done = rotate()
        self.stdout.write(f"rotate_keys: rewrapped={done.rewrapped} left={done.left} unreadable={done.unreadable}")
        if done.unreadable:
            raise CommandError(
                "some seals open under no key there is: add the key that made them to ENCRYPTION_KEYS_BEFORE,"
                " or have their owners register their broker's keys again"
            )
