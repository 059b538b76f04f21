"""What changed between two versions, in sentences (G16)."""

import pytest

from strategies.differences import Changed, differences
from strategies.document import RuleDocument
from strategies.library.basic import basic_document
from strategies.library.shelf import LIBRARY


def changed(**numbers: float) -> RuleDocument:
    data = basic_document().as_data()
    for name, value in numbers.items():
        data["parameters"][name]["default"] = value
    return RuleDocument.from_data(data)


@pytest.mark.parametrize("key", sorted(LIBRARY))
def test_a_rule_differs_in_nothing_from_itself(key: str) -> None:
    assert differences(LIBRARY[key].build(), LIBRARY[key].build(), "ko") == []


def test_another_number_is_told_where_it_stands_in_the_rule_and_among_the_parameters() -> None:
    found = differences(changed(), changed(stop_loss_rate=0.08), "en")
    assert found == [
        Changed(False, "Stop-loss: sell all 5% below the average cost"),
        Changed(True, "Stop-loss: sell all 8% below the average cost"),
        Changed(False, "Stop-loss (%): 5 (0.1 – 99 / 1)"),
        Changed(True, "Stop-loss (%): 8 (0.1 – 99 / 1)"),
    ]


def test_a_wider_range_alone_is_a_change_too() -> None:
    data = basic_document().as_data()
    data["parameters"]["short"]["maximum"] = 300
    found = differences(basic_document(), RuleDocument.from_data(data), "ko")
    assert [each.text for each in found] == ["단기 기간: 5 (2 – 200 / 1)", "단기 기간: 5 (2 – 300 / 1)"]


def test_there_and_back_are_the_same_lines_the_other_way_round() -> None:
    one, other = LIBRARY["basic"].build(), LIBRARY["rsi"].build()
    there, back = differences(one, other, "ko"), differences(other, one, "ko")
    assert {(each.is_new, each.text) for each in there} == {(not each.is_new, each.text) for each in back}
