"""The seven ticks of the security checklist (A18), read from Django's settings: for `check --deploy` and the admin."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from config.environment import Environment, Mode

LOCAL_HOSTS = {"127.0.0.1", "::1"}


@dataclass(frozen=True, slots=True)
class Tick:
    """One point of the list: its stable name, whether it holds, and what to do where it does not (translated late)."""

    name: str
    ok: bool
    what_to_do: Any


def security_ticks() -> list[Tick]:
    """The seven points, always in this order: jwt, encryption, debug, cors, https, database, logs."""
    environment: Environment = settings.ENVIRONMENT
    return [
        Tick(
            "jwt",
            _is_long(environment.jwt_secret.get_secret_value()),
            _("JWT_SECRET에 임의의 글자를 32자 이상 넣으세요."),
        ),
        Tick(
            "encryption",
            _is_long(environment.encryption_key.get_secret_value()),
            _("ENCRYPTION_KEY를 만들고 데이터베이스 백업과 다른 곳에 보관하세요."),
        ),
        Tick("debug", not settings.DEBUG and not environment.debug, _("운영 환경에서는 DEBUG를 끄세요.")),
        Tick(
            "cors", _origins_are_exact(environment.cors_origins), _("CORS_ORIGINS에 https:// 주소를 정확히 적으세요.")
        ),
        Tick("https", _https_everywhere(), _("KAIROS_ENV=production으로 실행해 HTTPS와 보안 쿠키를 켜세요.")),
        Tick(
            "database",
            _database_is_shut(),
            _("DATABASE_URL에 PostgreSQL을 쓰고, 다른 서버에 있으면 sslmode=require와 방화벽을 쓰세요."),
        ),
        Tick(
            "logs",
            environment.mode is Mode.PRODUCTION,
            _("KAIROS_ENV=production으로 실행해 로그를 JSON으로 남기고 수집하세요."),
        ),
    ]


def _is_long(secret: str) -> bool:
    return len(secret) >= 32 and len(set(secret)) >= 10


def _origins_are_exact(origins: list[str]) -> bool:
    return all(origin.startswith("https://") and "*" not in origin for origin in origins)


def _https_everywhere() -> bool:
    return bool(
        settings.SECURE_SSL_REDIRECT
        and settings.SESSION_COOKIE_SECURE
        and settings.CSRF_COOKIE_SECURE
        and settings.SECURE_HSTS_SECONDS >= 365 * 24 * 3600
    )


def _database_is_shut() -> bool:
    """PostgreSQL with a password, and near or over TLS: a name without a dot is a neighbour in a private network.

    SQLite is right for one's own machine; a server's database must take several processes and a crash.
    """
    database = settings.DATABASES["default"]
    if database["ENGINE"] == "django.db.backends.sqlite3":
        return False
    host = database.get("HOST", "")
    near = host in LOCAL_HOSTS or "." not in host
    encrypted = database.get("OPTIONS", {}).get("sslmode") in {"require", "verify-ca", "verify-full"}
    return bool(database.get("PASSWORD")) and (near or encrypted)
