"""Settings from outside: good ones are understood under each of their names, bad ones are refused by name (I44, E01, E02)."""

import os
import secrets
from pathlib import Path

import pytest

from config.environment import BASE_DIR, BadSetting, Environment, Mode, read_environment
from config.new_env import with_fresh_secrets

GOOD = {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")}
PRODUCTION = {
    "KAIROS_ENV": "production",
    "ALLOWED_HOSTS": "kairos.example.com",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
}
CANARY = "hunter2-canary"

BAD = [
    ("SECRET_KEY", {"SECRET_KEY": "short" + CANARY}),
    ("SECRET_KEY", {"SECRET_KEY": ""}),
    ("JWT_SECRET", {"JWT_SECRET": "a" * 48}),
    ("JWT_SECRET", {"JWT_SECRET": f"change_me_{CANARY}_0123456789_abcdefghij"}),
    ("ENCRYPTION_KEY", {"ENCRYPTION_KEY": f"{CANARY}!"}),
    ("ENCRYPTION_KEY", {"ENCRYPTION_KEY": GOOD["JWT_SECRET"]}),
    ("DATABASE_URL", {"DATABASE_URL": f"mysql+pymysql://root:{CANARY}@localhost/kairos"}),
    ("DATABASE_URL", {"DATABASE_URL": f"postgresql://u:{CANARY}@host:port/kairos"}),
    ("DATABASE_URL", {"DATABASE_URL": CANARY}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite://"}),
    ("DATABASE_URL", {"DATABASE_URL": "sqlite:///:memory:"}),
    ("REDIS_URL", {"REDIS_URL": f"amqp://u:{CANARY}@localhost"}),
    ("REDIS_URL", {"REDIS_URL": f"redis://:{CANARY}@localhost:x"}),
    ("PORT", {"PORT": CANARY}),
    ("PORT", {"PORT": "70000"}),
    ("DEBUG", {"DEBUG": CANARY}),
    ("DEBUG", {**PRODUCTION, "DEBUG": "1"}),
    ("ALLOWED_HOSTS", {**PRODUCTION, "ALLOWED_HOSTS": "*"}),
    ("ALLOWED_HOSTS", {**PRODUCTION, "ALLOWED_HOSTS": ""}),
    ("REDIS_URL", {**PRODUCTION, "REDIS_URL": ""}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "*"}),
    ("CORS_ORIGINS", {"CORS_ORIGINS": "https://app.example.com/path"}),
    ("KAIROS_ENV", {"KAIROS_ENV": CANARY}),
    ("LOG_LEVEL", {"LOG_LEVEL": CANARY}),
    ("WORKER", {"WORKER": "0"}),
    ("EMAIL_URL", {"EMAIL_URL": f"pop3://u:{CANARY}@localhost"}),
    ("EMAIL_URL", {"EMAIL_URL": f"smtp://u:{CANARY}@localhost:x"}),
    ("ENCRYPTION_KEYS_BEFORE", {"ENCRYPTION_KEYS_BEFORE": f"{GOOD['JWT_SECRET']},{CANARY}"}),
    ("KAIROS_KIS_LIVE_REST", {"KAIROS_KIS_LIVE_REST": f"http://{CANARY}"}),  # development: KIS's own hosts alone
    ("KAIROS_KIS_PAPER_WS", {**PRODUCTION, "KAIROS_KIS_PAPER_WS": f"ws://{CANARY}:1"}),
    ("KAIROS_KIS_LIVE_REST", {"KAIROS_ENV": "test", "KAIROS_KIS_LIVE_REST": f"ftp://{CANARY}"}),
    ("KAIROS_KIS_PAPER_WS", {"KAIROS_ENV": "test", "KAIROS_KIS_PAPER_WS": f"http://{CANARY}"}),
    ("KAIROS_KIS_LIVE_LIMIT", {"KAIROS_KIS_LIVE_LIMIT": "0"}),
    ("LIVE_TRADING", {"LIVE_TRADING": CANARY}),
    ("SIMULATOR_SEED", {"SIMULATOR_SEED": "-1"}),
    ("KAIROS_TIME_SCALE", {"KAIROS_TIME_SCALE": "10"}),
]


@pytest.fixture(autouse=True)
def _bare_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Environment.model_fields.values():
        for name in getattr(field.validation_alias, "choices", []):
            monkeypatch.delenv(str(name), raising=False)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)


def read(monkeypatch: pytest.MonkeyPatch, given: dict[str, str]) -> Environment:
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return read_environment()


@pytest.mark.parametrize(("name", "given"), BAD, ids=[f"{name}-{n}" for n, (name, _) in enumerate(BAD)])
def test_a_bad_setting_is_refused_by_name_and_its_value_is_not_shown(
    monkeypatch: pytest.MonkeyPatch, name: str, given: dict[str, str]
) -> None:
    with pytest.raises(BadSetting) as refusal:
        read(monkeypatch, given)
    said = str(refusal.value)
    assert name in said
    assert CANARY not in said
    assert "\n" not in said
    assert not [secret for secret in GOOD.values() if secret in said]


def test_a_missing_secret_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET")
    with pytest.raises(BadSetting, match=r"^JWT_SECRET is not set; `make run` writes a fresh one"):
        read_environment()


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({"PYTHON_ENV": "test"}, "mode", Mode.TEST),
        ({"DATABASE_URI": "postgresql+asyncpg://u:p@h/d"}, "database", "postgresql://u:p@h/d"),
        ({"DATABASE_URL": "sqlite+aiosqlite:///x.db"}, "sqlite_file", BASE_DIR / "x.db"),
        ({"DATABASE_URL": "sqlite:////srv/x%20y.db"}, "sqlite_file", Path("/srv/x y.db")),
        ({"DATABASE_URL": "postgres://u:p@h/d"}, "sqlite_file", None),
        ({"DATABASE_URL": "postgres://u:p@h:5433/d"}, "database", "postgresql://u:p@h:5433/d"),
        ({"WORKER": "5"}, "web_workers", 5),
        (
            {"CORS_ORIGINS": "https://a.example, http://b.example:8080"},
            "cors_origins",
            ["https://a.example", "http://b.example:8080"],
        ),
        ({"PORTONE_STORE_ID": "store"}, "portone_store_id", "store"),
        ({"KAIROS_VAR": "elsewhere"}, "var_dir", BASE_DIR / "elsewhere"),
        ({"KAIROS_KIS_PAPER_LIMIT": "2"}, "kis_paper_limit", 2),
        (
            {"KAIROS_ENV": "test", "KAIROS_KIS_LIVE_REST": "http://127.0.0.1:9441"},
            "kis_live_rest",
            "http://127.0.0.1:9441",
        ),
        ({"REDIS_URL": "rediss://:p@h:6380/1"}, "redis", "rediss://:p@h:6380/1"),
    ],
)
def test_a_setting_is_read_under_each_of_its_names(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str], field: str, value: object
) -> None:
    assert getattr(read(monkeypatch, given), field) == value


def test_the_environment_wins_over_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=8100\nHOST=127.0.0.9\n")
    monkeypatch.setenv("PORT", "8200")
    environment = Environment(_env_file=file)
    assert (environment.port, environment.host) == (8200, "127.0.0.9")


def test_registration_is_closed_in_production_unless_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """C07."""
    assert read(monkeypatch, {}).registration
    assert not read(monkeypatch, PRODUCTION).registration
    assert read(monkeypatch, {"REGISTRATION_OPEN": "1"}).registration


def test_the_redis_socket_moves_where_its_path_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    near = read(monkeypatch, {"KAIROS_VAR": "/srv/kairos/var"})
    far = read(monkeypatch, {"KAIROS_VAR": "/srv/" + "long/" * 30})
    assert near.redis == "unix:///srv/kairos/var/redis.sock"
    assert len(str(far.redis_socket)) < 100
    assert far.redis_socket.parent.parent == Path("/tmp")  # noqa: S108
    assert far.redis_socket == read_environment().redis_socket  # sister commands find the same one


def test_the_example_names_every_setting_and_only_those() -> None:
    """E03."""
    example = (BASE_DIR / ".env.example").read_text()
    lines = [
        line.lstrip("#").partition("=")[0] for line in example.splitlines() if "=" in line and not line.startswith("# ")
    ]
    known = [getattr(field.validation_alias, "choices", [""])[0] for field in Environment.model_fields.values()]
    assert sorted(lines) == sorted(map(str, known))


def test_the_example_with_fresh_secrets_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in GOOD:
        monkeypatch.delenv(name)
    file = tmp_path / ".env"
    file.write_text(with_fresh_secrets((BASE_DIR / ".env.example").read_text()))
    environment = Environment(_env_file=file)
    assert environment.mode is Mode.DEVELOPMENT
    assert os.environ.get("SECRET_KEY") is None
