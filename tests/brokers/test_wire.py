"""The wire: sent at most once, in bounded time and size, and every failure named for what it proves (I1)."""

import socket
import time
from decimal import Decimal

import pytest

from brokers.errors import NotSent, OutcomeUnknown, ReadIncomplete
from brokers.wire.client import WireClient
from brokers.wire.messages import Request
from brokers.wire.values import Garbled, json_object, moment, number
from tests.brokers.raw_server import RawServer

ORDER = Request("POST", "/orders?sign=SECRET", {"Authorization": "SECRET"}, b'{"secret": "SECRET"}')
WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
LATER_PIECES = [b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", *[b"x"] * 50]


def test_a_whole_reply_is_handed_over_whatever_its_status() -> None:
    with RawServer([b"HTTP/1.1 503 No\r\nX-Code: 7\r\nContent-Length: 2\r\n\r\nno"]) as server:
        reply = WireClient(server.url + "/plain/").send_once(ORDER)
    assert (reply.status, reply.headers["x-code"], reply.body) == (503, "7", b"no")
    assert server.requests[0].startswith(b"POST /plain/orders?sign=SECRET HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"HTTP/1.1 200 OK\r\nContent-Le"],
        [b"nonsense\r\n\r\n"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab"],
        [b"HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n" + b"x" * 200],
        [b"HTTP/1.1 200 OK\r\n\r\n{}"],
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n"],
    ],
    ids=["nothing", "half a head", "no HTTP", "body short", "chunk short", "too long", "end by closing", "long header"],
)
def test_anything_wrong_after_the_first_byte_is_unknown_and_asked_once(pieces: list[bytes]) -> None:
    with RawServer(pieces) as server, pytest.raises(OutcomeUnknown):
        WireClient(server.url, most_bytes=100).send_once(ORDER)
    assert server.connections == 1


def test_a_redirect_is_not_followed() -> None:
    with RawServer([b"HTTP/1.1 307 Go\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"]) as server:
        assert WireClient(server.url).send_once(ORDER).status == 307
    assert server.connections == 1


def test_every_request_has_a_connection_of_its_own() -> None:
    """One kept open and closed meanwhile by the other side cannot be told from one that took the order."""
    with RawServer([WHOLE]) as server:
        client = WireClient(server.url)
        client.send_once(ORDER)
        client.send_once(ORDER)
    assert server.connections == 2
    assert all(b"Connection: close" in request for request in server.requests)


def test_a_dripping_reply_is_cut_when_the_time_is_up() -> None:
    """Every byte restarts a socket's own time-out; ours runs from the first byte sent."""
    with RawServer(LATER_PIECES, pause=0.1) as server:
        begun = time.monotonic()
        with pytest.raises(OutcomeUnknown):
            WireClient(server.url, read_seconds=0.4).send_once(ORDER)
        assert time.monotonic() - begun < 2


def test_silence_ends_when_the_time_is_up() -> None:
    with RawServer([b"", b""], pause=0.4) as server, pytest.raises(OutcomeUnknown):
        WireClient(server.url, read_seconds=0.3).send_once(ORDER)


def test_nothing_is_sent_where_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(NotSent):
        WireClient(f"http://127.0.0.1:{port}").send_once(ORDER)


def test_nothing_is_sent_to_a_name_that_does_not_exist() -> None:
    with pytest.raises(NotSent):
        WireClient("https://no-such-host.invalid").send_once(ORDER)


def test_a_failed_handshake_is_before_the_request() -> None:
    """The server speaks no TLS: what reached it is the greeting, never the order."""
    with RawServer([b"HTTP/1.1 400 Bad\r\n\r\n"]) as server, pytest.raises(NotSent):
        WireClient(server.url.replace("http://", "https://")).send_once(ORDER)
    assert all(b"SECRET" not in request for request in server.requests)


def test_a_right_that_ended_while_connecting_sends_nothing() -> None:
    """I13: the last question is asked when the connection stands."""
    with RawServer([WHOLE]) as server, pytest.raises(NotSent):
        WireClient(server.url).send_once(ORDER, may_send=lambda: False)
    assert b"".join(server.requests) == b""


def test_a_header_that_cannot_be_sent_sends_nothing_and_is_not_quoted() -> None:
    with RawServer([WHOLE]) as server:
        with pytest.raises(NotSent) as caught:
            WireClient(server.url).send_once(Request("POST", "/orders", {"Authorization": "SECRET\r\nX: y"}))
        assert server.connections == 0
    assert "SECRET" not in repr(caught.value)


def test_a_question_without_a_whole_answer_is_void() -> None:
    with RawServer() as server, pytest.raises(ReadIncomplete):
        WireClient(server.url).read(Request("GET", "/orders"))
    with pytest.raises(ReadIncomplete):
        WireClient("http://127.0.0.1:9").read(Request("GET", "/orders"))


def test_secrets_show_in_no_repr_and_no_error() -> None:
    """I34."""
    with RawServer() as server, pytest.raises(OutcomeUnknown) as caught:
        WireClient(server.url).send_once(ORDER)
    assert "SECRET" not in repr(ORDER) + repr(caught.value) + repr(caught.value.__cause__)
    assert "POST /orders" in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "http://openapi.koreainvestment.com",
        "ftp://127.0.0.1",
        "https://",
        "https://a:b@example.com",
        "https://example.com?x=1",
        "example.com",
    ],
)
def test_a_base_url_is_https_or_on_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="base URL"):
        WireClient(url)


def test_json_becomes_decimal_and_never_float() -> None:
    """I20."""
    assert json_object(b'{"a": 0.1, "b": 1e-8, "c": 3}') == {"a": Decimal("0.1"), "b": Decimal("1e-8"), "c": 3}
    assert isinstance(json_object(b'{"a": 0.1}')["a"], Decimal)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"x"',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": 1, "a": 2}',
        b'{"a": 1}{"a": 1}',
        b"\xff{}",
        b'{"a": ' + b"[" * 100_000,
        b'{"a": ' + b"9" * 10_000 + b"}",
        b'{"a": 1e99999999999999999999}',
    ],
    ids=["empty", "list", "text", "NaN", "infinity", "twice", "two", "bytes", "deep", "long", "huge"],
)
def test_a_body_in_doubt_is_garbled(body: bytes) -> None:
    with pytest.raises(Garbled):
        json_object(body)


@pytest.mark.parametrize(
    "value", [None, True, 0.1, "", "NaN", "1e400", "1,000", " 1", "1_0", "Infinity", "9" * 61, "٣"]
)
def test_a_number_in_doubt_is_garbled(value: object) -> None:
    with pytest.raises(Garbled):
        number(value)


def test_numbers_keep_every_digit() -> None:
    assert [str(number(value)) for value in ("0.10", "-3", 7, Decimal("1.50"))] == ["0.10", "-3", "7", "1.50"]


@pytest.mark.parametrize("value", [None, 5, "", "2026-03-04", "2026-03-04T09:00:00"])
def test_a_time_without_a_zone_is_garbled(value: object) -> None:
    with pytest.raises(Garbled):
        moment(value)
