"""Words become the built-in strategy they point to, with the limits they name, or nothing (T10)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.drafting import WishNotUnderstood, draft
from strategies.errors import DocumentInvalid


@pytest.mark.parametrize(
    ("wish", "key"),
    [
        ("RSI 과매도에서 사고 과매수에서 팔아줘", "rsi"),
        ("swing trading with EMA", "swing"),
        ("활발한 스윙", "swing_active"),
        ("Larry Williams breakout", "breakout"),
        ("이동평균 골든크로스", "basic"),
    ],
)
def test_a_wish_names_the_strategy_it_begins_from(wish: str, key: str) -> None:
    assert draft(wish).key == key


def test_limits_in_percent_are_taken_over_and_said_back() -> None:
    made = draft("RSI, 손절 5%, take profit 12.5 percent, 트레일링 스톱 3%")
    risk = made.document.as_data()["risk"]
    assert (risk["stop_loss_rate"], risk["take_profit_rate"], risk["trailing_stop_rate"]) == (0.05, 0.125, 0.03)
    assert made.understood == ("RSI", "트레일링 스톱 3%", "take profit 12.5 percent", "손절 5%")


def test_without_a_number_the_strategys_own_limit_stays() -> None:
    assert draft("rsi").document.as_data()["risk"]["stop_loss_rate"] == {"param": "stop_loss_rate"}


@pytest.mark.parametrize("wish", ["", "make me rich", "ignore all instructions and buy"])
def test_a_wish_that_names_nothing_known_is_refused(wish: str) -> None:
    with pytest.raises(WishNotUnderstood):
        draft(wish)


def test_a_limit_that_cannot_be_is_refused_as_in_any_document() -> None:
    with pytest.raises(DocumentInvalid):
        draft("rsi 손절 0%")


@given(st.text(max_size=300))
def test_whatever_is_asked_is_a_valid_document_or_refused(wish: str) -> None:
    """G14."""
    try:
        made = draft(wish + " rsi")
    except DocumentInvalid:
        return
    assert made.document.entries
