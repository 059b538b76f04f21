"""`make test-api`: the rights of every address, and the running server: aliases, odd frames, schemathesis, odd forms.

One line comes last, to compare: `test-api: aliases=N aliases_total=N requests=N server_errors=N urls=N leaks=N`.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from tests.api.aliases import aliases
from tests.api.server import ROOT, Running, running_server, temporary_folder

# They end the very token the checks come with.
LEFT_OUT = "auth/(logout|password|devices|second-factor)"
PATIENCE = 120  # seconds for one answer: a password costs a hash, and the machine may be busy
OPERATIONS = 105  # about so many; schemathesis counts examples for each


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--frames", type=int, default=5_000, help="odd frames to the sockets")
    parser.add_argument("--forms", type=int, default=2_000, help="odd form posts")
    parser.add_argument("--only-fuzz", action="store_true")
    parser.add_argument("--phases", default="examples,coverage,fuzzing", help="coverage alone sends some thousands")
    asked = parser.parse_args()
    leaks = 0 if asked.only_fuzz else _leaks()
    with temporary_folder() as folder, running_server(Path(folder)) as server:
        passed = 0 if asked.only_fuzz else _aliases(server)
        wrong = _socket_frames(server, asked.frames)
        code, requests, server_errors = _fuzz(server, asked.requests, asked.phases) if asked.requests else (0, 0, 0)
        wrong += _form_posts(server, asked.forms) if asked.forms else []  # last: they sign devices out
        server_errors += server.failures()
        if server.failures():
            sys.stderr.write(server.log.read_text(encoding="utf-8", errors="replace")[-6000:])
    from tests.api.walking import addresses

    total = len(aliases())
    print(
        f"test-api: aliases={passed} aliases_total={total} requests={requests} "
        f"server_errors={server_errors} urls={len(addresses())} leaks={leaks}"
    )
    walked = asked.only_fuzz or passed == total
    return code or int(bool(wrong or leaks or server_errors) or not walked)


def _aliases(server: Running) -> int:
    """How many literal addresses gave their literal keys."""
    from tests.api.alias_walk import walk_aliases

    with _fresh_quotes():
        walked = walk_aliases(server)
    for alias, why in walked:
        sys.stderr.write(f"{alias.id} {alias.method} {alias.path}: {why or 'as written'}\n")
    return sum(not each.why for each in walked)


@contextmanager
def _fresh_quotes() -> Iterator[None]:
    """Prices that do not go stale before a slow machine has come to the orders; no feed runs here."""
    from django.utils import timezone

    from markets.models import LatestQuote

    LatestQuote.objects.update(received_at=timezone.now() + timedelta(hours=1))
    yield
    LatestQuote.objects.update(received_at=timezone.now())


def _socket_frames(server: Running, frames: int) -> list[str]:
    """What was wrong with how the sockets took odd frames."""
    from tests.api.socket_frames import fuzz_sockets

    told = fuzz_sockets(server, frames)
    sys.stderr.write(
        f"sockets: frames={told.frames} errors={dict(told.errors)} closed={dict(told.closed)} "
        f"grown_mib={told.grown / 2**20:.1f} wrong={told.wrong[:10]}\n"
    )
    return told.wrong


def _form_posts(server: Running, posts: int) -> list[str]:
    """What was wrong with how pages took odd forms (I43)."""
    from tests.api.form_posts import post_forms

    told = post_forms(server.url, server.owned, posts)
    wrong = [*told.server_errors, *told.lost, *told.touched]
    sys.stderr.write(
        f"forms: posts={told.posts} server_errors={len(told.server_errors)} lost={len(told.lost)} "
        f"touched={len(told.touched)} answers={dict(sorted(told.statuses.items()))}\n"
    )
    sys.stderr.writelines(f"  {each}\n" for each in wrong[:20])
    return wrong


def _leaks() -> int:
    """How many walks found a leak."""
    rights = _pytest("tests/api/test_rights.py")
    return _count(rights, "failed") + _count(rights, "error")


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
        *("--request-timeout", str(PATIENCE)),
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
