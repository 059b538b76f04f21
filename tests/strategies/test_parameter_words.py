"""What parameters are called and how their numbers are read, in both languages."""

import re

import pytest

from strategies.document import RuleDocument
from strategies.library.shelf import LIBRARY
from strategies.parameter_words import naming, parameter_label, parameter_rows, with_labels

DOCUMENTS = {key: built_in.build() for key, built_in in LIBRARY.items()}


@pytest.mark.parametrize("key", sorted(DOCUMENTS))
def test_every_parameter_of_the_library_has_a_name_in_both_languages(key: str) -> None:
    for name, spec in DOCUMENTS[key].parameters.items():
        korean, english = parameter_label(name, spec, "ko"), parameter_label(name, spec, "en")
        assert name not in {korean, english}
        assert re.search("[가-힣]|EMA", korean)
        assert not re.search("[가-힣]", english)


def test_the_labels_of_one_strategy_are_told_apart() -> None:
    for key, document in DOCUMENTS.items():
        for language in ("ko", "en"):
            labels = [row.label for row in parameter_rows(document, language)]
            assert len(set(labels)) == len(labels), key


def test_a_rate_is_read_in_percent_and_a_period_as_it_is() -> None:
    rows = {row.name: row for row in parameter_rows(DOCUMENTS["basic"], "en")}
    assert (rows["stop_loss_rate"].default, rows["stop_loss_rate"].minimum, rows["stop_loss_rate"].step) == (
        "5",
        "0.1",
        "1",
    )
    assert (rows["short"].default, rows["short"].maximum) == ("5", "200")


def test_long_numbers_are_grouped() -> None:
    rows = {row.name: row for row in parameter_rows(DOCUMENTS["swing"], "en")}
    assert (rows["obv_threshold"].minimum, rows["obv_threshold"].maximum) == ("-1,000,000,000,000", "1,000,000,000,000")
    assert rows["stop_loss_rate"].minimum == "0.1"


def test_the_author_s_own_description_is_the_label() -> None:
    data = DOCUMENTS["basic"].as_data()
    data["parameters"]["short"]["description"] = "빠른 평균"
    assert parameter_rows(RuleDocument.from_data(data), "ko")[0].label == "빠른 평균"


def test_only_whole_names_are_replaced_in_a_sentence() -> None:
    said = with_labels("must increase in this order: short < long; shorter stays", DOCUMENTS["basic"], "en")
    assert said == "must increase in this order: Short period < Long period; shorter stays"
    assert naming("nothing to name", {}) == "nothing to name"
