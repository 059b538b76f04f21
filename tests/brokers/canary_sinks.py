"""Where a secret could show (I34): logs, output, mail, pages, headers, cookies, the database's own values, Redis."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import redis
from django.conf import settings as django_settings
from django.core import mail
from django.db import connection
from django.test import Client

from brokers.models import Token
from brokers.services import secrets

Sinks = list[tuple[str, bytes]]


def listen_to_everything(caplog: pytest.LogCaptureFixture) -> None:
    """The logs at their most talkative."""
    caplog.set_level(logging.DEBUG)
    for name in set(logging.root.manager.loggerDict) - {"django.template"}:  # a traceback for every missing variable
        caplog.set_level(logging.DEBUG, logger=name)
    caplog.set_level(logging.INFO, logger="django.template")


def said(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> Sinks:
    """What was logged, printed and mailed so far, and what lies in the database and in Redis."""
    printed = capfd.readouterr()
    return [
        ("logs", caplog.text.encode()),
        ("log records", b"\n".join(repr(vars(record)).encode() for record in caplog.records)),
        ("standard output", printed.out.encode()),
        ("standard error", printed.err.encode()),
        ("mail", b"\n".join(str(message.message()).encode() for message in mail.outbox)),
        ("database", database()),
        ("Redis", redis_content()),
    ]


class Browser:
    """A person's browser whose every answer is kept."""

    def __init__(self, client: Client, sinks: Sinks) -> None:
        self._client = client
        self._sinks = sinks

    def get(self, url: str) -> int:
        return self._kept(url, self._client.get(url))

    def post(self, url: str, data: dict[str, str] | None = None) -> int:
        return self._kept(url, self._client.post(url, data or {}, follow=True))

    def _kept(self, url: str, answer: Any) -> int:
        self._sinks.append((f"page {url}", b"".join(answer) if answer.streaming else answer.content))
        self._sinks.append((f"headers {url}", str(answer.headers).encode()))
        self._sinks += [(f"cookie {name}", str(cookie.value).encode()) for name, cookie in answer.cookies.items()]
        return int(answer.status_code)


def tokens() -> set[str]:
    rows = Token.objects.filter(expires_at__isnull=False)
    return {secrets.reveal(row)["value"] for row in rows}


def database() -> bytes:
    """Every value of every table, as it is stored."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
            for row in cursor.fetchall():
                found += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\n".join(found)


def redis_content() -> bytes:
    """Everything that lies in Redis: caches, queues and the messages of tasks."""
    server: Any = redis.Redis.from_url(django_settings.REDIS_URL)
    readers: dict[bytes, Callable[[bytes], Any]] = {
        b"string": server.get,
        b"list": lambda key: server.lrange(key, 0, -1),
        b"hash": server.hgetall,
        b"set": server.smembers,
        b"zset": lambda key: server.zrange(key, 0, -1, withscores=True),
    }
    return b"\n".join(
        key + repr(readers[server.type(key)](key)).encode() for key in server.keys("*") if server.type(key) in readers
    )
