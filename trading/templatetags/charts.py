"""What every chart of an instrument offers, and its newest bars for those who read instead of look."""

from datetime import datetime
from typing import Any

from django import template

from markets import services as markets
from markets.models import Instrument
from markets.types import Interval, from_epoch
from trading.forms import sentence_language
from trading.services.planning.rule_charts import CHART_INDICATORS

register = template.Library()
LAST_BARS = 10


@register.simple_tag
def chart_choices() -> list[tuple[str, str]]:
    """The indicators a chart can show: key and name."""
    language = sentence_language()
    return [(key, words.said_in(language)) for key, (words, _specs) in CHART_INDICATORS.items()]


@register.simple_tag
def last_bars(instrument: Instrument, interval: str) -> list[dict[str, Any]]:
    """The newest closed bars, newest first."""
    rows = markets.rows(instrument, Interval(interval), LAST_BARS)
    return [row | {"opened_at": _opened_at(row)} for row in reversed(rows)]


def _opened_at(row: dict[str, float]) -> datetime:
    return from_epoch(int(row["time"]))
