"""The running server with a database and a Redis of its own, and one person in it: for checks from outside."""

import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # models can be read only once a server's settings stand
    from accounts.services.api_devices import Tokens
    from tests.api.walking import Owned

ROOT = Path(__file__).resolve().parents[2]
PER_MINUTE = "1000000"
UNEXPECTED = re.compile(r"\[(?:error|critical) *\]|^Exception in ", re.MULTILINE)
UP_WITHIN = 90  # seconds


@dataclass(frozen=True)
class Running:
    """Where it listens, the person in it with their access token, its process, and what it writes down."""

    url: str
    owned: "Owned"
    token: str
    pid: int
    log: Path

    def failures(self) -> int:
        """Errors nobody expected, counted in what it wrote down. A refusal has its trace there too, as a warning."""
        return len(UNEXPECTED.findall(self.log.read_text(encoding="utf-8", errors="replace")))


@contextmanager
def running_server(folder: Path) -> Iterator[Running]:
    """Daphne serving the whole site; ends with the block."""
    port = _free_port()
    _prepare_environment(folder, port)
    import django

    django.setup()
    from django.core.management import call_command

    from config.environment import read_environment
    from config.supervision.embedded_redis import EmbeddedRedis

    redis = EmbeddedRedis(read_environment().redis_socket)
    redis.start()
    call_command("migrate", verbosity=0)
    (owned, token), log = _people(), folder / "server.log"
    server = subprocess.Popen(
        [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "config.asgi:application"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=log.open("wb"),
    )
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_for(f"{url}/health")
        yield Running(url, owned, token, server.pid, log)
    finally:
        server.terminate()
        server.wait(20)
        redis.stop()


def _prepare_environment(folder: Path, port: int) -> None:
    os.environ.update(
        {name: secrets.token_urlsafe(48) for name in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")},
        KAIROS_ENV="test",
        KAIROS_ENV_FILE="",
        KAIROS_VAR=str(folder),
        DATABASE_URL=os.environ.get("TEST_API_DATABASE_URL", ""),
        REDIS_URL="",
        PORT=str(port),
        API_PER_MINUTE=PER_MINUTE,
        LOG_LEVEL="WARNING",
        DJANGO_SETTINGS_MODULE="config.settings",
    )


def _people() -> "tuple[Owned, str]":
    """Somebody with one of everything, whose token it is, and somebody with the defaults of the literal requests."""
    from accounts.services import api_devices
    from tests.api.alias_scene import alias_person
    from tests.api.walking import owner_with_everything

    owned = owner_with_everything()
    alias_person()
    signed_in = api_devices.sign_in_device(owned.user, name="checks", address="127.0.0.1", second_factor=False)
    return owned, _good_for_a_day(signed_in)


def _good_for_a_day(signed_in: "Tokens") -> str:
    """The same token and proof of who it is, only longer: on a slow machine the checks outlast the half hour of a real one."""
    import jwt
    from django.conf import settings

    from accounts import access_tokens
    from accounts.models import Device

    ends = datetime.now(UTC) + timedelta(days=1)
    Device.objects.filter(pk=signed_in.device.pk).update(stepped_up_at=ends)
    claims = jwt.decode(
        signed_in.access, settings.JWT_SECRET, [access_tokens.ALGORITHM], audience=access_tokens.AUDIENCE
    )
    return jwt.encode(claims | {"exp": ends}, settings.JWT_SECRET, access_tokens.ALGORITHM)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(url: str) -> None:
    ends = time.monotonic() + UP_WITHIN
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except OSError:
            if time.monotonic() > ends:
                raise
            time.sleep(0.2)
        else:
            return


def temporary_folder() -> Any:
    return tempfile.TemporaryDirectory(prefix="kairos-api-")
