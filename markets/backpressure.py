"""Whether a socket's other end still takes what we send.

ASGI's `send` of daphne returns at once and lets Twisted queue without end, so a page on a sleeping phone would grow in
our memory. Twisted knows how much it holds; this finds its transport behind the callables that wrap it. Servers whose
`send` waits (uvicorn) need no look: their `send` itself blocks.
"""

from collections.abc import Callable
from typing import Any


def waiting_bytes(send: Callable[..., Any]) -> Callable[[], int]:
    """A function that says how many bytes wait behind this ASGI `send`; always 0 where the server does not tell."""
    transport = _transport(send)
    if not hasattr(transport, "dataBuffer"):
        return lambda: 0
    return lambda: len(transport.dataBuffer) - transport.offset + transport._tempDataLen


def _transport(send: Any) -> Any:
    while (wrapper := getattr(send, "__self__", None)) is not None and hasattr(wrapper, "real_send"):
        send = wrapper.real_send  # Channels' session middleware
    protocol = next(iter(getattr(send, "args", ())), None)  # daphne: partial(handle_reply, protocol)
    return getattr(protocol, "transport", None)
