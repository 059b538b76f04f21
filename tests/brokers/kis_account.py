"""One account of nobody's, as the reference invents it, and answers in the shape KIS gives them."""

import json
from datetime import datetime
from typing import Any

from brokers.errors import NotSent
from brokers.kis.budget import Purpose
from brokers.kis.credentials import Credentials
from brokers.protocol import Environment, MaySend, always
from brokers.wire.messages import Reply, Request

KEY = "PSdemodemodemodemodemodemodemodemo00"
SECRET = "c2ltdWxhdG9yLXNlY3JldC4uLg=="


def credentials(environment: Environment = Environment.LIVE) -> Credentials:
    return Credentials(environment, KEY, SECRET, account="50123456", product="01", hts_id="demo1")


def reply(told: Any, status: int = 200, mark: str = "") -> Reply:
    """`mark`: the `tr_cont` header."""
    body = told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()
    return Reply(status, {"tr_cont": mark} if mark else {}, body)


class ScriptedKis:
    """A wire that answers from a script per path, in order, and keeps what it was asked. An exception is raised."""

    def __init__(self) -> None:
        self.asked: list[Request] = []
        self._script: dict[str, list[Reply | Exception]] = {}

    def say(self, path: str, *replies: Reply | Exception) -> None:
        """`path` is the last part of it; the last answer is given again and again."""
        self._script.setdefault(path, []).extend(replies)

    def send_once(self, request: Request, may_send: MaySend = always) -> Reply:
        if not may_send():
            raise NotSent("too late to send")
        self.asked.append(request)
        answers = self._script[request.target.partition("?")[0].rpartition("/")[2]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def read(self, request: Request) -> Reply:
        return self.send_once(request)

    def count(self, path: str) -> int:
        return sum(request.target.partition("?")[0].endswith(path) for request in self.asked)


class MovableClock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


class OpenBudget:
    """Never makes anybody wait; remembers who asked and how long it was told to back off."""

    def __init__(self) -> None:
        self.taken: list[Purpose] = []
        self.backed_off: list[float] = []
        self.has_slots = True

    def take(self, purpose: Purpose, most_seconds: float) -> bool:
        self.taken.append(purpose)
        return self.has_slots

    def back_off(self, seconds: float) -> None:
        self.backed_off.append(seconds)


def token_reply(value: str = "token-one", ends: str = "2026-11-21 10:00:00") -> Reply:
    told = {"access_token": value, "token_type": "Bearer", "expires_in": 86400, "access_token_token_expired": ends}
    return reply(told)
