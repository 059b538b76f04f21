"""A rule, and why it did or did not act, in words: G01, G14."""

from collections.abc import Mapping
from typing import Any

import pytest

from strategies.compiler import compile_document
from strategies.errors import Language
from strategies.library.swing import SwingParameters, swing_document
from strategies.rows import ConditionRow, EntryRow, Row
from strategies.sentences import condition_sentence, document_sentences, figure, why_sentence
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, CLOSE_BELOW_100, document
from tests.strategies.series import bars_closing_at, random_bars

ADX = {"adx": {"kind": "adx", "params": {"period": 14}}}
RSI = {"rsi": {"kind": "rsi", "params": {"period": 14}}}
STRONG = {"kind": "compare", "left": {"indicator": "adx"}, "op": "gt", "right": {"number": 25}}
RECOVERED = {"kind": "was_below_within", "series": {"indicator": "rsi"}, "threshold": {"number": 30}, "bars": 20}


def seen(
    condition: Mapping[str, Any], indicators: Mapping[str, Any], value: float | None, passed: bool, **more: float
) -> ConditionRow:
    return ConditionRow.from_data(
        {
            "path": "entries[0].when.all[0]",
            "label": "x",
            "condition": condition,
            "indicators": indicators,
            "value": value,
            "threshold": condition.get("right", condition.get("threshold"))["number"],
            "distance": None,
            "passed": passed,
            **more,
        }
    )


@pytest.mark.parametrize(
    ("row", "korean", "english"),
    [
        (seen(STRONG, ADX, 18.2, False), "ADX(14) 18.2 — 25보다 커야 합니다", "ADX(14) 18.2 — must be above 25"),
        (seen(STRONG, ADX, 31.256, True), "ADX(14) 31.26 — 25보다 큽니다", "ADX(14) 31.26 — is above 25"),
        (
            seen(STRONG, ADX, 24.9999, False),
            "ADX(14) 24.9999 — 25보다 커야 합니다",
            "ADX(14) 24.9999 — must be above 25",
        ),
        (seen(STRONG, ADX, None, False), "ADX(14) — 이 봉에는 값이 없습니다", "ADX(14) — no figure on this bar"),
        (
            seen(RECOVERED, RSI, 61.7, False, extreme=48.4),
            "RSI(14) 61.7 — 최근 20봉 최저 48.4, 30 아래였던 적이 있어야 합니다",
            "RSI(14) 61.7 — lowest 48.4 in 20 bars, must have been below 30",
        ),
        (
            seen(RECOVERED, RSI, 27.5, False, extreme=24.4),
            "RSI(14) 27.5 — 최근 20봉 안에 30 아래였고, 지금은 30 위여야 합니다",
            "RSI(14) 27.5 — was below 30 within 20 bars, must be above it now",
        ),
        (
            seen(RECOVERED, RSI, 35, True, extreme=24.4),
            "RSI(14) 35 — 최근 20봉 최저 24.4, 30 아래였다가 지금은 위입니다",
            "RSI(14) 35 — lowest 24.4 in 20 bars: was below 30 and is above it now",
        ),
    ],
)
def test_a_condition_says_what_it_saw_and_what_it_needs(row: ConditionRow, korean: str, english: str) -> None:
    assert condition_sentence(row, "ko") == korean
    assert condition_sentence(row, "en") == english


@pytest.mark.parametrize(
    ("closes", "korean", "english"),
    [
        ((99, 101), "종가 101 — 100 상향 돌파했습니다", "close 101 — crossed above 100"),
        (
            (101, 102),
            "종가 102 — 이미 100 위에 있습니다, 이 봉에서 상향 돌파해야 합니다",
            "close 102 — already above 100, must cross above it on this bar",
        ),
        (
            (98, 99),
            "종가 99 — 아직 100 아래에 있습니다, 이 봉에서 상향 돌파해야 합니다",
            "close 99 — still below 100, must cross above it on this bar",
        ),
    ],
)
def test_a_cross_says_on_which_side_it_stands(closes: tuple[float, ...], korean: str, english: str) -> None:
    condition = {"kind": "cross_above", "left": CLOSE, "right": {"number": 100}}
    row = compile_document(document(condition)).evaluate(bars_closing_at(*closes)).row().conditions[0]
    assert condition_sentence(row, "ko") == korean
    assert condition_sentence(row, "en") == english


def test_the_whole_swing_rule_reads_as_sentences() -> None:
    assert document_sentences(swing_document(), "ko") == [
        "1차 매수: 다음을 모두 만족할 때",
        "  EMA(5): EMA(20) 상향 돌파",
        "  RSI(14): 최근 20봉 안에 30 아래였다가 지금은 위",
        "  ADX(14): 25보다 큼",
        "  OBV 20봉 변화(평균 봉 거래량의 배수): 0보다 큼",
        "2차 매수: 다음을 모두 만족할 때",
        "  EMA(20): EMA(60) 상향 돌파",
        "  RSI(14): 최근 60봉 안에 30 아래였다가 지금은 위",
        "  ADX(14): 25보다 큼",
        "  OBV 20봉 변화(평균 봉 거래량의 배수): 0보다 큼",
        "매도: 다음을 모두 만족할 때",
        "  EMA(5): EMA(20) 하향 돌파",
        "손절: 평균 매수가보다 7% 내리면 전량 매도",
    ]
    english = document_sentences(swing_document(), "en")
    assert english[2] == "  RSI(14): below 30 within the last 20 bars and above it now"
    assert english[-1] == "Stop-loss: sell all 7% below the average cost"
    assert len(english) == 13


def test_nested_groups_are_indented_under_their_joining_word() -> None:
    rule = document({"any": [CLOSE_ABOVE_100, {**CLOSE_BELOW_100, "left": {"column": "volume", "ago": 1, "scale": 2}}]})
    assert document_sentences(rule, "en")[:4] == [
        "First buy: when all of these hold",
        "  when any of these holds",
        "    close: above 100",
        "    volume 1 bars ago × 2: below 100",
    ]


def bar(first: bool, second: bool, exit_: bool) -> Row:
    """A row of which only the verdicts matter, with one condition per group that agrees with them."""
    conditions = [
        seen(STRONG, ADX, 30 if passed else 18.2, passed).model_copy(update={"path": path})
        for path, passed in (
            ("entries[0].when.all[0]", first),
            ("entries[1].when.all[0]", second),
            ("exit.all[0]", exit_),
        )
    ]
    entries = (EntryRow(name="first", passed=first), EntryRow(name="second", passed=second))
    return Row(closed_at=60, close=100.0, entries=entries, exit=exit_, conditions=tuple(conditions))


@pytest.mark.parametrize(
    ("row", "signal", "korean"),
    [
        (bar(False, True, False), 0, "매수하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다"),
        (bar(True, False, False), 0, "1차 매수 조건 충족: ADX(14) 30 — 25보다 큽니다"),
        (bar(True, False, True), 0, "매수하지 않았습니다: 같은 봉에 매도 조건이 성립"),
        (bar(True, False, False), 1, "2차 매수하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다"),
        (bar(False, True, False), 1, "2차 매수 조건 충족: ADX(14) 30 — 25보다 큽니다"),
        (bar(False, True, True), 1, "매도 조건 충족: ADX(14) 30 — 25보다 큽니다"),
        (bar(True, True, False), 2, "매도하지 않았습니다: ADX(14) 18.2 — 25보다 커야 합니다"),
        (bar(True, True, True), 3, "이번 주기의 매도를 마쳤습니다."),
    ],
)
def test_why_it_acted_or_not_names_the_conditions_that_decided(row: Row, signal: int, korean: str) -> None:
    assert why_sentence(row, signal, "ko") == korean
    assert why_sentence(row, signal, "en") != korean


@pytest.mark.parametrize("language", ["ko", "en"])
def test_every_condition_of_a_real_row_has_a_sentence(language: Language) -> None:
    every = SwingParameters(rsi_mode="same_bar", exit_use_rsi=True, exit_use_adx=True, exit_use_obv=True)
    for chosen in (SwingParameters(), every):
        evaluation = compile_document(swing_document(chosen)).evaluate(random_bars(900))
        for index in (0, 100, -1):
            row = evaluation.row(index)
            sentences = [condition_sentence(each, language) for each in row.conditions]
            assert all("{" not in each and each for each in sentences)
            assert all(why_sentence(row, signal, language) for signal in range(4))


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (71240, "71,240"),
        (1234.5, "1,234"),
        (18.2, "18.2"),
        (25, "25"),
        (0.00162008, "0.00162"),
        (1.2e-7, "0.00000012"),
        (0, "0"),
        (-3.25, "−3.25"),
    ],
)
def test_figures_read_as_people_write_them(value: float, shown: str) -> None:
    assert figure(value) == shown
