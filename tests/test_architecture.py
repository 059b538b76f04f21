"""The layout of the code, read from its imports: who may know whom, who may know Django, and what pure code never touches."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# An app may import itself and what stands in its row; everything points down (style.md).
BELOW = {
    "accounts": set(),
    "markets": {"accounts"},
    "strategies": {"markets", "accounts"},
    "brokers": {"markets", "accounts"},
    "trading": {"strategies", "brokers", "markets", "accounts"},
    "backtests": {"trading", "strategies", "brokers", "markets", "accounts"},
    "config": {"backtests", "trading", "strategies", "brokers", "markets", "accounts"},
}
APPS = [app for app in BELOW if (ROOT / app).is_dir()]
# Inside an app: who receives (a request, a message, a ring) calls services; services never look up.
RECEIVERS = {
    "views",
    "urls",
    "api",
    "consumers",
    "tasks",
    "admin",
    "management",
    "forms",
    "serializers",
    "templatetags",
}
MAY_IMPORT_DJANGO = {
    *("models", "admin", "apps", "forms", "urls", "views", "api", "serializers", "consumers", "events", "tasks"),
    *("services", "migrations", "templatetags", "management"),
}
# Named one by one, each for its reason.
DJANGO_TOO = {
    "accounts/middleware.py",  # Django calls it with its own requests
    "accounts/validators.py",  # named in AUTH_PASSWORD_VALIDATORS
}
DJANGO = {"django", "channels", "celery", "django_celery_beat", "django_htmx", "csp", "rest_framework", "asgiref"}
NETWORK = {"socket", "ssl", "http", "urllib3", "requests", "websocket", "aiohttp", "httpx", "redis", "smtplib"}
MAY_USE_NETWORK = {"client", "adapter", "stream"}  # in brokers/<name>/
CLOCKS = {
    *("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "datetime.datetime.now", "timezone.now"),
    *("datetime.date.today", "time.time", "time.time_ns", "time.monotonic", "time.perf_counter", "time.sleep"),
}


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Every module the file imports, wherever in it, as a dotted name; type-checking blocks count too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
            module = ".".join(part for part in (package, node.module or "") if part)
            yield module
            yield from (f"{module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[str]:
    """Every call in the file by its dotted name, such as `datetime.now`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func)


def may_import_django(path: Path) -> bool:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] == "config" or bool(MAY_IMPORT_DJANGO & set(parts[1:])) or name_of(path) in DJANGO_TOO


PURE = [path for path in sources(*APPS) if not may_import_django(path)]


@pytest.mark.parametrize("app", APPS)
def test_imports_point_down(app: str) -> None:
    """config → backtests → trading → strategies | brokers → markets → accounts; strategies and brokers are strangers."""
    above = set(BELOW) - BELOW[app] - {app}
    wrong = [
        f"{name_of(path)}: {name}"
        for path in sources(app)
        for name in imported(path)
        if name.partition(".")[0] in above
    ]
    assert wrong == []


@pytest.mark.parametrize("app", APPS)
def test_services_models_and_pure_modules_never_import_who_calls_them(app: str) -> None:
    """Whoever received the request calls the service and schedules the task on commit (style.md)."""
    callers = {f"{other}.{receiver}" for other in APPS for receiver in RECEIVERS}
    wrong = [
        f"{name_of(path)}: {name}"
        for path in sources(app)
        if app != "config" and not RECEIVERS & set(path.relative_to(ROOT).with_suffix("").parts[1:])
        for name in imported(path)
        if ".".join(name.split(".")[:2]) in callers
    ]
    assert wrong == []


def test_only_the_closed_list_of_files_imports_django() -> None:
    wrong = [f"{name_of(path)}: {name}" for path in PURE for name in imported(path) if name.partition(".")[0] in DJANGO]
    assert wrong == []


def test_pure_modules_know_no_clock() -> None:
    """`now` is an argument: a decision made again over the same data is the same decision."""
    wrong = [f"{name_of(path)}: {call}()" for path in PURE for call in calls(path) if call in CLOCKS]
    assert wrong == []


def test_pure_modules_know_no_network() -> None:
    allowed = [path for path in PURE if path.parts[-3:-2] == ("brokers",) and path.stem in MAY_USE_NETWORK]
    wrong = [
        f"{name_of(path)}: {name}"
        for path in PURE
        if path not in allowed
        for name in imported(path)
        if name.partition(".")[0] in NETWORK or name.startswith("urllib.request")
    ]
    assert wrong == []


def test_nothing_runs_text_as_code_or_reads_a_pickle() -> None:
    """I45."""
    wrong = [
        f"{name_of(p)}: {c}()"
        for p in sources(*APPS)
        for c in calls(p)
        if c in {"eval", "exec", "compile", "yaml.load"}
    ]
    wrong += [
        f"{name_of(p)}: {n}"
        for p in sources(*APPS)
        for n in imported(p)
        if n.partition(".")[0] in {"pickle", "marshal", "dill"}
    ]
    assert wrong == []


def test_foreign_keys_name_their_model() -> None:
    """`"app.Model"` in words: a class would be an import, and imports between models make circles."""
    fields = {"models.ForeignKey", "models.OneToOneField", "models.ManyToManyField"}
    wrong = []
    for path in sources(*APPS):
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in fields:
                named = ast.unparse(node.args[0])
                if not re.fullmatch(r"'\w+\.\w+'|settings\.AUTH_USER_MODEL", named):
                    wrong.append(f"{name_of(path)}: {named}")
    assert wrong == []


def test_migrations_import_no_app_code_but_what_django_writes_by_name() -> None:
    """Field classes, validators and the enums behind choices; anything else would change old migrations with new code."""
    written = {"markets.models.fields", "accounts.models", "markets.types", "brokers.protocol", "trading.lifecycle"}
    wrong = [
        f"{name_of(path)}: {name}"
        for path in sources(*APPS)
        if path.parent.name == "migrations"
        for name in imported(path)
        if name.partition(".")[0] in APPS and name not in written
    ]
    assert wrong == []


def test_tests_use_fakes_of_our_own_protocols_and_patch_nothing() -> None:
    wrong = [
        f"{name_of(path)}: {name}"
        for path in sources("tests")
        for name in imported(path)
        if name.startswith("unittest.mock")
    ]
    wrong += [
        f"{name_of(path)}: mocker"
        for path in sources("tests")
        if re.search(r"\bmocker\b", path.read_text()) and path != Path(__file__)
    ]
    assert wrong == []


def test_there_is_no_module_without_a_subject() -> None:
    nameless = {"utils", "util", "helpers", "helper", "common", "misc"}
    assert [name_of(path) for path in sources(*APPS, "tests") if nameless & set(path.with_suffix("").parts)] == []
