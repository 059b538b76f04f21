"""`make kis-storm`: the stream of one KIS key while its line is cut over and over, and while nobody answers at all.

First the real stream against the sandbox's socket, cut as soon as all its registrations stand, without the pauses a server is
spared: does it come back whole each time, and does memory grow? Then its pauses, as it would keep them, while every connection is
refused: how often would it knock in the first minute, and in an hour?
"""

import argparse
import gc
import logging
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from brokers.kis.credentials import Credentials
from brokers.kis.frames import Channel
from brokers.kis.live.mailbox import Mailbox
from brokers.kis.live.registrations import MOST, Registration
from brokers.kis.stream import KisStream, Socket
from brokers.kis.token_memory import TokenMemory
from brokers.kis.tokens import TokenKind, Tokens
from brokers.protocol import Environment
from brokers.wire.client import WireClient
from tests.servers.kis.access import default_key
from tests.servers.kis.client import KisSandbox

CUTS = 500
SETTLED = 100  # cuts after which memory is first looked at
PATIENCE = 120.0  # seconds for one return
FRAMES_PER_SECOND = 10.0  # of each instrument


class Approval:
    """One approval key for all connections, as a key has."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    def approval_key(self) -> str:
        return self._tokens.current(TokenKind.APPROVAL).value

    def discard_approval(self, value: str) -> None:
        """The sandbox takes it as long as it lives."""


def rss_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def open_files() -> int:
    return sum(1 for _file in Path("/proc/self/fd").iterdir())


def wait_for(what: Callable[[], bool]) -> None:
    """Raises TimeoutError."""
    until = time.monotonic() + PATIENCE
    while not what():
        if time.monotonic() > until:
            raise TimeoutError("the stream did not come back whole")
        time.sleep(0.002)


def storm(cuts: int) -> None:
    with KisSandbox("--hours", "always") as sandbox:
        sandbox.tell("limits", live=1000, paper=1000)
        codes = [f"10{n:04d}" for n in range(MOST)]
        for n, code in enumerate(codes):
            sandbox.tell("symbol", code=code, name=f"종목 {n}", base=50_000 + 500 * n)
        sandbox.tell("flow", codes=codes, per_second=FRAMES_PER_SECOND)
        key, mailbox = default_key("paper"), Mailbox()
        who = Credentials(Environment.PAPER, key.appkey, key.appsecret, key.accounts[0][:8], key.accounts[0][8:])
        tokens = Tokens(WireClient(sandbox.rest["paper"]), who, TokenMemory(), lambda: datetime.now(UTC))
        stream = KisStream(
            sandbox.ws["paper"],
            Approval(tokens),
            mailbox,
            clock=time.monotonic,
            venue_now=lambda: datetime.now(UTC),
            chance=lambda: 0.0,
            wait=lambda _seconds: time.sleep(0.001),
        )
        stream.want([Registration(Channel.TRADES, code) for code in codes])
        stream.start()
        early = files = 0.0
        slowest = trades = 0.0
        for number in range(cuts + 1):
            began = time.monotonic()
            wait_for(lambda: len(stream.state().registered) == MOST)
            slowest = max(slowest, time.monotonic() - began)
            trades += len(mailbox.take(0.2).trades)
            if number == min(SETTLED, cuts // 2):
                gc.collect()
                early, files = rss_mib(), open_files()
            if number < cuts:
                sandbox.tell("cut", environment="paper")
                wait_for(lambda: len(stream.state().registered) < MOST)
        gc.collect()
        state = stream.state()
        print(
            f"kis-storm: cuts={cuts} connections={state.connections} whole_again={cuts} slowest_return_s={slowest:.2f}"
            f" trades={trades:.0f} rss_mib={early:.1f}->{rss_mib():.1f} files={files:.0f}->{open_files()}"
            f" threads={threading.active_count()}"
        )
        stream.stop()


def knocks(seconds: float) -> int:
    """How many connections are tried within so many seconds while each is refused; pauses are counted, not waited."""
    passed = [0.0]
    tried: list[float] = []
    ended = threading.Event()

    def refused(_url: str) -> Socket:
        tried.append(passed[0])
        raise ConnectionRefusedError

    def pause(length: float) -> None:
        passed[0] += length
        if passed[0] > seconds:
            ended.set()
            stream.ask_to_stop()

    class Known:
        def approval_key(self) -> str:
            return "known"

        def discard_approval(self, value: str) -> None:
            """It is not what is refused."""

    stream = KisStream(
        "ws://127.0.0.1:1",
        Known(),
        Mailbox(),
        clock=lambda: passed[0],
        venue_now=lambda: datetime.now(UTC),
        chance=lambda: 0.0,
        connect=refused,
        wait=pause,
    )
    stream.start()
    ended.wait(PATIENCE)
    stream.stop()
    return sum(at <= seconds for at in tried)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=CUTS)
    logging.getLogger("brokers.kis.stream").setLevel(logging.ERROR)  # what it says of each cut is known here
    storm(parser.parse_args().cuts)
    print(f"kis-storm: refused first_minute={knocks(60)} first_hour={knocks(3600)}")


if __name__ == "__main__":
    main()
