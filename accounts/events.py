"""What follows from a sign-in or a sign-out, by whatever way it came: the browser's row in the list of devices."""

from typing import Any

from django.contrib.auth.signals import user_logged_in, user_logged_out
from django.dispatch import receiver
from django.http import HttpRequest

from accounts.models import User
from accounts.services import sessions


@receiver(user_logged_in)
def keep_the_browser(request: HttpRequest, user: User, **_more: Any) -> None:
    sessions.begin(request, user)


@receiver(user_logged_out)
def end_the_browser(request: HttpRequest, **_more: Any) -> None:
    sessions.ended(request)
