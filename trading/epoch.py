"""The epoch kept outside the database: a small file that says which states of the database are not an old backup.

One line per epoch that may be found in the database. There are two for the moment in which the database moves from one
to the next, so that dying at any point of it is no false alarm; at all other times there is one.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID


class EpochFileUnreadable(Exception):
    """The file holds something else than epochs: nobody can say whether the database is an old one."""

    code = "epoch_file_unreadable"


class EpochFile:
    """The file, replaced as a whole and on the disk before a write returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> frozenset[UUID] | None:
        """The epochs that may be found in the database; None where there is no file. Raises EpochFileUnreadable."""
        try:
            text = self.path.read_text(encoding="ascii")
        except FileNotFoundError:
            return None
        except UnicodeDecodeError as e:
            raise EpochFileUnreadable(str(self.path)) from e
        try:
            return frozenset(UUID(line) for line in text.split()) or self._nothing()
        except ValueError as e:
            raise EpochFileUnreadable(str(self.path)) from e

    def write(self, epochs: Iterable[UUID]) -> None:
        """Keep these epochs and no others. Raises OSError, and then the file is as it was."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.new")
        try:
            self._write_through(beside, "".join(f"{epoch}\n" for epoch in sorted(epochs, key=str)))
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)
        self._sync_folder()

    def _nothing(self) -> frozenset[UUID]:
        raise EpochFileUnreadable(f"{self.path} is empty")

    def _write_through(self, path: Path, text: str) -> None:
        with path.open("w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())

    def _sync_folder(self) -> None:
        folder = os.open(self.path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
