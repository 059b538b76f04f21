"""`make indicator-sources`: each indicator beside a source that did not compute it, on ../shared/data (docs/indicators.md).

Needs the development requirements: pandas-ta-classic is one of the sources.
"""

import sys

from bench.rule_rates import DATA
from strategies.catalog import INDICATORS
from tests.strategies.second_sources import SECOND_SOURCES
from tests.strategies.series import defaults, real_bars
from tests.strategies.told_apart import REAL, largest_difference


def table() -> list[str]:
    """Per indicator: who else computes it, and the largest relative difference after warm-up over three real series."""
    lines = ["| Indicator | Second source | Largest difference |", "|---|---|---|"]
    for kind in INDICATORS:
        largest = max(largest_difference(kind, real_bars(series), defaults(kind)) for series in REAL)
        lines.append(f"| `{kind}` | {SECOND_SOURCES[kind].source} | {f'{largest:.0e}' if largest else '0'} |")
    return lines


if __name__ == "__main__":
    if not DATA.is_dir():
        sys.exit(f"indicator-sources needs {DATA}")
    print("\n".join(table()))
