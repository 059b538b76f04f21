"""The newer words of a rule, said in Korean and English: G01, G14."""

from typing import Any

import pytest

from markets.bars import Bars
from strategies.compiler import compile_document
from strategies.document import RuleDocument
from strategies.rows import Row
from strategies.sentences import condition_sentence, document_sentences, why_sentence
from tests.strategies.rules import CLOSE, CLOSE_ABOVE_100, document, rule
from tests.strategies.series import bars_closing_at, random_bars
from tests.strategies.test_compiler_words import BREAKOUT, waiting

BAND = {"kind": "between", "series": CLOSE, "low": {"number": 30}, "high": {"number": 70}}
AVERAGE = {"average": {"kind": "sma", "params": {"period": 2}}}
BELOW_AVERAGE = {"kind": "was_below_within", "series": CLOSE, "threshold": {"indicator": "average"}, "bars": 2}


@pytest.mark.parametrize(
    ("condition", "korean", "english"),
    [
        (BAND, "종가: 30 이상 70 이하", "close: between 30 and 70"),
        (
            {"kind": "compare", "left": CLOSE, "op": "eq", "right": {"number": 5}},
            "종가: 5에 일치",
            "close: equal to 5",
        ),
        (
            {"kind": "compare", "left": {"column": "range"}, "op": "ne", "right": {"number": 5}},
            "봉 폭: 5 아닌 값",
            "range: other than 5",
        ),
        ({"kind": "candle", "pattern": "hammer", "signal": "bullish"}, "캔들 망치형: 상승형", "Hammer candle: bullish"),
        (
            BELOW_AVERAGE,
            "종가: 최근 2봉 안에 SMA(2) 아래였다가 지금은 위",
            "close: below SMA(2) within the last 2 bars and above it now",
        ),
    ],
)
def test_a_rule_says_what_it_asks(condition: dict[str, Any], korean: str, english: str) -> None:
    read = document(condition, indicators=AVERAGE)
    assert document_sentences(read, "ko")[1] == f"  {korean}"
    assert document_sentences(read, "en")[1] == f"  {english}"


def seen(condition: dict[str, Any], bars: Bars) -> tuple[str, str]:
    row = compile_document(document(condition, indicators=AVERAGE)).evaluate(bars).row().conditions[0]
    return condition_sentence(row, "ko"), condition_sentence(row, "en")


@pytest.mark.parametrize(
    ("condition", "closes", "korean", "english"),
    [
        (BAND, (50,), "종가 50 — 30 이상 70 이하입니다", "close 50 — is between 30 and 70"),
        (BAND, (71,), "종가 71 — 30 이상 70 이하여야 합니다", "close 71 — must be between 30 and 70"),
        (
            {**BAND, "high": {"indicator": "average"}},
            (60,),
            "종가 60 — 이 봉에는 값이 없습니다",
            "close 60 — no figure on this bar",
        ),
        (
            {**BAND, "high": {"indicator": "average"}},
            (60, 50),
            "종가 50 — 30 이상 SMA(2) 55 이하입니다",
            "close 50 — is between 30 and SMA(2) 55",
        ),
        (
            BELOW_AVERAGE,
            (10, 8, 9),
            "종가 9 — 최근 2봉 안에 SMA(2) 8.5 아래였다가 지금은 위입니다",
            "close 9 — was below SMA(2) 8.5 within 2 bars and is above it now",
        ),
        (
            BELOW_AVERAGE,
            (10, 9, 8),
            "종가 8 — 최근 2봉 안에 SMA(2) 8.5 아래였고, 지금은 위여야 합니다",
            "close 8 — was below SMA(2) 8.5 within 2 bars, must be above it now",
        ),
        (
            BELOW_AVERAGE,
            (8, 9, 10),
            "종가 10 — 최근 2봉 안에 SMA(2) 9.5 아래였던 적이 있어야 합니다",
            "close 10 — must have been below SMA(2) 9.5 within 2 bars",
        ),
        (
            {"kind": "candle", "pattern": "hammer"},
            (1, 2),
            "캔들 망치형: 상승형 또는 하락형 — 이 봉에 나타나야 합니다",
            "Hammer candle: bullish or bearish — must be seen on this bar",
        ),
    ],
)
def test_a_condition_says_what_it_saw(
    condition: dict[str, Any], closes: tuple[float, ...], korean: str, english: str
) -> None:
    assert seen(condition, bars_closing_at(*closes)) == (korean, english)


def test_a_breakout_says_where_it_waits() -> None:
    lines = document_sentences(waiting(BREAKOUT), "ko")
    assert lines[2] == "  → 다음 봉이 시가 + 봉 폭 × 0.5에 닿는 순간 매수"
    english = document_sentences(waiting(BREAKOUT), "en")
    assert english[2] == "  → bought inside the next bar, once it reaches its open + range × 0.5"


def last_row(read: RuleDocument, bars: Bars) -> Row:
    return compile_document(read).evaluate(bars).row()


def test_why_names_the_price_an_order_waits_at() -> None:
    row = last_row(waiting({"level": {"column": "close", "scale": 1.01}}), bars_closing_at(500_000))
    assert why_sentence(row, 0, "ko").endswith("; 다음 봉이 505,000에 닿으면 매수")
    assert why_sentence(row, 0, "en").endswith("; bought once the next bar reaches 505,000")


def test_why_says_when_there_is_no_price_to_wait_at() -> None:
    row = last_row(waiting(BREAKOUT), bars_closing_at(101))
    assert why_sentence(row, 0, "ko") == "매수하지 않았습니다: 진입 가격을 아직 계산할 수 없습니다"
    assert why_sentence(row, 0, "en") == "No first buy: there is no price to wait at yet"


def test_a_rule_without_an_exit_says_what_sells() -> None:
    risk = {"stop_loss_rate": 0.05, "time_stop_bars": 3, "max_position_rate": 0.25}
    read = RuleDocument.from_data(rule(CLOSE_ABOVE_100, exit={"risk_only": True}, risk=risk))
    assert document_sentences(read, "ko")[2:] == [
        "매도: 매도 규칙 없이 아래 한도로만",
        "손절: 평균 매수가보다 5% 내리면 전량 매도",
        "보유 기간: 매수한 봉부터 세어 3봉을 채우면 다음 봉 시가에 전량 매도",
        "최대 비중: 계좌 평가액의 25%까지",
    ]
    assert document_sentences(read, "en")[2] == "Sell: no exit rule, by the limits below alone"
    row = last_row(read, random_bars(5))
    assert why_sentence(row, 1, "ko") == "매도하지 않았습니다: 매도 규칙 없이 위험 한도로만 매도합니다"
