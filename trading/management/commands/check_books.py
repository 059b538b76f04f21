"""`manage.py check_books [--json]`: recompute every balance, reservation and position from postings and fills."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser

from trading.services.ledger.audit import Audit, check_books


class Command(BaseCommand):
    help = "Recompute the books from their postings and fills. Exit code 1 where anything differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")
        parser.add_argument("--account", type=UUID, help="the id of one broker account; all of them otherwise")

    def handle(self, *_args: Any, **options: Any) -> None:
        audit = check_books(options["account"])
        self.stdout.write(_as_json(audit) if options["json"] else _in_words(audit))
        if audit.differences:
            raise SystemExit(1)


def _as_json(audit: Audit) -> str:
    return json.dumps({"ok": not audit.differences} | asdict(audit), default=str, ensure_ascii=False)


def _in_words(audit: Audit) -> str:
    looked_at = (
        f"{audit.accounts} accounts, {audit.postings} postings, {audit.orders} orders, "
        f"{audit.fills} fills, {audit.plans} plans"
    )
    if not audit.differences:
        return f"The books are sound: {looked_at}."
    lines = [
        f"{each.check}: {each.subject} of account {each.account} should be {each.expected}, is {each.found}"
        for each in audit.differences
    ]
    return "\n".join([*lines, f"{len(lines)} differences in {looked_at}."])
