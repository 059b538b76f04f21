"""`manage.py up`: the whole of Kairos under one command."""

import importlib
import os
import sys
from argparse import ArgumentParser
from functools import partial
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from config.environment import Mode
from config.folders import UnusableFolder, require_writable
from config.supervision.preflight import CannotStart, hold_lock, listen, require_modules, require_redis
from config.supervision.processes import can_fork_after_import
from config.supervision.roles import FeedOptions, kairos_roles, redis_role
from config.supervision.supervisor import Supervisor, Watch

STANDS_STILL = 180.0  # seconds without progress (reliability.md, I48)
LOOKS_EVERY = 15.0
SIMULATED = "시세와 체결은 모두 모의입니다 / every price and fill is simulated."
REAL_PRICES = "증권사 키가 연결되면 KRX는 실제 시세입니다 / KRX has real prices once a broker's key is connected."
SHARED_MODULES = (
    "talib",  # pages never load it themselves; worker, dispatch and feed all do
    "config.urls",
    "config.tasks",
    "trading.tasks",
    "trading.management.commands.dispatch",
    "trading.management.commands.feed",
    "celery.apps.worker",
    "celery.apps.beat",
    "celery.bin.celery",
    "celery.worker.consumer",
    "celery.concurrency.prefork",
    "django_celery_beat.schedulers",
    "kombu.transport.redis",
    "channels_redis.pubsub",
)


class Command(BaseCommand):
    help = "Start web, worker, dispatch, beat and feed, with Redis where none is given; Ctrl-C stops all of them."
    requires_system_checks: list[str] = []  # `make lint` checks; here every second counts

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")
        parser.add_argument("--kis", action="store_true", help="KRX as Korea Investment tells it, once there is a key")
        parser.add_argument("--replay", default="", metavar="KEY", help="show the stored bars of KRX:005930, say")
        parser.add_argument("--interval", default="", help="the bars' interval, for --replay: 1d")
        parser.add_argument("--speed", default="", help="market seconds per second, or max")

    def handle(self, *_args: Any, **options: Any) -> None:
        environment = settings.ENVIRONMENT
        os.umask(0o077)  # the database is its owner's alone, whatever folder it lies in
        own_redis = None if environment.redis_url else environment.redis_socket
        try:
            require_modules()
            require_writable(environment.var_dir)
            if environment.sqlite_file:
                require_writable(environment.sqlite_file.parent)
            lock = hold_lock(environment.var_dir)
            listener = listen(environment.host, environment.port)
            if own_redis is None:
                require_redis(environment.redis_url)
            if can_fork_after_import():
                _load_what_children_share()
            supervisor = Supervisor(listener, _watch(listener), own_redis, private=[lock])
            supervisor.run(
                kairos_roles(
                    listener.fileno(),
                    FeedOptions(options["replay"], options["interval"], options["speed"]),
                    has_kis=options["kis"],
                ),
                redis_role(environment.redis_socket),
                demo=environment.mode is not Mode.PRODUCTION and not options["no_demo"],
                announce=partial(self._announce, options["kis"]),
            )
        except (CannotStart, UnusableFolder) as e:
            sys.exit(f"Kairos cannot start: {e}")

    def _announce(self, has_kis: bool, sign_in: str) -> None:
        environment = settings.ENVIRONMENT
        host = f"[{environment.host}]" if ":" in environment.host else environment.host
        email, _, password = sign_in.partition(" ")
        demo = f" — 데모 로그인 / demo sign-in: {email} {password} (한 번만 표시 / shown once)" if sign_in else ""
        self.stdout.write(f"Kairos: http://{host}:{environment.port}/{demo}", ending="\n")
        self.stdout.write(f"{REAL_PRICES if has_kis else SIMULATED} Ctrl-C: 종료 / stop.")
        self.stdout.flush()


def _load_what_children_share() -> None:
    """Import once what several children need. Only modules: no connection, no thread, no event loop."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy's helper would start threads while being imported
    for name in SHARED_MODULES:
        importlib.import_module(name)


def _watch(listener: Any) -> Watch:
    address = listener.getsockname()
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 where it listens, not where we call
    called = (everywhere.get(address[0], address[0]), *address[1:])
    scale = settings.ENVIRONMENT.time_scale
    return Watch(called, settings.ALLOWED_HOSTS[0].lstrip("."), STANDS_STILL / scale, LOOKS_EVERY / scale)
