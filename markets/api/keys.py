"""Instruments by their key, in addresses and in bodies."""

from django.urls import register_converter

from accounts.api.fields import KEY_PATTERN
from markets.models import Instrument


class InstrumentKeyConverter:
    """`KRX:005930` or `UPBIT:BTC/KRW` in an address: the slash of a pair is part of it."""

    regex = KEY_PATTERN.removeprefix("^").removesuffix("$").replace("(/", "(?:/")

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(InstrumentKeyConverter, "instrument")


def instrument_of(key: str) -> Instrument:
    """Raises Instrument.DoesNotExist."""
    return Instrument.objects.by_key(key)
