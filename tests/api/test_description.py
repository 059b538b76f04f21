"""The API's two descriptions, of requests and of sockets, say what is so: examples fit, and so does what sockets send."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async
from django.db import connections
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from accounts.models import User
from config.api_pages import schema_text
from config.api_streams import SENT, document, schemas_told
from strategies.document import RuleDocument
from tests import factories as make
from tests.api.client_file import STREAMS, wanted_streams
from tests.api.conftest import signed_in
from tests.api.test_sockets import Phone, sign_in
from tests.markets.scene import make_instrument, write_clock, write_quote
from trading.events import publish_order_changed

OPENAPI = json.loads(schema_text())
OPERATIONS = [each for path in OPENAPI["paths"].values() for each in path.values()]


def faults(schema: dict[str, Any], value: Any) -> list[str]:
    whole = {**schema, "components": OPENAPI["components"]}
    return [each.message for each in Draft202012Validator(whole).iter_errors(value)]


def contents() -> list[tuple[str, dict[str, Any]]]:
    found = []
    for each in OPERATIONS:
        for part in [each.get("requestBody", {}), *each["responses"].values()]:
            found += [(each["operationId"], content) for content in part.get("content", {}).values()]
    return found


def test_every_example_is_what_its_schema_says() -> None:
    shown = [(name, each) for name, each in contents() if "example" in each]
    assert len(shown) > 500
    assert {name: wrong for name, each in shown if (wrong := faults(each["schema"], each["example"]))} == {}


def test_every_operation_says_what_it_does_and_how_it_refuses() -> None:
    for each in OPERATIONS:
        assert each["summary"], each["operationId"]
        assert {"400", "429"} <= each["responses"].keys(), each["operationId"]
        assert all("X-Request-ID" in answer["headers"] for answer in each["responses"].values())
        assert "Retry-After" in each["responses"]["429"]["headers"]


def test_links_lead_to_operations_there_are() -> None:
    known = {each["operationId"]: each for each in OPERATIONS}
    links = [
        link
        for each in OPERATIONS
        for answer in each["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(links) > 15
    for link in links:
        named = {each["name"] for each in known[link["operationId"]]["parameters"]}
        assert link["parameters"].keys() <= named


def test_the_form_of_a_rule_document_is_served(db: None) -> None:
    """G14: what `docs/strategies.schema.json` keeps."""
    answer = signed_in(make.make_user()).get("/api/strategies/schema/")
    assert answer["Content-Type"].startswith("application/schema+json")
    assert answer.json() == RuleDocument.json_schema()


def test_the_description_of_the_sockets_is_served_and_kept(db: None) -> None:
    """`make client` writes docs/asyncapi.json anew."""
    assert STREAMS.read_text(encoding="utf-8") == wanted_streams()
    answer = signed_in(make.make_user()).get("/api/streams/")
    assert answer["Content-Type"].startswith("application/vnd.aai.asyncapi+json")
    assert answer.json() == json.loads(wanted_streams())


def test_every_message_of_the_document_has_a_channel() -> None:
    told = document()
    for each in told["operations"].values():
        for message in each["messages"]:
            _hash, _channels, channel, _messages, name = message["$ref"].split("/")
            assert name in told["channels"][channel]["messages"]


@pytest.fixture
async def person(transactional_db: None) -> AsyncIterator[User]:
    yield await sync_to_async(make.make_user)()
    await sync_to_async(connections.close_all)()


async def heard(phone: Phone, kinds: set[str]) -> list[dict[str, Any]]:
    """Messages until one of each kind has come."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(20):
        while not kinds <= {each["type"] for each in found}:
            found.append(json.loads(await phone.socket.receive_from(timeout=20)))
    return found


@pytest.mark.parametrize("channel", ["quotes", "events"])
async def test_what_a_socket_takes_and_says_is_what_the_document_says(channel: str, person: User) -> None:
    """Each message of the document is sent; each that comes back is one of the document's."""

    def arrange() -> str:
        write_quote(make_instrument(), "70500", book={"bids": [["70500", "3"]], "asks": []})
        write_clock()
        return sign_in(person).access

    token = await sync_to_async(arrange)()
    async with Phone(f"/ws/{channel}/") as phone:
        await phone.say({"token": token})
        for channels, _schema, example in SENT.values():
            if channel in channels and not example.keys() & {"token", "ticket"}:
                await phone.say(example)
        kinds = {"heartbeat", "quotes", "book", "clock", "error"}  # 000660 is not known here
        told = await heard(phone, {"signed_in"})  # from here on it hears what happens
        if channel == "events":
            kinds = {"heartbeat", "order.changed", "error"}
            await phone.say({"subscribe": []})
            await sync_to_async(publish_order_changed)(uuid4(), person.pk, 2)
        told += await heard(phone, kinds - {each["type"] for each in told})
    allowed = {"anyOf": schemas_told(channel)}
    assert [each for each in told if faults(allowed, each)] == []
