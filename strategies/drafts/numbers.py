"""Numbers as people type them, exactly; rates in percent. Pure."""

import re
from decimal import Decimal

from strategies.shape import ParamRef

TYPED = re.compile(r"[+-]?(\d+|\d{1,3}(,\d{3})+)(\.\d+)?", re.ASCII)
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)
LONGEST = 400  # characters: the smallest float there is takes most of them


def text_of_number(value: float | None, *, percent: bool = False) -> str:
    """The number in plain digits, such that reading it gives the very same number; '' for none."""
    if value is None:
        return ""
    text = format(Decimal(repr(value)) * (100 if percent else 1), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def text_of_quantity(value: float | ParamRef | None, *, percent: bool = False) -> str:
    """A number, or the name of the parameter that stands for it."""
    return value.param if isinstance(value, ParamRef) else text_of_number(value, percent=percent)


def number_of(text: str, *, percent: bool = False) -> float | None:
    """The number typed, whole ones as int; None for what is no number."""
    plain = text.replace("−", "-")
    if len(plain) > LONGEST or not TYPED.fullmatch(plain):
        return None
    exact = Decimal(plain.replace(",", "")) / (100 if percent else 1)
    return int(exact) if exact == exact.to_integral_value() else float(exact)


def is_name(text: str) -> bool:
    """Whether the text may name an indicator, a parameter or a step."""
    return NAME.fullmatch(text) is not None
