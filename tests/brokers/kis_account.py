"""One account of nobody's, as the reference invents it, and answers in the shape KIS gives them."""

import json
from typing import Any

from brokers.kis.credentials import Credentials
from brokers.protocol import Environment
from brokers.wire.messages import Reply

KEY = "PSdemodemodemodemodemodemodemodemo00"
SECRET = "c2ltdWxhdG9yLXNlY3JldC4uLg=="


def credentials(environment: Environment = Environment.LIVE) -> Credentials:
    return Credentials(environment, KEY, SECRET, account="50123456", product="01", hts_id="demo1")


def reply(told: Any, status: int = 200, mark: str = "") -> Reply:
    """`mark`: the `tr_cont` header."""
    body = told.encode() if isinstance(told, str) else json.dumps(told, ensure_ascii=False).encode()
    return Reply(status, {"tr_cont": mark} if mark else {}, body)
