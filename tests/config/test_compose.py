"""compose.yaml and the Dockerfile, as far as they can be read without Docker."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import call_command, get_commands
from django.utils.module_loading import import_string

from config.environment import BASE_DIR, Environment

COMPOSE = yaml.safe_load((BASE_DIR / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "web", "sockets", "worker", "dispatch", "beat", "feed", "feed-kis")
KNOWN = {
    str(name) for field in Environment.model_fields.values() for name in getattr(field.validation_alias, "choices", [])
}


def test_every_process_has_its_container() -> None:
    assert {"db", "redis", *OURS} <= set(SERVICES)


@pytest.mark.parametrize("name", OURS)
def test_a_process_of_ours_gets_only_settings_that_exist(name: str) -> None:
    given = SERVICES[name]["environment"]
    assert set(given) <= KNOWN
    assert given["KAIROS_ENV"] == "production"
    assert "DEBUG" not in given


def test_no_secret_stands_in_the_file() -> None:
    text = (BASE_DIR / "compose.yaml").read_text()
    assert re.findall(r"PASSWORD: (?!\$\{POSTGRES_PASSWORD:\?)", text) == []
    assert "kairos:${POSTGRES_PASSWORD:?" in text


def test_with_the_key_in_a_file_every_process_of_ours_has_it() -> None:
    override = yaml.safe_load((BASE_DIR / "deploy" / "key-file.yaml").read_text())
    assert set(override["services"]) == set(OURS)
    for service in override["services"].values():
        assert service["environment"]["ENCRYPTION_KEY_FILE"] == "/run/secrets/encryption_key"
        assert service["secrets"] == list(override["secrets"])


def test_only_the_proxy_opens_ports() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]


def test_every_management_command_exists() -> None:
    asked = [service["command"][2] for service in SERVICES.values() if "manage.py" in service.get("command", [])]
    assert sorted(asked) == ["dispatch", "feed", "feed", "migrate"]
    assert SERVICES["feed-kis"]["command"][-1] == "--kis"
    assert set(asked) <= set(get_commands())


def test_every_named_application_can_be_imported() -> None:
    named = [part for service in SERVICES.values() for part in service.get("command", []) if part.startswith("config.")]
    assert sorted(named) == ["config.asgi:application", "config.wsgi:application"]
    for name in named:
        assert callable(import_string(name.replace(":", ".")))


def test_whoever_may_send_keeps_the_same_epoch_on_a_volume() -> None:
    """I50: kept in a container it would be lost with it, and every start would look like a restored backup."""
    for name in ("dispatch", "worker"):
        place = SERVICES[name]["environment"]["KAIROS_EPOCH_FILE"].rpartition("/")[0]
        assert f"epoch:{place}" in SERVICES[name]["volumes"]
    assert "epoch" in COMPOSE["volumes"]


def test_beat_is_one() -> None:
    """I25: two beats would ring twice; harmless, but never asked for."""
    assert "deploy" not in SERVICES["beat"]
    assert sum("beat" in service.get("command", []) for service in SERVICES.values()) == 1


def test_redis_forgets_nothing_it_still_holds() -> None:
    command = SERVICES["redis"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"


def test_the_proxy_sends_sockets_to_daphne_and_pages_to_gunicorn() -> None:
    rules = (BASE_DIR / "deploy" / "Caddyfile").read_text()
    assert re.search(r"handle /ws/\* \{\s+reverse_proxy sockets:8001", rules)
    assert "reverse_proxy web:8000" in rules
    assert "--port" in SERVICES["sockets"]["command"]
    assert "--bind=0.0.0.0:8000" in SERVICES["web"]["command"]


def test_the_image_runs_as_nobody_special_and_installs_by_hash() -> None:
    dockerfile = (BASE_DIR / "Dockerfile").read_text()
    assert re.search(r"^USER kairos$", dockerfile, re.MULTILINE)
    assert "--require-hashes" in dockerfile
    ignored = (BASE_DIR / ".dockerignore").read_text().split()
    assert {".env", ".git", "var"} <= set(ignored)


def test_the_pages_files_can_be_collected_for_production(tmp_path: Any, settings: Any) -> None:
    """The manifest refuses a file that names another which is not there."""
    settings.STATIC_ROOT = tmp_path
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    assert (tmp_path / "staticfiles.json").is_file()
