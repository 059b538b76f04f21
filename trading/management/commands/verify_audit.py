"""`manage.py verify_audit [--json]`: prove that no entry of the audit was changed or taken away (I42)."""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.services.audit import Verdict, verify


class Command(BaseCommand):
    help = "Recompute the audit's hash chain. Exit code 1 where an entry is missing, altered or moved."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON object instead of sentences")

    def handle(self, *_args: Any, **options: Any) -> None:
        verdict = verify()
        self.stdout.write(_as_json(verdict) if options["json"] else _in_words(verdict))
        if verdict.breaks:
            raise SystemExit(1)


def _as_json(verdict: Verdict) -> str:
    return json.dumps({"ok": not verdict.breaks} | asdict(verdict))


def _in_words(verdict: Verdict) -> str:
    if not verdict.breaks:
        return f"The audit is whole: {verdict.entries} entries, the last hash is {verdict.hash}."
    lines = [f"entry {each.number}: {each.fault}" for each in verdict.breaks]
    return "\n".join([*lines, f"{len(lines)} breaks in {verdict.entries} entries."])
