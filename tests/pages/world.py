"""What the demo's person needs for every page to exist, made through the pages: a strategy, a run, a sweep, a resting order."""

from pathlib import Path

from tests.e2e.running import RunningKairos
from tests.e2e.visitor import Visitor
from tests.strategies.kis_files import SIMPLE

KODEX = "KRX:069500"
PATIENCE_SECONDS = 300.0  # for the demo to be seeded, on a machine that does other things too


def prepare(kairos: RunningKairos) -> None:
    """As a person without scripts does it, form by form."""
    visitor = Visitor(kairos.url)
    email, password = kairos.sign_in()
    visitor.submit("/sign-in/", email=email, password=password)
    visitor.submit("/strategies/import/", text=SIMPLE)
    visitor.submit(
        "/backtests/new/?strategy=basic", action="/backtests/new/", instrument="UPBIT:BTC/KRW", interval="1h"
    )  # it trades a little in two weeks: there is something to see
    visitor.submit("/backtests/sweeps/new/", p_short_ema="5, 7")
    lowest = lowest_price(visitor.get("/markets/KRX/069500/"))
    order = {"action": "/orders/place/", "quantity": "1", "limit_price": lowest, "time_in_force": "gtc"}
    visitor.submit(f"/orders/new/?instrument={KODEX}", **order)


def lowest_price(page: str) -> str:
    """The day's lower price limit, where nothing is filled, from an instrument's page."""
    return page.partition("하한가</dt>")[2].partition(">")[2].partition("<")[0]


def a_file_of_bars(folder: Path) -> Path:
    """A small file to upload."""
    path = folder / "bars.csv"
    days = (f"2024-01-{day:02},{100 + day},{110 + day},{95 + day},{102 + day},1000" for day in range(1, 29))
    path.write_text("\n".join(["date,open,high,low,close,volume", *days]), encoding="utf-8")
    return path
