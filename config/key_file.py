"""The file that ENCRYPTION_KEY_FILE names: a secret's mount, readable by who runs Kairos alone, outside backups and source.

One key per line: the first seals, the others only open, until `rotate_keys` has sealed everything under the first. Its faults
are told without a character of what stands in it.
"""

import stat
from pathlib import Path

SHORTEST = 32
LARGEST = 64 * 1024
PLACEHOLDER = "of-a-file-that-cannot-be-used-0123456789"  # never a key: the file's fault ends the start


def read(path: Path) -> list[str]:
    """The keys, the current one first. Raises ValueError, saying why the file cannot be used."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise ValueError("names no file")
        if status.st_mode & stat.S_IRWXO:
            raise ValueError("names a file that everybody may read: chmod 0400, owned by who runs Kairos")
        if status.st_size > LARGEST:
            raise ValueError("names a file too large for keys")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as e:
        raise ValueError(f"names a file that cannot be read ({type(e).__name__})") from None
    keys = [line.strip() for line in lines if line.strip()]
    if not keys:
        raise ValueError("names a file without a key")
    if any(len(key) < SHORTEST for key in keys):
        raise ValueError(f"names a file with a line of fewer than {SHORTEST} characters; it holds one key per line")
    return keys
