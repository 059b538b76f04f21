"""A QR code to be drawn as SVG: the seed of a second factor goes to no other host, and no script is needed. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

import segno

QUIET = 4  # light squares around it, or cameras do not find it


@dataclass(frozen=True, slots=True)
class QrCode:
    """`size` squares on each side, and the path that covers the dark ones."""

    size: int
    path: str


def qr_code(text: str) -> QrCode:
    """The code of one text; a phone reads it from a screen even where a sixth of it is unreadable."""
    matrix = [list(row) for row in segno.make(text, error="m", micro=False).matrix]
    return QrCode(len(matrix) + 2 * QUIET, "".join(_strokes(matrix)))


def _strokes(matrix: list[list[int]]) -> Iterator[str]:
    """One stroke for each run of dark squares in a row."""
    for y, row in enumerate(matrix, QUIET):
        x = QUIET
        for is_dark, run in groupby(row):
            length = len(list(run))
            if is_dark:
                yield f"M{x} {y}h{length}v1h-{length}z"
            x += length
