"""Which processes make up Kairos, and how each is started: one line per role."""

import secrets
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from config.environment import BASE_DIR
from config.supervision import embedded_redis

_Command = tuple[tuple[str, ...], Callable[[], None]]
MANAGE = str(BASE_DIR / "manage.py")
# Two pool processes: a long backtest must not stand in the way of the plans' evaluation. Prefork, because only there a
# task that overruns its time limit can be stopped.
WORKER_PROCESSES = 2
# One worker needs no talk with others: these save a connection and half a second at start.
_ALONE = ("--without-gossip", "--without-mingle", "--without-heartbeat")


@dataclass(frozen=True, slots=True)
class Role:
    """One process: the command that starts it, and what a forked copy of the supervisor calls instead."""

    name: str
    argv: tuple[str, ...]
    run: Callable[[], None] | None = None  # None: always a program of its own
    keeps: tuple[int, ...] = ()  # numbers of the supervisor's open files that it inherits


@dataclass(frozen=True, slots=True)
class FeedOptions:
    """Which market the feed shows: the simulator, or the replay of one instrument's stored bars."""

    replay: str = ""
    interval: str = ""
    speed: str = ""

    def arguments(self) -> list[str]:
        run = secrets.token_hex(8) if self.replay else ""  # a replay that was killed goes on where it stopped
        given = {"--replay": self.replay, "--interval": self.interval, "--speed": self.speed, "--run": run}
        return [part for option, value in given.items() if value for part in (option, value)]


def prepare_role(report: int, demo: bool) -> Role:
    """The process that migrates and seeds before the others start; it writes its report into the open file `report`."""
    arguments = (str(report), "demo" if demo else "")
    argv = (sys.executable, "-m", "config.supervision.prepare", *arguments)

    def run() -> None:
        from config.supervision.prepare import main

        main(*arguments)

    return Role("prepare", argv, run, keeps=(report,))


def redis_role(socket: Path) -> Role:
    return Role("redis", embedded_redis.command(socket, embedded_redis.valkey_binary()))


def kairos_roles(listener: int, feed: FeedOptions, *, has_kis: bool = False) -> list[Role]:
    """The five processes of design.md, in the order in which they start. `listener` is an open socket's number.

    With `has_kis` the real market of KRX has a feed of its own beside the simulated one.
    """
    return [
        Role("web", *_daphne(listener), keeps=(listener,)),
        Role("dispatch", *_manage("dispatch")),
        Role("feed", *_manage("feed", *feed.arguments())),
        *([Role("feed-kis", *_manage("feed", "--kis"))] if has_kis else []),
        Role("worker", *_celery("worker", "--pool=prefork", f"--concurrency={WORKER_PROCESSES}", *_ALONE)),
        Role("beat", *_celery("beat", "--pidfile=", "--max-interval=1")),
    ]


def _manage(command: str, *arguments: str) -> _Command:
    def run() -> None:
        from django.core.management import call_command

        call_command(command, *arguments)

    return (sys.executable, MANAGE, command, *arguments), run


def _celery(*arguments: str) -> _Command:
    argv = ("--quiet", "--skip-checks", "--app=config", *arguments)

    def run() -> None:
        from celery.bin.celery import celery

        # It says so at every start of a newcomer's container; our image has a user of its own (Dockerfile).
        warnings.filterwarnings("ignore", message="You're running the worker with superuser")
        celery.main(args=list(argv), prog_name="celery")

    return (sys.executable, "-m", "celery", *argv), run


def _daphne(listener: int) -> _Command:
    argv = ("--verbosity=0", f"--fd={listener}", "--application-close-timeout=3", "config.asgi:application")

    def run() -> None:
        from daphne.cli import CommandLineInterface

        CommandLineInterface().run(list(argv))

    return (sys.executable, "-m", "daphne", *argv), run
