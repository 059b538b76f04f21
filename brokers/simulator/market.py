"""The simulated market (모의): every instrument of a universe, seeded and reproducible, at any speed."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypedDict

from brokers.simulator.events import Batch
from brokers.simulator.listing import Listing
from brokers.simulator.universe import SimulatedInstrument
from markets.bars import Bars
from markets.calendars import Calendar, load_default
from markets.types import Interval, Source, from_epoch


class MarketState(TypedDict):
    """All a market needs to go on: everything else follows from seed and time."""

    seed: int
    at: str  # ISO instant, UTC


class WrongSeed(ValueError):
    """The saved state belongs to a market with another seed; going on would make prices jump."""

    code = "simulator_wrong_seed"


class SimulatedMarket:
    """A source of live prices whose path depends on seed, instrument and venue time alone.

    `calendars` (by the name in an instrument's rules) makes venues keep their sessions; without them all trade day and
    night. `start` sets the clock, or `state` does where there is one. Venue time moves in whole seconds.
    """

    name = Source.SIMULATOR
    finest_interval = Interval.M1
    ended = False

    def __init__(
        self,
        seed: int,
        instruments: Iterable[SimulatedInstrument],
        start: datetime,
        state: MarketState | None = None,
        calendars: Mapping[str, Calendar] | None = None,
    ) -> None:
        if state is not None and state["seed"] != seed:
            raise WrongSeed(f"the saved market has seed {state['seed']}, not {seed}")
        self._seed = seed
        self._now = _second(datetime.fromisoformat(state["at"]) if state else start)
        self._began = self.clock
        around_the_clock = load_default()["always"]
        self._listings = {
            instrument.key: Listing(
                seed, instrument, calendars[instrument.rules.calendar] if calendars else around_the_clock
            )
            for instrument in instruments
        }

    @property
    def clock(self) -> datetime:
        return from_epoch(self._now)

    def export_state(self) -> MarketState:
        """What `state` takes, ready for JSON: a market made from it goes on as if it had never stopped."""
        return {"seed": self._seed, "at": self.clock.isoformat()}

    def due(self, elapsed: timedelta) -> datetime:
        """The venue time `elapsed` after this market was made."""
        return self._began + elapsed

    def bar_bounds(self, instrument: str, interval: Interval, at: datetime) -> tuple[datetime, datetime] | None:
        """The bar an instant belongs to, None while the venue is closed: the `bounds` of a `BarFolder`."""
        return self._listings[instrument].calendar.bar_bounds(interval, at)

    def advance(self, to: datetime) -> Batch:
        """What happens after `clock`, up to and including the second of `to`.

        In each minute an instrument gives at most four ticks: first, highest, lowest and last trade, with the volume of
        all between them. Folded into bars of a minute or longer they tell the same as every single trade would. Books
        and quotes come for instruments whose venue was open. Raises ValueError when `to` lies before `clock`.
        """
        start, stop = self._now + 1, _second(to) + 1
        if stop < start:
            raise ValueError(f"the market is at {self.clock} already and cannot go back to {to}")
        happened = [each for listing in self._listings.values() if (each := listing.advance(start, stop))]
        self._now = stop - 1
        return Batch(
            at=self.clock,
            ticks=tuple(sorted((tick for each in happened for tick in each.ticks), key=lambda tick: tick.at)),
            books=tuple(each.book for each in happened),
            quotes=tuple(each.quote for each in happened),
        )

    def history(self, instrument: str, start: datetime, end: datetime, interval: Interval) -> Bars:
        """The bars that folding would have given for [start, end), closed ones only, without playing it."""
        return self._listings[instrument].history(_second(start), _second(end), interval)


def _second(at: datetime) -> int:
    """The whole second an aware instant lies in."""
    if at.tzinfo is None:
        raise ValueError("a naive datetime is no instant: pass an aware one")
    return int(at.timestamp() // 1)
