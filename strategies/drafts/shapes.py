"""What fields each part of a rule has, read from the document's model: a word added there appears in the builder. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from strategies.candles import PATTERNS
from strategies.catalog import Bounds
from strategies.conditions import AnyCondition, BarFigure, Column, ColumnOperand, Level, Operand, Series
from strategies.document import ParameterSpec, Risk
from strategies.shape import Quantity

Role = Literal["operand", "quantity", "choice"]
SERIES_FORMS = frozenset(("column", "indicator"))
LEVEL_FORMS = frozenset(("number", "param"))


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a condition. `forms`: what an operand may be; `choices`: the words to choose from."""

    key: str
    role: Role
    forms: frozenset[str] = frozenset()
    choices: tuple[str, ...] = ()


def _union(annotated: Any) -> Any:
    return get_args(annotated)[0]


_OPERAND_FORMS = (
    (_union(Series), SERIES_FORMS),
    (_union(Level), LEVEL_FORMS),
    (_union(Operand), SERIES_FORMS | LEVEL_FORMS),
)


def _shape(key: str, field: FieldInfo) -> FieldShape:
    annotation: Any = field.annotation
    for union, forms in _OPERAND_FORMS:
        if annotation == union:
            return FieldShape(key, "operand", forms)
    if annotation == _union(Quantity):
        return FieldShape(key, "quantity")
    if get_origin(annotation) is Literal:
        return FieldShape(key, "choice", choices=get_args(annotation))
    if key == "pattern":
        return FieldShape(key, "choice", choices=tuple(PATTERNS))
    raise TypeError(f"no field is known for {key}: {annotation}")


def _conditions() -> Iterator[tuple[str, tuple[FieldShape, ...]]]:
    for tagged in get_args(_union(AnyCondition)):
        fields = get_args(tagged)[0].model_fields
        shapes = tuple(_shape(key, field) for key, field in fields.items() if key not in {"kind", "label"})
        for kind in get_args(fields["kind"].annotation):
            yield kind, shapes


CONDITIONS: Mapping[str, tuple[FieldShape, ...]] = dict(_conditions())
RISK = tuple(Risk.model_fields)
PARAMETER_KINDS: tuple[str, ...] = get_args(ParameterSpec.model_fields["kind"].annotation)
SOURCES: tuple[str, ...] = get_args(Column)
FIGURES: tuple[str, ...] = (
    *SOURCES,
    *(name for name in get_args(BarFigure) if isinstance(name, str) and name not in SOURCES),
)


def _ago() -> Bounds:
    limits = {type(each).__name__: each for each in ColumnOperand.model_fields["ago"].metadata}
    return Bounds(limits["Ge"].ge, limits["Le"].le)


AGO = _ago()
