"""Writes `kairos_client/api.py` from the server's OpenAPI document: one method per operation, one TypedDict per schema.

`python generate.py openapi.json > kairos_client/api.py`. A test of the server compares the two, so that the client cannot
fall behind what the server does.
"""

import json
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

HEAD = '''"""Every operation of the Kairos API. Generated from its OpenAPI document by generate.py: change it there."""

# ruff: noqa
# fmt: off
from typing import Any, Literal, NotRequired, Protocol, TypedDict
from urllib.parse import quote
from uuid import uuid4


class Caller(Protocol):
    """Sends one request and gives back what its answer holds: JSON, text, or None."""

    def call(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Any: ...
'''
LEFT_OUT = "aliases"  # the literal addresses of other systems say the same in other words
METHODS = ("get", "post", "put", "patch", "delete")
SIMPLE = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
Json = Mapping[str, Any]


def client_of(document: Json) -> str:
    """The module's text."""
    operations = list(_operations(document))
    schemas = document["components"]["schemas"]
    needed = _reached(operations, schemas)
    parts = [HEAD]
    parts += [_typed_dict(name, schemas[name]) for name in sorted(needed)]
    parts.append('\n\nclass Api:\n    """One method per operation, named by its address."""\n')
    parts.append("\n    def __init__(self, caller: Caller) -> None:\n        self._caller = caller\n")
    parts += [_method(*each) for each in operations]
    return "".join(parts)


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in sorted(document["paths"].items()):
        for method in METHODS:
            if method in methods and LEFT_OUT not in methods[method]["tags"]:
                yield method, path, methods[method]


def _reached(operations: list[tuple[str, str, Json]], schemas: Json) -> set[str]:
    """The schemas that operations name, and those that these name."""
    found: set[str] = set()
    waiting = set().union(*(_references([_body(each), _answer(each)]) for _method, _path, each in operations))
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= _references(schemas[name]) - found
    return found


def _references(part: Any) -> set[str]:
    if isinstance(part, Mapping):
        own = {_name(part["$ref"])} if "$ref" in part else set()
        return own.union(*(_references(each) for each in part.values()))
    return set().union(*(_references(each) for each in part)) if isinstance(part, list) else set()


def _typed_dict(name: str, schema: Json) -> str:
    if "properties" not in schema:
        return f"\n\n{name} = {_type(schema)}\n"
    required = set(schema.get("required", ()))
    fields = [
        f'    "{field}": {_type(each) if field in required else f"NotRequired[{_type(each)}]"},\n'
        for field, each in schema["properties"].items()
    ]
    return f'\n\n{name} = TypedDict("{name}", {{\n{"".join(fields)}}})\n'


def _type(schema: Json) -> str:
    """A schema as Python's types say it; quoted where it names another, which may come later."""
    if "$ref" in schema:
        return f'"{_name(schema["$ref"])}"'
    kind, several = schema.get("type"), schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if several:
        return _union(_type(each) for each in several)
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if isinstance(kind, list):
        return _union(_type({**schema, "type": each}) for each in kind)
    if kind == "array":
        return f"list[{_type(schema.get('items', {}))}]"
    return "dict[str, Any]" if kind == "object" else SIMPLE.get(kind or "", "Any")


def _union(types: Iterator[str]) -> str:
    found = list(dict.fromkeys(types))
    text = " | ".join(each.strip('"') for each in found)
    return f'"{text}"' if any('"' in each for each in found) and len(found) > 1 else " | ".join(found)


def _method(method: str, path: str, operation: Json) -> str:
    parameters = [each for each in operation.get("parameters", ()) if each["in"] != "header"]
    headers = {each["name"] for each in operation.get("parameters", ()) if each["in"] == "header"}
    in_path = [each["name"] for each in parameters if each["in"] == "path"]
    in_query = [each for each in parameters if each["in"] == "query"]
    arguments = [f"{_word(name)}: str" for name in in_path]
    if body := _body(operation):
        arguments.append(f"body: {_type(body)}")
    named = [f"{_word(each['name'])}: {_type(each['schema'])} | None = None" for each in in_query]
    named += ["if_match: str"] if "If-Match" in headers else []
    named += ["key: str | None = None"] if "Idempotency-Key" in headers else []
    given = [_filled(path)]
    if in_query:
        pairs = ", ".join(f'"{each["name"]}": {_word(each["name"])}' for each in in_query)
        given.append(f"query={{{pairs}}}")
    if body:
        given.append("body=body")
    sent = ['"If-Match": if_match'] if "If-Match" in headers else []
    sent += ['"Idempotency-Key": key or str(uuid4())'] if "Idempotency-Key" in headers else []
    if sent:
        given.append(f"headers={{{', '.join(sent)}}}")
    answer = _answer(operation)
    returned = _type(answer) if answer else "None"
    signature = ", ".join(["self", *arguments, *(["*", *named] if named else [])])
    call = f'self._caller.call("{method.upper()}", {", ".join(given)})'
    done = call if returned == "None" else f"result: {returned} = {call}\n        return result"
    said = " ".join((operation.get("summary", "") + ".").split()).replace('"', "'")
    name = re.sub(r"\W", "_", operation["operationId"])
    return f'\n    def {name}({signature}) -> {returned}:\n        """{said}"""\n        {done}\n'


def _filled(path: str) -> str:
    if "{" not in path:
        return f'"{path}"'
    return 'f"' + re.sub(r"{(\w+)}", lambda found: f"{{quote(str({_word(found[1])}), safe=':/')}}", path) + '"'


def _body(operation: Json) -> Json:
    content: Json = operation.get("requestBody", {}).get("content", {})
    found: Json = content.get("application/json", {}).get("schema", {})
    return found


def _answer(operation: Json) -> Json:
    """The schema of what success answers; empty where it answers nothing."""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            for each in answer.get("content", {}).values():
                found: Json = each.get("schema", {})
                return found
    return {}


def _word(name: str) -> str:
    text = re.sub(r"\W", "_", name)
    return f"{text}_" if keyword.iskeyword(text) else text


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


if __name__ == "__main__":
    sys.stdout.write(client_of(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))))
