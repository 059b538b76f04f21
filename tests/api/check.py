"""`make test-api`: the aliases, the rights of every address, and the running server under schemathesis' own checks.

One line comes last, to compare: `test-api: aliases=N aliases_total=N requests=N server_errors=N urls=N leaks=N`.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

from tests.api.aliases import aliases
from tests.api.server import ROOT, Running, running_server, temporary_folder

# They end the very token the checks come with.
LEFT_OUT = "auth/(logout|password|devices|second-factor)"
OPERATIONS = 105  # about so many; schemathesis counts examples for each


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--only-fuzz", action="store_true")
    parser.add_argument("--phases", default="examples,coverage,fuzzing", help="coverage alone sends some thousands")
    asked = parser.parse_args()
    passed, leaks = (0, 0) if asked.only_fuzz else _own_tests()
    with temporary_folder() as folder, running_server(Path(folder)) as server:
        code, requests, server_errors = _fuzz(server, asked.requests, asked.phases)
    from tests.api.walking import addresses

    print(
        f"test-api: aliases={passed} aliases_total={len(aliases())} requests={requests} "
        f"server_errors={server_errors} urls={len(addresses())} leaks={leaks}"
    )
    return code


def _own_tests() -> tuple[int, int]:
    """How many aliases gave their literal keys, and how many walks found a leak."""
    walked = _pytest("tests/api/test_aliases.py", "-k", "literal_request")
    rights = _pytest("tests/api/test_rights.py")
    return _count(walked, "passed"), _count(rights, "failed") + _count(rights, "error")


def _pytest(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.stderr.write(done.stdout[-6000:])
    return done.stdout


def _fuzz(server: Running, requests: int, phases: str) -> tuple[int, int, int]:
    """schemathesis, all checks: its exit code, requests sent, and server errors it found."""
    command = [
        *(
            str(Path(sys.executable).with_name("schemathesis")),
            "--config-file",
            str(ROOT / "tests/api/schemathesis.toml"),
        ),
        *("run", f"{server.url}/api/schema/", "--url", server.url),
        *("--header", f"Authorization: Bearer {server.token}", "--exclude-path-regex", LEFT_OUT),
        *("--checks", "all", "--phases", phases, "--continue-on-failure"),
        *("--max-examples", str(max(1, requests // OPERATIONS)), "--no-color"),
    ]
    said = []
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as run:
        assert run.stdout is not None
        for line in run.stdout:
            sys.stderr.write(line)
            said.append(line.replace(",", ""))
    report = "".join(said)
    sent = sum(map(int, re.findall(r"(\d+) generated", report)))
    errors = sum(map(int, re.findall(r"Server error: (\d+)", report)))
    return run.returncode, sent, errors


def _count(report: str, word: str) -> int:
    return sum(map(int, re.findall(rf"(\d+) {word}", report)))


if __name__ == "__main__":
    sys.exit(main())
