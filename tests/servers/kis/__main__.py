"""`python -m tests.servers.kis --port 0`: the sandbox as a process of its own, on this machine only.

It prints one line of JSON: {"control": URL, "live": {"rest", "ws"}, "paper": {"rest", "ws"}}. With a port P the five are
P (control), P+1 and P+2 (live REST and WebSocket), P+3 and P+4 (paper); with 0 they are any that are free. It ends on
SIGTERM, and when its parent dies.
"""

import argparse
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NoReturn

from tests.servers.kis import control, control_http, lines, rest, stream
from tests.servers.kis.access import LIVE, PAPER, default_key
from tests.servers.kis.clock import KST
from tests.servers.kis.sandbox import Sandbox
from tests.servers.kis.tape import Feed

CATCH_UP_SECONDS = 0.05


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main() -> NoReturn:
    parent = os.getppid()  # before anybody can know that this runs, and die
    given = _arguments()
    sandbox = Sandbox(start=given.at, speed=given.speed, always=given.hours == "always", seed=given.seed)
    hubs = {environment: stream.Hub(sandbox, environment) for environment in (LIVE, PAPER)}
    feed = Feed(sandbox, hubs, given.seed)
    handlers: list[type[BaseHTTPRequestHandler]] = [control_http.bound(control.Control(sandbox, hubs, feed))]
    for environment in (LIVE, PAPER):
        handlers += [rest.bound(sandbox, environment), lines.bound(hubs[environment])]
    urls = [_serve(handler, given.port + place if given.port else 0) for place, handler in enumerate(handlers)]
    feed.flow(sorted(sandbox.market.issues), given.flow, books=True)
    told = {
        "control": f"http://{urls[0]}",
        "live": {"rest": f"http://{urls[1]}", "ws": f"ws://{urls[2]}"},
        "paper": {"rest": f"http://{urls[3]}", "ws": f"ws://{urls[4]}"},
    }
    print(json.dumps(told), flush=True)
    if given.say:
        _say(told)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        while os.getppid() == parent:
            time.sleep(CATCH_UP_SECONDS)
            sandbox.catch_up()
    except KeyboardInterrupt:
        sys.exit(0)
    sys.exit(0)


def _serve(handler: type[BaseHTTPRequestHandler], port: int) -> str:
    server = Server(("127.0.0.1", port), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"


def _say(told: Mapping[str, object]) -> None:
    """For people: what to give a program that is to talk to this."""
    print(f"control {told['control']}  (docs/kis-sandbox.md)", flush=True)
    for environment in (LIVE, PAPER):
        key = default_key(environment)
        print(f"{environment:5} {told[environment]}", flush=True)
        print(f"      appkey {key.appkey}  account {key.accounts[0]}  HTS id {key.hts_id}", flush=True)
        print(f"      appsecret {key.appsecret}", flush=True)


def _arguments() -> argparse.Namespace:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--hours", choices=("krx", "always"), default="krx", help="when the market trades")
    reader.add_argument("--at", type=_time, help="the clock's start, Korean time: 2026-11-20T09:00:00")
    reader.add_argument("--speed", type=float, default=1.0, help="seconds of its clock per second; 0: it stands")
    reader.add_argument("--seed", type=int, default=0)
    reader.add_argument(
        "--flow", type=float, default=0.0, help="market trades per second and symbol, each with the book after it"
    )
    reader.add_argument("--say", action="store_true", help="say for people too what to use")
    return reader.parse_args()


def _time(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=KST)


if __name__ == "__main__":
    main()
