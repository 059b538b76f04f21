"""Bodies in and out. What comes in is read strictly: no key twice, no NaN, no half characters, nothing too large."""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson
from django.core.exceptions import RequestDataTooBig
from django.utils.functional import Promise
from rest_framework.exceptions import ParseError
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer

from accounts.api.problems import Problem, sentence_of

MOST_DEEP = 40
LONGEST_PATH = 1000  # characters told of a place in a body


class StrictJson(BaseParser):
    """JSON as it was meant: whoever sends one key twice, or a number that is none, means something else than we read.

    What is read but cannot be kept, a NaN or too many levels, is told with its place.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Mapping[str, Any] | None = None) -> Any:
        assert parser_context is not None  # noqa: S101 (always given by the view)
        try:
            body: bytes = parser_context["request"]._request.body
        except RequestDataTooBig:
            raise Problem("body_too_large", 413) from None
        try:
            read = json.loads(
                body.decode("utf-8"), object_pairs_hook=_once_each, parse_float=_number, parse_constant=_not_finite
            )
        except RecursionError:
            raise _unreadable("too_deep") from None
        except ValueError:
            raise ParseError from None
        if _depth(read) > MOST_DEEP:
            raise _unreadable("too_deep", _too_deep_at(read))
        if places := _not_finite_at(body, read):
            raise _unreadable("not_finite", *places)
        if not _is_whole_text(body, read):
            raise ParseError
        return read


class PlainJson(BaseRenderer):
    """Decimals as strings, times in UTC, everything else as it is."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        return b"" if data is None else written(data)


class JsonOnly(BaseContentNegotiation):
    """There is one way of writing an answer, whatever was asked for."""

    def select_parser(self, request: Any, parsers: Any) -> Any:
        sent = request.content_type.partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == sent), None)

    def select_renderer(self, request: Any, renderers: Any, format_suffix: str | None = None) -> Any:
        return renderers[0], renderers[0].media_type


def written(data: Any) -> bytes:
    """`data` as JSON."""
    return orjson.dumps(data, default=_written, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _written(value: Any) -> Any:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, Promise):
        return str(value)
    raise TypeError(type(value).__name__)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):
        raise ValueError("a key comes twice")
    return read


def _number(text: str) -> Decimal:
    if len(text) > 64:
        raise ValueError("a number too long to be one")
    return Decimal(text)


_NOT_FINITE = object()  # stands where a body says NaN or Infinity


def _not_finite(_word: str) -> Any:
    return _NOT_FINITE


def _unreadable(code: str, *paths: str) -> Problem:
    """The refusal of a body, with what is wrong at these places of it; of the whole body without one."""
    told = [{"code": code, "message": str(sentence_of(code, {"limit": MOST_DEEP}))}]
    return Problem("unreadable_body", 400, fields={path[:LONGEST_PATH]: told for path in (paths or ("body",))[:20]})


def _not_finite_at(body: bytes, read: Any) -> list[str]:
    """Where it says NaN or Infinity, as `document.risk.stop_loss_rate`; read through only where the text holds the words."""
    if b"NaN" not in body and b"Infinity" not in body:
        return []
    found, level = [], [("", read)]
    while level:
        found += [path for path, each in level if each is _NOT_FINITE]
        level = [inner for path, each in level for inner in _inside(each, path)]
    return found


def _inside(data: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(data, dict):
        return [(f"{path}.{name[:64]}" if path else name[:64], each) for name, each in data.items()]
    return [(f"{path}[{number}]", each) for number, each in enumerate(data)] if isinstance(data, list) else []


def _too_deep_at(data: Any) -> str:
    """Where the first list or object lies that is one level too deep."""
    level = [("", data)]
    for _level in range(MOST_DEEP):
        level = [inner for path, each in level for inner in _inside(each, path) if isinstance(inner[1], dict | list)]
    return level[0][0]


def _depth(data: Any) -> int:
    """How deep lists and objects lie in one another, without going deeper than needed."""
    level, deep = [data], 0
    while level and deep <= MOST_DEEP:
        level = [child for each in level for child in _children(each)]
        deep += 1
    return deep


def _children(data: Any) -> list[Any]:
    members = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [each for each in members if isinstance(each, dict | list)]


def _is_whole_text(body: bytes, read: Any) -> bool:
    """No half of a character, which no database keeps, and no NUL, which PostgreSQL does not."""
    if b"\\u" not in body:
        return b"\x00" not in body
    text = json.dumps(read, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\\u0000" not in text
