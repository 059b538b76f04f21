"""How often a rule held on stored bars: what the plan form tells before anybody trusts a rule (issue: plans, preview)."""

import numpy as np

from markets.bars import Bars
from strategies.compiler import compile_document
from strategies.firing import firing_of
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY

HOUR = 3600


def wave(count: int, period: int = 60) -> Bars:
    """Closes that rise and fall in a sine, hourly."""
    opened = np.arange(count, dtype=np.int64) * HOUR
    close = 1000 + 100 * np.sin(np.arange(count) * 2 * np.pi / period)
    return Bars(opened, opened + HOUR, close, close + 5, close - 5, close, np.full(count, 10.0))


def test_each_turn_of_a_wave_is_counted_once_for_entry_and_exit() -> None:
    firing = firing_of(basic_document(), wave(1000), since=0)
    assert firing is not None
    warm_up = compile_document(basic_document()).warm_up
    assert firing.bars == 1000 - warm_up + 1
    turns = firing.bars / 60
    assert abs(firing.entries[0].count - turns) <= 1
    assert abs(firing.exit.count - turns) <= 1


def test_counts_and_times_are_those_of_the_evaluator() -> None:
    document, bars = LIBRARY["swing_active"].build(), wave(1200, 97)
    firing = firing_of(document, bars, since=int(bars.closed_at[900]))
    assert firing is not None
    seen = compile_document(document).evaluate(bars)
    assert firing.first_closed_at == bars.closed_at[901]
    for fired, held in zip(firing.entries, seen.entries, strict=True):
        places = [n for n in range(901, 1200) if held[n]]
        assert fired.count == len(places)
        assert fired.last_closed_at == (int(bars.closed_at[places[-1]]) if places else None)


def test_a_rule_that_never_held_says_so_without_a_time() -> None:
    flat = wave(400)
    still = np.full(400, 1000.0)
    flat = Bars(flat.opened_at, flat.closed_at, still, still, still, still, flat.volume)
    firing = firing_of(basic_document(), flat, since=0)
    assert firing is not None
    assert (firing.entries[0].count, firing.entries[0].last_closed_at) == (0, None)


def test_too_few_bars_for_the_warm_up_are_no_figures_at_all() -> None:
    assert firing_of(basic_document(), wave(100), since=0) is None
    assert firing_of(basic_document(), wave(0), since=0) is None
