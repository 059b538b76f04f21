"""`make bench-page`: how many live prices reach one open page per second, at each speed of the simulated market."""

import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.browser import Visit, launched_chromium
from tests.e2e.running import RunningKairos

PAGE = "/markets/"  # every instrument at once
SPEEDS = (1, 60, 3600)
SECONDS = 20.0
SETTLE_SECONDS = 3.0  # after a change of speed: the page is loaded anew and asks for its prices


def counted(frames: Sequence[str]) -> tuple[int, int]:
    """Frames that carried quotes, and the quotes inside them."""
    messages = [json.loads(frame) for frame in frames]
    carried = [len(message["quotes"]) for message in messages if message["type"] == "quotes"]
    return len(carried), sum(carried)


def measured(visit: Visit, speed: int) -> dict[str, float]:
    """Frames and quotes per second on the open page while the market runs at `speed`."""
    visit.page.locator(f"button[name=speed][value='{speed}']").click()
    visit.page.locator(f"button[name=speed][value='{speed}'][aria-pressed=true]").wait_for()
    visit.page.wait_for_timeout(SETTLE_SECONDS * 1000)
    visit.frames.clear()
    began = visit.page.evaluate("performance.now()")
    visit.page.wait_for_timeout(SECONDS * 1000)
    seconds = (visit.page.evaluate("performance.now()") - began) / 1000
    frames, quotes = counted(visit.frames)
    return {"frames_per_s": frames / seconds, "quotes_per_s": quotes / seconds}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder, launched_chromium() as browser:
        kairos = RunningKairos(Path(folder) / "var").start()
        try:
            kairos.wait_until_ready()
            visit = Visit(browser, kairos.url)
            visit.sign_in(*kairos.sign_in())
            visit.open(PAGE)
            told = []
            for speed in SPEEDS:
                figures = " ".join(f"{name}={value:.1f}" for name, value in measured(visit, speed).items())
                told.append(figures if speed == SPEEDS[0] else figures.replace("_per_s", f"_per_s_at_{speed}"))
                print(f"×{speed}: {figures}", flush=True)
            instruments = visit.page.locator("#instruments tr[data-quote]").count()
            kairos.stop()
        finally:
            kairos.end()
    print(f"bench-page: {told[0]} speed={SPEEDS[0]} {' '.join(told[1:])} instruments={instruments}")


if __name__ == "__main__":
    main()
