"""`make bench-kis`: from a frame leaving the KIS sandbox to the price in a browser, 40 instruments at 10 frames a second each.

The sandbox, `manage.py feed --kis`, web and the rest are processes of their own, as in a real run; the browser is Chromium with
the page of prices open. A frame that another overtook on its way counts from its own leaving to the price that came instead.
"""

import argparse
import bisect
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import websocket

from markets.calendars import load_default
from tests.e2e.browser import Visit, launched_chromium
from tests.e2e.running import ROOT, RunningKairos, wait_until
from tests.servers.kis.access import default_key
from tests.servers.kis.client import KisSandbox

INSTRUMENTS = 40
PER_SECOND = 10.0
SECONDS = 30.0
WARM_UP = 5.0
PAGE = "/markets/"
INTO_THE_DAY = timedelta(hours=1)
EMAIL, PASSWORD = "bench@kairos.example", "a pass phrase of the bench"
READY = 240.0
PATIENCE_MS = 90_000
TALL = {"width": 1440, "height": 4000}  # every row in sight: what is out of sight is not written
# In the page: what each message said, and when its price, or one that came after it, stood in the row.
RECORD = """() => {
  window.heard = []
  const waiting = new Map()
  let looks = false
  const look = () => {
    for (const [key, quotes] of waiting) {
      const cell = document.querySelector(`tr[data-quote="${key}"] [data-field="price"]`)
      const shown = Number(cell?.textContent.replaceAll(",", "") || "NaN")
      const last = quotes.findLastIndex(({ price }) => Number(price) === shown)
      if (last >= 0) window.heard.push([Date.now(), JSON.stringify({ quotes: quotes.splice(0, last + 1) })])
      if (!quotes.length) waiting.delete(key)
    }
    looks = waiting.size > 0
    if (looks) requestAnimationFrame(look)
  }
  const Native = WebSocket
  window.WebSocket = class extends Native {
    constructor(...a) {
      super(...a)
      this.addEventListener("message", ({ data }) => {
        for (const quote of JSON.parse(data).quotes ?? []) waiting.set(quote.key, [...(waiting.get(quote.key) ?? []), quote])
        if (!looks) { looks = true; requestAnimationFrame(look) }
      })
    }
  }
}"""


def trading_morning() -> str:
    """Ten o'clock of a trading day that has not come: the sandbox's tokens must not have run out by our clock."""
    at = load_default()["krx"].next_open(datetime.now(UTC) + timedelta(days=1)) + INTO_THE_DAY
    return at.isoformat()


@contextmanager
def market(quirks: dict[str, Any] | None = None) -> Iterator[tuple[KisSandbox, list[str]]]:
    """The sandbox on a trading day's morning, with 40 symbols; their codes."""
    with KisSandbox("--at", trading_morning()) as sandbox:
        sandbox.tell("quirks", ping_seconds=1.0, **(quirks or {}))
        sandbox.tell("limits", live=1000, paper=1000)
        codes = [f"10{n:04d}" for n in range(INSTRUMENTS)]
        for n, code in enumerate(codes):
            sandbox.tell("symbol", code=code, name=f"종목 {n}", base=50_000 + 500 * n)
        yield sandbox, codes


def environment(sandbox: KisSandbox) -> dict[str, str]:
    """Settings that point Kairos to the sandbox; only a test's may."""
    urls = {f"KAIROS_KIS_{name.upper()}_REST": url for name, url in sandbox.rest.items()}
    urls |= {f"KAIROS_KIS_{name.upper()}_WS": url for name, url in sandbox.ws.items()}
    return {"KAIROS_ENV": "test", "KAIROS_KIS_PAPER_LIMIT": "1000", "ALLOWED_HOSTS": "127.0.0.1", **urls}


def set_up(kairos: RunningKairos, codes: Sequence[str]) -> str:
    """A person with a practice account whose key is the sandbox's, and the sandbox's symbols to look at; their session."""
    key = default_key("paper")
    told = {
        "email": EMAIL,
        "password": PASSWORD,
        "codes": list(codes),
        "key": key.appkey,
        "secret": key.appsecret,
        "account": key.accounts[0],
        "hts": key.hts_id,
    }
    script = f"""
import json
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from accounts.models import User
from brokers.kis.services.registration import TypedKey
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument
from trading.services.running import account_keys
told = json.loads({json.dumps(json.dumps(told))})
owner = User.objects.create_user(told["email"], told["password"])
for code in told["codes"]:
    Instrument.objects.create(venue="KRX", symbol=code, name_ko=f"종목 {{code}}", name_en=code, kind="stock", currency="KRW",
        tick_table="krx-stock", calendar="krx", price_limit_rate="0.3")
typed = TypedKey(told["key"], told["secret"], told["account"], told["hts"])
row = account_keys.register_kis(owner, "한국투자 모의", Environment.PAPER, typed)
BrokerAccount.objects.filter(pk=row.account_id).update(is_active=True)
session = SessionStore()
for name, value in ((SESSION_KEY, str(owner.pk)), (BACKEND_SESSION_KEY, settings.AUTHENTICATION_BACKENDS[0]),
        (HASH_SESSION_KEY, owner.get_session_auth_hash())):
    session[name] = value
session.save()
print("session=" + session.session_key)
"""
    done = kairos.manage("shell", "-c", script, seconds=120)
    found = re.search(r"session=(\w+)", done.stdout)
    if found is None:
        raise RuntimeError(done.stdout + done.stderr)
    return found[1]


@contextmanager
def feed(kairos: RunningKairos, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`manage.py feed --kis` beside the rest."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "feed", "--kis"], cwd=ROOT, env=kairos.environment, stdout=out, stderr=out
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def registered(sandbox: KisSandbox) -> int:
    return sum(len(session["subscribed"]) for session in sandbox.sessions()["paper"]["open"])


class Watcher(Protocol):
    """Somebody who looks at the prices."""

    def heard(self, seconds: float) -> list[tuple[float, str]]:
        """What came in so long: each message with the time its price could be seen (seconds since 1970)."""
        ...


class Page:
    """Chromium with the page of prices open; seen is what stands in its rows."""

    def __init__(self, visit: Visit) -> None:
        self._page = visit.page
        visit.context.set_default_timeout(PATIENCE_MS)
        visit.context.add_init_script(f"({RECORD})()")
        visit.sign_in(EMAIL, PASSWORD)
        visit.open(PAGE)

    def heard(self, seconds: float) -> list[tuple[float, str]]:
        self._page.evaluate("window.heard = []")
        self._page.wait_for_timeout(seconds * 1000)
        return [(at / 1000, text) for at, text in self._page.evaluate("window.heard")]


class Client:
    """A bare client of /ws/quotes/ that asks for the same; seen is what has been read."""

    def __init__(self, kairos: RunningKairos, session: str, codes: Sequence[str]) -> None:
        url = kairos.url.replace("http", "ws", 1)
        self._socket = websocket.create_connection(
            f"{url}/ws/quotes/", cookie=f"sessionid={session}", origin=kairos.url, timeout=PATIENCE_MS / 1000
        )
        self._socket.send(json.dumps({"subscribe": [f"KRX:{code}" for code in codes]}))

    def heard(self, seconds: float) -> list[tuple[float, str]]:
        found = []
        self._socket.settimeout(0.2)
        until = time.time() + seconds
        while time.time() < until:
            with suppress(websocket.WebSocketTimeoutException):
                text = str(self._socket.recv())
                found.append((time.time(), text))
        return found


def shown(messages: Sequence[tuple[float, str]]) -> dict[str, list[tuple[int, float]]]:
    """By symbol: the day's volume each price stands for, and when it was shown; in order."""
    found: dict[str, list[tuple[int, float]]] = defaultdict(list)
    for at, text in messages:
        told = json.loads(text)
        for quote in told.get("quotes", []):
            code = quote["key"].partition(":")[2]
            volume = int(quote["day_volume"])
            if not found[code] or volume > found[code][-1][0]:
                found[code].append((volume, at))
    return found


def delays(sent: Sequence[tuple[float, str, str]], shown_at: dict[str, list[tuple[int, float]]]) -> list[float]:
    """For every trade frame: milliseconds until its price, or a later one, was shown. Frames after the last are left out."""
    found = []
    for left_at, channel, text in sent:
        if channel != "H0STCNT0":
            continue
        fields = text.split("|", 3)[3].split("^")
        code, volume = fields[0], int(fields[13])
        prices = shown_at.get(code, [])
        place = bisect.bisect_left(prices, (volume, 0.0))
        if place < len(prices) and prices[0][0] <= volume:
            found.append((prices[place][1] - left_at) * 1000)
    return sorted(found)


def measured(watcher: Watcher, sandbox: KisSandbox, codes: Sequence[str], seconds: float) -> str:
    watcher.heard(1.0)
    wait_until(lambda: registered(sandbox) > INSTRUMENTS, PATIENCE_MS / 1000, "not everything is registered")
    sandbox.tell("flow", codes=list(codes), per_second=PER_SECOND)
    watcher.heard(WARM_UP)
    began = time.time()
    messages = watcher.heard(seconds)
    ended = time.time() - 1.0
    sandbox.tell("flow", codes=[], per_second=0)
    sent = [row for row in sandbox.sent() if began <= row[0] <= ended]
    took = delays(sent, shown(messages))
    if len(took) < 0.9 * len(sent):
        raise RuntimeError(f"only {len(took)} of {len(sent)} frames were seen")
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    return f"frames_per_s={len(sent) / (ended - began):.0f} p50_ms={p50:.0f} p99_ms={p99:.0f}"


def run(folder: Path, seconds: float, *, has_browser: bool) -> str:
    """Everything started, measured and ended; the figures."""
    log = folder / "feed.log"
    with market() as (sandbox, codes):
        kairos = RunningKairos(folder / "var", "--no-demo", environment=environment(sandbox)).start()
        try:
            kairos.wait_until_ready(READY)
            session = set_up(kairos, codes)
            with feed(kairos, log):
                try:
                    if not has_browser:
                        return measured(Client(kairos, session, codes), sandbox, codes, seconds)
                    with launched_chromium() as browser:
                        return measured(Page(Visit(browser, kairos.url, viewport=TALL)), sandbox, codes, seconds)
                except Exception:
                    print(
                        f"registered: {registered(sandbox)}", log.read_text()[-3000:], kairos.errors(), file=sys.stderr
                    )
                    raise
        finally:
            kairos.end()


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seconds", type=float, default=SECONDS)
    reader.add_argument("--no-browser", action="store_true", help="measure to a bare client of the socket")
    given = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        print("bench-kis:", run(Path(folder), given.seconds, has_browser=not given.no_browser), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
