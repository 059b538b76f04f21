"""Every built-in strategy under its key, for pages and forms to offer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from strategies.catalog import Words
from strategies.document import RuleDocument
from strategies.library import basic, breakout, rsi, swing
from strategies.library.kis_presets import (
    consecutive_moves,
    false_breakout,
    ma_divergence,
    momentum,
    short_term_reversal,
    sma_crossover,
    strong_close,
    trend_filter_signal,
    volatility_breakout,
    week52_high,
)


@dataclass(frozen=True, slots=True)
class BuiltIn:
    """A strategy of the library. `build` makes its document with every number at its default."""

    name: Words
    description: Words
    build: Callable[[], RuleDocument]


_KIS_PRESETS = (
    sma_crossover,
    momentum,
    week52_high,
    consecutive_moves,
    ma_divergence,
    false_breakout,
    strong_close,
    volatility_breakout,
    short_term_reversal,
    trend_filter_signal,
)

LIBRARY: Mapping[str, BuiltIn] = {
    "swing": BuiltIn(swing.NAME, swing.DESCRIPTION, swing.swing_document),
    "swing_active": BuiltIn(
        swing.ACTIVE_NAME, swing.ACTIVE_DESCRIPTION, partial(swing.swing_document, swing.ACTIVE_SWING)
    ),
    "basic": BuiltIn(basic.NAME, basic.DESCRIPTION, basic.basic_document),
    "rsi": BuiltIn(rsi.NAME, rsi.DESCRIPTION, rsi.rsi_document),
    "breakout": BuiltIn(breakout.NAME, breakout.DESCRIPTION, breakout.breakout_document),
    **{
        preset.__name__.rpartition(".")[2]: BuiltIn(preset.NAME, preset.DESCRIPTION, preset.build)
        for preset in _KIS_PRESETS
    },
}
