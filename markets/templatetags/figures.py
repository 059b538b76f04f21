"""How numbers look: tabular, exact, with a sign or an arrow beside every colour."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from django import template
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from markets.types import InstrumentKind

register = template.Library()

CURRENCY_DECIMALS = {"KRW": 0, "BTC": 8, "USDT": 2, "USD": 2}
KOREAN_UNITS = {"KRW": "원"}
SYMBOLS = {"KRW": "₩", "USD": "$"}
MINUS = "−"  # as wide as a plus, unlike the hyphen
NOTHING = "–"


def grouped(value: Decimal, decimals: int | None) -> str:
    """`value` with thousands separators; `decimals` places, or as many as it has when None."""
    if decimals is None:
        number = value.normalize()
        decimals = max(0, -int(number.as_tuple().exponent))
    rounded = abs(value).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_EVEN)
    sign = MINUS if value < 0 and rounded else ""
    return f"{sign}{rounded:,f}"


def _decimal(value: Any) -> Decimal | None:
    return None if value in (None, "") else Decimal(str(value))


def _signed(value: Decimal, text: str) -> str:
    return f"+{text}" if value > 0 else text


def _with_unit(text: str, currency: str) -> str:
    if currency in KOREAN_UNITS and (get_language() or "ko").startswith("ko"):
        return f"{text}{KOREAN_UNITS[currency]}"
    if currency in SYMBOLS:
        sign, digits = (text[0], text[1:]) if text[:1] in {"+", MINUS} else ("", text)
        return f"{sign}{SYMBOLS[currency]}{digits}"
    return f"{text} {currency}"


@register.filter
def money(value: Any, currency: str = "KRW") -> str:
    """An amount with its currency: `10,000,000원`, in English `₩10,000,000`; `0.10000000 BTC`. A dash for None."""
    number = _decimal(value)
    return NOTHING if number is None else _with_unit(grouped(number, CURRENCY_DECIMALS.get(currency)), currency)


@register.filter
def signed_money(value: Any, currency: str = "KRW") -> str:
    """A gain or loss, with its sign: `+12,300원`, `−4,500원`."""
    number = _decimal(value)
    if number is None:
        return NOTHING
    return _with_unit(_signed(number, grouped(number, CURRENCY_DECIMALS.get(currency))), currency)


@register.filter
def price(value: Any, instrument: Any = None) -> str:
    """A price without its unit, with the instrument's own decimals."""
    number = _decimal(value)
    if number is None:
        return NOTHING
    return grouped(number, None if instrument is None else int(instrument.price_decimals))


@register.filter
def signed_price(value: Any, instrument: Any = None) -> str:
    """A change in price, with its sign."""
    number = _decimal(value)
    return NOTHING if number is None else _signed(number, price(number, instrument))


@register.filter
def plain(value: Any) -> str:
    """A number for a script to read: no grouping, no exponent, nothing for None."""
    number = _decimal(value)
    return "" if number is None else format(number, "f")


@register.filter
def quantity(value: Any) -> str:
    """Units, without zeros nobody asked for: `1,200`, `0.015`."""
    number = _decimal(value)
    return NOTHING if number is None else grouped(number, None)


@register.filter
def units(value: Any, instrument: Any) -> str:
    """A quantity with what it counts: `20주`, in English `20 shares`; `0.015 BTC`. A dash for None."""
    number = _decimal(value)
    if number is None:
        return NOTHING
    if instrument.kind == InstrumentKind.CRYPTO:
        return f"{grouped(number, None)} {quantity_unit(instrument)}"
    return ngettext("%(count)s주", "%(count)s주", 1 if number == 1 else 2) % {"count": grouped(number, None)}


@register.filter
def quantity_unit(instrument: Any) -> str:
    """What a quantity of the instrument counts: `주`, in English `shares`; the coin's own code."""
    return str(instrument.symbol).partition("/")[0] if instrument.kind == InstrumentKind.CRYPTO else _("주")


@register.filter
def currency_unit(currency: str) -> str:
    """A currency beside a field: `원`, in English `KRW`."""
    return KOREAN_UNITS.get(currency, currency) if (get_language() or "ko").startswith("ko") else currency


@register.filter
def rate(value: Any, decimals: int = 2) -> str:
    """A fraction as a percentage without a sign for gains: 0.0123 → `1.23%`."""
    number = _decimal(value)
    return NOTHING if number is None else f"{grouped(number * 100, decimals)}%"


@register.filter
def signed_rate(value: Any, decimals: int = 2) -> str:
    """A change as a percentage: 0.0123 → `+1.23%`, −0.004 → `−0.40%`."""
    number = _decimal(value)
    if number is None:
        return NOTHING
    return f"{_signed(number.quantize(Decimal(1).scaleb(-decimals - 2)), grouped(number * 100, decimals))}%"


@register.filter
def direction(value: Any) -> str:
    """The class for a change: `rise`, `fall` or `flat`."""
    number = _decimal(value)
    if not number:
        return "flat"
    return "rise" if number > 0 else "fall"


@register.filter
def compact(value: Any) -> str:
    """A large count made short in the reader's units: 1.2억, 3.4만; in English 120.0M, 34.0K."""
    number = _decimal(value)
    if number is None:
        return NOTHING
    korean = (get_language() or "ko").startswith("ko")
    units = (("조", 12), ("억", 8), ("만", 4)) if korean else (("B", 9), ("M", 6), ("K", 3))
    for name, power in units:
        if abs(number) >= Decimal(10) ** power:
            return f"{grouped(number.scaleb(-power), 1)}{name}"
    return grouped(number, None if abs(number) < 1000 else 0)
