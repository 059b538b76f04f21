"""Which lines a run executes, and dying at one of them. Threads count too: dispatch may send from a pool."""

import os
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, order=True)
class Point:
    """One line of ours, by its path below the repository."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


def sources(*patterns: str) -> frozenset[str]:
    """The files under the repository that match, as absolute names. Raises ValueError for a pattern that names none."""
    found: set[str] = set()
    for pattern in patterns:
        files = [str(path) for path in ROOT.glob(pattern)]
        if not files:
            raise ValueError(f"no file is named {pattern}")
        found.update(files)
    return frozenset(found)


@contextmanager
def recording(files: Collection[str]) -> Iterator[list[Point]]:
    """Every line of `files` executed meanwhile, each once, in the order of its first execution."""
    seen: dict[Point, None] = {}
    points: list[Point] = []

    def trace(frame: FrameType, _event: str, _arg: Any) -> Any:
        return note if frame.f_code.co_filename in files else None

    def note(frame: FrameType, event: str, _arg: Any) -> Any:
        if event == "line":
            seen[Point(frame.f_code.co_filename[len(str(ROOT)) + 1 :], frame.f_lineno)] = None
        return note

    with _tracing(trace):
        yield points
    points.extend(seen)


@contextmanager
def dying_at(points: Collection[Point], tell: Callable[[Point], None] | None = None) -> Iterator[None]:
    """SIGKILL to this process when it is about to execute any of `points`: nothing is flushed, closed or given back.

    `tell` is told before which one it is.
    """
    lines: dict[str, set[int]] = defaultdict(set)
    for point in points:
        lines[str(ROOT / point.file)].add(point.line)
    worth: dict[tuple[str, int], bool] = {}  # by where a function stands: a code object's own hash is slow

    # Called for every function that begins anywhere: nothing here may be slow.
    def trace(frame: FrameType, _event: str, _arg: Any) -> Any:
        code = frame.f_code
        file = code.co_filename
        if file not in lines:
            return None
        place = (file, code.co_firstlineno)
        if place not in worth:
            worth[place] = any(line in lines[file] for _, _, line in code.co_lines())
        return die if worth[place] else None

    def die(frame: FrameType, event: str, _arg: Any) -> Any:
        file = frame.f_code.co_filename
        if event == "line" and frame.f_lineno in lines[file]:
            if tell is not None:
                tell(Point(file[len(str(ROOT)) + 1 :], frame.f_lineno))
            os.kill(os.getpid(), signal.SIGKILL)
        return die

    with _tracing(trace):
        yield


@contextmanager
def _tracing(trace: Any) -> Iterator[None]:
    before = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)
        threading.settrace(None)
