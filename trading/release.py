"""Which code this is: a fingerprint of every source file an order passes through."""

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

ORDER_PATH = ("brokers", "markets", "strategies", "trading")  # the apps between a wish and the wire
ROOT = Path(__file__).resolve().parents[1]


@cache
def of_this_process() -> str:
    """The code this process began with: asked for as it starts, before a deploy can change the files under it."""
    return fingerprint(ROOT)


def fingerprint(root: Path, folders: Iterable[str] = ORDER_PATH) -> str:
    """sha256 over the names and contents of all Python files in these folders of `root`, as 64 hex digits."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in folders for path in (root / folder).rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()
