"""What requests may hold, read strictly: text is text, numbers that count are strings, and nothing unknown is let through."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.datastructures import MultiValueDict
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.api.problems import SENTENCES

NUMBER_PATTERN = r"^-?[0-9]{1,20}(\.[0-9]{1,18})?$"
_NUMBER = re.compile(NUMBER_PATTERN, re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
KEY_PATTERN = r"^[A-Z0-9]{1,16}:[A-Za-z0-9._-]{1,32}(/[A-Za-z0-9._-]{1,16})?$"


class Strict(serializers.Serializer[Any]):
    """Refuses what it does not know: a misspelt `limit_price` must not become a market order."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(str(name) for name in set(data) - set(self.fields))
            if unknown:
                raise ValidationError({name[:64]: [detail("unknown_field")] for name in unknown[:20]})
        return super().to_internal_value(data)


class Answer(serializers.Serializer[Any]):
    """What is answered. Its fields describe it; what is answered is made of plain rows, which is faster."""

    @classmethod
    def names(cls) -> list[str]:
        """Its fields, in their order."""
        return [str(name) for name in cls().fields]


class NoQuery(Strict):
    """Of an address that takes no parameters."""


def flat(parameters: MultiValueDict[str, str]) -> dict[str, str]:
    """Query parameters, each once. Raises ValidationError for one given twice (security.md 15.3.7)."""
    if twice := [name for name, values in parameters.lists() if len(values) > 1]:
        raise ValidationError({name[:64]: [detail("sent_twice")] for name in twice[:20]})
    return {name: values[0] for name, values in parameters.lists()}


def detail(code: str) -> ErrorDetail:
    return ErrorDetail(str(SENTENCES.get(code, code)), code=code)


@extend_schema_field({"type": "string", "pattern": NUMBER_PATTERN, "examples": ["71000", "0.00012"]})
class NumberText(serializers.Field[Decimal, Any, str, Any]):
    """An exact Decimal, as a string: JSON's own numbers are floats in most programs."""

    def to_internal_value(self, data: Any) -> Decimal:
        if not isinstance(data, str) or not _NUMBER.fullmatch(data):
            raise ValidationError([detail("not_a_number")])
        return Decimal(data)

    def to_representation(self, value: Decimal) -> str:
        return format(value, "f")


class Text(serializers.CharField):
    """Text, and nothing that could be taken for it. No control characters: they would break a line of a log."""

    def __init__(self, **kwargs: Any) -> None:
        self.lines = kwargs.pop("lines", False)
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        if not self.lines and not text.isprintable():
            self.fail("invalid")
        return text


class Secret(serializers.CharField):
    """A password or a code, taken as it is."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"trim_whitespace": False, "write_only": True, "max_length": 4096} | kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


class Whole(serializers.IntegerField):
    """A whole number in a body: a JSON number, neither text nor true."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("invalid")
        number: int = super().to_internal_value(data)
        return number


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Key(serializers.UUIDField):
    """An id as we write it."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str) or not _UUID.fullmatch(data):
            self.fail("invalid", value=data)
        return UUID(data)


@extend_schema_field({"type": "string", "pattern": KEY_PATTERN, "examples": ["KRX:005930", "UPBIT:BTC/KRW"]})
class InstrumentKey(serializers.RegexField):
    """Venue and symbol, `KRX:005930`."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(re.compile(KEY_PATTERN, re.ASCII), **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        text: str = super().to_internal_value(data)
        return text


@extend_schema_field({"type": "object", "additionalProperties": True})
class Plain(serializers.JSONField):
    """An object whose members are described elsewhere. Its numbers are floats: no money is kept in it."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            self.fail("invalid")
        return {name: _with_floats(value) for name, value in data.items()}


def _with_floats(data: Any) -> Any:
    if isinstance(data, dict):
        return {name: _with_floats(value) for name, value in data.items()}
    if isinstance(data, list):
        return [_with_floats(value) for value in data]
    return float(data) if isinstance(data, Decimal) else data


def messages_of(problem: DjangoValidationError) -> list[ErrorDetail]:
    """Django's validation errors, such as a weak password's, as the API tells them."""
    return [ErrorDetail(" ".join(map(str, each.messages)), code=each.code or "invalid") for each in problem.error_list]
