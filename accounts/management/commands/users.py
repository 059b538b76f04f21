"""`manage.py users create|passwd|delete|list` (A10, C05). Passwords are typed or piped, never an argument."""

import argparse
import getpass
import sys
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import translation

from accounts import services
from accounts.errors import PersonHasBooks
from accounts.models import Role, User
from accounts.services.audit import record

ROLE_WORDS = {Role.ADMIN: "admin", Role.TRADER: "trader", Role.VIEWER: "viewer"}


class Command(BaseCommand):
    help = "Make, list and remove the people who may sign in, and set their passwords."

    def add_arguments(self, parser: CommandParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="create|passwd|delete|list")
        create = self._verb(verbs, "create", "Make a person; asks for the password twice.")
        create.add_argument("--email", help="needed where LOGIN is a name: people sign in by e-mail")
        role = create.add_mutually_exclusive_group()
        role.add_argument(
            "--admin", action="store_const", dest="role", const=Role.ADMIN, help="may also run the system"
        )
        role.add_argument("--viewer", action="store_const", dest="role", const=Role.VIEWER, help="may look, not trade")
        self._verb(verbs, "passwd", "Set a new password; ends the person's sessions.")
        delete = self._verb(verbs, "delete", "Delete a person who never traded; others can be deactivated.")
        delete.add_argument("--deactivate", action="store_true", help="end sessions and sign-ins, keep the books")
        verbs.add_parser("list", help="Everyone, with role and state.", description="Everyone, with role and state.")

    def handle(self, *_args: Any, **options: Any) -> None:
        match options["verb"]:
            case "create":
                self._create(options["login"], options["email"], options["role"] or Role.TRADER)
            case "passwd":
                self._set_password(_person(options["login"]))
            case "delete":
                self._remove(_person(options["login"]), options["deactivate"])
            case "list":
                self._list()

    @staticmethod
    def _verb(verbs: "argparse._SubParsersAction[CommandParser]", name: str, story: str) -> CommandParser:
        verb = verbs.add_parser(name, help=story, description=story)
        verb.add_argument(
            "-u", "--user", dest="login", metavar="LOGIN", required=True, help="e-mail address or unique name"
        )
        return verb

    def _create(self, login: str, email: str | None, role: Role) -> None:
        user = User(email=(email or login).lower(), name="" if "@" in login else login, role=role)
        if "@" not in user.email:
            raise CommandError(f"{login} is a name, and people sign in by e-mail: add --email ADDRESS.")
        if email and "@" in login and login.lower() != user.email:
            raise CommandError("-u and --email name two different addresses.")
        _checked(lambda: user.full_clean(exclude=["password"]))
        user.set_password(_new_password(user))
        with transaction.atomic():
            user.save()
            record("command", "person_made", f"user:{user.pk}", after={"role": user.role})
        self.stdout.write(f"{user.email} can sign in now, as {ROLE_WORDS[role]}.")

    def _set_password(self, user: User) -> None:
        user.set_password(_new_password(user))
        with transaction.atomic():
            user.save(update_fields=["password", "updated_at"])
            record("command", "password_set", f"user:{user.pk}")
        self.stdout.write(f"{user.email} has a new password; earlier sessions have ended.")

    def _remove(self, user: User, deactivate: bool) -> None:
        if deactivate:
            services.deactivate(user)
            self.stdout.write(f"{user.email} can no longer sign in; orders, plans and books stay.")
            return
        email = user.email
        try:
            services.delete_person(user)
        except PersonHasBooks:
            raise CommandError(
                f"{email} has accounts, orders or plans, which are never deleted. "
                f"To end their access instead: manage.py users delete -u {email} --deactivate"
            ) from None
        self.stdout.write(f"{email} is deleted.")

    def _list(self) -> None:
        people = list(User.objects.order_by("email"))
        if not people:
            self.stdout.write("Nobody yet. Make the first admin: manage.py users create -u you@example.com --admin")
        width = max((len(user.email) for user in people), default=0)
        for user in people:
            state = "active" if user.is_active else "deactivated"
            self.stdout.write(
                f"{user.email:<{width}}  {ROLE_WORDS[Role(user.role)]:<6}  {state:<11}  {user.name}".rstrip()
            )


def _person(login: str) -> User:
    try:
        return User.objects.by_login(login)
    except User.DoesNotExist:
        raise CommandError(
            f"There is no person with the e-mail or name {login!r}. `manage.py users list` shows all."
        ) from None


def _new_password(user: User) -> str:
    """A password given twice. Raises CommandError where the two differ or the password is weak."""
    first, second = _typed() if sys.stdin.isatty() else _piped()
    if first != second:
        raise CommandError("The two passwords differ. Nothing was changed.")
    _checked(lambda: validate_password(first, user))
    return first


def _typed() -> tuple[str, str]:
    return getpass.getpass("Password: "), getpass.getpass("Password again: ")


def _piped() -> tuple[str, str]:
    first, second = sys.stdin.readline(), sys.stdin.readline()
    if not first or not second:
        raise CommandError("The password is read twice: give it on two lines of standard input, or run on a terminal.")
    return first.rstrip("\r\n"), second.rstrip("\r\n")


def _checked(validate: Any) -> None:
    with translation.override("en"):  # the command line speaks English
        try:
            validate()
        except ValidationError as e:
            raise CommandError(" ".join(e.messages)) from None
