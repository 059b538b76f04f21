"""`manage.py halt`: close a latch from the server's own command line. Needs the database alone: no Redis, Celery, dispatch."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from markets.models import Instrument
from trading.latches import Mode
from trading.lifecycle import OPEN
from trading.services.safeguards import halts
from trading.services.safeguards.halts import SITE, Scope, UnknownScope


class Command(BaseCommand):
    help = "Stop trading: everything, or of one person, account, plan or instrument. `resume` lets orders out again."

    def add_arguments(self, parser: CommandParser) -> None:
        add_scope(parser)
        parser.add_argument(
            "--mode", choices=["reduce_only", "halted"], default="halted", help="reduce_only still lets sales out"
        )
        parser.add_argument(
            "--reason", default="stopped_by_command", help="shown to whoever asks why, up to 64 letters"
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        scope = chosen_scope(options)
        row, moved = halts.tighten(scope, Mode(options["mode"]), options["reason"], {}, by="command")
        self.stdout.write(f"{described(scope)} is {'now' if moved else 'already'} {row.mode} ({row.reason}).")
        waiting = halts.orders_in(scope).filter(state="pending").count()
        canceling = halts.orders_in(scope).filter(state__in=sorted(OPEN), cancel_requested=True).count()
        self.stdout.write(f"Orders being canceled: {canceling}.")
        if row.mode == Mode.HALTED:
            self.stdout.write(f"Orders not yet sent, to be withdrawn: {waiting}.")
        self.stdout.write(f"Unconfirmed: {halts.unconfirmed(*scope)}.")


def add_scope(parser: CommandParser) -> None:
    """What a latch is about: one of these has to be given."""
    scope = parser.add_mutually_exclusive_group(required=True)
    scope.add_argument("--site", action="store_true", help="everything")
    scope.add_argument("--user", metavar="ID", help="one person, by id or e-mail")
    scope.add_argument("--account", metavar="ID", help="one broker account")
    scope.add_argument("--plan", metavar="ID", help="one swing plan")
    scope.add_argument("--instrument", metavar="KEY", help="one instrument for everybody, such as KRX:005930")


def chosen_scope(options: dict[str, Any]) -> Scope:
    """The latch that is meant. Raises CommandError where there is no such thing."""
    if options["site"]:
        return SITE
    scope = next(name for name in ("user", "account", "plan", "instrument") if options[name])
    given = str(options[scope])
    try:
        if scope == "instrument":
            return scope, str(Instrument.objects.by_key(given).pk)
        if scope == "user" and "@" in given:
            return scope, str(User.objects.by_login(given).pk)
        return halts.known_scope(scope, given)
    except (Instrument.DoesNotExist, User.DoesNotExist, UnknownScope) as e:
        raise CommandError(f"there is no {scope} {given!r}") from e


def described(scope: Scope) -> str:
    """The scope in words."""
    return "The site" if scope == SITE else f"{scope[0].capitalize()} {scope[1]}"
