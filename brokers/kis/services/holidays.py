"""What KIS says of the days ahead beside what our calendar says: a difference is shown to a person, never taken over unseen."""

from dataclasses import dataclass
from datetime import date

from brokers.kis.adapter import KisBroker
from markets import services as markets

CALENDAR = "krx"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One day on which the market opens by the one and not by the other."""

    day: date
    opens_by_kis: bool


def disagreements(broker: KisBroker, first: date) -> tuple[int, list[Disagreement]]:
    """How many days KIS told from `first` on, and those it tells otherwise. Raises ReadIncomplete, NotOffered on paper."""
    told = broker.open_days(first)
    ours = markets.calendar(CALENDAR)
    return len(told), [
        Disagreement(day, opens) for day, opens in sorted(told.items()) if opens != (ours.session(day) is not None)
    ]
