"""Thousands of odd frames to every socket of the running server (I43): each is answered with an error, or closes with a code.

Seeded, so that a run can be had again. The server must neither fail nor grow, and a well-behaved socket opened afterwards
must still be served.
"""

import json
import random
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil
import websocket

from accounts.consumers import NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES
from tests.api.server import Running

PATHS = ("/ws/quotes/", "/ws/events/", "/ws/kis_socket/", "/kis_socket")
SEED = 7
PER_CONNECTION = 15  # fewer than close a socket that shouts
MORE_THAN_ENOUGH = 60
SECONDS = 20
GROWTH = 40 * 1024 * 1024  # bytes that all of it may leave behind
MEANT = {NOT_SIGNED_IN, SIGNED_OUT, TOO_MANY_FRAMES}
WORDS = ["subscribe", "unsubscribe", "book", "token", "ticket", "type", "tr_type", "tr_id", "st_code", "strategy_type"]
TEXTS = ["KRX:005930", "005930", "", "1", "H0STCNT0", "auth", "basic", "../../etc", "' OR 1=1--", "<svg onload=1>"]
TEXTS += ["\x00", "é" * 50, "\ud7ff", "A" * 70, "KRX:" + "9" * 60, "\u202eabc", "UPBIT:BTC/KRW"]


@dataclass
class Told:
    """What came of the frames sent."""

    frames: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    closed: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    grown: int = 0


def fuzz_sockets(server: Running, frames: int, seed: int = SEED) -> Told:
    """Send so many frames, on connections that have signed in and on others."""
    chance, told = random.Random(seed), Told()
    process = psutil.Process(server.pid)
    before = 0
    while told.frames < frames:
        if not before and told.frames >= frames // 4:  # by then everything has been loaded once
            before = process.memory_info().rss
        few = min(chance.choice([1, PER_CONNECTION, PER_CONNECTION, 70]), frames - told.frames)
        _one_connection(server, chance, told, few)
    told.grown = process.memory_info().rss - before
    if told.grown > GROWTH:
        told.wrong.append(f"the server grew by {told.grown} bytes")
    told.wrong += [f"{path} no longer serves" for path in PATHS[:2] if not _serves(server, path)]
    return told


def _one_connection(server: Running, chance: random.Random, told: Told, frames: int) -> None:
    """Some odd frames, then ever more of one until the server has had enough: each connection ends with its code."""
    path, signed_in, is_text = chance.choice(PATHS), chance.random() < 0.8, chance.random() < 0.95
    socket = _open(server, path)
    try:
        if signed_in:
            socket.send(_first(server, path))
        with suppress(OSError):  # it closed in the middle of it: the code is on its way to us
            for _n in range(frames):
                told.frames += 1
                _send(socket, chance)
            if not is_text:  # the protocol itself forbids it, and the server hangs up without a code
                socket.send(b"\xff\xfe text that is none", websocket.ABNF.OPCODE_TEXT)
            for _n in range(MORE_THAN_ENOUGH):
                socket.send("7")
        _listen(socket, told, path)
    except (websocket.WebSocketException, OSError) as e:
        told.closed[0] += 1
        if is_text:
            told.wrong.append(f"{path}: {type(e).__name__} instead of a code")
    finally:
        socket.close(timeout=0)


def _listen(socket: websocket.WebSocket, told: Told, path: str) -> None:
    """Count the errors up to the code it closes with."""
    while True:
        frame = socket.recv_frame()  # type: ignore[no-untyped-call]  # answers nothing: the server may have hung up right after its code
        if frame.opcode == websocket.ABNF.OPCODE_CLOSE:
            code = int.from_bytes(frame.data[:2], "big")
            told.closed[code] += 1
            if code not in MEANT:
                told.wrong.append(f"{path}: closed with {code}")
            return
        if frame.opcode != websocket.ABNF.OPCODE_TEXT:
            continue
        message = json.loads(frame.data)
        if message["type"] == "error":
            told.errors[message["code"]] += 1


def _send(socket: websocket.WebSocket, chance: random.Random) -> None:
    draw = chance.random()
    if draw < 0.06:
        socket.send_binary(chance.randbytes(chance.randrange(200)))
    elif draw < 0.10:
        socket.send("x" * chance.choice([8_193, 20_000, 70_000]))
    elif draw < 0.16:
        socket.send(chance.choice(["", " ", "{", "[" * 3000, "null", "7", '"text"', "NaN", '{"a":1e999}', "[]"]))
    elif draw < 0.20:
        text = json.dumps(_value(chance, 0))
        socket.send(text[: chance.randrange(len(text) + 1)])
    elif draw < 0.24:
        socket.ping(chance.randbytes(chance.randrange(100)))
    else:
        socket.send(json.dumps({chance.choice(WORDS): _value(chance, 0) for _n in range(chance.randrange(4))}))


def _value(chance: random.Random, depth: int) -> Any:
    kinds: list[Any] = [
        lambda: chance.choice(TEXTS),
        lambda: chance.choice([0, -1, 2**63, 1e300, True, False, None]),
        lambda: [_value(chance, depth + 1) for _n in range(chance.choice([0, 1, 3, 120]))] if depth < 2 else [],
        lambda: {chance.choice(WORDS): _value(chance, depth + 1)} if depth < 4 else {},
    ]
    return chance.choice(kinds)()


def _first(server: Running, path: str) -> str:
    token = {"token": server.token}
    return json.dumps(token if path in PATHS[:2] else {"type": "auth", "strategy_type": "rsi", **token})


def _open(server: Running, path: str) -> websocket.WebSocket:
    return websocket.create_connection(
        server.url.replace("http", "ws", 1) + path, timeout=SECONDS, suppress_origin=True
    )


def _serves(server: Running, path: str) -> bool:
    socket = _open(server, path)
    try:
        socket.send(_first(server, path))
        while (kind := json.loads(socket.recv())["type"]) not in {"heartbeat", "error"}:
            pass
    except (websocket.WebSocketException, OSError):
        return False
    else:
        return bool(kind == "heartbeat")
    finally:
        socket.close(timeout=1)
