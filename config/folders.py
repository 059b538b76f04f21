"""Whether a folder can be used, said in one sentence before anything is started."""

import tempfile
from pathlib import Path


class UnusableFolder(Exception):
    """A folder cannot be made or written to; the message names it and the reason."""

    code = "unusable_folder"


def make_folder(folder: Path) -> None:
    """Make `folder` with its parents, open to its owner alone. Raises UnusableFolder."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as e:
        raise UnusableFolder(f"the folder {folder} cannot be made ({e.strerror})") from e


def require_writable(folder: Path) -> None:
    """Raise UnusableFolder unless a file can be written into `folder` now."""
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"kairos")
    except OSError as e:
        raise UnusableFolder(f"the folder {folder} cannot be written to ({e.strerror})") from e
