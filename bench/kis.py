"""`make bench-kis`: from a frame leaving the KIS sandbox to the price in a browser, 40 instruments at 10 frames a second each.

The sandbox, `manage.py feed --kis`, web and the rest are processes of their own, as in a real run; the browser is Chromium with
the page of prices open. A frame that another overtook on its way counts from its own leaving to the price that came instead.
"""

import argparse
import bisect
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from tests.e2e.browser import Visit, launched_chromium
from tests.e2e.running import ROOT, RunningKairos, wait_until
from tests.servers.kis.access import default_key
from tests.servers.kis.client import KisSandbox

INSTRUMENTS = 40
PER_SECOND = 10.0
SECONDS = 30.0
WARM_UP = 5.0
PAGE = "/markets/"
OPENED = "2026-11-20T10:00:00"  # a Friday morning in Seoul
EMAIL, PASSWORD = "bench@kairos.example", "a pass phrase of the bench"
READY = 240.0
PATIENCE_MS = 90_000
# In the page: when each message was there, and what it said. The socket's own handler has shown it by the next frame.
RECORD = """() => {
  window.heard = []
  const Native = WebSocket
  window.WebSocket = class extends Native {
    constructor(...a) {
      super(...a)
      this.addEventListener("message", ({ data }) => requestAnimationFrame(() => window.heard.push([Date.now(), data])))
    }
  }
}"""


@contextmanager
def market(quirks: dict[str, Any] | None = None) -> Iterator[tuple[KisSandbox, list[str]]]:
    """The sandbox on a trading day's morning, with 40 symbols; their codes."""
    with KisSandbox("--at", OPENED) as sandbox:
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


def set_up(kairos: RunningKairos, codes: Sequence[str]) -> None:
    """A person with a practice account whose key is the sandbox's, and the sandbox's symbols to look at."""
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
from accounts.models import User
from brokers.kis.services.registration import TypedKey
from brokers.models import BrokerAccount
from brokers.protocol import Environment
from markets.models import Instrument
from trading.services import account_keys
told = json.loads({json.dumps(json.dumps(told))})
owner = User.objects.create_user(told["email"], told["password"])
for code in told["codes"]:
    Instrument.objects.create(venue="KRX", symbol=code, name_ko=f"종목 {{code}}", name_en=code, kind="stock", currency="KRW",
        tick_table="krx-stock", calendar="krx", price_limit_rate="0.3")
typed = TypedKey(told["key"], told["secret"], told["account"], told["hts"])
row = account_keys.register_kis(owner, "한국투자 모의", Environment.PAPER, typed)
BrokerAccount.objects.filter(pk=row.account_id).update(is_active=True)
print("ready")
"""
    done = kairos.manage("shell", "-c", script, seconds=120)
    if "ready" not in done.stdout:
        raise RuntimeError(done.stdout + done.stderr)


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


def heard_in_page(visit: Visit, seconds: float) -> list[tuple[float, str]]:
    """What the page's socket brought in so long, each message with the time its price was shown (seconds since 1970)."""
    visit.page.evaluate("window.heard = []")
    visit.page.wait_for_timeout(seconds * 1000)
    return [(at / 1000, text) for at, text in visit.page.evaluate("window.heard")]


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


def measured(browser: Browser, kairos: RunningKairos, sandbox: KisSandbox, codes: Sequence[str], seconds: float) -> str:
    visit = Visit(browser, kairos.url)
    visit.context.add_init_script(f"({RECORD})()")
    visit.context.set_default_timeout(PATIENCE_MS)
    visit.sign_in(EMAIL, PASSWORD)
    visit.open(PAGE)
    wait_until(lambda: registered(sandbox) >= INSTRUMENTS, PATIENCE_MS / 1000, "not everything is registered")
    sandbox.tell("flow", codes=list(codes), per_second=PER_SECOND)
    visit.page.wait_for_timeout(WARM_UP * 1000)
    began = time.time()
    messages = heard_in_page(visit, seconds)
    ended = time.time()
    sandbox.tell("flow", codes=[], per_second=0)
    sent = [row for row in sandbox.sent() if began <= row[0] <= ended - 1.0]
    took = delays(sent, shown(messages))
    if len(took) < 0.9 * len(sent):
        raise RuntimeError(f"only {len(took)} of {len(sent)} frames were seen in the page")
    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
    rate = len(sent) / (ended - 1.0 - began)
    return f"frames_per_s={rate:.0f} p50_ms={p50:.0f} p99_ms={p99:.0f}"


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__)
    reader.add_argument("--seconds", type=float, default=SECONDS)
    seconds = reader.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder, market() as (sandbox, codes):
        kairos = RunningKairos(Path(folder) / "var", "--no-demo", environment=environment(sandbox)).start()
        try:
            kairos.wait_until_ready(READY)
            set_up(kairos, codes)
            with feed(kairos, Path(folder) / "feed.log"), launched_chromium() as browser:
                try:
                    print("bench-kis:", measured(browser, kairos, sandbox, codes, seconds), flush=True)
                except Exception:
                    print(f"registered: {registered(sandbox)}", sandbox.sessions(), file=sys.stderr)
                    print((Path(folder) / "feed.log").read_text()[-3000:], file=sys.stderr)
                    raise
            kairos.stop()
        finally:
            kairos.end()


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    main()
