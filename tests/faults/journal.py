"""What one placer has asked for, on the disk before it asks: a placer that was killed asks again under the same keys."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Wish:
    """One order to be placed, in words that survive a death."""

    key: str
    account: str
    instrument: str
    side: str
    quantity: int
    price: int


class Journal:
    """Lines appended whole: a kill loses none that was written. One writer at a time, any number of readers."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_APPEND | os.O_CREAT | os.O_RDWR, 0o600)
        self._path = path

    def begin(self, wish: Wish) -> None:
        self._write({"wish": asdict(wish)})

    def done(self, wish: Wish, answer: str, milliseconds: float | None) -> None:
        """`milliseconds`: how long the first try took, None where the key had to be sent again."""
        self._write({"done": wish.key, "answer": answer, "ms": milliseconds})

    def open_wishes(self) -> list[Wish]:
        """Those nobody knows an answer to."""
        wishes: dict[str, Wish] = {}
        for line in self._lines():
            if "wish" in line:
                wish = Wish(**line["wish"])
                wishes[wish.key] = wish
            else:
                wishes.pop(line["done"], None)
        return list(wishes.values())

    def answers(self) -> list[tuple[str, float | None]]:
        return [(line["answer"], line["ms"]) for line in self._lines() if "done" in line]

    def begun(self) -> int:
        return sum("wish" in line for line in self._lines())

    def _lines(self) -> list[dict]:  # type: ignore[type-arg] # what JSON gives
        return [json.loads(line) for line in self._path.read_text().splitlines()]

    def _write(self, line: dict) -> None:  # type: ignore[type-arg]
        os.write(self._file, json.dumps(line).encode() + b"\n")
