"""`manage.py plan_history PLAN_ID`: what a plan has done, one CSV line a fill."""

import csv
from argparse import ArgumentParser
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from trading.models import SwingPlan
from trading.services.planning.history import plan_fills

COLUMNS = ("at", "cycle", "signal", "side", "price", "quantity", "fee", "tax", "cash_after")


class Command(BaseCommand):
    help = "Print every fill of a plan as CSV: market time (UTC), cycle, SIGNAL, side, price, quantity, fee, tax, cash after."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("plan", type=UUID)

    def handle(self, *_args: Any, **options: Any) -> None:
        plan = SwingPlan.objects.select_related("instrument").filter(pk=options["plan"]).first()
        if plan is None:
            raise CommandError(f"There is no plan {options['plan']}.")
        table = csv.writer(self.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        for fill in plan_fills(plan):
            numbers = (format(getattr(fill, name), "f") for name in ("price", "quantity", "fee", "tax", "cash_after"))
            table.writerow([f"{fill.at:%Y-%m-%dT%H:%M:%SZ}", fill.cycle, fill.signal, fill.side, *numbers])
