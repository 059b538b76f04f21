"""`manage.py feed`: market data. The simulated market by default; `--replay` plays imported bars, `--kis` is the real one."""

import logging
import signal
from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from threading import Event
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from brokers.simulator.events import Batch, Pace
from brokers.simulator.replay import NothingToReplay, Replay
from markets import services as markets
from markets.events import QuotePublisher
from markets.folding import BarFolder
from markets.models import Instrument, PriceFeed
from markets.types import Bar, Interval, Source
from trading.management.kis_feed import KisLoop
from trading.management.turns import TradeTelling, is_taken, ring
from trading.services.ledger.durability import commit_without_waiting_for_the_disk
from trading.services.running import feeding
from trading.services.running.feeding import Feeding
from trading.services.running.leases import Tenure

logger = logging.getLogger(__name__)

STEP = 0.2  # seconds between two beats
LONGEST_STEP = 2.0  # after a longer pause (a sleeping laptop) the market goes on where it was instead of jumping
RING_AGAIN = 5.0  # seconds until a replay at full speed asks once more for a decision
LOOK_AGAIN = 0.005
ONE_MICROSECOND = timedelta(microseconds=1)


class Command(BaseCommand):
    help = "Supply prices: the simulated market (모의), imported bars replayed as if they were live, or KIS's own."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--kis", action="store_true", help="KRX as Korea Investment tells it, once there is a key")
        parser.add_argument("--replay", metavar="KEY", help="such as KRX:005930; its bars must have been imported")
        parser.add_argument("--interval", choices=[interval.value for interval in Interval], default=Interval.D1.value)
        parser.add_argument(
            "--speed", default="1", help="market seconds per second, or max: the next bar once the last is done"
        )
        parser.add_argument(
            "--run",
            default="",
            help="a name: started again under it, a replay goes on where it stopped, and stays at its end",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        stop = Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
        commit_without_waiting_for_the_disk()
        if options["kis"]:
            KisLoop(stop).run()
            return
        if options["replay"] is None:
            SimulatorLoop(stop).run()
            return
        speed, tenure = _speed(options["speed"]), Tenure(f"feed:{Source.REPLAY}")
        if not tenure.is_held():
            raise CommandError("Another replay is running; end it first. There is one clock for all replays.")
        replay, instrument = self._open_replay(options)
        played = ReplayLoop(stop, tenure, replay, instrument, speed).run()
        self.stdout.write(f"{played} bars of {options['replay']} replayed")
        while options["run"] and not stop.wait(1.0) and tenure.is_held():
            markets.beat(Source.REPLAY, replay.clock)
        tenure.end()

    def _open_replay(self, options: dict[str, Any]) -> tuple[Replay, Instrument]:
        try:
            instrument = Instrument.objects.by_key(options["replay"])
            replay = feeding.open_replay(instrument, Interval(options["interval"]), run=options["run"])
        except Instrument.DoesNotExist:
            raise CommandError(f"There is no instrument {options['replay']}.") from None
        except NothingToReplay:
            raise CommandError(
                f"{options['replay']} has no imported {options['interval']} bars. "
                f"Import some first: manage.py import_bars FILE --instrument {options['replay']} --interval {options['interval']}"
            ) from None
        if earlier := feeding.decided_before(instrument):
            self.stderr.write(
                f"{earlier} plans have decided on {instrument.key} before; they do not decide twice on one bar."
            )
        return replay, instrument


class SimulatorLoop:
    """The simulated market at the speed people choose, for the instruments nobody else supplies.

    Any number may run, one works: two would offer every order the same depth twice. The others wait for its lease.
    """

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._tenure = Tenure(f"feed:{Source.SIMULATOR}")
        self._running: RunningMarket | None = None

    def run(self) -> None:
        while not self._stop.is_set():
            if not is_taken(self._stop, self._turn):
                self._running = None  # what was not stored comes out again: the market is a function of its clock
            self._stop.wait(STEP if self._running else 1.0)
        self._tenure.end()

    def _turn(self) -> None:
        if not self._tenure.is_held():
            if self._running is not None:
                logger.warning("another feed has taken over the simulated market; this one waits")
            self._running = None
            return
        self._running = self._running or RunningMarket()
        self._running.turn()


class RunningMarket:
    """The simulated market between taking it up, where the last feed left it, and letting it go."""

    def __init__(self) -> None:
        seed, keeps_sessions = settings.SIMULATOR_SEED, settings.SIMULATOR_SESSIONS
        self._market = feeding.open_simulator(seed, keeps_sessions)
        self._folder = feeding.folder_for(self._market, seed, keeps_sessions)
        publisher = QuotePublisher()
        self._feeding = Feeding(self._market, feeding.simulated_instruments(), publisher)
        self._telling = TradeTelling(Source.SIMULATOR, publisher, self._feeding.supplied)
        self._pace = Pace(1, timezone.now())
        self._last_step = monotonic()
        markets.beat(Source.SIMULATOR, self._market.clock, keeps_sessions=keeps_sessions)

    def turn(self) -> None:
        """Bring the market to where its clock should be by now."""
        self._keep_pace()
        to = self._market.due(self._pace.elapsed(timezone.now()))
        if (to - self._market.clock).total_seconds() < 1:
            return
        self._feeding.own(feeding.simulated_instruments())
        batch = self._market.advance(to)
        self._telling.tell(batch)
        closed = [bar for tick in batch.ticks for bar in self._folder.add(tick)]
        closed += self._folder.close_until(batch.at)
        opened = self._feeding.openings(batch, self._folder.open_bar)
        ring(self._feeding.take(batch, closed, int(self._pace.speed), opened))
        self._feeding.prune(batch.at)

    def _keep_pace(self) -> None:
        now, moment = timezone.now(), monotonic()
        if moment - self._last_step > LONGEST_STEP:
            self._pace = Pace(self._pace.speed, now, self._market.clock - self._market.due(feeding.NO_TIME))
        self._last_step = moment
        speed = PriceFeed.objects.values_list("speed", flat=True).get(source=Source.SIMULATOR)
        if speed != self._pace.speed:
            self._pace = self._pace.at_speed(speed, now)


class ReplayLoop:
    """Imported bars as the live market. At speed 0 (max) the next bar comes once the last has been worked through."""

    def __init__(self, stop: Event, tenure: Tenure, replay: Replay, instrument: Instrument, speed: int) -> None:
        self._stop = stop
        self._tenure = tenure
        self._replay = replay
        self._instrument = instrument
        self._speed = speed
        publisher = QuotePublisher()
        self._feeding = Feeding(replay, [instrument], publisher)
        self._telling = TradeTelling(Source.REPLAY, publisher, self._feeding.supplied)
        self._folder = BarFolder(replay.bar_bounds, [replay.finest_interval])
        self._played = 0
        markets.beat(Source.REPLAY, replay.clock, speed=speed)

    def run(self) -> int:
        """Play to the end, or until stopped; the number of bars played."""
        pace = Pace(self._speed or 1, timezone.now())
        while not self._replay.ended and not self._stop.is_set():
            if not self._tenure.is_held():
                raise CommandError("Another replay has taken over.")
            if self._speed == 0:
                self._play_and_wait()
            else:
                self._play_until(pace)
                self._stop.wait(STEP)
        return self._played

    def _play_until(self, pace: Pace) -> None:
        to = self._replay.due(pace.elapsed(timezone.now()))
        while self._replay.clock < to and not self._replay.ended and not self._stop.is_set():
            self._take(to)
        markets.beat(Source.REPLAY, self._replay.clock)

    def _take(self, to: Any) -> None:
        batch = self._replay.advance(to)
        self._telling.tell(batch)
        self._played += len(batch.closed_bars)
        ring(self._feeding.take(batch, list(batch.closed_bars), self._speed, self._opened(batch)))

    def _play_and_wait(self) -> None:
        """The next bar or, where something waits for what happens inside it, its next trade."""
        in_trades = feeding.waits_inside_the_bar(self._instrument)
        batch = self._replay.next_trade() if in_trades else self._replay.next_bar()
        if batch is None:
            return
        self._played += len(batch.closed_bars)
        if in_trades and self._feeding.set_off(batch):
            self._wait_until(partial(feeding.all_sent, self._instrument), [], batch)
            batch = _just_after(batch)
        opened = self._opened(batch)
        waiting = self._feeding.take(batch, list(batch.closed_bars), self._speed, opened)
        if batch.closed_bars and waiting:
            self._wait_until(partial(feeding.is_worked_through, self._instrument, batch.at), waiting, batch)
        elif waiting:
            self._wait_until(partial(feeding.is_opened_for_all, self._instrument), waiting, batch)

    def _opened(self, batch: Batch) -> list[Bar]:
        """The bar that has begun, unless it is over in the same batch."""
        for tick in batch.ticks:
            self._folder.add(tick)
        return [] if batch.closed_bars else self._feeding.openings(batch, self._folder.open_bar)

    def _wait_until(self, is_done: Callable[[], bool], waiting: list[int], batch: Batch) -> None:
        rung = float("-inf")
        while not self._stop.is_set() and not is_done():
            if monotonic() - rung > RING_AGAIN:
                markets.beat(Source.REPLAY, batch.at)
                ring(waiting)
                rung = monotonic()
            self._stop.wait(LOOK_AGAIN)


def _just_after(batch: Batch) -> Batch:
    """The same books a moment later: what a trade has set off meets the market as that trade has left it."""
    return replace(batch, books=tuple(replace(book, at=book.at + ONE_MICROSECOND) for book in batch.books))


def _speed(text: str) -> int:
    if text == "max":
        return 0
    if not text.isdigit() or not 1 <= int(text) <= 1_000_000:
        raise CommandError(f"--speed takes a whole number from 1 to 1000000, or max, not {text!r}.")
    return int(text)
