"""The stream of one KIS key: what it says and hears over a socket, and how it comes back, also in a storm of lost lines."""

import gc
import json
import logging
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from brokers.errors import BrokerError
from brokers.kis import stream
from brokers.kis.frames import Channel
from brokers.kis.live.mailbox import ANYBODY, Mail, Mailbox
from brokers.kis.live.registrations import Registration
from brokers.kis.stream import LONGEST_PAUSE, KisStream, StreamState
from tests.brokers.kis_examples import text_example
from tests.brokers.test_kis_frames import recorded
from tests.brokers.test_kis_session import ack
from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import Probe

SAMSUNG = Registration(Channel.TRADES, "005930")
BOOK = Registration(Channel.BOOK, "005930")
NOTICES = Registration(Channel.NOTICES, "demo1")
AT = datetime(2026, 11, 20, 1, 15, tzinfo=UTC)


class Line:
    """A server's end that answers every command, says what it is told to, and ends when its script does."""

    def __init__(self, *said: str, hangs_up_on: str = "", refuses: str = "", stays: bool = True) -> None:
        self._said = list(said)
        self._hangs_up_on, self._refuses, self._stays = hangs_up_on, refuses, stays
        self.heard: list[str] = []
        self.pongs: list[str] = []
        self.has_ended = False

    def receive(self, seconds: float) -> str | None:
        if self._said:
            return self._said.pop(0)
        if not self._stays:
            raise ConnectionError("cut")
        time.sleep(min(seconds, 0.002))
        return None

    def say(self, text: str) -> None:
        self.heard.append(text)
        told = json.loads(text)
        if "body" not in told:
            return
        channel, key = told["body"]["input"]["tr_id"], told["body"]["input"]["tr_key"]
        if channel == self._hangs_up_on:
            self._stays, self._said = False, []
            return
        is_on = told["header"]["tr_type"] == "1"
        code = self._refuses or ("OPSP0000" if is_on else "OPSP0001")
        self._said.insert(0, ack(Registration(Channel(channel), key), code))

    def pong(self, text: str) -> None:
        self.pongs.append(text)

    def end(self) -> None:
        self.has_ended = True
        if not self._stays:
            self.heard.clear()  # what we remember is not what the stream does

    def asked(self) -> list[tuple[str, str]]:
        told = [json.loads(text) for text in self.heard]
        return [(each["header"]["tr_type"], each["body"]["input"]["tr_id"]) for each in told if "body" in each]


class Approval:
    """One approval key after the other; the ones given back are remembered."""

    def __init__(self) -> None:
        self.given = 0
        self.discarded: list[str] = []
        self.problem: BrokerError | None = None

    def approval_key(self) -> str:
        if self.problem is not None:
            raise self.problem
        self.given += 1
        return f"approval-{self.given}"

    def discard_approval(self, value: str) -> None:
        self.discarded.append(value)


class Scene:
    """A stream over lines that are handed out one after the other; the last again and again."""

    def __init__(self, *lines: Line | OSError, notices: Registration | None = NOTICES) -> None:
        self.lines = list(lines)
        self.taken: list[Line | OSError] = []
        self.pauses: list[float] = []
        self.approval, self.box = Approval(), Mailbox(most_trades=50)
        self.now = 0.0
        self.enough = threading.Event()
        self.most_pauses = 10_000
        self.stream = KisStream(
            "ws://127.0.0.1:1",
            self.approval,
            self.box,
            clock=self._clock,
            venue_now=lambda: AT,
            chance=lambda: 0.5,
            notices=notices,
            connect=self._connect,
            wait=self._wait,
        )

    def _clock(self) -> float:
        self.now += 0.01
        return self.now

    def _connect(self, url: str) -> Line:
        assert url == "ws://127.0.0.1:1/tryitout"
        line = self.lines.pop(0) if len(self.lines) > 1 else self.lines[0]
        self.taken.append(line)
        if isinstance(line, OSError):
            raise line
        return line

    def _wait(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) >= self.most_pauses:
            self.enough.set()
            self.stream.ask_to_stop()
        time.sleep(0.0005)

    def until(self, what: Callable[[], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline
            time.sleep(0.002)


@pytest.fixture
def made() -> Iterator[Callable[..., Scene]]:
    scenes: list[Scene] = []

    def make(*lines: Line | OSError, notices: Registration | None = NOTICES) -> Scene:
        scenes.append(Scene(*lines, notices=notices))
        return scenes[-1]

    yield make
    assert all(scene.stream.stop(10) for scene in scenes)


def gathered(box: Mailbox, seconds: float = 0.2) -> Mail:
    """Everything that comes within so long."""
    whole = Mail()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        mail = box.take(0.02)
        whole.trades += mail.trades
        whole.books |= mail.books
        whole.lines += mail.lines
        whole.bells |= mail.bells
    return whole


def test_notices_are_registered_first_and_ring_once_they_are(made: Callable[..., Scene]) -> None:
    """What happened to own orders before anybody listened has to be read."""
    line = Line()
    scene = made(line)
    scene.stream.want([SAMSUNG, BOOK])
    scene.stream.start()
    scene.until(lambda: len(scene.stream.state().registered) == 2)
    assert line.asked() == [("1", "H0STCNI0"), ("1", "H0STCNT0"), ("1", "H0STASP0")]
    mail = gathered(scene.box)
    assert mail.bells == {ANYBODY}
    assert [(each.instrument, each.is_on, each.is_depth) for each in mail.lines] == [
        ("KRX:005930", True, False),
        ("KRX:005930", True, True),
    ]
    assert scene.stream.state().has_notices
    assert scene.stream.state().room == 40  # the notices take one of the 41


def test_the_recorded_frames_arrive_as_prices_books_and_bells(made: Callable[..., Scene]) -> None:
    frames = [recorded("### 5.7"), recorded("### 5.8"), recorded("### 5.9", 0), recorded("### 5.9", 1)]
    scene = made(Line())
    scene.stream.want([SAMSUNG, BOOK])
    scene.stream.start()
    scene.until(lambda: len(scene.stream.state().registered) == 2)
    line = scene.taken[0]
    assert isinstance(line, Line)
    scene.box.take(0)
    line._said.extend(frames)
    mail = gathered(scene.box)
    assert [(each.tick.price, each.tick.quantity) for each in mail.trades] == [(Decimal(71_200), Decimal(15))]
    assert mail.books["KRX:005930"].asks[0].quantity == 1_000
    assert mail.bells == {"5012345601"}  # the account to read; the notice itself books nothing


def test_the_recorded_call_for_a_sign_of_life_is_answered_both_ways(made: Callable[..., Scene]) -> None:
    line = Line(text_example("### 5.5"))
    scene = made(line, notices=None)
    scene.stream.start()
    scene.until(lambda: line.pongs)
    assert line.pongs == [text_example("### 5.5")]
    assert line.heard == [text_example("### 5.5")]


def test_a_lost_line_is_told_and_everything_registered_anew(made: Callable[..., Scene]) -> None:
    """D09. Nothing is restored by the server."""
    first, second = Line(), Line()
    scene = made(first, second)
    scene.stream.want([SAMSUNG])
    scene.stream.start()
    scene.until(lambda: len(scene.stream.state().registered) == 1)
    scene.box.take(0)
    first._stays = False
    scene.until(lambda: scene.stream.state().connections == 2 and scene.stream.state().registered)
    assert second.asked() == [("1", "H0STCNI0"), ("1", "H0STCNT0")]
    assert first.has_ended
    mail = gathered(scene.box)
    assert mail.lines[-1].is_on
    assert mail.bells == {ANYBODY}  # notices of the gap are lost: read the orders


def test_pauses_grow_to_a_minute_and_shrink_once_a_line_has_lasted(made: Callable[..., Scene]) -> None:
    scene = made(OSError("refused"))
    scene.most_pauses = 12
    scene.stream.start()
    assert scene.enough.wait(10)
    assert scene.pauses[:7] == [1.25 * 2**n for n in range(6)] + [1.25 * LONGEST_PAUSE]
    assert set(scene.pauses[7:]) == {1.25 * LONGEST_PAUSE}


def test_a_line_that_lasted_lets_the_next_come_soon(made: Callable[..., Scene]) -> None:
    scene = made(OSError("refused"), OSError("refused"), OSError("refused"), Line(), OSError("refused"))
    scene.most_pauses = 5
    scene.stream.start()
    scene.until(lambda: scene.stream.state().has_notices)
    scene.now += 3600
    assert scene.enough.wait(10)
    assert scene.pauses[:3] == [1.25, 2.5, 5.0]
    assert scene.pauses[3] == pytest.approx(6.25)  # silent for an hour: given up, and the next may come after the least
    assert scene.pauses[4] == 2.5


def test_a_key_that_is_in_use_is_not_hurried(made: Callable[..., Scene]) -> None:
    """The dead session takes some seconds to go."""
    scene = made(Line(refuses="OPSP8996"))
    scene.most_pauses = 2
    scene.stream.start()
    assert scene.enough.wait(10)
    assert min(scene.pauses) >= stream.IN_USE_PAUSE
    assert scene.approval.discarded == []
    assert scene.stream.state().problem == "OPSP8996"


def test_a_refused_approval_key_is_given_back_and_another_asked_for(made: Callable[..., Scene]) -> None:
    scene = made(Line(refuses="OPSP0011"), Line())
    scene.stream.start()
    scene.until(lambda: scene.stream.state().has_notices)
    assert scene.approval.discarded == ["approval-1"]
    assert scene.approval.given == 2


def test_without_an_approval_key_no_line_is_opened(made: Callable[..., Scene]) -> None:
    scene = made(Line())
    scene.approval.problem = BrokerError("none now")
    scene.most_pauses = 3
    scene.stream.start()
    assert scene.enough.wait(10)
    assert scene.taken == []
    assert scene.stream.state().problem == BrokerError.code


def test_a_wrong_hts_id_costs_the_notices_and_not_the_prices(made: Callable[..., Scene]) -> None:
    """KIS hangs up on it without a word: else the stream would come back to the same end for ever."""
    scene = made(*[Line(hangs_up_on="H0STCNI0") for _n in range(3)], Line())
    scene.stream.want([SAMSUNG])
    scene.stream.start()
    scene.until(lambda: scene.stream.state().registered)
    state = scene.stream.state()
    assert (state.connections, state.has_notices, state.refused) == (4, False, (NOTICES,))


def test_a_storm_of_lost_lines_takes_no_memory_and_one_thread(
    made: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    """I53. A thousand lines that end at once, with nobody emptying the mailbox."""
    caplog.set_level(logging.CRITICAL, stream.__name__)  # pytest keeps every line logged
    scene = made(Line(recorded("### 5.7"), stays=False))
    scene.lines = [Line(recorded("### 5.7"), stays=False) for _n in range(1_100)]
    scene.stream.want([SAMSUNG])
    scene.most_pauses = 1_000
    threads = threading.active_count()
    tracemalloc.start()
    try:
        scene.stream.start()
        scene.until(lambda: len(scene.pauses) >= 300)
        gc.collect()
        early = tracemalloc.take_snapshot()
        scene.until(scene.enough.is_set, 60)
        gc.collect()
        late = tracemalloc.take_snapshot()
    finally:
        tracemalloc.stop()
    assert threading.active_count() <= threads + 1
    ours = str(Path(stream.__file__).parent)
    grown = [each for each in late.compare_to(early, "filename") if each.traceback[0].filename.startswith(ours)]
    assert sum(each.size_diff for each in grown) < 64 * 1024
    assert all(line.has_ended for line in scene.taken if isinstance(line, Line))
    assert sum(scene.pauses) > 900 * LONGEST_PAUSE  # and nobody was hammered


# Over a real wire


@pytest.fixture
def sandbox(kis_process: KisSandbox) -> KisSandbox:
    kis_process.tell("reset", at="2026-11-20T10:00:00", speed=0)
    kis_process.tell("limits", live=1000, paper=1000)
    return kis_process


class SandboxApproval(Approval):
    def __init__(self, probe: Probe) -> None:
        super().__init__()
        self._probe = probe

    def approval_key(self) -> str:
        self.given += 1
        return str(self._probe.approval())


@pytest.fixture
def wired(sandbox: KisSandbox) -> Iterator[KisStream]:
    """A stream of the sandbox's own key; it waits a twentieth of the time between lines."""
    box = Mailbox()
    made = KisStream(
        sandbox.ws["live"],
        SandboxApproval(Probe(sandbox).log_in()),
        box,
        clock=time.monotonic,
        venue_now=lambda: AT,
        chance=lambda: 0.0,
        notices=NOTICES,
        wait=lambda seconds: time.sleep(seconds / 20),
    )
    yield made
    assert made.stop()


def wait_for(made: KisStream, what: Callable[[StreamState], object], seconds: float = 15.0) -> StreamState:
    deadline = time.monotonic() + seconds
    while not what(made.state()):
        assert time.monotonic() < deadline, made.state()
        time.sleep(0.02)
    return made.state()


def test_all_forty_places_are_filled_beside_the_notices(sandbox: KisSandbox, wired: KisStream) -> None:
    codes = [f"1{n:05d}" for n in range(50)]
    for code in codes:
        sandbox.tell("symbol", code=code, name="종목", base=10_000)
    wired.want([Registration(Channel.TRADES, code) for code in codes])
    wired.start()
    wait_for(wired, lambda state: len(state.registered) == 40)
    (session,) = sandbox.sessions()["live"]["open"]
    assert len(session["subscribed"]) == 41
    wired.want([Registration(Channel.TRADES, code) for code in codes[10:50]])
    wait_for(wired, lambda state: state.registered and state.registered[-1].key == codes[49])
    assert len(sandbox.sessions()["live"]["open"][0]["subscribed"]) == 41


@pytest.mark.parametrize(("trade_width", "book_width"), [(46, 59), (47, 60)])
def test_trades_and_books_of_the_sandbox_arrive_in_bursts(
    sandbox: KisSandbox, wired: KisStream, trade_width: int, book_width: int
) -> None:
    sandbox.tell("quirks", trade_width=trade_width, book_width=book_width)
    wired.want([SAMSUNG, BOOK])
    wired.start()
    wait_for(wired, lambda state: len(state.registered) == 2)
    sandbox.tell("trade", code="005930", ticks=[[70_600, n, "buy"] for n in (1, 2, 3, 4)], books=True)
    mail = gathered(wired._mailbox, 0.5)
    assert [int(each.tick.quantity) for each in mail.trades] == [1, 2, 3, 4]
    assert len(mail.books["KRX:005930"].bids) == 10


@pytest.mark.parametrize("width", [23, 26])
def test_a_fill_rings_for_its_account_in_either_layout(sandbox: KisSandbox, wired: KisStream, width: int) -> None:
    sandbox.tell("quirks", notice_width_live=width)
    wired.start()
    wait_for(wired, lambda state: state.has_notices)
    wired._mailbox.take(0)
    sandbox.tell("order", environment="live", account="5012345601", code="005930", side="buy", quantity=1, price=70_500)
    assert gathered(wired._mailbox, 0.5).bells == {"5012345601"}


def test_the_stream_outlives_cut_lines_refusals_and_a_lingering_session(sandbox: KisSandbox, wired: KisStream) -> None:
    sandbox.tell("quirks", linger_seconds=0.5)
    wired.want([SAMSUNG])
    wired.start()
    wait_for(wired, lambda state: state.registered)
    sandbox.tell("connections", environment="live", refuse=True)
    sandbox.tell("cut", environment="live")
    wait_for(wired, lambda state: not state.is_connected)
    sandbox.tell("connections", environment="live", refuse=False)
    wait_for(wired, lambda state: state.registered and state.has_notices)
    assert len(sandbox.sessions()["live"]["open"]) == 1  # never two sessions of one key


def test_a_line_whose_calls_go_unanswered_would_end_and_ours_does_not(sandbox: KisSandbox, wired: KisStream) -> None:
    sandbox.tell("quirks", ping_seconds=0.1, ping_grace=0.3)
    wired.start()
    wait_for(wired, lambda state: state.has_notices)
    time.sleep(1.0)
    assert wired.state().connections == 1
    assert wired.state().is_connected


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="ws"):
        stream.connected("http://127.0.0.1:1/")
    with pytest.raises(ConnectionRefusedError):
        stream.connected("ws://127.0.0.1:1/")
