"""Long lists in pages, as the ledger's answers give them: a header that says whether to go on, and keys to go on with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tests.servers.kis.refusals import Refused, bad_input

WIDTH = 100
Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """`cont` is the answer's `tr_cont`: F first of several, M in between, E last of several, D the only one."""

    rows: Sequence[Row]
    cont: str
    fk: str
    nk: str

    @property
    def is_last(self) -> bool:
        return self.cont in {"D", "E"}


def page(
    rows: Sequence[tuple[str, Row]],
    size: int,
    query: Mapping[str, str],
    asked: Sequence[str],
    cont: str,
    *,
    is_descending: bool = False,
) -> Page[Row]:
    """The part of `rows` (each with its key, in their order) from the query's key on, if the header wants a next part.

    Keys that were trimmed do; keys of another question do not (raises Refused).
    """
    fk = "^".join([*asked, ""])
    is_next = cont == "N"
    start = 0
    if is_next:
        if query["CTX_AREA_FK100"].strip() != fk:
            raise Refused(bad_input("CTX_AREA_FK100"))
        after = query["CTX_AREA_NK100"].strip()
        past = [key <= after if is_descending else key >= after for key, _row in rows]
        start = past.index(True) if True in past else len(rows)  # the very row may be gone since
    part = rows[start : start + size]
    has_more = start + size < len(rows)
    nk = rows[start + size][0] if has_more else ""
    said = ("M" if is_next else "F") if has_more else ("E" if is_next else "D")
    return Page([row for _key, row in part], said, fk.ljust(WIDTH), nk.ljust(WIDTH))
