"""A sweep as a map: two of its parameters across, of the others the best. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

LEVELS = 4
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class MapCell:
    """One place of the map: the point that is shown there, its figure, how high it stands (0 to 4), whether it is the best."""

    point: Row | None
    figure: float | None
    level: int
    is_best: bool


@dataclass(frozen=True, slots=True)
class MapLine:
    """One row of the map."""

    value: float
    cells: list[MapCell]


def heat_map(rows: Sequence[Row], across: str, down: str, goal: str) -> tuple[list[float], list[MapLine]]:
    """The values across, and a line for each value down; with one parameter `down` is '' and there is one line."""
    columns = sorted({row["parameters"][across] for row in rows})
    lines = sorted({row["parameters"][down] for row in rows}) if down else [0.0]
    shown: dict[tuple[float, float], Row] = {}
    for row in rows:
        place = (row["parameters"][across], row["parameters"][down] if down else 0.0)
        if row[goal] is not None and (place not in shown or row[goal] > shown[place][goal]):
            shown[place] = row
    figures = sorted(row[goal] for row in shown.values())
    best = best_of(rows, goal)
    told = [
        MapLine(line, [_cell(shown.get((column, line)), goal, figures, best) for column in columns]) for line in lines
    ]
    return columns, told


def best_of(rows: Sequence[Row], goal: str) -> Row | None:
    """The first of the points with the highest figure that traded at all."""
    known = [row for row in rows if row[goal] is not None and row["trades"]]
    return max(known, key=lambda row: float(row[goal]), default=None)


def ranked(rows: Sequence[Row], goal: str, most: int) -> list[Row]:
    """The points by their figure, the best first; without a figure none."""
    known = [row for row in rows if row[goal] is not None]
    return sorted(known, key=lambda row: float(row[goal]), reverse=True)[:most]


def _cell(point: Row | None, goal: str, figures: Sequence[float], best: Row | None) -> MapCell:
    if point is None:
        return MapCell(None, None, 0, is_best=False)
    low, high = figures[0], figures[-1]
    share = (point[goal] - low) / (high - low) if high > low else 0.0
    is_best = best is not None and point["parameters"] == best["parameters"]
    return MapCell(point, point[goal], min(LEVELS, int(share * (LEVELS + 1))), is_best=is_best)
