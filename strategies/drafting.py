"""A rule document from a person's words, without any network: the built-in strategy they point to, with their limits. Pure.

It understands little and says what: no number is guessed, and a wish that names nothing known is refused. Whatever it
makes is a `RuleDocument` like any other: shown in sentences, kept only when its person keeps it (T10, G14).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from strategies.document import RuleDocument
from strategies.library.shelf import LIBRARY

# The first that a wish names is drafted: from the particular to the general.
POINTERS: Mapping[str, re.Pattern[str]] = {
    "breakout": re.compile(r"변동성|래리|윌리엄|larry|williams|volatility|breakout|k[ _]?value", re.IGNORECASE),
    "swing_active": re.compile(r"활발한? ?스윙|active swing", re.IGNORECASE),
    "swing": re.compile(r"스윙|swing|\b(ema|adx|obv)\b", re.IGNORECASE),
    "rsi": re.compile(r"\brsi\b|과매[도수]|oversold|overbought", re.IGNORECASE),
    "basic": re.compile(r"이동 ?평균|이평|골든 ?크로스|moving average|golden cross|\b[sm]ma?\b", re.IGNORECASE),
}
_PERCENT = r"\D{0,12}?(\d{1,3}(?:\.\d{1,4})?) ?(?:%|퍼센트|percent)"
RATES: Mapping[str, re.Pattern[str]] = {
    "trailing_stop_rate": re.compile(r"(?:트레일링|trailing)(?: ?(?:스톱|stop))?" + _PERCENT, re.IGNORECASE),
    "take_profit_rate": re.compile(r"(?:익절|목표 ?수익|take[ -]?profit)" + _PERCENT, re.IGNORECASE),
    "stop_loss_rate": re.compile(r"(?:손절|stop[ -]?loss)" + _PERCENT, re.IGNORECASE),
}


class WishNotUnderstood(Exception):
    """The words name no strategy we know."""

    code = "wish_not_understood"


@dataclass(frozen=True, slots=True)
class Draft:
    """`key`: the built-in strategy it began from; `understood`: the words it was made from, as they stood in the wish."""

    key: str
    document: RuleDocument
    understood: tuple[str, ...]


def draft(wish: str, name: str = "") -> Draft:
    """The document a wish asks for. Raises WishNotUnderstood; DocumentInvalid where its numbers cannot be traded."""
    pointed = ((key, pattern.search(wish)) for key, pattern in POINTERS.items())
    key, word = next(((key, word[0]) for key, word in pointed if word), ("", ""))
    if not key:
        raise WishNotUnderstood
    data = LIBRARY[key].build().as_data()
    risk, understood = dict(data.get("risk") or {}), [word]
    for rate, pattern in RATES.items():
        if said := pattern.search(wish):
            risk[rate] = round(float(said[1]) / 100, 6)
            understood.append(said[0])
    changed: dict[str, Any] = {**data, "risk": risk}
    if name:
        changed["name"] = name
    return Draft(key, RuleDocument.from_data(changed), tuple(understood))
