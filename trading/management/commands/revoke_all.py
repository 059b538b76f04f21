"""`manage.py revoke_all`: the drill after a leak. Halts the site, ends every token, lists what must be revoked at brokers."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from brokers.kis.services.registration import NO_TOKEN, REVOKED
from trading.services.running import leaks


class Command(BaseCommand):
    help = "After a leak: halt the site and end every token got with brokers' keys. The keys themselves end at the broker's."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--remove-keys", action="store_true", help="also forget the keys of accounts without an open order"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        ended = []
        for each in leaks.revoke_all(remove_keys=options["remove_keys"]):
            ended.append(each)
            self.stdout.write(
                f"{each.environment} {each.number} key={each.key} owner={each.owner} token={each.token}"
                f" open_orders={each.open_orders} key_removed={'yes' if each.is_removed else 'no'}"
            )
        revoked = sum(each.token == REVOKED for each in ended)
        failed = sum(each.token not in {REVOKED, NO_TOKEN} for each in ended)
        removed = sum(each.is_removed for each in ended)
        self.stdout.write(f"revoke_all: keys={len(ended)} revoked={revoked} failed={failed} keys_removed={removed}")
        self.stdout.write("The site is halted. Each owner now revokes the key at the broker's and registers another.")
