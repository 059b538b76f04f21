"""Where e-mail goes: EMAIL_URL in Django's words."""

from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

SCHEMES = ("console", "smtp", "smtps", "smtp+tls")


def email_settings(url: str) -> dict[str, Any]:
    """Django's EMAIL_* settings for `console://` or `smtp[s|+tls]://user:password@host:port/?from=Name <a@b>`.

    `smtps` speaks TLS from the first byte, `smtp+tls` asks for it. Raises ValueError, never showing the password.
    """
    parts = urlsplit(url)
    if parts.scheme not in SCHEMES:
        raise ValueError(f"must start with one of {', '.join(f'{scheme}://' for scheme in SCHEMES)}")
    sender = parse_qs(parts.query).get("from", ["Kairos <no-reply@localhost>"])[0]
    if parts.scheme == "console":
        return {"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend", "DEFAULT_FROM_EMAIL": sender}
    if not parts.hostname:
        raise ValueError("names no mail server: smtp://user:password@host:port")
    default_port = {"smtp": 25, "smtps": 465, "smtp+tls": 587}[parts.scheme]
    return {
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": parts.port or default_port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_SSL": parts.scheme == "smtps",
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_TIMEOUT": 10,
        "DEFAULT_FROM_EMAIL": sender,
    }
