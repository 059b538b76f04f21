"""When and at what price a backtest trades, worked out by hand (K01, K02)."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest

from backtests.setup import Setup
from tests.backtests.scenes import COIN, HOUR, STOCK, bars_of, evaluation, flat, free, played, rule, told

ONE = Decimal(1)


def test_a_decision_on_a_close_is_filled_at_the_next_open() -> None:
    bars = bars_of([(100, 110, 90, 105), (107, 120, 100, 111), (112, 113, 99, 100), (98, 99, 97, 98)])
    result = played(evaluation(bars, first=[0], sells=[2]))
    assert told(result) == [(1, "buy", 107, 10, "first_entry"), (3, "sell", 98, 10, "exit_rule")]
    assert list(result.equity) == [100_000, 100_040, 99_930, 99_910]


def test_a_decision_on_the_last_bar_comes_to_nothing() -> None:
    assert told(played(evaluation(flat(100, 100), first=[1]))) == []


def test_the_second_step_is_taken_only_after_the_first() -> None:
    result = played(evaluation(flat(*[100] * 8), first=[2], second=[0, 4], sells=[6]))
    assert [(fill.bar, fill.signal) for fill in result.fills] == [(3, 1), (5, 2), (7, 3)]


def test_both_steps_share_the_budget_as_live_sizes_them() -> None:
    result = played(
        evaluation(flat(*[100] * 5), first=[0], second=[2]), free(quantity=None, first_share=Decimal("0.5"))
    )
    # the worst price that live sets aside is 105: 50,000 / 105 = 476; then 52,400 / 105 = 499
    assert [int(fill.quantity) for fill in result.fills] == [476, 499]


def test_a_stop_loss_is_filled_inside_the_bar_at_its_level() -> None:
    bars = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (100, 102, 94, 101), (101, 101, 101, 101)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05)))
    assert told(result) == [(1, "buy", 100, 10, "first_entry"), (2, "sell", 95, 10, "stop_loss")]


def test_a_stop_is_touched_while_a_second_buy_waits_in_vain() -> None:
    """Nobody trades in bar 2: neither is the second step bought, nor the first sold; it goes at the next open."""
    bars = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (100, 102, 94, 101), (101, 101, 101, 101)])
    bars = replace(bars, volume=np.array([1000.0, 1000.0, 0.0, 1000.0]))
    seen = evaluation(bars, first=[0], second=[1], document=rule(entries=2, stop_loss_rate=0.05))
    result = played(seen, free(participation=(1, 1)))
    assert [(fill.bar, str(fill.side), int(fill.quantity)) for fill in result.fills] == [
        (1, "buy", 10),
        (3, "sell", 10),
    ]


def test_by_default_a_limit_is_judged_on_the_close_as_plans_do() -> None:
    """docs/decisions/0015: the low of bar 2 touches 95, its close does not; that of bar 3 does."""
    bars = bars_of(
        [(100, 100, 100, 100), (100, 101, 99, 100), (100, 102, 94, 101), (101, 101, 90, 94), (92, 93, 91, 92)]
    )
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05)), free(exits=Setup(cash=ONE).exits))
    assert told(result) == [(1, "buy", 100, 10, "first_entry"), (4, "sell", 92, 10, "stop_loss")]


def test_a_low_exactly_at_the_level_touches_it() -> None:
    """In float64, 100 x (1 - 0.07) is a hair below 93."""
    bars = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (100, 102, 93, 101)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.07)))
    assert told(result)[1] == (2, "sell", 93, 10, "stop_loss")


def test_a_stop_loss_that_the_open_has_jumped_over_is_filled_at_the_open() -> None:
    bars = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (90, 96, 89, 95)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05)))
    assert told(result)[1] == (2, "sell", 90, 10, "stop_loss")


def test_of_a_stop_and_a_target_touched_in_one_bar_the_stop_came_first() -> None:
    bars = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (100, 120, 90, 110)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05, take_profit_rate=0.1)))
    assert told(result)[1] == (2, "sell", 95, 10, "stop_loss")


def test_a_target_is_filled_at_its_level_or_at_a_better_open() -> None:
    document = rule(stop_loss_rate=0.5, take_profit_rate=0.1)
    inside = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (105, 120, 104, 115)])
    assert told(played(evaluation(inside, first=[0], document=document)))[1] == (2, "sell", 110, 10, "take_profit")
    jumped = bars_of([(100, 100, 100, 100), (100, 101, 99, 100), (113, 120, 112, 115)])
    assert told(played(evaluation(jumped, first=[0], document=document)))[1] == (2, "sell", 113, 10, "take_profit")


def test_a_stop_may_be_touched_in_the_very_bar_of_the_entry() -> None:
    bars = bars_of([(100, 100, 100, 100), (100, 101, 94, 100), (100, 100, 100, 100)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05)))
    assert told(result) == [(1, "buy", 100, 10, "first_entry"), (1, "sell", 95, 10, "stop_loss")]


def test_a_trailing_stop_follows_the_highest_close_of_the_bars_before() -> None:
    rows = [(100, 100, 100, 100), (100, 130, 100, 120), (120, 150, 119, 140), (139, 140, 125, 130)]
    result = played(evaluation(bars_of(rows), first=[0], document=rule(trailing_stop_rate=0.1)))
    assert told(result)[1] == (3, "sell", 126, 10, "trailing_stop")  # 140 - 10 %; the 150 of the high does not count


def test_a_limit_judged_on_the_close_sells_at_the_next_open() -> None:
    bars = bars_of([(100,) * 4, (100,) * 4, (100, 100, 80, 97), (97, 97, 90, 94), (93, 95, 92, 94)])
    result = played(evaluation(bars, first=[0], document=rule(stop_loss_rate=0.05)), free(exits="at_close"))
    assert told(result)[1] == (4, "sell", 93, 10, "stop_loss")


@pytest.mark.parametrize("exits", ["at_close", "inside_bar"])
def test_a_time_stop_counts_the_bar_of_the_first_fill(exits: str) -> None:
    result = played(evaluation(flat(*[100] * 8), first=[0], document=rule(time_stop_bars=3)), free(exits=exits))
    assert told(result) == [(1, "buy", 100, 10, "first_entry"), (4, "sell", 100, 10, "time_stop")]


def test_a_buy_that_waits_at_a_level_is_filled_inside_the_bar_at_the_level() -> None:
    document = rule(stop={"level": {"column": "high"}}, stop_loss_rate=0.5)
    bars = bars_of([(100,) * 4, (100, 120, 99, 101), (100,) * 4])
    result = played(evaluation(bars, first=[0], document=document, levels=[110, 110, 110]))
    assert told(result) == [(1, "buy", 110, 10, "first_entry")]


def test_a_level_that_the_open_has_jumped_over_is_bought_at_the_open() -> None:
    document = rule(stop={"level": {"column": "high"}}, stop_loss_rate=0.5)
    bars = bars_of([(100,) * 4, (115, 120, 114, 118), (118,) * 4])
    result = played(evaluation(bars, first=[0], document=document, levels=[110, 110, 110]))
    assert told(result) == [(1, "buy", 115, 10, "first_entry")]


def test_a_level_not_reached_in_its_bar_is_not_bought_after_it() -> None:
    document = rule(stop={"level": {"column": "high"}}, stop_loss_rate=0.5)
    bars = bars_of([(100,) * 4, (100, 109, 99, 101), (111, 120, 100, 111)])
    assert told(played(evaluation(bars, first=[0], document=document, levels=[110, 110, 110]))) == []


def test_an_order_larger_than_our_share_of_the_volume_is_filled_in_pieces() -> None:
    setup = free(quantity=Decimal(25), participation=(1, 10))
    result = played(evaluation(flat(*[100] * 7, volume=100), first=[0], sells=[3]), setup)
    assert [(f.bar, str(f.side), int(f.quantity), f.signal) for f in result.fills] == [
        (1, "buy", 10, 1),
        (2, "buy", 10, 1),
        (3, "buy", 5, 1),
        (4, "sell", 10, 3),
        (5, "sell", 10, 3),
        (6, "sell", 5, 3),
    ]


def test_the_spread_the_slippage_and_the_tick_are_all_against_us() -> None:
    bars = flat(10_015, 10_015, 10_015, 10_015, start=1_700_000_000 // HOUR * HOUR)  # between two ticks of 10
    setup = free(
        spread_ticks=1, slippage_ticks=1, slippage_rate=Decimal("0.001"), day_orders=False, cash=Decimal(10**6)
    )
    result = played(evaluation(bars, first=[0], sells=[1]), setup, STOCK)
    # 10,015 + 0.1 % = 10,025.015, up to 10,030, a tick of spread, a tick of slippage; the sale mirrors it
    assert [int(fill.price) for fill in result.fills] == [10_050, 9_980]
    assert [round(fill.worse_by, 6) for fill in result.filled] == [35, 35]


@pytest.mark.parametrize(("year", "rate"), [(2019, "0.0025"), (2022, "0.0023"), (2024, "0.0018")])
def test_a_sale_pays_the_tax_of_its_day(year: int, rate: str) -> None:
    """The securities transaction tax and the rural tax of KOSPI stocks fell over the years."""
    start = {2019: 1_575_000_000, 2022: 1_655_000_000, 2024: 1_715_000_000}[year] // HOUR * HOUR
    bars = flat(*[50_000] * 4, start=start)
    result = played(evaluation(bars, first=[0], sells=[1]), free(day_orders=False, cash=Decimal(10**6)), STOCK)
    assert result.fills[-1].tax == Decimal(500_000) * Decimal(rate)
    assert result.fills[0].tax == 0


def test_a_buy_never_pays_more_than_the_cash() -> None:
    result = played(evaluation(flat(100, 100, 100), first=[0]), free(cash=Decimal(555), commission=Decimal("0.01")))
    assert [int(fill.quantity) for fill in result.fills] == [5]  # 5 x 101 = 505, 6 x 101 = 606
    assert played(evaluation(flat(100, 100), first=[0]), free(cash=Decimal(99))).fills == ()


def test_only_whole_lots_are_bought() -> None:
    """10,000 / 105 pays for 95 units: nine lots of ten. 1,000 pays for nine units: no lot at all."""
    in_tens = replace(COIN, lot=Decimal(10), min_quantity=Decimal(10))
    seen = evaluation(flat(*[100] * 3), first=[0])
    setup = free(quantity=None, first_share=ONE, collar=True, cash=Decimal(10_000))
    assert [int(fill.quantity) for fill in played(seen, setup, in_tens).fills] == [90]
    assert played(seen, replace(setup, cash=Decimal(1_000)), in_tens).fills == ()


def test_a_position_keeps_within_its_share_of_the_worth() -> None:
    setup = free(quantity=Decimal(900))
    result = played(evaluation(flat(*[100] * 3), first=[0], document=rule(max_position_rate=0.25)), setup)
    assert [int(fill.quantity) for fill in result.fills] == [250]


def test_cool_down_and_repeat_are_those_of_a_plan() -> None:
    seen = evaluation(flat(*[100] * 12), first=range(12), sells=[3])
    again = [fill.bar for fill in played(seen, free(cooldown_bars=3)).fills]
    assert again == [1, 4, 9]  # sold in 4, begins again on the close of 7, buys on that of 8
    assert [fill.bar for fill in played(seen, free(cooldown_bars=3, restarts_at_once=True)).fills] == [1, 4, 8]
    assert [fill.bar for fill in played(seen, free(repeat=False)).fills] == [1, 4]


def test_a_day_order_ends_with_its_day() -> None:
    """Round the clock a day order lives for 24 hours."""
    setup = free(quantity=Decimal(1000), participation=(1, 10))
    result = played(evaluation(flat(*[10] * 40, volume=100), first=[0]), setup, COIN)
    assert [fill.bar for fill in result.fills] == list(range(1, 25))
