"""`manage.py import_broker_bars KRX:005930 --interval 1d --first 2020-01-02`: bars of the past, read from the broker."""

from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from brokers.errors import BrokerError
from brokers.kis.calls import Unsendable
from brokers.kis.services import history, keys
from brokers.kis.transactions import NotOffered
from brokers.models import Credential
from markets.models import Instrument
from markets.types import Interval, market_day


class Command(BaseCommand):
    help = "Read an instrument's daily bars, or its minutes and the longer bars they make, from Korea Investment."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("instrument", help="such as KRX:005930")
        parser.add_argument("--interval", choices=[Interval.D1.value, Interval.M1.value], default=Interval.D1.value)
        parser.add_argument(
            "--first", type=date.fromisoformat, help="YYYY-MM-DD; else a year ago, or today for minutes"
        )
        parser.add_argument("--last", type=date.fromisoformat, help="YYYY-MM-DD; else today")
        parser.add_argument("--account", help="the name of the account whose key asks; else a real one before practice")

    def handle(self, *_args: Any, **options: Any) -> None:
        today = market_day(timezone.now())
        try:
            instrument = Instrument.objects.by_key(options["instrument"])
        except Instrument.DoesNotExist:
            raise CommandError(f"There is no instrument {options['instrument']}.") from None
        last = options["last"] or today
        is_daily = options["interval"] == Interval.D1
        first = options["first"] or (today.replace(year=today.year - 1, day=1) if is_daily else today)
        try:
            market = keys.market(_key(options["account"]))
            if is_daily:
                told = history.import_days(market, instrument, first, last)
                self.stdout.write(f"{instrument.key} 1d: bars={told.bars}")
                return
            for day, told in history.import_minutes(market, instrument, first, last):
                self.stdout.write(f"{instrument.key} {day}: bars={told.bars}")
        except NotOffered:
            raise CommandError(
                "The practice server tells minutes of today alone; a real key tells those before."
            ) from None
        except (BrokerError, Unsendable) as e:
            raise CommandError(f"{e.code}: {e}") from None


def _key(account: str | None) -> Credential:
    rows = [row for row in keys.usable() if account is None or row.account.name == account]
    if not rows:
        raise CommandError("No key of a Korea Investment account in use; register one under 계좌.")
    return max(rows, key=lambda row: row.account.environment == "live")
