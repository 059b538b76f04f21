"""`make bench-api`: fifty orders listed, and one placed, beside FastAPI + SQLAlchemy (../shared/bench/api_fastapi.py).

One PostgreSQL database (TEST_POSTGRES_URL) holds the same orders twice: as ours, and as the peer's tables have them. Both
servers run two processes: ours as in production (gunicorn, threads; sign-in, rights, budgets and all middleware), the
peer as its README runs it, with no sign-in at all. They are measured in turn, and medians compared.
"""

import asyncio
import json
import os
import random
import secrets
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from bench.api_world import PRICE, Person, build
from bench.http_crowd import Figures, measure
from bench.peers import api_peers
from tests.e2e.running import ROOT, free_port

SHARED = ROOT.parent / "shared" / "bench"
PROCESSES, THREADS = 2, 3  # of gunicorn, as compose.yaml has them
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS, WARM = 4.0, 1.5
PLACING = 8  # clients, as in bench-orders
WAYS = ("list", "place")


class Ours:
    """Requests to /api/v1/orders/, each of somebody else."""

    name = "kairos"

    def __init__(self, people: list[Person], keys: list[str], port: int) -> None:
        self._people, self._keys, self.port = people, keys, port

    def list(self) -> bytes:
        person = random.choice(self._people)  # noqa: S311
        path = f"/api/v1/orders/?broker_account={person.account}&limit=50"
        return _request("GET", path, f"Authorization: Bearer {person.token}\r\n")

    def place(self) -> bytes:
        person = random.choice(self._people)  # noqa: S311
        body = {
            "broker_account": person.account,
            "instrument": random.choice(self._keys),  # noqa: S311
            "side": "buy",
            "order_type": "limit",
            "quantity": "1",
            "limit_price": str(PRICE),
        }
        headers = f"Authorization: Bearer {person.token}\r\nIdempotency-Key: {uuid4()}\r\n"
        return _request("POST", "/api/v1/orders/", headers, json.dumps(body).encode())


class Peer:
    """The same to the peer's two addresses."""

    name = "fastapi"

    def __init__(self, people: "list[Person]", instruments: int, port: int) -> None:
        self._people, self._instruments, self.port = people, instruments, port

    def list(self) -> bytes:
        return _request("GET", f"/sqlalchemy?account={random.choice(self._people).number}")  # noqa: S311

    def place(self) -> bytes:
        body = {
            "account": random.choice(self._people).number,  # noqa: S311
            "instrument": random.randint(1, self._instruments),  # noqa: S311
            "side": "buy",
            "price": "101.5",
            "quantity": "0.1",
            "client_id": str(uuid4()),
        }
        return _request("POST", "/place", "", json.dumps(body).encode())


def _request(method: str, path: str, headers: str = "", body: bytes = b"") -> bytes:
    kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n{headers}{kind}\r\n".encode()
        + body
    )


@contextmanager
def server(command: list[str], folder: Path, environment: dict[str, str], port: int, log: Path) -> Iterator[None]:
    """One server with its processes; ends with the block."""
    with log.open("ab") as said:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=said, stderr=said)  # noqa: S603 our own words
    try:
        deadline = time.monotonic() + 60
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(log.read_text()[-2000:])
            time.sleep(0.1)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/live", timeout=2).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def compare(ours: Ours, peer: Peer) -> dict[str, dict[str, list[Figures]]]:
    """Each way of each server, in turn."""
    found: dict[str, dict[str, list[Figures]]] = {way: {"kairos": [], "fastapi": []} for way in WAYS}
    for way in WAYS:
        clients = 16 if way == "list" else PLACING
        for side in (ours, peer):
            asyncio.run(measure(side.port, getattr(side, way), WARM, clients))
        for _round in range(ROUNDS):
            for side in (ours, peer):
                figures = asyncio.run(measure(side.port, getattr(side, way), SECONDS, clients))
                if figures.bad:
                    raise RuntimeError(f"{side.name} {way}: {len(figures.bad)} answers such as {figures.bad[0]}")
                found[way][side.name].append(figures)
    return found


def environment_of(name: str, folder: Path, redis: str) -> tuple[dict[str, str], dict[str, str]]:
    """What each of the two servers is told: ours, and the peer's."""
    from django.db import connection

    url = f"{os.environ['TEST_DATABASE_URL'].rpartition('/')[0]}/{name}"
    place = connection.settings_dict
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO_", "TEST_", "KAIROS_"))}
    ours = kept | {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "KAIROS_ENV": "test",
        "KAIROS_ENV_FILE": "",
        "KAIROS_VAR": str(folder),
        "DATABASE_URL": url,
        "REDIS_URL": redis,
        "API_PER_MINUTE": "1000000",
        "LOG_LEVEL": "WARNING",
        **{each: os.environ[each] for each in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")},
    }
    peer = kept | {
        "PGHOST": str(place["HOST"]),
        "PGPORT": str(place["PORT"]),
        "PGUSER": str(place["USER"]),
        "PGPASSWORD": str(place["PASSWORD"]),
        "PGDATABASE": name,
    }
    return ours, peer


def main() -> None:
    """Run both side by side and print the ratios on one line."""
    url, python = os.environ.get("TEST_POSTGRES_URL"), api_peers()
    if not url or python is None or not SHARED.is_dir():
        sys.exit("bench-api needs TEST_POSTGRES_URL, ../shared/bench and the peers' packages")
    os.environ |= {
        "TEST_DATABASE_URL": os.environ.get("TEST_DATABASE_URL", url),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
    }
    os.environ |= {each: secrets.token_urlsafe(48) for each in ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")}
    import django

    django.setup()
    from django.conf import settings
    from django.db import connection

    from config.supervision.embedded_redis import EmbeddedRedis

    settings.JWT_SECRET, settings.SECRET_KEY = os.environ["JWT_SECRET"], os.environ["SECRET_KEY"]
    name = connection.creation.create_test_db(verbosity=0, autoclobber=True)
    with tempfile.TemporaryDirectory(prefix="kairos-bench-api-") as folder:
        redis = EmbeddedRedis(Path(folder) / "redis" / "socket")
        redis.start()
        try:
            people, keys = build()
            figures = _run(people, keys, name, Path(folder), f"unix://{Path(folder) / 'redis' / 'socket'}", python)
        finally:
            redis.stop()
            connection.close()
            connection.creation.destroy_test_db("", verbosity=0)
    _say(figures)


def _run(
    people: list[Person], keys: list[str], name: str, folder: Path, redis: str, python: Path
) -> dict[str, dict[str, list[Figures]]]:
    told_ours, told_peer = environment_of(name, folder, redis)
    ours, peer = Ours(people, keys, free_port()), Peer(people, len(keys), free_port())
    gunicorn = [
        *(sys.executable, "-m", "gunicorn", "config.wsgi:application", f"--bind=127.0.0.1:{ours.port}"),
        *(
            "--worker-class=gthread",
            f"--workers={PROCESSES}",
            f"--threads={THREADS}",
            "--reuse-port",
            "--log-level=error",
        ),
    ]
    uvicorn = [
        *(str(python), "-m", "uvicorn", "api_fastapi:app", "--port", str(peer.port), "--workers", str(PROCESSES)),
        *("--log-level", "error", "--no-access-log"),
    ]
    with (
        server(gunicorn, ROOT, told_ours, ours.port, folder / "kairos.log"),
        server(uvicorn, SHARED, told_peer, peer.port, folder / "fastapi.log"),
    ):
        return compare(ours, peer)


def _say(figures: dict[str, dict[str, list[Figures]]]) -> None:
    def median(way: str, side: str) -> float:
        return statistics.median(each.per_s for each in figures[way][side])

    told = {
        f"{side}_{way}": [{"per_s": round(each.per_s), "p99_ms": round(each.p99_ms)} for each in figures[way][side]]
        for way in WAYS
        for side in ("kairos", "fastapi")
    }
    print(json.dumps(told | {"processes": PROCESSES}))
    print(f"place_vs_fastapi={median('place', 'kairos') / median('place', 'fastapi'):.2f}")
    ratio = median("list", "kairos") / median("list", "fastapi")
    print(f"bench-api: list_vs_fastapi={ratio:.2f} place_per_s={median('place', 'kairos'):.0f}")


if __name__ == "__main__":
    main()
