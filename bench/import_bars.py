"""`make bench-import`: a million minute bars from a CSV file into SQLite, and PostgreSQL where TEST_POSTGRES_URL names one.

Each database is measured in a process of its own, so that its peak memory is its own.
"""

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROWS = 1_000_000
START = datetime(2020, 1, 1, tzinfo=UTC)


def write_file(path: Path) -> None:
    """A plausible walk of prices, one bar a minute."""
    with path.open("w") as file:
        file.write("date,open,high,low,close,volume\n")
        for minute in range(ROWS):
            at = (START + timedelta(minutes=minute)).strftime("%Y-%m-%dT%H:%M:%SZ")
            price = 50_000 + minute * 7919 % 1009
            file.write(f"{at},{price},{price + 20},{price - 20},{price + 5},{minute % 997 + 0.5}\n")


def measure(path: Path) -> dict[str, float]:
    """Seconds and peak MiB of one import, in this process and its fresh database."""
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from markets.models import Instrument
    from markets.services import import_bars
    from markets.types import Interval
    from trading.services.running.demo import seed_instruments

    if connection.vendor == "postgresql":
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
    else:
        call_command("migrate", verbosity=0)
    seed_instruments()
    started = time.perf_counter()
    with path.open("rb") as stream:
        done = import_bars(stream, Instrument.objects.by_key("UPBIT:BTC/KRW"), Interval.M1)
    seconds = time.perf_counter() - started
    if connection.vendor == "postgresql":
        connection.creation.destroy_test_db("", verbosity=0)
    if done.rows != ROWS:
        raise SystemExit(f"{done.rows} rows instead of {ROWS}")
    return {"seconds": seconds, "mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    """Run one child per database and print their figures on one line."""
    with tempfile.TemporaryDirectory(prefix="kairos-bench-") as folder:
        path = Path(folder) / "bars.csv"
        write_file(path)
        databases = {"sqlite": ""} | ({"postgres": url} if (url := os.environ.get("TEST_POSTGRES_URL", "")) else {})
        figures = []
        for name, url in databases.items():
            environment = os.environ | {"TEST_DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "tests.settings"}
            command = [sys.executable, "-m", "bench.import_bars", str(path)]
            answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)  # noqa: S603
            measured = json.loads(answer.stdout.splitlines()[-1])
            figures += [
                f"{name}_s={measured['seconds']:.1f}",
                f"{name}_rows_per_s={ROWS / measured['seconds']:.0f}",
                f"{name}_rss_mib={measured['mib']:.0f}",
            ]
    print(f"bench-import: rows={ROWS}", *figures)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main()
