"""`manage.py reconcile [--account ID]`: read real accounts whole, now, and settle what is in doubt."""

from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from brokers.models import BrokerAccount
from trading.reconcile import settle_account
from trading.services import DISPATCH
from trading.services.running import leases
from trading.services.settling import readings


class Command(BaseCommand):
    help = "Read every real account's orders and holdings whole and settle orders in doubt; exit 1 where one cannot be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", type=UUID, help="only this account")

    def handle(self, *_args: Any, **options: Any) -> None:
        accounts = readings.readable() if options["account"] is None else [_account(options["account"])]
        fence = leases.newest_fence(DISPATCH)  # reading needs no lease; whoever holds it may send once this is done
        unread = [account for account in accounts if not self._read(account, fence)]
        self.stdout.write(f"{len(accounts) - len(unread)} of {len(accounts)} accounts read")
        if unread:
            raise CommandError(f"{len(unread)} accounts could not be read; nothing was concluded about them.")

    def _read(self, account: BrokerAccount, fence: int) -> bool:
        taken = settle_account(account, fence)
        self.stdout.write(f"{account.pk} {account.name}: {taken if taken is not None else 'not read'}")
        return taken is not None


def _account(account_id: UUID) -> BrokerAccount:
    account = BrokerAccount.objects.filter(pk=account_id).first()
    if account is None:
        raise CommandError(f"There is no account {account_id}.")
    return account
