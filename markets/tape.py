"""The last trades of each instrument whose book somebody looks at, newest first, encoded once. Pure."""

from collections import deque
from collections.abc import Iterable, Mapping

SHOWN = 20


class Tape:
    """What was traded last, and of which instruments there is news."""

    def __init__(self) -> None:
        self._last: dict[str, deque[str]] = {}
        self._dirty: set[str] = set()

    def take(self, trades: Mapping[str, Iterable[str]]) -> None:
        """Trades of some instruments, oldest first."""
        for key, told in trades.items():
            self._last.setdefault(key, deque(maxlen=SHOWN)).extendleft(told)
            self._dirty.add(key)

    def frames(self) -> dict[str, str]:
        """A frame for each instrument that has traded since it was last asked."""
        dirty, self._dirty = self._dirty, set()
        return {key: self._frame(key) for key in dirty}

    def frame(self, key: str) -> str | None:
        """What was traded last of one instrument; None where nothing has been."""
        return self._frame(key) if key in self._last else None

    def forget(self) -> None:
        self._last.clear()
        self._dirty.clear()

    def _frame(self, key: str) -> str:
        return f'{{"type":"trades","key":"{key}","trades":[{",".join(self._last[key])}]}}'
