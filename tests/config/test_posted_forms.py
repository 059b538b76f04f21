"""What daphne does with the body of a posted form: nothing."""

from typing import Any

import pytest
from daphne import http_protocol
from twisted.internet.address import IPv4Address
from twisted.web.test.requesthelper import DummyChannel

import config.asgi  # noqa: F401  what daphne is started with
from config.posted_forms import UnreadRequest

FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n1,2,3\r\n--x--\r\n'


class Listening:
    """As much of daphne's server as a request asks of it."""

    def protocol_connected(self, protocol: object) -> None:
        pass


class Taken(UnreadRequest):
    """Stops where daphne would ask the application."""

    def process(self) -> None:
        self.was_taken = True


@pytest.mark.parametrize("kind", [b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded"])
def test_a_posted_form_reaches_the_application_unread(kind: bytes) -> None:
    channel: Any = DummyChannel()  # type: ignore[no-untyped-call]
    channel.factory = http_protocol.HTTPFactory(Listening())
    request: Any = Taken(channel)
    request.requestHeaders.setRawHeaders(b"Content-Type", [kind])
    request.requestHeaders.setRawHeaders(b"Content-Length", [b"%d" % len(FORM)])
    request.gotLength(len(FORM))
    request.handleContentChunk(FORM)
    request.requestReceived(b"POST", b"/backtests/uploads/?a=b", b"HTTP/1.1")
    assert request.was_taken
    assert request.args == {b"a": [b"b"]}  # those of the address: nothing was taken from the body
    assert request.content.read() == FORM


def test_daphne_takes_every_request_so() -> None:
    protocol = http_protocol.HTTPFactory(server=None).buildProtocol(IPv4Address("TCP", "127.0.0.1", 1))
    assert protocol.requestFactory is UnreadRequest
