"""The lines of a file forwards or from its end, each numbered as an editor numbers it."""

from collections.abc import Iterator
from typing import BinaryIO

BLOCK = 1 << 20  # bytes read at once from the end
LONGEST = 1000  # bytes of a line that is still looked at


def first_lines(stream: BinaryIO, count: int) -> list[bytes]:
    """The first lines, each cut at LONGEST bytes; the stream is at its beginning afterwards."""
    stream.seek(0)
    lines: list[bytes] = []
    while len(lines) < count and (line := _line(stream)):
        lines.append(line)
    stream.seek(0)
    return lines


def forwards(stream: BinaryIO, skipped: int) -> Iterator[bytes]:
    """Every line after the first `skipped` ones; of a line that is too long its beginning, without an end."""
    stream.seek(0)
    for _number in range(skipped):
        _line(stream)
    while line := _line(stream):
        yield line


def backwards(stream: BinaryIO, skipped: int) -> Iterator[bytes]:
    """The same lines, the last one first."""
    stream.seek(0)
    for _number in range(skipped):
        _line(stream)
    start = stream.tell()
    place = end = stream.seek(0, 2)
    rest = b""
    is_last = True
    while place > start:
        size = min(BLOCK, place - start)
        place -= size
        stream.seek(place)
        lines = (stream.read(size) + rest).split(b"\n")
        rest = lines.pop(0)
        for line in reversed(lines):
            if is_last and not line:  # what follows the last line's end is no line
                is_last = False
                continue
            is_last = False
            yield line[: LONGEST + 1] if len(line) > LONGEST else line + b"\n"
        rest = rest[:BLOCK]
    if end > start:  # the first line, an empty one too
        yield rest[: LONGEST + 1] if len(rest) > LONGEST else rest + b"\n"


def _line(stream: BinaryIO) -> bytes:
    line = stream.readline(LONGEST + 1)
    if len(line) > LONGEST and not line.endswith(b"\n"):
        while (part := stream.readline(BLOCK)) and not part.endswith(b"\n"):
            pass
    return line
