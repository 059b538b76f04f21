"""Writing the audit, one entry after the other, and proving that none was changed or taken away (I42)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from accounts.chain import BEGINNING, Entry, masked, plain
from accounts.models import AuditEntry, AuditTail, User

AT_ONCE = 2000  # rows read at a time


@dataclass(frozen=True, slots=True)
class Break:
    """Where the chain does not hold: the number of the first entry it concerns, and what is wrong with it."""

    number: int
    fault: str  # missing · altered · moved · not_at_the_end


@dataclass(frozen=True, slots=True)
class Verdict:
    """`hash` is the chain's last: kept elsewhere, it proves later that everything up to it is still the same."""

    entries: int
    hash: str
    breaks: tuple[Break, ...]


@transaction.atomic
def record(
    actor: User | str | None,
    action: str,
    subject: str,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object] | None = None,
    *,
    address: str = "",
    result: str = "done",
) -> AuditEntry:
    """Keep one act for good, in the caller's transaction: undone with it, and not to be undone once it has committed.

    `actor` is a person, the name of what acted by itself, or None for the system as such. Secrets in
    `before` and `after` are blanked by their names.
    Others who write wait until this transaction ends, so it comes last in it.
    """
    tail = _locked_tail()
    entry = Entry(
        number=tail.number + 1,
        at=timezone.now(),
        actor=plain(f"user:{actor.pk}" if isinstance(actor, User) else actor or "system", 64),
        action=plain(action, 48),
        subject=plain(subject, 96),
        before=masked(before),
        after=masked(after),
        address=plain(address, 45),
        result=result,
        prev_hash=tail.hash or BEGINNING,
    )
    row = AuditEntry.objects.create(**_fields(entry), hash=entry.hash())
    tail.number, tail.hash = row.number, row.hash
    tail.save(update_fields=["number", "hash"])
    return row


def verify() -> Verdict:
    """Walk the whole chain from its beginning to the end it had when this began; nobody who writes waits meanwhile."""
    tail = _tail()
    entries, number, last = 0, 0, BEGINNING
    breaks: list[Break] = []
    for row in AuditEntry.objects.order_by("number").iterator(chunk_size=AT_ONCE):
        if tail.number < row.number <= _tail().number:
            break  # written since
        breaks += _faults(row, number, last)
        entries, number, last = entries + 1, row.number, row.hash
    if (tail.number, tail.hash or BEGINNING) != (number, last):
        breaks.append(Break(min(tail.number, number) + 1, "not_at_the_end"))
    return Verdict(entries, last, tuple(breaks))


def _tail() -> AuditTail:
    return AuditTail.objects.filter(pk=1).first() or AuditTail()


def _faults(row: AuditEntry, number: int, last: str) -> Iterator[Break]:
    if row.number != number + 1:
        yield Break(number + 1, "missing")
    elif row.prev_hash != last:
        yield Break(row.number, "moved")
    if row.hash != _entry(row).hash():
        yield Break(row.number, "altered")


def _locked_tail() -> AuditTail:
    AuditTail.objects.get_or_create(pk=1)
    return AuditTail.objects.select_for_update().get(pk=1)


def _entry(row: AuditEntry) -> Entry:
    return Entry(**{name: getattr(row, name) for name in Entry.__dataclass_fields__})


def _fields(entry: Entry) -> dict[str, object]:
    return {name: getattr(entry, name) for name in Entry.__dataclass_fields__}
