"""`manage.py evaluate [--at ISO]`: look at every plan with an undecided closed bar, here and now."""

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Max

from trading.models import PlanEvaluation
from trading.services import evaluate_due
from trading.services.planning.evaluation import NotYet


class Command(BaseCommand):
    help = "Decide for every running plan on each closed bar it has not decided on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--at", help="a market time in ISO 8601 with its offset, not in the future: later bars are left out"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        at = None if options["at"] is None else _moment(options["at"])
        before = PlanEvaluation.objects.aggregate(newest=Max("pk"))["newest"] or 0
        try:
            written = evaluate_due(at=at)
        except NotYet as e:
            raise CommandError(f"--at: {e}") from e
        # What a worker decided in the same moment is shown, too: whoever looks wants to know.
        for decision in PlanEvaluation.objects.filter(pk__gt=before).order_by("bar_closed_at", "pk"):
            self.stdout.write(_in_words(decision))
        self.stdout.write(f"{written} decisions")


def _in_words(decision: PlanEvaluation) -> str:
    order = f" order {decision.order_id}" if decision.order_id else ""
    reason = f" ({decision.reason})" if decision.reason else ""
    return f"{decision.bar_closed_at.isoformat()} plan {decision.plan_id}: {decision.outcome}{reason}{order}"


def _moment(text: str) -> datetime:
    """An aware time. Raises CommandError."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError as e:
        raise CommandError(f"--at: {text!r} is no time such as 2026-03-04T11:00:00+09:00") from e
    if at.tzinfo is None:
        raise CommandError(f"--at: {text!r} has no offset; nobody can say which hour is meant")
    return at
