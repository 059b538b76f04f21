"""`make bench-run`: how long a newcomer waits for the first page, and how much memory everything takes together."""

import tempfile
import time
import urllib.request
from pathlib import Path

from tests.e2e.running import READY_SECONDS, RunningKairos, wait_until

SETTLE_SECONDS = 20.0  # pages opened, plans evaluated: what a quiet system keeps


def first_page(kairos: RunningKairos) -> bool:
    kairos.must_live()
    try:
        with urllib.request.urlopen(f"{kairos.url}/sign-in/", timeout=READY_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def timed_start(var: Path) -> tuple[RunningKairos, float, float]:
    """A started system, seconds to its first page, seconds to ready."""
    began = time.monotonic()
    kairos = RunningKairos(var).start()
    wait_until(lambda: first_page(kairos), READY_SECONDS, "no page")
    page = time.monotonic() - began
    kairos.wait_until_ready()
    return kairos, page, time.monotonic() - began


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        kairos, first, first_ready = timed_start(Path(folder) / "var")
        first_stop = kairos.stop()
        kairos, second, second_ready = timed_start(Path(folder) / "var")
        try:
            time.sleep(SETTLE_SECONDS)
            memory = kairos.memory()
            stop = max(first_stop, kairos.stop())
        finally:
            kairos.end()
    figures = {
        "first_page_s": first,
        "first_ready_s": first_ready,
        "second_page_s": second,
        "second_ready_s": second_ready,
        "stop_s": stop,
        "memory_mib": memory,
    }
    print("bench-run:", " ".join(f"{name}={value:.1f}" for name, value in figures.items()))


if __name__ == "__main__":
    main()
