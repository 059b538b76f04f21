"""What every strategy promises: the same bars give the same rows, nothing looks ahead, its warm-up suffices."""

from dataclasses import fields

import numpy as np

from markets.bars import Bars, FloatArray
from strategies.compiler import Evaluation, Evaluator, compile_document
from strategies.document import RuleDocument

TOLERANCE = 1e-9  # of a figure's usual size


def assert_strategy_contract(document: RuleDocument, bars: Bars, samples: int = 12) -> None:
    """Raises AssertionError where the document breaks a promise on these bars; they must outlast its warm-up twice."""
    evaluator = compile_document(document)
    assert len(bars) > 2 * evaluator.warm_up, "too few bars to tell"
    assert_deterministic(document, bars)
    assert_prefix_equals_whole(evaluator, bars, samples)
    assert_warm_up_suffices(evaluator, bars, samples)


def assert_deterministic(document: RuleDocument, bars: Bars) -> None:
    """Two compilations of two copies of the document give identical rows."""
    first = compile_document(document).evaluate(bars)
    second = compile_document(RuleDocument.from_json(document.canonical_json())).evaluate(bars)
    assert_same(first, second, len(bars))


def assert_prefix_equals_whole(evaluator: Evaluator, bars: Bars, samples: int) -> None:
    """Bars after a row change nothing in it, to the last bit: no look-ahead."""
    whole = evaluator.evaluate(bars)
    for count in np.linspace(1, len(bars) - 1, samples, dtype=int):
        assert_same(evaluator.evaluate(bars.prefix(int(count))), whole, int(count))


def assert_warm_up_suffices(evaluator: Evaluator, bars: Bars, samples: int) -> None:
    """A row made from `warm_up` bars is the row made from all history, up to the tolerance."""
    whole = evaluator.evaluate(bars)
    usual = [typical(np.asarray(each.value)) for each in whole.conditions]
    for last in np.linspace(2 * evaluator.warm_up, len(bars) - 1, samples, dtype=int):
        short = evaluator.evaluate(window(bars, int(last) + 1 - evaluator.warm_up, int(last) + 1)).row()
        long = whole.row(int(last))
        for ours, theirs, size in zip(short.conditions, long.conditions, usual, strict=True):
            for name in ("value", "threshold", "extreme", "upper"):
                assert close(getattr(ours, name), getattr(theirs, name), size), (
                    int(last),
                    ours.path,
                    name,
                    ours,
                    theirs,
                )
            assert ours.passed == theirs.passed, (int(last), ours, theirs)
        assert short.exit == long.exit
        for mine, yours in zip(short.entries, long.entries, strict=True):
            assert mine.passed == yours.passed, (int(last), mine, yours)
            assert close(mine.level, yours.level, 0.0), (int(last), mine, yours)


def assert_same(one: Evaluation, other: Evaluation, count: int) -> None:
    """The first `count` rows of both are identical in every figure."""
    for mine, yours in zip((*one.entries, one.exit), (*other.entries, other.exit), strict=True):
        np.testing.assert_array_equal(mine[:count], yours[:count])
    for number in range(len(one.entries)):
        ours_waits, theirs_waits = one.stop_prices(number), other.stop_prices(number)
        assert (ours_waits is None) is (theirs_waits is None)
        if ours_waits is not None and theirs_waits is not None:
            np.testing.assert_array_equal(ours_waits[:count], theirs_waits[:count])
    for ours, theirs in zip(one.conditions, other.conditions, strict=True):
        for name in ("value", "threshold", "passed", "extreme", "upper"):
            left, right = getattr(ours, name), getattr(theirs, name)
            if isinstance(left, np.ndarray):
                left, right = left[:count], right[:count]
            np.testing.assert_equal(left, right)


def close(one: float | None, other: float | None, size: float) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= TOLERANCE * max(size, abs(one), abs(other))


def typical(values: FloatArray) -> float:
    return float(np.nanmedian(np.abs(values)))


def window(bars: Bars, start: int, stop: int) -> Bars:
    return Bars(*(getattr(bars, each.name)[start:stop] for each in fields(Bars)))
