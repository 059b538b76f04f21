"""Starting the hostile broker, telling it what to do wrong, and reading what really happened."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit
from uuid import UUID

from markets.types import Side
from tests.servers.faults import Rule
from tests.servers.venue import plain

ROOT = Path(__file__).resolve().parents[2]
URL_NAME = "KAIROS_TEST_BROKER_URL"  # where the adapters look for it


@dataclass(frozen=True, slots=True)
class TrueOrder:
    """An order in the venue's book. `our_id` is '' for a stranger's."""

    key: str
    account: str
    our_id: str
    client_id: str
    instrument: str
    side: Side
    quantity: Decimal
    limit_price: Decimal | None
    at: datetime
    status: str  # "working", "filled", "canceled", "expired"
    filled_quantity: Decimal
    filled_amount: Decimal
    fees: Decimal  # and taxes


@dataclass(frozen=True, slots=True)
class TrueAccount:
    cash: Decimal
    units: dict[str, Decimal]


class ControlClient:
    """A hostile broker that is running somewhere on this machine."""

    def __init__(self, url: str) -> None:
        self.url = url

    def open_account(
        self,
        account: UUID | str,
        cash: Decimal | int,
        units: Mapping[str, Decimal | int] | None = None,
        currency: str = "KRW",
    ) -> None:
        held = {name: plain(Decimal(quantity)) for name, quantity in (units or {}).items()}
        self._tell("accounts", account=str(account), cash=plain(Decimal(cash)), units=held, currency=currency)

    def set_faults(self, *rules: Rule, seed: int = 0) -> None:
        """These rules instead of the ones before; none: healthy."""
        self._tell("faults", rules=[rule.as_data() for rule in rules], seed=seed)

    def advance(self, seconds: float) -> None:
        """Move the venue's clock: what is late arrives, what is hidden shows."""
        self._tell("advance", seconds=seconds)

    def set_price(self, instrument: str, price: Decimal | int) -> None:
        self._tell("prices", instrument=instrument, price=plain(Decimal(price)))

    def set_costs(self, instrument: str) -> None:
        """Charge what the dated tables say for a Korean stock; before, trading it is free."""
        self._tell("costs", instrument=instrument)

    def set_policy(self, parts: int, pace_seconds: float = 0.0) -> None:
        """Orders from now on fill in so many parts (0: never), that far apart."""
        self._tell("policy", parts=parts, pace_seconds=pace_seconds)

    def hide_lists(self, account: UUID | str, seconds: float) -> None:
        self._tell("hide", account=str(account), seconds=seconds)

    def order_by_a_stranger(
        self, account: UUID | str, instrument: str, side: Side, quantity: Decimal | int, limit_price: Decimal | int
    ) -> str:
        """An order the account's owner gives by another program; its key."""
        told = self._tell(
            "strangers",
            account=str(account),
            instrument=instrument,
            side=side.value,
            quantity=plain(Decimal(quantity)),
            type="limit",
            limit_price=plain(Decimal(limit_price)),
            time_in_force="day",
        )
        return f"{told['day']}-{told['branch']}-{told['number']}"

    def fill(self, key: str, quantity: Decimal | int, price: Decimal | int) -> None:
        self._tell("fill", key=key, quantity=plain(Decimal(quantity)), price=plain(Decimal(price)))

    def cancel_by_a_stranger(self, account: UUID | str, key: str) -> None:
        self._tell("cancel", account=str(account), key=key)

    def close_day(self) -> None:
        self._tell("close")

    def truth(self) -> dict[str, Any]:
        """{"now", "accounts", "orders", "late", "submissions": [{at, account, our_id, fault}], "requests": {"verb:fault": n}}."""
        return self._call("GET", "truth", None)

    def orders(self, account: UUID | str | None = None) -> list[TrueOrder]:
        """Every order in the book, oldest first; of one account if given."""
        told = self.truth() if account is None else self._tell("truth", account=str(account))
        return [_true_order(row) for row in told["orders"]]

    def account(self, account: UUID | str) -> TrueAccount:
        told = self._tell("truth", account=str(account))["account"]
        return TrueAccount(Decimal(told["cash"]), {name: Decimal(held) for name, held in told["units"].items()})

    def _tell(self, what: str, **data: Any) -> dict[str, Any]:
        return self._call("POST", what, json.dumps(data))

    def _call(self, method: str, what: str, body: str | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, f"/control/{what}", body)
            reply = connection.getresponse()
            told: dict[str, Any] = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(f"the hostile broker refuses {what}: {told}")
        return told


class HostileBroker(ControlClient):
    """A process of its own; ends with the `with` block, and with its parent."""

    def __init__(self, seed: int = 0) -> None:
        command = [sys.executable, "-m", "tests.servers.hostile", "--port", "0", "--seed", str(seed)]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        port = self._process.stdout.readline().strip()
        if not port.isdigit():
            self.stop()
            raise RuntimeError("the hostile broker did not start")
        super().__init__(f"http://127.0.0.1:{port}")

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def serve_this_process(self) -> None:
        """Let adapters opened in this process, and in its children, come here."""
        os.environ[URL_NAME] = self.url

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _true_order(row: Mapping[str, Any]) -> TrueOrder:
    return TrueOrder(
        key=row["key"],
        account=row["account"],
        our_id=row["our_id"],
        client_id=row["client_id"],
        instrument=row["instrument"],
        side=Side(row["side"]),
        quantity=Decimal(row["quantity"]),
        limit_price=None if row["limit_price"] is None else Decimal(row["limit_price"]),
        at=datetime.fromisoformat(row["at"]),
        status=row["status"],
        filled_quantity=Decimal(row["filled_quantity"]),
        filled_amount=Decimal(row["filled_amount"]),
        fees=sum((Decimal(each["fee"]) + Decimal(each["tax"]) for each in row["executions"]), Decimal(0)),
    )
