"""Decimals that stay exact in every database.

Django's DecimalField is a float on SQLite (123456789012.12345678 came back as ….123). Here PostgreSQL gets `numeric`, SQLite
gets text with a numeric collation, so that comparisons and CHECK constraints count instead of spelling. The only
arithmetic in SQL is `ExactSum`; sums for the books are cached rows.
"""

from decimal import Context, Decimal, Inexact, InvalidOperation
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.core.exceptions import FieldError, ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models.expressions import CombinedExpression
from django.dispatch import receiver
from django.utils.translation import gettext_lazy as _

_Set_contra = TypeVar("_Set_contra", contravariant=True)
_Get_co = TypeVar("_Get_co", covariant=True)

if TYPE_CHECKING:

    class _Field(models.Field[_Set_contra, _Get_co]):
        _pyi_private_set_type: Decimal | int | str
        _pyi_private_get_type: Decimal
else:

    class _Field(models.Field):
        def __class_getitem__(cls, _types: Any) -> type:
            return cls


MAX_DIGITS, DECIMALS = 38, 18
LIMIT = Decimal(10) ** (MAX_DIGITS - DECIMALS)
COLLATION = "kairos_decimal"
_SQLITE_SUM = "kairos_sum"
_FINEST = Decimal((0, (1,), -DECIMALS))
_EXACT = Context(prec=MAX_DIGITS, traps=[Inexact, InvalidOperation])  # Python's own 28 digits would round silently

_WIDE = Context(prec=MAX_DIGITS * 2, traps=[Inexact, InvalidOperation])  # many numbers of full width added up


def exact(value: Any) -> Decimal:
    """`value` as a finite Decimal without trailing zeros. Floats are refused: they are not what a person typed.

    Raises ValidationError with code `not_a_number` or `too_large`.
    """
    if isinstance(value, (float, bool)):
        raise ValidationError(_("소수는 정확한 십진수로 주어야 합니다."), code="not_a_number")
    try:
        number = Decimal(value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValidationError(_("숫자가 아닙니다."), code="not_a_number") from None
    if not number.is_finite():
        raise ValidationError(_("숫자가 아닙니다."), code="not_a_number")
    if not -LIMIT < number < LIMIT or number.adjusted() < -DECIMALS:
        raise ValidationError(_("너무 크거나 너무 세밀한 숫자입니다."), code="too_large")
    try:
        return _shortest(number)
    except Inexact:
        raise ValidationError(_("너무 크거나 너무 세밀한 숫자입니다."), code="too_large") from None


def _shortest(number: Decimal) -> Decimal:
    """The same number without end zeros, exponent or minus zero. Raises Inexact where it has too many decimals."""
    number = _EXACT.quantize(number, _FINEST)
    if number != number.to_integral_value():
        return number.normalize(_EXACT)
    return _EXACT.quantize(number, Decimal(1)) or Decimal(0)


class ExactDecimalField(_Field[_Set_contra, _Get_co]):
    """A Decimal of up to 20 digits before and 18 after the point, the same value from every database."""

    description = "exact decimal"
    empty_strings_allowed = False

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return f"text COLLATE {COLLATION}" if connection.vendor == "sqlite" else f"numeric({MAX_DIGITS}, {DECIMALS})"

    def to_python(self, value: Any) -> Decimal | None:
        return None if value is None else exact(value)

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else exact(value)

    def get_prep_value(self, value: Any) -> Decimal | None:
        return None if value is None else exact(value)

    def get_placeholder(self, value: Any, compiler: Any, _connection: BaseDatabaseWrapper) -> str:
        """Where a value is written: a column may be copied, but nothing is reckoned, for SQLite would do it in floats."""
        if hasattr(value, "flatten") and any(isinstance(part, CombinedExpression) for part in value.flatten()):
            raise FieldError("exact decimals take no arithmetic in SQL")
        return "%s"

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:
        number = value if prepared else self.get_prep_value(value)
        if number is None or connection.vendor != "sqlite":
            return number
        return format(number, "f")

    def value_to_string(self, obj: models.Model) -> str:
        value = self.value_from_object(obj)
        return "" if value is None else format(value, "f")

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": forms.DecimalField, **kwargs})


class ExactSum(models.Aggregate):
    """The exact sum of an ExactDecimalField over a group's rows; None where there is none.

    PostgreSQL adds numerics. SQLite would add floats, and is given an aggregate of its own.
    """

    function = "SUM"
    name = "ExactSum"
    allow_distinct = False

    def as_sqlite(self, compiler: Any, connection: BaseDatabaseWrapper, **context: Any) -> Any:
        return self.as_sql(compiler, connection, **(context | {"function": _SQLITE_SUM}))


class _Sum:
    """SQLite's side of ExactSum: texts in, a text out."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, number: str | None) -> None:
        if number is not None:
            self._total = _WIDE.add(self._total or Decimal(0), Decimal(number))

    def finalize(self) -> str | None:
        return None if self._total is None else format(self._total, "f")


def _compare(left: str, right: str) -> int:
    a, b = Decimal(left), Decimal(right)
    return (a > b) - (a < b)


@receiver(connection_created)
def _teach_sqlite_exact_decimals(connection: BaseDatabaseWrapper, **_kwargs: Any) -> None:
    if connection.vendor == "sqlite":
        connection.connection.create_collation(COLLATION, _compare)
        connection.connection.create_aggregate(_SQLITE_SUM, 1, _Sum)
