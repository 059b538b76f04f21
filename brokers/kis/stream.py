"""The WebSocket of one KIS key: connected, registered, answered, and connected again, in a thread of its own.

The server restores nothing and keeps a dead session for some seconds, and whoever comes back in a hurry may be shut out:
so every connection registers anew, and the next one waits 1 to 60 s, longer each time until one has lasted.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

import websocket
from websocket._abnf import ABNF, frame_buffer

from brokers.errors import BrokerError
from brokers.kis import quotes
from brokers.kis.calls import instrument_key
from brokers.kis.frames import LONGEST_FRAME, Channel, Data, Ping
from brokers.kis.instants import korean_day
from brokers.kis.live.mailbox import ANYBODY, Line, Mailbox
from brokers.kis.live.registrations import MOST, Registration
from brokers.kis.live.session import Bell, Refused, Session, Turned, Useless
from brokers.kis.notices import notice
from brokers.wire.values import Garbled
from markets.types import Source

logger = logging.getLogger(__name__)

PATH = "/tryitout"
CONNECT_SECONDS = 5.0
LOOK_SECONDS = 0.25  # a quiet line is looked up from so often, to stop or to register
BUSY_LOOK_SECONDS = 0.02  # while something waits to be said
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
IN_USE_PAUSE = 5.0  # the last session is not gone yet
LASTED = 60.0  # a connection that stood for so long was a good one
MOST_DROPS = 3  # lines that ended at the registration of notices: KIS hangs up on a wrong HTS id without a word


class Approvals(Protocol):
    """What opens a session. Raises a BrokerError where there is none now."""

    def approval_key(self) -> str: ...

    def discard_approval(self, value: str) -> None: ...


class Socket(Protocol):
    """The part of a WebSocket we use. Everything raises OSError once the line is gone."""

    def receive(self, seconds: float) -> str | None:
        """The next text; None where none came in so long."""
        ...

    def say(self, text: str) -> None: ...

    def pong(self, text: str) -> None: ...

    def end(self) -> None: ...


Connect = Callable[[str], Socket]


@dataclass(frozen=True, slots=True)
class StreamState:
    """How the stream of one key stands. `registered` without the notices; `problem` is a code, "" where all is well."""

    is_connected: bool = False
    registered: tuple[Registration, ...] = ()
    refused: tuple[Registration, ...] = ()
    room: int = MOST
    heard_at: float = float("-inf")  # seconds of the stream's clock
    connections: int = 0
    problem: str = ""
    has_notices: bool = False


class KisStream:
    """Listens for one key until told to stop. `clock`: seconds that only grow; `venue_now`: aware UTC; `chance`: 0 to 1.

    `on_venue_time` gets each PINGPONG as it came; `wait` waits between two connections, until stopped at most.
    """

    def __init__(
        self,
        url: str,
        approvals: Approvals,
        mailbox: Mailbox,
        *,
        clock: Callable[[], float],
        venue_now: Callable[[], datetime],
        chance: Callable[[], float],
        notices: Registration | None = None,
        connect: "Connect | None" = None,
        on_venue_time: Callable[[str], None] = lambda _text: None,
        wait: "Callable[[float], object] | None" = None,
    ) -> None:
        self._url = url.rstrip("/") + PATH
        self._approvals = approvals
        self._mailbox = mailbox
        self._clock, self._venue_now, self._chance = clock, venue_now, chance
        self._notices = notices
        self._connect = connect or connected
        self._on_venue_time = on_venue_time
        self._asked: tuple[Registration, ...] = ()
        self._wanted: tuple[Registration, ...] = (notices,) if notices else ()
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._failures = self._drops = self._connections = 0
        self._refused: dict[Registration, str] = {}
        self._session: Session | None = None
        self._heard_at = float("-inf")
        self._problem = ""
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        return "<KIS stream>"

    # For whoever steers it

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="kis-stream", daemon=True)
        self._thread.start()

    def ask_to_stop(self) -> None:
        self._stop.set()

    def stop(self, seconds: float = 2 * CONNECT_SECONDS) -> bool:
        """End it; whether it has ended within so many seconds."""
        self.ask_to_stop()
        if self._thread is None:
            return True
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def want(self, registrations: Sequence[Registration]) -> None:
        """From now on these, the most important first; the notices of own orders come before them by themselves."""
        asked = tuple(registrations)
        if asked != self._asked:
            self._asked = asked
            self._renew_wishes()

    def state(self) -> StreamState:
        session = self._session
        held = session.held if session else ()
        return StreamState(
            is_connected=session is not None,
            registered=tuple(each for each in held if not each.is_notice),
            refused=tuple(self._refused),
            room=(session.room if session else MOST) - (1 if self._notices else 0),
            heard_at=self._heard_at,
            connections=self._connections,
            problem=self._problem,
            has_notices=any(each.is_notice for each in held),
        )

    # The thread

    def _run(self) -> None:
        while not self._stop.is_set():
            began = self._clock()
            least = FIRST_PAUSE
            try:
                self._converse()
            except _GivenUp as e:
                least = self._learn(e)
            except BrokerError as e:
                self._note(e.code)
            except (OSError, websocket.WebSocketException) as e:
                self._note(type(e).__name__)
            except Exception as e:  # whatever it is: prices must not freeze in silence, so say it and come back
                logger.exception("KIS stream failed")
                self._problem = type(e).__name__
            if self._clock() - began >= LASTED:
                self._failures = 0
            self._wait(self._pause(least))
            self._failures += 1

    def _converse(self) -> None:
        """One connection, to its end. Raises what ended it."""
        approval = self._approvals.approval_key()
        line = self._connect(self._url)
        self._connections += 1
        session = Session(approval, self._clock())
        try:
            self._session = session
            self._listen(line, session, approval)
        except OSError:
            self._suspect_the_hts_id(session)
            raise
        finally:
            self._session = None
            self._leave(session)
            line.end()

    def _listen(self, line: Socket, session: Session, approval: str) -> None:
        while not self._stop.is_set():
            session.want(self._wanted)
            now = self._clock()
            if message := session.next_message(now):
                line.say(message)
            if problem := session.problem(now):
                raise _GivenUp(problem, approval)
            is_quiet = session.has_asked is None and not session.has_more_to_say
            text = line.receive(LOOK_SECONDS if is_quiet else BUSY_LOOK_SECONDS)
            if text is not None:
                self._hear(line, session, text, approval)

    def _hear(self, line: Socket, session: Session, text: str, approval: str) -> None:
        self._heard_at = self._clock()
        for event in session.hear(text, self._heard_at):
            match event:
                case Ping(text=said):
                    line.say(said)
                    line.pong(said)
                    self._on_venue_time(said)
                case Data():
                    self._deliver(event)
                case Turned():
                    self._turned(event)
                case Refused(registration=registration, code=code):
                    self._refused[registration] = code
                    logger.warning("KIS refuses %s (%s)", registration, code)
                case Bell():
                    self._mailbox.put_bell(ANYBODY)
                case Useless(code=code):
                    raise _GivenUp(code, approval, is_bad_key=event.is_bad_key)

    def _deliver(self, data: Data) -> None:
        """A record that cannot be read is left out; the others of its frame count."""
        trades = []
        for record in data.records:
            try:
                if data.channel is Channel.TRADES:
                    trades.append(quotes.trade(record, Source.KIS))
                elif data.channel is Channel.BOOK:
                    self._mailbox.put_book(quotes.streamed_book(record, korean_day(self._venue_now())))
                else:
                    self._mailbox.put_bell(notice(record).account)
            except Garbled as e:
                logger.warning("a record of %s cannot be read (%s)", data.channel.value, e)
                if data.channel in {Channel.NOTICES, Channel.PAPER_NOTICES}:
                    self._mailbox.put_bell(ANYBODY)
        if trades:
            self._mailbox.put_trades(trades)

    def _turned(self, turn: Turned) -> None:
        self._problem = ""
        registration = turn.registration
        self._refused.pop(registration, None)
        if registration.is_notice:
            self._drops = 0
            self._mailbox.put_bell(ANYBODY)  # what happened while nobody listened
        else:
            self._tell_line(registration, is_on=turn.is_on)

    def _leave(self, session: Session) -> None:
        for registration in session.held:
            if not registration.is_notice:
                self._tell_line(registration, is_on=False)

    def _suspect_the_hts_id(self, session: Session) -> None:
        """The line went while the notices were being registered: once may be chance."""
        asked = session.has_asked
        if asked is None or not asked.is_notice:
            return
        self._drops += 1
        if self._drops >= MOST_DROPS:
            logger.error("KIS hangs up on the HTS id of this key; its notices are done without")
            self._refused[asked] = "hts_id"
            self._renew_wishes()

    def _tell_line(self, registration: Registration, *, is_on: bool) -> None:
        is_depth = registration.channel is Channel.BOOK
        self._mailbox.put_line(Line(instrument_key(registration.key), is_on, self._venue_now(), is_depth))

    def _renew_wishes(self) -> None:
        notices = () if self._notices is None or self._notices in self._refused else (self._notices,)
        self._wanted = (*notices, *self._asked)

    def _learn(self, end: "_GivenUp") -> float:
        """What the end of a connection teaches; the shortest pause after it."""
        self._note(end.code)
        if end.is_bad_key:
            self._approvals.discard_approval(end.approval)
        return FIRST_PAUSE if end.is_bad_key else IN_USE_PAUSE

    def _note(self, problem: str) -> None:
        if problem != self._problem:
            logger.warning("KIS stream: %s; connecting again", problem)
        self._problem = problem

    def _pause(self, least: float) -> float:
        """Doubled with every failure, and by chance up to half as long again: many who were cut together come back apart."""
        longest: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self._failures, 6))
        return max(least, longest) * (1 + self._chance() / 2)


class _GivenUp(Exception):
    """We end the connection; `code` is KIS's, or says what was missing."""

    def __init__(self, code: str, approval: str, *, is_bad_key: bool = False) -> None:
        super().__init__(code)
        self.code, self.approval, self.is_bad_key = code, approval, is_bad_key


# The socket itself


class _Frames(frame_buffer):
    """A frame longer than any KIS sends ends the line instead of filling the memory."""

    def recv_strict(self, bufsize: int) -> Any:
        if bufsize > LONGEST_FRAME:
            raise OSError("a frame too long")
        return super().recv_strict(bufsize)


class WebSocketLine:
    """A `Socket` over websocket-client. KIS is asked over plain ws; no proxy, no redirect, no Origin."""

    def __init__(self, url: str) -> None:
        self._socket = websocket.create_connection(
            url,
            timeout=CONNECT_SECONDS,
            http_no_proxy=["*"],
            redirect_limit=0,
            suppress_origin=True,
            skip_utf8_validation=True,
        )
        self._socket.frame_buffer = _Frames(self._socket._recv, skip_utf8_validation=True)
        self._seconds = CONNECT_SECONDS

    def receive(self, seconds: float) -> str | None:
        self._wait(max(seconds, 0.0005))
        try:
            kind, data = self._socket.recv_data()
        except websocket.WebSocketTimeoutException:
            return None
        except websocket.WebSocketException as e:
            raise OSError(type(e).__name__) from None
        if kind == ABNF.OPCODE_CLOSE:
            raise ConnectionError("closed")
        return bytes(data).decode("utf-8", "replace")

    def say(self, text: str) -> None:
        self._send(text.encode(), ABNF.OPCODE_TEXT)

    def pong(self, text: str) -> None:
        self._send(text.encode()[:125], ABNF.OPCODE_PONG)

    def end(self) -> None:
        with suppress(Exception):  # it is being given up; what its far end thinks of that changes nothing
            self._socket.close(timeout=1)

    def _send(self, payload: bytes, opcode: int) -> None:
        self._wait(CONNECT_SECONDS)
        try:
            self._socket.send(payload, opcode)
        except websocket.WebSocketException as e:
            raise OSError(type(e).__name__) from None

    def _wait(self, seconds: float) -> None:
        if seconds != self._seconds:
            self._socket.settimeout(seconds)
            self._seconds = seconds


def connected(url: str) -> Socket:
    """Raises OSError. ValueError for what is no address of a WebSocket."""
    if urlsplit(url).scheme not in {"ws", "wss"}:
        raise ValueError("KIS streams over ws or wss")
    try:
        return WebSocketLine(url)
    except websocket.WebSocketException as e:
        raise OSError(type(e).__name__) from None
