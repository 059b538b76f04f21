"""Dying at a line means exactly that: at its first execution, in whatever thread, and never when it is not reached."""

import mmap
import os
import signal
import threading
from collections.abc import Callable
from contextlib import nullcontext

import pytest

from tests.faults.tracing import Point, dying_at, recording, sources

HERE = "tests/faults/test_tracing.py"


def double(number: int) -> int:
    if number < 0:
        return 0
    return number * 2


def _line(of: Callable[..., object], offset: int) -> int:
    return of.__code__.co_firstlineno + offset


def ended(run: Callable[[], object], point: Point | None) -> int:
    """How a forked child ended that ran `run` and was to die at `point`: 0, or minus the signal."""
    child = os.fork()
    if child == 0:
        with dying_at([point]) if point else nullcontext():
            run()
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_exactly_the_executed_lines_are_recorded() -> None:
    with recording(sources(HERE)) as points:
        double(2)
    first = _line(double, 0)
    assert points == [Point(HERE, first + 1), Point(HERE, first + 3)]


def test_lines_executed_in_another_thread_are_recorded() -> None:
    with recording(sources(HERE)) as points:
        thread = threading.Thread(target=double, args=[-1])
        thread.start()
        thread.join()
    assert Point(HERE, _line(double, 2)) in points


@pytest.mark.parametrize("offset", [1, 3])
def test_the_process_dies_at_the_line(offset: int) -> None:
    assert ended(lambda: double(2), Point(HERE, _line(double, offset))) == -signal.SIGKILL


def test_a_line_that_is_not_reached_kills_nobody() -> None:
    assert ended(lambda: double(2), Point(HERE, _line(double, 2))) == 0


def test_the_process_dies_in_a_thread_too() -> None:
    def in_a_thread() -> None:
        thread = threading.Thread(target=double, args=[2])
        thread.start()
        thread.join()

    assert ended(in_a_thread, Point(HERE, _line(double, 3))) == -signal.SIGKILL


def test_a_pattern_that_names_no_file_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no file"):
        sources("trading/no_such_thing.py")


def test_of_several_lines_the_first_executed_is_told_before_the_death() -> None:
    points = [Point(HERE, _line(double, 2)), Point(HERE, _line(double, 3))]
    told = mmap.mmap(-1, 1)

    def tell(point: Point) -> None:
        told[0] = points.index(point) + 1

    child = os.fork()
    if child == 0:
        with dying_at(points, tell):
            double(2)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert told[0] == 2
