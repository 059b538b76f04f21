"""How plain JSON data becomes a frozen piece of a document, and how what does not fit is reported with its place."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    PlainSerializer,
    Tag,
    ValidationError,
)
from pydantic_core import PydanticCustomError

from strategies.errors import DocumentInvalid, Problem, not_json, problem

MAX_BYTES = 128 * 1024
LARGEST = 1e15  # that a number may be
MAX_CONDITIONS = 200
MAX_NESTING = 40  # of JSON, enough for ten groups with everything inside them


class Part(BaseModel):
    """A frozen piece of a document: no unknown keys, no coercion, no NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def from_data(cls, data: object) -> Self:
        """The piece that plain JSON data describes. Raises DocumentInvalid with every problem of its shape."""
        _refuse_deep_nesting(data)
        try:
            text = json.dumps(data)
        except (TypeError, ValueError) as e:
            raise DocumentInvalid([not_json(e)]) from e
        if unkept := [problem("bad_text", path) for path, each in _texts(data) if not _can_be_kept(each)]:
            raise DocumentInvalid(unkept)
        if len(text) > MAX_BYTES:
            raise DocumentInvalid([_too_large(data)])
        try:
            return cls.model_validate_json(text)
        except ValidationError as e:
            raise DocumentInvalid([_shape_problem(error, data) for error in e.errors()]) from e

    def as_data(self) -> dict[str, Any]:
        """Plain JSON data without what stands at its default, so that a key added later changes no stored document."""
        return self.model_dump(mode="json", exclude_defaults=True)


def plain(value: float) -> float:
    """Whole numbers as int, so that 30 and 30.0 are one document."""
    return int(value) if value == int(value) else float(value)


def _not_empty(members: tuple[Any, ...]) -> tuple[Any, ...]:
    if not members:
        raise PydanticCustomError("empty", "is empty")
    return members


NotEmpty = AfterValidator(_not_empty)  # unlike a minimum length, silent about members that are themselves wrong


def _number_or_ref(value: Any) -> str:
    return "<param>" if isinstance(value, Mapping | ParamRef) else "<number>"


def read(value: Any, key: str) -> Any:
    """What stands under `key` in plain data or in a piece made from it; None where nothing does."""
    return value.get(key) if isinstance(value, Mapping) else getattr(value, key, None)


def form_of(*keys: str) -> Discriminator:
    """Tells the members of a union apart by the one key each has alone. Tags in <> never look like a document's key."""
    return Discriminator(lambda value: next((f"<{key}>" for key in keys if read(value, key) is not None), None))


class ParamRef(Part):
    """Stands where a number may stand, and means the value of a parameter."""

    param: "Name"


Number = Annotated[
    float, Field(ge=-LARGEST, le=LARGEST), AfterValidator(plain), PlainSerializer(plain, return_type=Any)
]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,39}$")]
Quantity = Annotated[
    Annotated[Number, Tag("<number>")] | Annotated[ParamRef, Tag("<param>")], Discriminator(_number_or_ref)
]


def known(quantity: float | ParamRef) -> float:
    """The number itself, in a document whose parameters have been bound."""
    if isinstance(quantity, ParamRef):
        raise TypeError(f"parameter {quantity.param} has not been bound")
    return quantity


def _refuse_deep_nesting(data: object) -> None:
    level, depth = [("", data)], 0
    while level:
        if (depth := depth + 1) > MAX_NESTING:
            raise DocumentInvalid([problem("too_deep", level[0][0], limit=10)])
        level = [inner for path, each in level for inner in _inside(each, path)]


def _texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside, with its path."""
    if isinstance(value, str):
        yield path, value
    for place, inner in _inside(value, path):
        yield from _texts(inner, place)


def _can_be_kept(text: str) -> bool:
    """No database keeps a NUL or half a character."""
    return "\x00" not in text and not any("\ud800" <= each <= "\udfff" for each in text)


def _too_large(data: object, path: str = "") -> Problem:
    """What is wrong with the innermost part that is too large by itself: more conditions than a rule has, or just its size."""
    large = (part for part in _inside(data, path) if len(json.dumps(part[1])) > MAX_BYTES)
    if (found := next(large, None)) is not None:
        return _too_large(found[1], found[0])
    if path.endswith((".all", ".any")) and _conditions_in(data) > MAX_CONDITIONS:
        return problem("too_many_conditions", path, limit=MAX_CONDITIONS)
    return problem("too_large", path, limit=MAX_BYTES)


def _conditions_in(group: object) -> int:
    if isinstance(group, Mapping) and "kind" in group:
        return 1
    return sum(_conditions_in(inner) for _path, inner in _inside(group, ""))


def _inside(value: object, path: str) -> list[tuple[str, object]]:
    if isinstance(value, Mapping):
        return [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    return [(f"{path}[{n}]", inner) for n, inner in enumerate(value)] if isinstance(value, list | tuple) else []


_CODES = {
    "missing": "missing",
    "empty": "empty",
    "extra_forbidden": "unknown_key",
    "union_tag_not_found": "wrong_form",
    "union_tag_invalid": "wrong_form",
    "finite_number": "not_finite",
    **dict.fromkeys(("dict_type", "mapping_type", "model_type", "model_attributes_type"), "not_an_object"),
    **dict.fromkeys(("list_type", "tuple_type"), "not_a_list"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "not_whole"),
    **dict.fromkeys(("float_type", "float_parsing"), "not_a_number"),
    "string_type": "not_a_text",
    "literal_error": "not_a_choice",
    **dict.fromkeys(("string_too_long", "too_long"), "too_long"),
}


def _shape_problem(error: Mapping[str, Any], data: object) -> Problem:
    code, told = _CODES.get(error["type"], "wrong_value"), error.get("ctx", {})
    detail = told.get("expected", error["msg"]).replace(" or ", ", ")  # a list of choices, in either language
    limit = told.get("max_length", 0)
    return problem(code, _path(error["loc"], data), detail=detail, limit=limit)


def _path(location: tuple[int | str, ...], data: object) -> str:
    """Where in the data pydantic's location points: steps that only name a member of a union are left out."""
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
            data = data[step] if isinstance(data, list | tuple) and step < len(data) else None
        elif not step.startswith(("<", "[")):
            path += f".{step}" if path else step
            data = data.get(step) if isinstance(data, Mapping) else None
    return path
