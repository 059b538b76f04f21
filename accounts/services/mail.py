"""The mails Kairos writes to people, in their language. `site` is the address of the front page, as https://host[:port]."""

from typing import Any

from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from accounts.models import User


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


def _send(user: User, template: str, context: dict[str, Any]) -> None:
    with translation.override(user.language):
        subject = render_to_string(f"accounts/mail/{template}_subject.txt", context).strip()
        body = render_to_string(f"accounts/mail/{template}.txt", context)
    send_mail(subject, body, None, [user.email])
