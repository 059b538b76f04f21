"""The sandbox as Kairos' settings point to it: keys and accounts told to it are those the pages register."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.servers.kis.client import KisSandbox

CASH = 100_000_000
NUMBER = "62000001-01"
APP_KEY, APP_SECRET = "Q" * 32 + "7788", "t" * 176 + "9911"


@contextmanager
def pointed_at(sandbox: KisSandbox, settings: Any) -> Iterator[KisSandbox]:
    """Kairos' REST and stream go there, as fast as it lets them."""
    settings.KIS_URLS = {
        f"KAIROS_KIS_{name.upper()}_{kind}": urls[name]
        for kind, urls in (("REST", sandbox.rest), ("WS", sandbox.ws))
        for name in ("live", "paper")
    }
    settings.KIS_LIMITS = {"live": 1000, "paper": 1000}
    sandbox.tell("limits", live=1000, paper=1000)
    yield sandbox


def open_at_venue(
    sandbox: KisSandbox, environment: str = "paper", number: str = NUMBER, key: str = APP_KEY, secret: str = APP_SECRET
) -> None:
    """An account with 100 shares of Samsung and its key, at the venue."""
    account = number.replace("-", "")
    sandbox.tell("account", environment=environment, account=account, cash=CASH, units={"005930": [100, 70_000]})
    sandbox.tell("key", environment=environment, appkey=key, appsecret=secret, hts_id="demo9", accounts=[account])
