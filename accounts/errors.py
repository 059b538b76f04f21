"""What signing in and keeping people can refuse, named for what happened."""

from datetime import timedelta


class AccountsError(Exception):
    """The base of all refusals here."""

    code = "accounts_error"


class WrongPassword(AccountsError):
    """No active person with this e-mail and password. Which of them was wrong stays unsaid."""

    code = "wrong_password"


class TooManyTries(AccountsError):
    """Wait before the next try; the password was not looked at, or its answer is withheld."""

    code = "too_many_tries"

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.seconds = max(1, -(-int(wait.total_seconds() * 1000) // 1000))  # rounded up: never say 0


class PersonHasBooks(AccountsError):
    """Orders, plans or journals name this person; deleting them would tear the books. Deactivate instead."""

    code = "person_has_books"
