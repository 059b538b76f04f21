"""Curves as paths of an SVG: for a report that stands alone, for pages without scripts, for curves laid over each other."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from markets.bars import FloatArray

WIDTH, HEIGHT = 1000, 240  # of the view box


@dataclass(frozen=True, slots=True)
class Scale:
    """From a value to its place in the view box: `low` at the bottom, `high` at the top."""

    low: float
    high: float

    @classmethod
    def of(cls, *curves: FloatArray) -> "Scale":
        low = min((float(curve.min()) for curve in curves if len(curve)), default=0.0)
        high = max((float(curve.max()) for curve in curves if len(curve)), default=1.0)
        return cls(low, high if high > low else low + 1)

    def path(self, curve: FloatArray) -> str:
        """The curve from left to right."""
        if not len(curve):
            return ""
        x = np.linspace(0, WIDTH, len(curve)) if len(curve) > 1 else np.zeros(1)
        y = HEIGHT * (1 - (curve - self.low) / (self.high - self.low))
        points = [f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True)]
        return f"M{points[0]}" + "".join(f"L{point}" for point in points[1:])

    def area(self, curve: FloatArray) -> str:
        """What lies between the curve and the top: a drawdown."""
        return f"{self.path(curve)}L{WIDTH},0L0,0Z" if len(curve) else ""

    def at(self, value: float) -> float:
        """The height of a value, for a line across."""
        return round(HEIGHT * (1 - (value - self.low) / (self.high - self.low)), 1)


def thinned(curve: FloatArray, most: int = 600) -> FloatArray:
    """At most `most` points: the first, the last, and those evenly between."""
    if len(curve) <= most:
        return curve
    places = np.linspace(0, len(curve) - 1, most).astype(np.int64)
    picked: FloatArray = curve[places]
    return picked


def resampled(times: Sequence[Sequence[int]], curves: Sequence[FloatArray], points: int = 600) -> list[FloatArray]:
    """Curves of different times on one common axis; before its first time a curve is NaN-free at its first value."""
    first = min(each[0] for each in times)
    last = max(each[-1] for each in times)
    axis = np.linspace(first, last, points)
    found = []
    for at, curve in zip(times, curves, strict=True):
        places = np.clip(np.searchsorted(np.asarray(at), axis, side="right") - 1, 0, len(curve) - 1)
        found.append(curve[places])
    return found
