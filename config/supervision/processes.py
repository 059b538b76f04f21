"""What the kernel is told about a child: its name, and that it must not outlive its parent."""

import ctypes
import os
import signal
import sys

from config.logs import name_process

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def can_fork_after_import() -> bool:
    """Whether a forked copy of a loaded Python is safe: on Linux it is; macOS' own libraries start threads."""
    return sys.platform == "linux"


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` dies, however it dies. Other systems stop children in order only.

    SIGKILL: a polite signal could leave a worker finishing a long task with nobody watching, and every process of
    Kairos is built to survive it.
    """
    if sys.platform != "linux":
        return
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died between the fork and the call above
        os._exit(1)


def take_name(name: str) -> None:
    """Show `name` in log lines and, on Linux, in `ps -o comm` and `top`."""
    name_process(name)
    if sys.platform == "linux":
        _prctl(_PR_SET_NAME, ctypes.create_string_buffer(f"kairos-{name}".encode()[:15]))


def _prctl(option: int, argument: object) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, argument, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl({option}): {os.strerror(number)}")
