"""Starting the sandbox from a test, telling it what to do, reading the truth."""

import http.client
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[3]


class SandboxControl:
    """A sandbox that is running somewhere on this machine; `url` is its control address."""

    def __init__(self, url: str) -> None:
        self.url = url

    def tell(self, wish: str, **data: Any) -> dict[str, Any]:
        """One of the routes of `control.Control`. Raises ValueError where it refuses."""
        return self._call("POST", wish, json.dumps(data))

    def set_faults(self, *rules: dict[str, Any], seed: int = 0) -> None:
        """These instead of the ones before; none: healthy."""
        self.tell("faults", rules=list(rules), seed=seed)

    def truth(self) -> dict[str, Any]:
        return self._call("GET", "truth", None)

    def sessions(self) -> dict[str, Any]:
        return self._call("GET", "sessions", None)

    def sent(self) -> list[tuple[float, str, str]]:
        """(seconds since the epoch, channel, text) of the frames that left, oldest first."""
        return [(row[0], row[1], row[2]) for row in self._call("GET", "sent", None)["frames"]]

    def _call(self, method: str, what: str, body: str | None) -> dict[str, Any]:
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=20)
        try:
            connection.request(method, f"/control/{what}", body)
            reply = connection.getresponse()
            told: dict[str, Any] = json.loads(reply.read())
        finally:
            connection.close()
        if reply.status != 200:
            raise ValueError(f"the sandbox refuses {what}: {told}")
        return told


class KisSandbox(SandboxControl):
    """A process of its own; ends with the `with` block, and with its parent. `options` are its command line's."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "tests.servers.kis", "--port", "0", *options]
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith("{"):
            self.stop()
            raise RuntimeError("the KIS sandbox did not start")
        told = json.loads(line)
        super().__init__(told["control"])
        self.rest: dict[str, str] = {name: told[name]["rest"] for name in ("live", "paper")}
        self.ws: dict[str, str] = {name: told[name]["ws"] for name in ("live", "paper")}

    @property
    def pid(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(10)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
