"""One line per event: JSON for machines in production, words for a person in development."""

import json
import subprocess
import sys

from config.environment import BASE_DIR

SCRIPT = """
import logging
from config.logs import logging_config, name_process
logging_config(level="INFO", as_json={as_json})
name_process("feed")
logging.getLogger("markets.feed").info("closed %s\\r\\n\\x1b[31mforged", "KRX:005930")
logging.getLogger("urllib3").debug("header: secret")
logging.getLogger("celery.app.trace").info("succeeded")
logging.getLogger("markets.feed").debug("too small")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("trading").exception("broken")
"""


def lines(as_json: bool) -> list[str]:
    command = [sys.executable, "-c", SCRIPT.format(as_json=as_json)]
    ended = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=True)
    assert ended.stdout == ""
    return ended.stderr.splitlines()


def test_production_writes_one_json_object_per_line_and_nothing_can_forge_one() -> None:
    """ASVS 16.4.1: line ends and terminal codes in a message stay inside it."""
    closed, traced, broken = map(json.loads, lines(as_json=True))
    assert closed["event"] == "closed KRX:005930\r\n\x1b[31mforged"
    assert (closed["level"], closed["logger"], closed["process"]) == ("info", "markets.feed", "feed")
    assert closed["timestamp"].endswith("Z")
    assert traced["event"] == "succeeded"
    assert "ZeroDivisionError" in broken["exception"]


def test_development_is_quiet_about_every_task_and_names_the_process() -> None:
    said = "\n".join(lines(as_json=False))
    assert "process=feed" in said
    assert "ZeroDivisionError" in said
    assert "succeeded" not in said
    assert "secret" not in said
    assert "too small" not in said
