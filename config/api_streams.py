"""The live streams described for machines: AsyncAPI 3, beside the OpenAPI document, with the consumers' own bounds and codes."""

from typing import Any

from accounts import consumers as sockets
from accounts.services.socket_rights import TICKET_LIFE
from markets.consumers import LONGEST_KEY, MOST_KEYS
from markets.hub import TOO_SLOW

KEY = {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "examples": ["KRX:005930"]}
KEYS = {"type": "array", "items": KEY, "maxItems": MOST_KEYS}
NUMBER = {"type": "string", "description": "An exact decimal."}
MAYBE_NUMBER = {"type": ["string", "null"]}
TIME = {"type": "string", "format": "date-time"}
SIDE = {
    "type": "array",
    "items": {"type": "array", "prefixItems": [NUMBER, NUMBER]},
    "description": "[price, quantity]",
}
CODES = {
    sockets.NOT_SIGNED_IN: "Nothing said who they are within ten seconds, or something else was said first.",
    sockets.SIGNED_OUT: "The right to listen has ended, or the ticket or token is none. Within five seconds of its end.",
    TOO_SLOW: "Nothing was read for five seconds.",
    sockets.TOO_MANY_FRAMES: f"More than {sockets.FRAMES_PER_BEAT} messages between two heartbeats.",
}
TEXT = f"""Programs open a socket without an Origin and say first who they are: `ticket`, from `POST /api/v1/ws-ticket` (used
once, within {TICKET_LIFE.seconds} seconds), or `token`, an access token. Either may be sent again later, to stay longer
than `until`. Pages of this site come by their cookie, pages of CORS_ORIGINS as programs do; any other Origin is refused.
Messages are JSON objects of at most {sockets.LONGEST_FRAME} characters. Close codes: """ + "; ".join(
    f"{code}: {text}" for code, text in CODES.items()
)


def _object(required: dict[str, Any], optional: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    properties = required | (optional or {})
    return {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
        **more,
    }


def _kind(kind: str, required: dict[str, Any], optional: dict[str, Any] | None = None) -> dict[str, Any]:
    return _object({"type": {"const": kind}, **required}, optional)


CLOCK = _object({"source": {"type": "string"}, "at": TIME, "speed": {"type": "number"}})
MAYBE_CLOCK = {"anyOf": [CLOCK, {"type": "null"}]}
QUOTE = _object(
    {
        "key": KEY,
        "price": NUMBER,
        "change": MAYBE_NUMBER,
        "change_rate": MAYBE_NUMBER,
        "bid": MAYBE_NUMBER,
        "ask": MAYBE_NUMBER,
        "at": TIME,
        "source": {"type": "string"},
        "day_volume": MAYBE_NUMBER,
        "stale": {"type": "boolean", "description": "Too old to trade on."},
    }
)
# What each end may say, by name: (the channels it belongs to, its schema, an example).
BOTH, QUOTES, EVENTS = ("quotes", "events"), ("quotes",), ("events",)
SENT: dict[str, tuple[tuple[str, ...], dict[str, Any], dict[str, Any]]] = {
    "ticket": (BOTH, _object({"ticket": {"type": "string", "minLength": 1}}), {"ticket": "jv1cQ…"}),
    "token": (BOTH, _object({"token": {"type": "string", "minLength": 1}}), {"token": "eyJhbGciOiJIUzI1NiJ9.…"}),
    "watch": (
        QUOTES,
        _object(
            {}, {"subscribe": KEYS, "unsubscribe": KEYS, "book": {**KEY, "type": ["string", "null"]}}, minProperties=1
        )
        | {
            "description": "`subscribe` replaces the list, `unsubscribe` takes off it, `book` names the one order book."
        },
        {"subscribe": ["KRX:005930", "KRX:000660"], "book": "KRX:005930"},
    ),
}
HINTS = ["order.changed", "plan.changed", "account.changed", "backtest.changed"]
TOLD: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "signed_in": (BOTH, _kind("signed_in", {"until": TIME})),
    "heartbeat_of_quotes": (QUOTES, _kind("heartbeat", {})),
    "heartbeat_of_events": (
        EVENTS,
        _kind("heartbeat", {"stamp": {"type": "string", "description": "Another one: something changed and its hint was lost."}}),
    ),
    "error": (BOTH, _kind("error", {"code": {"type": "string"}}, {"keys": {"type": "array", "items": {"type": "string"}}})),
    "quotes": (QUOTES, _kind("quotes", {"quotes": {"type": "array", "items": QUOTE}, "clock": MAYBE_CLOCK})),
    "book": (QUOTES, _kind("book", {"key": KEY, "at": TIME, "bids": SIDE, "asks": SIDE})),
    "clock": (QUOTES, _kind("clock", {"clocks": {"type": "array", "items": CLOCK}})),
    "hint": (
        EVENTS,
        _object(
            {"type": {"enum": HINTS}, "id": {"type": "string"}, "version": {"type": "integer"}},
            description="Which object has changed; HTTP says what. A hint may be lost: the heartbeat's stamp tells.",
        ),
    ),
}  # fmt: skip
ADDRESSES = {"quotes": "/ws/quotes/", "events": "/ws/events/"}


def document() -> dict[str, Any]:
    """The whole description."""
    return {
        "asyncapi": "3.0.0",
        "info": {"title": "Kairos live streams", "version": "1", "description": TEXT},
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, address) for name, address in ADDRESSES.items()},
        "operations": {
            f"{action}_{name}": {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": [{"$ref": f"#/channels/{name}/messages/{each}"} for each in _of(name, action)],
            }
            for name in ADDRESSES
            for action in ("receive", "send")
        },
    }


def schemas_told(channel: str) -> list[dict[str, Any]]:
    """What the server may say on a channel."""
    return [schema for channels, schema in TOLD.values() if channel in channels]


def _channel(name: str, address: str) -> dict[str, Any]:
    sent = {each: {"payload": SENT[each][1], "examples": [{"payload": SENT[each][2]}]} for each in _of(name, "receive")}
    told = {each: {"payload": TOLD[each][1]} for each in _of(name, "send")}
    return {"address": address, "messages": sent | told}


def _of(name: str, action: str) -> list[str]:
    """Messages of a channel, as the server's action: it receives what programs send, and sends what they are told."""
    messages: dict[str, Any] = SENT if action == "receive" else TOLD
    return [each for each, (channels, *_rest) in messages.items() if name in channels]
