"""The mails Kairos writes to people, in their language. `site` is the address of the front page, as https://host[:port]."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User
from accounts.services import email_change


def send_password_reset(email: str, site: str) -> None:
    """A link that works once, for 20 minutes; nothing for an unknown or deactivated address."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is not None:
        who = urlsafe_base64_encode(force_bytes(user.pk))
        path = reverse("accounts:password_reset_confirm", args=[who, default_token_generator.make_token(user)])
        _send(user, "password_reset", {"link": site + path})


def send_sign_up_notice(email: str, site: str, is_new: bool) -> None:
    """A welcome, or word that somebody tried to sign up with an address that has a person already."""
    user = User.objects.filter(email=email.lower(), is_active=True).first()
    if user is not None:
        path = reverse("accounts:sign_in" if is_new else "accounts:password_reset")
        _send(user, "welcome" if is_new else "already_signed_up", {"link": site + path})


def send_email_change(change_id: int, site: str) -> None:
    """To the new address the link that confirms, to the old one word of it and the link that takes it back.

    Where the new address is somebody's already, its owner is told so, and no link is sent there.
    """
    mailed = email_change.with_links(change_id)
    if mailed is None:
        return
    change = mailed.change
    taken = User.objects.filter(email=change.new_email).exclude(pk=change.user_id).first()
    if taken is not None:
        _send(taken, "already_signed_up", {"link": site + reverse("accounts:password_reset")})
    else:
        link = site + reverse("accounts:email_confirm", args=[mailed.confirm])
        _send(change.user, "email_confirm", {"link": link, "email": change.new_email}, to=change.new_email)
    link = site + reverse("accounts:email_undo", args=[mailed.undo])
    _send(change.user, "email_undo", {"link": link, "email": change.new_email}, to=change.old_email)


def send_notices(user: User, lines: Sequence[tuple[datetime, str]], left_out: int) -> None:
    """What happened, a line each. Raises OSError where the mail server cannot be reached."""
    _send(
        user, "notices", {"lines": lines, "first": lines[-1][1], "count": len(lines) + left_out, "left_out": left_out}
    )


def _send(user: User, template: str, context: dict[str, Any], to: str = "") -> None:
    with translation.override(user.language), timezone.override(ZoneInfo(user.time_zone)):
        subject = " ".join(render_to_string(f"accounts/mail/{template}_subject.txt", context).split())
        body = render_to_string(f"accounts/mail/{template}.txt", context)
    send_mail(subject, body, None, [to or user.email])
