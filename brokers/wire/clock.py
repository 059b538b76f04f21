"""How far each venue's clock is from ours, by the Date of its replies. One table for the process; threads share it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from threading import Lock

SECOND = timedelta(seconds=1)  # a Date has whole seconds: the venue's clock stood somewhere within this one
NONE = timedelta(0)


class VenueClocks:
    """The last offset of each host: positive where its clock is ahead of ours."""

    def __init__(self) -> None:
        self._offsets: dict[str, timedelta] = {}
        self._lock = Lock()

    def note(self, host: str, date: str | None, sent: datetime, received: datetime) -> None:
        """Keep what a reply's Date says. Between `sent` and `received` the venue read its clock; a bad Date says nothing."""
        told = _parsed(date)
        if told is None:
            return
        with self._lock:
            self._offsets[host] = offset(told, sent, received)

    def seen(self) -> Mapping[str, timedelta]:
        """The offset of every host that has told its time."""
        with self._lock:
            return dict(self._offsets)


CLOCKS = VenueClocks()


def offset(told: datetime, sent: datetime, received: datetime) -> timedelta:
    """The least offset that explains a Date read between `sent` and `received`; zero where none is needed.

    All aware. A reply that took long says little, and never more than is sure.
    """
    if told > received:
        return told - received
    if told + SECOND < sent:
        return told + SECOND - sent
    return NONE


def _parsed(date: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(date or "")
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
