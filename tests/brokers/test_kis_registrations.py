"""Forty-one places for whatever is wished: the important stay, the last go round, nobody is moved for nothing."""

from hypothesis import given
from hypothesis import strategies as st

from brokers.kis.frames import Channel
from brokers.kis.live.registrations import MOST, TURNING, Registration, allot, spread


def trades(*codes: int) -> list[Registration]:
    return [Registration(Channel.TRADES, f"{code:06d}") for code in codes]


def test_what_fits_is_registered_and_nothing_waits() -> None:
    wished = trades(*range(MOST))
    assert allot(wished, MOST, turn=3).now == tuple(wished)
    assert allot(wished, MOST, turn=3).waiting == ()


@given(wishes=st.integers(MOST + 1, 200), room=st.integers(1, MOST))
def test_beyond_the_limit_the_first_stay_and_all_others_get_their_turn(wishes: int, room: int) -> None:
    wished = trades(*range(wishes))
    fixed = wished[: max(0, room - TURNING)]
    heard: set[Registration] = set()
    for turn in range(wishes):
        allotted = allot(wished, room, turn)
        assert len(allotted.now) == room
        assert list(allotted.now[: len(fixed)]) == fixed
        assert set(allotted.now) | set(allotted.waiting) == set(wished)
        heard |= set(allotted.now)
    assert heard == set(wished)


def test_a_wish_told_twice_takes_one_place() -> None:
    assert allot([*trades(1, 2), *trades(1)], MOST, 0).now == tuple(trades(1, 2))


def test_several_keys_share_the_wishes_and_keep_what_they_have() -> None:
    wished = trades(*range(60))
    first = spread(wished, [(), ()], [40, 40])
    assert [len(each) for each in first] == [30, 30]
    assert set(first[0]) | set(first[1]) == set(wished)
    assert spread(wished, first, [40, 40]) == first
    without_one = [each for each in wished if each != first[0][0]]
    assert spread(without_one, first, [40, 40]) == [first[0][1:], first[1]]


def test_a_key_that_is_gone_leaves_its_wishes_to_the_others() -> None:
    wished = trades(*range(60))
    assert [len(each) for each in spread(wished, [tuple(wished[:30]), ()], [0, 40])] == [0, 40]


def test_the_name_of_a_person_is_not_shown() -> None:
    registration = Registration(Channel.NOTICES, "demo1")
    assert "demo1" not in f"{registration!r} {registration}"
