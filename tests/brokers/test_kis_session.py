"""One conversation with KIS: commands one by one, answers matched, nothing asked beyond what KIS grants."""

import json
from itertools import count

import pytest

from brokers.kis.frames import Channel, Data, Ping
from brokers.kis.live.registrations import MOST, Registration
from brokers.kis.live.session import ANSWER_WITHIN, SILENT_FOR, SPACING, Bell, Event, Refused, Session, Turned, Useless
from tests.brokers.kis_examples import json_example, text_example
from tests.brokers.test_kis_frames import recorded

SAMSUNG, HYNIX = Registration(Channel.TRADES, "005930"), Registration(Channel.TRADES, "000660")
NOTICES = Registration(Channel.NOTICES, "demo1")
SECONDS = count(1)
KEYS = {"iv": "fedcba9876543210", "key": "0123456789abcdef0123456789abcdef"}


def ack(registration: Registration, code: str = "OPSP0000", *, keys: bool = True) -> str:
    body = {"rt_cd": "0" if code in {"OPSP0000", "OPSP0001"} else "1", "msg_cd": code, "msg1": "x"}
    header = {"tr_id": registration.channel.value, "tr_key": registration.key, "encrypt": "N"}
    return json.dumps({"header": header, "body": body | ({"output": KEYS} if keys and code == "OPSP0000" else {})})


def asked(message: str | None) -> tuple[str, str, str]:
    """What a command asks: wish, channel, key."""
    assert message is not None
    told = json.loads(message)
    return told["header"]["tr_type"], told["body"]["input"]["tr_id"], told["body"]["input"]["tr_key"]


def talk(session: Session, *, refuse: dict[Registration, str] | None = None) -> list[Event]:
    """Answer whatever is asked until nothing is."""
    events: list[Event] = []
    for n in SECONDS:
        message = session.next_message(now=n)
        if message is None:
            break
        wish, channel, key = asked(message)
        registration = Registration(Channel(channel), key)
        code = (refuse or {}).get(registration, "OPSP0000" if wish == "1" else "OPSP0001")
        events += session.hear(ack(registration, code), now=n)
    return events


def test_the_command_is_the_recorded_one() -> None:
    example = json_example("### 5.2")
    session = Session(example["header"]["approval_key"], now=0)
    session.want([SAMSUNG])
    message = session.next_message(now=0)
    assert message is not None
    assert json.loads(message) == example


def test_the_recorded_acknowledgement_puts_it_in_force() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG])
    session.next_message(now=0)
    assert list(session.hear(text_example("### 5.3"), now=0.1)) == [Turned(SAMSUNG, is_on=True)]
    assert session.held == (SAMSUNG,)


def test_commands_wait_for_their_answer_and_a_moment_more() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG, HYNIX])
    assert asked(session.next_message(now=0))[2] == "005930"
    assert session.next_message(now=5) is None
    list(session.hear(ack(SAMSUNG), now=5))
    assert asked(session.next_message(now=5))[2] == "000660"
    session.want([SAMSUNG, HYNIX, NOTICES])
    list(session.hear(ack(HYNIX), now=5.01))
    assert session.next_message(now=5 + SPACING / 2) is None


def test_what_is_no_longer_wished_ends_before_anything_new_begins() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG])
    talk(session)
    session.want([HYNIX])
    assert talk(session) == [Turned(SAMSUNG, is_on=False), Turned(HYNIX, is_on=True)]


def test_never_more_than_the_limit_is_asked_for() -> None:
    session = Session("key", now=0)
    session.want([Registration(Channel.TRADES, f"{n:06d}") for n in range(60)])
    assert len(talk(session)) == len(session.held) == MOST


def test_a_limit_below_the_documented_one_is_learned() -> None:
    session = Session("key", now=0)
    wished = [Registration(Channel.TRADES, f"{n:06d}") for n in range(20)]
    session.want(wished)
    refused = talk(session, refuse={wished[12]: "OPSP0008"})
    assert (session.room, len(session.held)) == (12, 12)
    assert refused[-1] == Refused(wished[12], "OPSP0008")


def test_already_subscribed_is_subscribed() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG])
    assert talk(session, refuse={SAMSUNG: "OPSP0002"}) == [Turned(SAMSUNG, is_on=True)]


def test_an_unknown_symbol_is_asked_once_and_the_others_go_on() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG, HYNIX])
    assert talk(session, refuse={SAMSUNG: "OPSP8992"}) == [Refused(SAMSUNG, "OPSP8992"), Turned(HYNIX, is_on=True)]


@pytest.mark.parametrize(("code", "is_bad_key"), [("OPSP8996", False), ("OPSP0011", True), ("OPSP0010", True)])
def test_a_refused_key_ends_the_connection(code: str, is_bad_key: bool) -> None:
    told = json_example("### 5.3", 2)
    told["body"]["msg_cd"] = code
    session = Session("key", now=0)
    session.want([SAMSUNG])
    session.next_message(now=0)
    (event,) = session.hear(json.dumps(told), now=0)
    assert isinstance(event, Useless)
    assert (event.code, event.is_bad_key) == (code, is_bad_key)


def test_the_recorded_call_for_a_sign_of_life_is_one() -> None:
    text = text_example("### 5.5")
    assert list(Session("key", now=0).hear(text, now=0)) == [Ping(text)]


def test_notices_open_with_the_key_of_their_own_acknowledgement() -> None:
    """Every acknowledgement brings a key; a later one of a quote must not take the place of the notices'."""
    session = Session("key", now=0)
    session.want([NOTICES, SAMSUNG])
    session.next_message(now=0)
    list(session.hear(ack(NOTICES), now=0))
    session.next_message(now=1)
    other = json.loads(ack(SAMSUNG))
    other["body"]["output"] = {"iv": "0" * 16, "key": "f" * 32}
    list(session.hear(json.dumps(other), now=1))
    (event,) = session.hear(recorded("### 5.9"), now=2)
    assert isinstance(event, Data)
    assert event.records[0][2] == "0000123456"


def test_a_notice_that_does_not_open_still_rings() -> None:
    """Something of ours has moved; only the order list can say what."""
    session = Session("key", now=0)
    assert list(session.hear(recorded("### 5.9"), now=0)) == [Bell()]
    assert list(session.hear("0|H0STCNT0|001|nonsense", now=0)) == []
    assert session.garbled == 2


def test_a_line_that_says_nothing_is_given_up() -> None:
    session = Session("key", now=0)
    assert session.problem(now=SILENT_FOR - 1) is None
    assert session.problem(now=SILENT_FOR + 1) == "silent"
    list(session.hear(text_example("### 5.5"), now=SILENT_FOR))
    assert session.problem(now=2 * SILENT_FOR - 1) is None


def test_a_command_without_an_answer_gives_the_line_up() -> None:
    session = Session("key", now=0)
    session.want([SAMSUNG])
    session.next_message(now=0)
    list(session.hear(text_example("### 5.5"), now=5))
    assert session.problem(now=ANSWER_WITHIN + 1) == "unanswered"
