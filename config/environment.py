"""The settings a person may give from outside, each checked by name before anything starts.

Read from the environment first, then from `.env`. Requirements E01 (AutoDash's names) and E02 (StocKing's synonyms).
"""

import hashlib
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import key_file
from config.email import email_settings

BASE_DIR = Path(__file__).resolve().parent.parent
# Tests and a second installation beside the first name another file, or none.
ENV_FILE = os.environ.get("KAIROS_ENV_FILE", str(BASE_DIR / ".env")) or None
SOCKET_PATH_LIMIT = 100  # the kernel takes 107 bytes on Linux and 103 on macOS
WEAK_SECRETS = {"", "change_me", "changeme", "secret", "password", "your-secret-key", "django-insecure"}
# Other frameworks write the driver into the scheme; the database behind it is the same (E01).
DRIVERS = {
    "sqlite": "sqlite",
    "sqlite3": "sqlite",
    "sqlite+aiosqlite": "sqlite",
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "postgresql+asyncpg": "postgresql",
    "postgresql+psycopg": "postgresql",
    "postgresql+psycopg2": "postgresql",
}


class BadSetting(Exception):
    """A setting from outside cannot be used; the message names it and never shows a secret's value."""

    code = "bad_setting"


class Mode(StrEnum):
    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


def _has_host_and_port(url: str) -> None:
    """Raise ValueError, without showing the URL and its password, unless it can be taken apart."""
    try:
        parts = urlsplit(url)
        named = parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        named = False
    if not named:
        raise ValueError("names no host, or a port that is no number: scheme://user:password@host:port/name")


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _named(*names: str, **options: Any) -> Any:
    return Field(validation_alias=AliasChoices(*names), **options)


class Environment(BaseSettings):
    """Every outside setting with its type and default. Secrets have no default: `make run` writes fresh ones."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", hide_input_in_errors=True, frozen=True
    )

    mode: Mode = _named("KAIROS_ENV", "PYTHON_ENV", default=Mode.DEVELOPMENT)
    debug: bool = _named("DEBUG", default=False)
    host: str = _named("HOST", default="127.0.0.1")
    port: int = _named("PORT", default=8000, ge=1, le=65535)
    allowed_hosts: Annotated[list[str], NoDecode] = _named("ALLOWED_HOSTS", default=[])
    cors_origins: Annotated[list[str], NoDecode] = _named("CORS_ORIGINS", default=[])
    var_dir: Path = _named("KAIROS_VAR", default=BASE_DIR / "var")  # database, Redis socket, uploads
    epoch_file: Path | None = _named("KAIROS_EPOCH_FILE", default=None)
    database_url: str = _named("DATABASE_URL", "DATABASE_URI", default="")
    redis_url: str = _named("REDIS_URL", default="")
    secret_key: SecretStr = _named("SECRET_KEY")
    jwt_secret: SecretStr = _named("JWT_SECRET", "JWT_SECRET_KEY")
    encryption_key_file: Path | None = _named("ENCRYPTION_KEY_FILE", default=None)  # before the key that it holds
    encryption_key: SecretStr = _named("ENCRYPTION_KEY", default=SecretStr(""))
    encryption_keys_before: SecretStr = _named("ENCRYPTION_KEYS_BEFORE", default=SecretStr(""))  # they only open
    registration_open: bool | None = _named("REGISTRATION_OPEN", default=None)
    live_trading: bool = _named("LIVE_TRADING", default=False)
    web_workers: int = _named("WORKER", default=2, ge=1, le=64)
    api_per_minute: int = _named("API_PER_MINUTE", default=600, ge=10, le=1_000_000)  # per person; twice per address
    log_level: str = _named("LOG_LEVEL", default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    email_url: SecretStr = _named("EMAIL_URL", default=SecretStr("console://"))
    time_scale: float = _named("KAIROS_TIME_SCALE", default=1, ge=1, le=50)  # test only: divides waiting times
    evaluation_days: int = _named("KAIROS_EVALUATION_DAYS", default=90, ge=1, le=36_500)
    simulator_seed: int = _named("SIMULATOR_SEED", default=20_260_102, ge=0)
    simulator_sessions: bool = _named("SIMULATOR_SESSIONS", default=False)
    kis_live_rest: str = _named("KAIROS_KIS_LIVE_REST", default="")  # "": KIS's own; another one in tests only
    kis_live_ws: str = _named("KAIROS_KIS_LIVE_WS", default="")
    kis_paper_rest: str = _named("KAIROS_KIS_PAPER_REST", default="")
    kis_paper_ws: str = _named("KAIROS_KIS_PAPER_WS", default="")
    kis_live_limit: int = _named("KAIROS_KIS_LIVE_LIMIT", default=18, ge=1, le=1000)  # calls a second of one key
    kis_paper_limit: int = _named("KAIROS_KIS_PAPER_LIMIT", default=1, ge=1, le=1000)
    deepseek_api_key: SecretStr = _named("DEEPSEEK_API_KEY", default=SecretStr(""))
    portone_store_id: str = _named("PORTONE_STORE_ID", default="")
    portone_api_secret: SecretStr = _named("PORTONE_V1_API_SECRET", default=SecretStr(""))

    @field_validator("allowed_hosts", "cors_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return _parts(value) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _origins_are_exact(cls, value: list[str]) -> list[str]:
        for origin in value:
            parts = urlsplit(origin)
            if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path or "*" in origin:
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
        return value

    @field_validator("var_dir")
    @classmethod
    def _folder_is_ours(cls, value: Path) -> Path:
        return BASE_DIR / value  # a relative one means the same from every place a command is started in

    @field_validator("encryption_key_file")
    @classmethod
    def _key_file_is_a_key(cls, value: Path | None) -> Path | None:
        if value is not None:
            key_file.read(BASE_DIR / value)
        return value

    @field_validator("encryption_key", mode="before")
    @classmethod
    def _key_may_lie_in_a_file(cls, value: Any, info: ValidationInfo) -> Any:
        given = value.get_secret_value() if isinstance(value, SecretStr) else value
        if "encryption_key_file" not in info.data:
            return key_file.PLACEHOLDER  # the file's own fault is told, once
        file = info.data["encryption_key_file"]
        if file is None and not given:
            raise PydanticCustomError("missing", "Field required")
        if file is not None and given:
            raise ValueError("stands beside ENCRYPTION_KEY_FILE: keep one of the two")
        return key_file.read(BASE_DIR / file)[0] if file is not None else given

    @field_validator("epoch_file", "encryption_key_file", mode="before")
    @classmethod
    def _empty_is_none(cls, value: Any) -> Any:
        return value or None

    @field_validator("epoch_file")
    @classmethod
    def _file_is_ours(cls, value: Path | None) -> Path | None:
        return value and BASE_DIR / value

    @field_validator("database_url")
    @classmethod
    def _database_is_known(cls, value: str) -> str:
        if not value:
            return value
        scheme, separator, rest = value.partition("://")
        if not separator or scheme not in DRIVERS:
            raise ValueError("must start with sqlite:// or postgresql:// (MySQL is not supported)")
        if DRIVERS[scheme] == "postgresql":
            _has_host_and_port(value)
        elif not rest.removeprefix("/") or ":memory:" in rest:
            raise ValueError("must name a file, sqlite:///path: several processes open the same database")
        return f"{DRIVERS[scheme]}://{rest}"

    @field_validator("email_url")
    @classmethod
    def _email_is_known(cls, value: SecretStr) -> SecretStr:
        email_settings(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis_is_known(cls, value: str) -> str:
        scheme = value.partition("://")[0]
        if value and scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("must start with redis://, rediss:// or unix://")
        if value and scheme != "unix":
            _has_host_and_port(value)
        return value

    @field_validator("secret_key", "jwt_secret", "encryption_key")
    @classmethod
    def _secret_is_strong(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        text = value.get_secret_value()
        if len(text) < 32 or len(set(text)) < 10 or text.lower() in WEAK_SECRETS or "change_me" in text.lower():
            raise ValueError("must be at least 32 random characters; `make run` writes fresh ones into .env")
        return value

    @field_validator("kis_live_rest", "kis_live_ws", "kis_paper_rest", "kis_paper_ws")
    @classmethod
    def _venue_is_a_host(cls, value: str, info: ValidationInfo) -> str:
        schemes = {"https", "http"} if str(info.field_name).endswith("rest") else {"wss", "ws"}
        if value and value.partition("://")[0] not in schemes:
            raise ValueError(f"must start with {' or '.join(f'{scheme}://' for scheme in sorted(schemes))}")
        if value:
            _has_host_and_port(value)
        return value

    @field_validator("encryption_keys_before")
    @classmethod
    def _keys_before_are_keys(cls, value: SecretStr) -> SecretStr:
        if any(len(part) < 32 for part in _parts(value.get_secret_value())):
            raise ValueError("must be former values of ENCRYPTION_KEY, separated by commas")
        return value

    @model_validator(mode="after")
    def _secrets_differ(self) -> "Environment":
        secrets = [s.get_secret_value() for s in (self.secret_key, self.jwt_secret, self.encryption_key)]
        if len(set(secrets)) < len(secrets):
            raise ValueError("SECRET_KEY, JWT_SECRET and ENCRYPTION_KEY must differ from one another")
        return self

    @model_validator(mode="after")
    def _mode_is_kept(self) -> "Environment":
        if self.mode is Mode.PRODUCTION:
            if self.debug:
                raise ValueError("DEBUG must be off in production")
            if not self.allowed_hosts or "*" in self.allowed_hosts:
                raise ValueError("ALLOWED_HOSTS must name the exact hosts in production")
            if not self.redis_url:
                raise ValueError("REDIS_URL is required in production")
        if self.mode is not Mode.TEST and self.time_scale != 1:
            raise ValueError("KAIROS_TIME_SCALE is for KAIROS_ENV=test only")
        elsewhere = [name for name, url in self.kis_urls.items() if url]
        if self.mode is not Mode.TEST and elsewhere:
            raise ValueError(f"{', '.join(elsewhere)}: KIS has hosts of its own outside KAIROS_ENV=test")
        return self

    @property
    def encryption_keys(self) -> list[str]:
        """The key that seals, and after it those before it, which open what they sealed until it is sealed anew."""
        in_file = [] if self.encryption_key_file is None else key_file.read(BASE_DIR / self.encryption_key_file)[1:]
        before = _parts(self.encryption_keys_before.get_secret_value())
        return [self.encryption_key.get_secret_value(), *in_file, *before]

    @property
    def kis_urls(self) -> dict[str, str]:
        """Where KIS is, by the setting's name; "": at its own hosts."""
        return {
            "KAIROS_KIS_LIVE_REST": self.kis_live_rest,
            "KAIROS_KIS_LIVE_WS": self.kis_live_ws,
            "KAIROS_KIS_PAPER_REST": self.kis_paper_rest,
            "KAIROS_KIS_PAPER_WS": self.kis_paper_ws,
        }

    @property
    def database(self) -> str:
        """The database's URL; without one, a SQLite file that needs nothing installed."""
        return self.database_url or f"sqlite:///{self.var_dir}/kairos.sqlite3"

    @property
    def sqlite_file(self) -> Path | None:
        """SQLite's file, absolute; None for another database."""
        name = self.database.removeprefix("sqlite:///")
        return None if name == self.database else BASE_DIR / unquote(name)

    @property
    def epoch_path(self) -> Path:
        """Where the epoch is kept that tells a restored backup; it must outlive both the process and the database."""
        return self.epoch_file or self.var_dir / "epoch"

    @property
    def redis_socket(self) -> Path:
        """Where the embedded Redis listens: in `var_dir`, or in a folder of its own where that path is too long."""
        near = self.var_dir.absolute() / "redis.sock"
        if len(os.fsencode(near)) <= SOCKET_PATH_LIMIT:
            return near
        digest = hashlib.sha256(os.fsencode(self.var_dir.absolute())).hexdigest()[:16]
        return Path(f"/tmp/kairos-{os.getuid()}-{digest}/redis.sock")  # noqa: S108 the supervisor checks its owner

    @property
    def redis(self) -> str:
        """Redis' URL: the one given, else the socket on which `manage.py up` serves children and sister commands."""
        return self.redis_url or f"unix://{self.redis_socket}"

    @property
    def registration(self) -> bool:
        """Whether strangers may sign up: closed in production unless said otherwise (C07)."""
        return self.mode is not Mode.PRODUCTION if self.registration_open is None else self.registration_open


def read_environment() -> Environment:
    """The checked settings. Raises BadSetting with one line per fault, each beginning with the setting's name."""
    try:
        return Environment()
    except ValidationError as e:
        raise BadSetting("\n".join(_sentence(error["loc"], error["msg"]) for error in e.errors())) from None


def _sentence(location: tuple[int | str, ...], message: str) -> str:
    name = _name_outside(str(location[0])) if location else ""
    if message == "Field required":
        return f"{name} is not set; `make run` writes a fresh one into .env"
    return f"{name}: ".removeprefix(": ") + message.removeprefix("Value error, ")


def _name_outside(told: str) -> str:
    """The setting's name where a default was at fault, which is told by its field's."""
    field = Environment.model_fields.get(told)
    return str(getattr(field.validation_alias, "choices", [told])[0]) if field else told
