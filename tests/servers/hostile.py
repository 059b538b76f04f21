"""A real HTTP server that is a brokerage at its worst: `python -m tests.servers.hostile --port 0 --seed 1`.

The first line it prints is its port. It ends on SIGTERM and when its parent dies. What it does wrong, and the truth behind
its replies, are set and read under /control (see `control.py`). It listens on this machine only.
"""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NoReturn
from urllib.parse import parse_qs, unquote, urlsplit

from markets.types import InstrumentKind, InstrumentRules
from tests.servers import dialect
from tests.servers.exchange import Exchange
from tests.servers.faults import Fault, FaultPlan, Rule, Verb
from tests.servers.venue import Policy, Refusal

Answer = tuple[int, dict[str, Any]]
NO_CODE: Answer = (500, {"code": "internal"})
RATE_LIMITED: Answer = (429, {"code": "rate_limited"})


class Hostile:
    """The venue, its clock and its faults; what the handlers of all connections share."""

    def __init__(self, seed: int) -> None:
        self._lock = threading.Lock()
        self._offset = timedelta(0)
        self._plan = FaultPlan(seed=seed)
        self._submissions: list[dict[str, Any]] = []
        self._counts: Counter[str] = Counter()
        self.exchange = Exchange(self.now)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def draw(self, verb: Verb, account: str, our_id: str, *, later_page: bool) -> tuple[Rule | None, int]:
        """The fault that strikes this request, if any, and which form of garbage it would be. Writes the request down."""
        with self._lock:
            rule = self._plan.draw(verb, later_page=later_page)
            fault = rule.fault if rule else "healthy"
            self._counts[f"{verb}:{fault}"] += 1
            if verb is Verb.SUBMIT:
                told = {"at": self.now().isoformat(), "account": account, "our_id": our_id, "fault": fault}
                self._submissions.append(told)
            return rule, self._plan.any_of(dialect.GARBAGE_FORMS)

    def control(self, what: str, data: dict[str, Any]) -> dict[str, Any]:
        """Raises KeyError, ValueError or Refusal for a wish that cannot be."""
        match what:
            case "accounts":
                units = {name: Decimal(held) for name, held in data["units"].items()}
                self.exchange.open_account(data["account"], Decimal(data["cash"]), units, data["currency"])
            case "faults":
                rules = [Rule.from_data(each) for each in data["rules"]]
                with self._lock:
                    self._plan = FaultPlan(rules, int(data["seed"]))
            case "advance":
                with self._lock:
                    self._offset += timedelta(seconds=float(data["seconds"]))
            case "prices":
                self.exchange.set_price(data["instrument"], Decimal(data["price"]))
            case "costs":
                self.exchange.set_costs(_korean_stock(data["instrument"]))
            case "policy":
                self.exchange.set_policy(Policy(int(data["parts"]), float(data["pace_seconds"])))
            case "hide":
                self.exchange.hide_lists(data["account"], float(data["seconds"]))
            case "strangers":
                return dialect.accepted(self.exchange.submit(dialect.asked("plain", data, our_id="")))
            case "fill":
                self.exchange.fill(data["key"], Decimal(data["quantity"]), Decimal(data["price"]))
            case "cancel":
                self.exchange.cancel(data["account"], data["key"])
            case "close":
                self.exchange.close_day()
            case _:
                raise KeyError(what)
        return {}

    def truth(self) -> dict[str, Any]:
        with self._lock:
            told = {"submissions": list(self._submissions), "requests": dict(self._counts)}
        return self.exchange.truth() | told


class Handler(BaseHTTPRequestHandler):
    """One connection, one request."""

    timeout = 20
    hostile: Hostile  # set by `serve`

    def do_GET(self) -> None:
        self._serve(b"")

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Silent: the checkers read the truth."""

    def _serve(self, body: bytes) -> None:
        parts = urlsplit(self.path)
        form, *names = [unquote(part) for part in parts.path.strip("/").split("/")]
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        data = json.loads(body) if body else {}
        if form == "control":
            self._reply(*self._control(names[0], data))
        elif form in dialect.FORMS:
            self._venue(form, names, query, data)
        else:
            self._reply(404, {"code": "no_such_path"})

    def _control(self, what: str, data: dict[str, Any]) -> Answer:
        if self.command == "GET":
            return 200, self.hostile.truth()
        try:
            if what == "truth":
                return 200, self.hostile.exchange.truth_of(data["account"])
            return 200, self.hostile.control(what, data)
        except (KeyError, ValueError, ArithmeticError, Refusal) as e:
            return 400, {"code": repr(e)}

    def _venue(self, form: str, names: list[str], query: dict[str, str], data: dict[str, Any]) -> None:
        our_id = self.headers.get("X-Order", "")
        account = str(data.get("account", query.get("account", "")))
        act: Callable[[], object]
        match self.command, names:
            case "POST", ["orders"]:
                verb, act = Verb.SUBMIT, partial(self._submit, form, data, our_id)
            case "POST", ["cancels"]:
                verb, act = Verb.CANCEL, partial(self._cancel, form, data)
            case "GET", ["orders"]:
                verb, act = Verb.LIST, partial(self._list, form, account, query)
            case "GET", ["orders", client_id] if form == "plainid":
                verb, act = Verb.FIND, partial(self._find, account, client_id)
            case "GET", ["holdings"]:
                verb, act = Verb.HOLDINGS, partial(self._holdings, account)
            case _:
                self._reply(404, {"code": "no_such_path"})
                return
        rule, kind = self.hostile.draw(verb, account, our_id, later_page=bool(query.get("after")))
        self._carry_out(rule, kind, partial(_answer, act), account)

    def _carry_out(self, rule: Rule | None, kind: int, act: Callable[[], Answer], account: str) -> None:
        """Do what was asked, and reply, as far as the fault lets either happen."""
        match rule.fault if rule else None:
            case None:
                self._reply(*act())
            case Fault.DROP_BEFORE:
                self._drop()
            case Fault.DROP_AFTER:
                act()
                self._drop()
            case Fault.ACCEPT_LATE if rule:
                self.hostile.exchange.later(rule.seconds, act)
                self._drop()
            case Fault.ERROR_BEFORE | Fault.PAGE_FAILS:
                self._reply(*NO_CODE)
            case Fault.ERROR_AFTER:
                act()
                self._reply(*NO_CODE)
            case Fault.GARBAGE:
                _status, told = act()
                self._send(200, dialect.garbage(kind, json.dumps(told).encode()))
            case Fault.RATE_LIMITED:
                self._reply(*RATE_LIMITED)
            case Fault.DUPLICATE_ROWS:
                status, told = act()
                self._reply(status, told | {"rows": [row for row in told.get("rows", []) for _twice in range(2)]})
            case Fault.HIDDEN if rule:
                self._hide(rule, act, account)
            case _:
                raise AssertionError(rule)

    def _hide(self, rule: Rule, act: Callable[[], Answer], account: str) -> None:
        """An order arrives unheard and unseen; a list that is asked for is empty."""
        self.hostile.exchange.hide_lists(account, rule.seconds)
        answer = act()
        if rule.verb is Verb.LIST:
            self._reply(*answer)
        else:
            self._drop()

    def _submit(self, form: str, data: dict[str, Any], our_id: str) -> dict[str, Any]:
        return dialect.accepted(self.hostile.exchange.submit(dialect.asked(form, data, our_id)))

    def _cancel(self, form: str, data: dict[str, Any]) -> dict[str, Any]:
        self.hostile.exchange.cancel(str(data["account"]), str(data["key"]))
        return {"code": "taken" if form == "plain" else "confirmed"}

    def _list(self, form: str, account: str, query: dict[str, str]) -> dict[str, Any]:
        since = datetime.fromisoformat(query["since"])
        orders, is_end = self.hostile.exchange.page(account, since, query.get("after", ""))
        return {"code": "ok", "rows": [dialect.row(form, order) for order in orders], "end": is_end}

    def _find(self, account: str, client_id: str) -> dict[str, Any]:
        order = self.hostile.exchange.find(account, client_id)
        return {"code": "not_found"} if order is None else {"code": "ok", "order": dialect.row("plainid", order)}

    def _holdings(self, account: str) -> dict[str, Any]:
        return dialect.holdings(self.hostile.exchange.holdings(account))

    def _reply(self, status: int, data: dict[str, Any]) -> None:
        self._send(status, json.dumps(data).encode())

    def _send(self, status: int, body: bytes) -> None:
        with suppress(OSError):  # whoever asked is gone
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    def _drop(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)


def _korean_stock(key: str) -> InstrumentRules:
    return InstrumentRules(
        key=key,
        kind=InstrumentKind.STOCK,
        currency="KRW",
        tick_table="krx-stock",
        calendar="always",
        price_decimals=0,
        quantity_decimals=0,
        cash_decimals=0,
        lot=Decimal(1),
        min_quantity=Decimal(1),
        min_amount=Decimal(0),
        price_limit_rate=None,
    )


def _answer(act: Callable[[], dict[str, Any]]) -> Answer:
    try:
        return 200, act()
    except Refusal as e:
        return 400, {"code": e.code}


def serve(port: int, seed: int) -> NoReturn:
    """Until SIGTERM, or until the parent is gone."""
    handler = type("BoundHandler", (Handler,), {"hostile": Hostile(seed)})
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        server.daemon_threads = True
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
        print(server.server_address[1], flush=True)
        server.serve_forever(poll_interval=0.1)
    raise SystemExit(0)


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


def main() -> NoReturn:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--port", type=int, default=0)
    reader.add_argument("--seed", type=int, default=0)
    given = reader.parse_args()
    serve(given.port, given.seed)


if __name__ == "__main__":
    main()
