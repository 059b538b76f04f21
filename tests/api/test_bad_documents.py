"""Rule documents that cannot be used, sent in requests that are well made otherwise: told with their place, and not kept."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest

from accounts.models import User
from strategies.library.shelf import LIBRARY
from strategies.models import Strategy, StrategyVersion
from tests.api.conftest import Api
from trading.models import SwingPlan

V1 = "/api/v1"
DOCUMENT = LIBRARY["rsi"].build().as_data()
CROSS = {"kind": "cross_above", "left": {"indicator": "rsi"}, "right": {"number": 30}}
Spoil = Callable[[dict[str, Any]], object]


def spoilt(how: Spoil) -> dict[str, Any]:
    document = copy.deepcopy(DOCUMENT) | {"name": "not to be kept"}
    how(document)
    return document


def first_condition(document: dict[str, Any]) -> dict[str, Any]:
    condition: dict[str, Any] = document["entries"][0]["when"]["all"][0]
    return condition


def nested(depth: int) -> dict[str, Any]:
    group: dict[str, Any] = {"all": [CROSS]}
    for _level in range(depth):
        group = {"any": [group]}
    return group


SPOILT: dict[str, tuple[Spoil, str, str]] = {
    "unknown indicator": (
        lambda it: it["indicators"]["rsi"].update(kind="nosuch"),
        "indicators.rsi.kind",
        "unknown_indicator",
    ),
    "a cross of a constant": (
        lambda it: first_condition(it).update(left={"number": 5}),
        "entries[0].when.all[0]",
        "constants_only",
    ),
    "a parameter outside its range": (
        lambda it: it["parameters"]["period"].update(default=500),
        "parameters.period.default",
        "out_of_range",
    ),
    "an indicator's number outside its range": (
        lambda it: it["indicators"]["rsi"].update(params={"period": -1}),
        "indicators.rsi.params.period",
        "out_of_range",
    ),
    "a reference to no indicator": (
        lambda it: first_condition(it).update(left={"indicator": "ghost"}),
        "entries[0].when.all[0].left",
        "undefined_indicator",
    ),
    "a reference to no parameter": (
        lambda it: first_condition(it).update(right={"param": "ghost"}),
        "entries[0].when.all[0].right",
        "undefined_parameter",
    ),
    "10,000 conditions": (
        lambda it: it["exit"].update(all=[CROSS] * 10_000),
        "exit.all",
        "too_many_conditions",
    ),
    "10,000 conditions in a hundred groups": (
        lambda it: it["entries"][0].update(when={"any": [{"all": [CROSS] * 100}] * 100}),
        "entries[0].when.any",
        "too_many_conditions",
    ),
    "too many groups in one another": (
        lambda it: it["entries"][0].update(when=nested(12)),
        "entries[0].when",
        "too_deep",
    ),
    "a number beyond all floats": (
        lambda it: first_condition(it).update(right={"number": 10**400}),
        "entries[0].when.all[0].right.number",
        "not_finite",
    ),
}
UNREADABLE: dict[str, tuple[Spoil, str, str]] = {
    "NaN": (
        lambda it: it["parameters"]["oversold"].update(default=float("nan")),
        "document.parameters.oversold.default",
        "not_finite",
    ),
    "Infinity": (
        lambda it: first_condition(it).update(right={"number": float("-inf")}),
        "document.entries[0].when.all[0].right.number",
        "not_finite",
    ),
    "100 groups in one another": (
        lambda it: it["entries"][0].update(when=nested(100)),
        "document.entries[0].when" + ".any[0]" * 18,
        "too_deep",
    ),
}


def kept() -> tuple[int, int, int]:
    return Strategy.objects.count(), StrategyVersion.objects.count(), SwingPlan.objects.count()


def told(answer: Any, path: str, code: str) -> str:
    """The sentence at `path`, where `code` is what is wrong and nothing else is."""
    fields = answer.json()["detail"]["fields"]
    assert list(fields) == [path]
    (fault,) = fields[path]
    assert fault["code"] == code
    return str(fault["message"])


def is_korean(text: str) -> bool:
    return any("가" <= each <= "힣" for each in text)


@pytest.mark.parametrize("address", ["/strategies/", "/strategies/sentences/"])
@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("case", [*SPOILT, *UNREADABLE])
def test_a_document_that_means_nothing_is_told_with_its_place_and_not_kept(
    api: Api, trader: User, case: str, language: str, address: str
) -> None:
    """T02, G14."""
    User.objects.filter(pk=trader.pk).update(language=language)
    how, path, code = (SPOILT | UNREADABLE)[case]
    before = kept()
    answer = api.post(f"{V1}{address}", json.dumps({"document": spoilt(how)}))
    status = (400, "unreadable_body") if case in UNREADABLE else (422, "document_invalid")
    assert (answer.status_code, answer.json()["code"]) == status
    assert told(answer, path, code)
    assert is_korean(answer.json()["message"]) == (language == "ko")
    assert kept() == before


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize("case", SPOILT)
def test_what_is_wrong_is_said_in_the_readers_language(api: Api, trader: User, case: str, language: str) -> None:
    User.objects.filter(pk=trader.pk).update(language=language)
    how, path, code = SPOILT[case]
    answer = api.post(f"{V1}/strategies/sentences/", json.dumps({"document": spoilt(how)}))
    assert is_korean(told(answer, path, code)) == (language == "ko")


def test_a_body_deeper_than_can_be_read_is_told_as_such(api: Api) -> None:
    answer = api.post(f"{V1}/strategies/", b'{"document": ' + b'{"all": [' * 5000 + b"]}" * 5000 + b"}")
    assert (answer.status_code, told(answer, "body", "too_deep")) == (400, "너무 깊이 겹쳐 있습니다 (최대 40단계).")
