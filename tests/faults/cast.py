"""The processes of the chaos: who plays what, who is killed, and who ended without being killed."""

import os
import resource
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tests.faults import roles
from tests.faults.forks import start_child
from tests.faults.roles import Scene

PLACERS, DISPATCHERS = 3, 2


@dataclass(slots=True)
class Role:
    """One place in the cast; whoever holds it dies and is replaced."""

    name: str
    number: int
    play: Callable[[Scene, int, str], None]
    pid: int = 0
    generation: int = 0


@dataclass(slots=True)
class Memory:
    """Resident memory in MiB: first and last of the dispatcher that lived longest, and the highest of all."""

    seen: dict[int, list[float]] = field(default_factory=dict)

    def look(self, pids: Sequence[int]) -> None:
        for pid in pids:
            try:
                pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            except (FileNotFoundError, IndexError):
                continue
            if pages:  # none: it has ended and is not buried yet
                self.seen.setdefault(pid, []).append(pages * resource.getpagesize() / 2**20)

    def __str__(self) -> str:
        longest = max(self.seen.values(), key=len, default=[0.0])
        return (
            f"first={longest[0]:.1f} last={longest[-1]:.1f} max={max(longest):.1f} MiB, looked at {len(longest)} times"
        )


class Cast:
    """The processes. Only those started here are ever killed, each by its pid."""

    def __init__(self, scene: Scene, seed: str, spoil: Callable[[], None]) -> None:
        self._scene = scene
        self._seed = seed
        self._spoil = spoil
        self.roles = [
            *(Role("placer", number, roles.place_orders) for number in range(PLACERS)),
            *(Role("dispatch", number, roles.dispatch) for number in range(DISPATCHERS)),
            Role("person", 0, roles.watch_over),
        ]
        self.stranger = Role("stranger", 0, roles.trade_by_hand)
        self.failures: list[str] = []

    def start(self, role: Role) -> None:
        role.generation += 1
        seed = f"{self._seed}-{role.name}-{role.number}-{role.generation}"
        role.pid = start_child(partial(self._play, role, seed))

    def _play(self, role: Role, seed: str) -> None:
        self._spoil()
        role.play(self._scene, role.number, seed)

    def kill(self, role: Role) -> None:
        os.kill(role.pid, signal.SIGKILL)
        self._ended(role, os.waitpid(role.pid, 0)[1], wanted=-signal.SIGKILL)
        self.start(role)

    def notice(self) -> None:
        """Whoever ended without being killed has failed, and is replaced all the same."""
        for role in self.roles:
            pid, status = os.waitpid(role.pid, os.WNOHANG) if role.pid else (0, 0)
            if pid:
                self._ended(role, status, wanted=None)
                self.start(role)

    def end(self, role: Role, seconds: float) -> None:
        """Wait until it has ended by itself; kill it after `seconds`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            pid, status = os.waitpid(role.pid, os.WNOHANG)
            if pid:
                self._ended(role, status, wanted=0)
                role.pid = 0
                return
            time.sleep(0.05)
        os.kill(role.pid, signal.SIGKILL)
        os.waitpid(role.pid, 0)
        role.pid = 0
        self.failures.append(f"{role.name} {role.number} did not end in {seconds:.0f} s")

    def stop_dispatchers(self) -> None:
        for role in self.of("dispatch"):
            os.kill(role.pid, signal.SIGTERM)
        for role in self.of("dispatch"):
            self.end(role, 10)

    def of(self, name: str) -> list[Role]:
        return [role for role in self.roles if role.name == name]

    def _ended(self, role: Role, status: int, *, wanted: int | None) -> None:
        code = os.waitstatus_to_exitcode(status)
        if code != wanted:
            self.failures.append(f"{role.name} {role.number} ended with {code}")
