"""A18: `check --deploy` is silent in a correct production environment and names each fault of a wrong one."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from pydantic import SecretStr

from config.checks import database_file_is_private, security_list_holds
from config.security import security_ticks
from tests.e2e.running import clean_environment, manage

PRODUCTION = {
    "KAIROS_ENV": "production",
    "ALLOWED_HOSTS": "kairos.example.com",
    "CORS_ORIGINS": "https://app.example.com",
    "DATABASE_URL": "postgresql://kairos:password@db.example.com/kairos?sslmode=require",
    "REDIS_URL": "redis://:password@redis:6379/0",
}


def check_deploy(tmp_path: Path, **changed: str) -> tuple[int, str]:
    ended = manage(
        "check",
        "--deploy",
        "--fail-level",
        "WARNING",
        environment=clean_environment(tmp_path / "var", 8000, **{**PRODUCTION, **changed}),
    )
    return ended.returncode, ended.stdout + ended.stderr


def test_a_correct_production_environment_is_clean(tmp_path: Path) -> None:
    status, said = check_deploy(tmp_path)
    assert (status, "no issues (0 silenced)" in said) == (0, True), said


@pytest.mark.parametrize(
    ("changed", "tick"),
    [
        ({"DATABASE_URL": ""}, "database"),
        ({"DATABASE_URL": "postgresql://kairos:password@db.example.com/kairos"}, "database"),
        ({"DATABASE_URL": "postgresql://kairos@db/kairos"}, "database"),
        ({"CORS_ORIGINS": "http://app.example.com"}, "cors"),
    ],
)
def test_a_wrong_production_environment_names_its_fault(tmp_path: Path, changed: dict[str, str], tick: str) -> None:
    status, said = check_deploy(tmp_path, **changed)
    assert status == 1
    assert f"security checklist: {tick}" in said
    assert said.count("security checklist:") == 1
    assert ":password" not in said


def test_development_misses_the_points_that_only_production_has(settings: Any) -> None:
    missing = [tick.name for tick in security_ticks() if not tick.ok]
    assert {"https", "logs"} <= set(missing)
    assert len(security_list_holds()) == len(missing)
    with pytest.raises(SystemCheckError, match="security checklist: https"):
        call_command("check", "--deploy", "--fail-level", "WARNING")


def test_there_are_seven_ticks_and_each_says_what_to_do() -> None:
    ticks = security_ticks()
    assert [tick.name for tick in ticks] == ["jwt", "encryption", "debug", "cors", "https", "database", "logs"]
    assert all(len(str(tick.what_to_do)) > 10 for tick in ticks)


def test_a_short_key_is_no_tick(settings: Any) -> None:
    """Such an environment cannot start; the tick still looks for itself."""
    settings.ENVIRONMENT = django_settings.ENVIRONMENT.model_copy(update={"jwt_secret": SecretStr("x" * 40)})
    settings.DEBUG = True
    states = {tick.name: tick.ok for tick in security_ticks()}
    assert (states["jwt"], states["debug"], states["encryption"]) == (False, False, True)


def test_a_database_file_open_to_others_is_named(tmp_path: Path, settings: Any) -> None:
    file = tmp_path / "kairos.sqlite3"
    file.write_bytes(b"")
    settings.ENVIRONMENT = django_settings.ENVIRONMENT.model_copy(update={"database_url": f"sqlite:///{file}"})
    file.chmod(0o644)
    tmp_path.chmod(0o755)
    assert [fault.id for fault in database_file_is_private()] == ["kairos.W010"]
    tmp_path.chmod(0o700)
    assert database_file_is_private() == []
    tmp_path.chmod(0o755)
    file.chmod(0o600)
    assert database_file_is_private() == []
