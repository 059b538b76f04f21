"""The WebSocket's frames: the recorded ones exactly, every width there has been, and nothing read from a broken one."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given, settings
from hypothesis import strategies as st

from brokers.kis import frames, quotes
from brokers.kis.frames import Ack, Channel, Data, Ping, Strange
from brokers.kis.notices import NoticeKind, notice
from brokers.kis.sealed import NoticeKey, opened
from brokers.protocol import Environment
from brokers.wire.values import Garbled
from markets.types import Level, Side, Source
from tests.brokers.kis_examples import examples, json_example, reference, text_example

TODAY = date(2026, 11, 20)
NOTICE_KEY = NoticeKey("0123456789abcdef0123456789abcdef", "fedcba9876543210")
SEALED_ORDER, SEALED_FILL, SEALED_PAPER_FILL = 0, 1, 2


def recorded(heading: str, number: int = 0) -> str:
    return [each for each in examples(heading) if each[:2] in {"0|", "1|"}][number]


def plain_notices() -> list[str]:
    """The plain texts the reference gives beside the sealed ones."""
    section = reference().partition("### 5.9")[2].partition("### 5.10")[0]
    return re.findall(r"plaintext\n`(.+)`", section)


def sealed(text: str, key: NoticeKey = NOTICE_KEY) -> str:
    padder = PKCS7(128).padder()
    padded = padder.update(text.encode()) + padder.finalize()
    encryptor = Cipher(algorithms.AES256(key.key.encode()), modes.CBC(key.iv.encode())).encryptor()
    return base64.b64encode(encryptor.update(padded) + encryptor.finalize()).decode()


def data(frame: str, key: NoticeKey | None = None) -> Data:
    read = frames.read(frame, key)
    assert isinstance(read, Data)
    return read


def test_the_recorded_trade_is_exact() -> None:
    (record,) = data(recorded("### 5.7")).records
    assert len(record) == 47
    trade = quotes.trade(record, Source.HISTORY)
    assert trade.tick.instrument == "KRX:005930"
    assert trade.tick.at == datetime(2026, 11, 20, 1, 15, 2, tzinfo=UTC)
    assert (trade.tick.price, trade.tick.quantity) == (Decimal(71200), Decimal(15))
    assert (trade.quote.bid, trade.quote.ask) == (Decimal(71100), Decimal(71200))
    assert (trade.quote.base_price, trade.quote.day_volume) == (Decimal(70500), Decimal(4203311))
    assert (trade.is_halted, trade.session) == (False, "20")


def test_the_recorded_book_is_exact() -> None:
    (record,) = data(recorded("### 5.8")).records
    book = quotes.streamed_book(record, TODAY)
    assert book.at == datetime(2026, 11, 20, 1, 15, 3, tzinfo=UTC)
    assert (len(book.bids), len(book.asks)) == (10, 10)
    assert book.asks[0] == Level(Decimal(71200), Decimal(1000))
    assert book.asks[9] == Level(Decimal(72100), Decimal(1090))
    assert book.bids[0] == Level(Decimal(71100), Decimal(2000))
    assert book.bids[9] == Level(Decimal(70200), Decimal(2090))


@pytest.mark.parametrize("number", [SEALED_ORDER, SEALED_FILL, SEALED_PAPER_FILL], ids=["order", "fill", "paper fill"])
def test_the_recorded_notices_open_to_their_plain_texts(number: int) -> None:
    frame = recorded("### 5.9", number)
    assert opened(frame.split("|", 3)[3], NOTICE_KEY) == plain_notices()[number]
    assert sealed(plain_notices()[number]) == frame.split("|", 3)[3]


@pytest.mark.parametrize(
    ("number", "width", "kind", "quantity", "order", "branch"),
    [
        (SEALED_ORDER, 26, NoticeKind.ACCEPTED, 10, "0000123456", "06010"),
        (SEALED_FILL, 26, NoticeKind.FILLED, 4, "0000123456", "06010"),
        (SEALED_PAPER_FILL, 23, NoticeKind.FILLED, 4, "0000001562", "00950"),
    ],
    ids=["order", "fill", "paper fill"],
)
def test_the_recorded_notices_are_read_in_both_layouts(
    number: int, width: int, kind: NoticeKind, quantity: int, order: str, branch: str
) -> None:
    (record,) = data(recorded("### 5.9", number), NOTICE_KEY).records
    assert len(record) == width
    told = notice(record)
    assert (told.kind, told.number, told.original, told.branch) == (kind, order, "", branch)
    assert (told.side, told.instrument, told.exchange) == (Side.BUY, "KRX:005930", "1")
    assert (told.quantity, told.price, told.told_at[:4]) == (Decimal(quantity), Decimal(71100), "1015")
    assert told.account == "5012345601"
    assert "5012345601" not in repr(told)
    assert "홍길동" not in repr(data(recorded("### 5.9", number), NOTICE_KEY))


@pytest.mark.parametrize(
    ("change", "refused", "executed", "stage", "kind"),
    [
        ("0", "0", "1", "1", NoticeKind.ACCEPTED),
        ("0", "1", "1", "", NoticeKind.REFUSED),
        ("0", "0", "2", "2", NoticeKind.FILLED),
        ("1", "0", "1", "2", NoticeKind.CHANGED),
        ("2", "0", "1", "1", NoticeKind.CANCELED),
        ("0", "0", "1", "3", NoticeKind.CANCELED),
    ],
)
def test_what_a_notice_tells_of(change: str, refused: str, executed: str, stage: str, kind: NoticeKind) -> None:
    record = [*plain_notices()[0].split("^")]
    record[5], record[12], record[13], record[14] = change, refused, executed, stage
    assert notice(tuple(record)).kind is kind


def test_the_exchange_is_where_each_layout_has_it() -> None:
    long, short = (plain_notices()[number].split("^") for number in (SEALED_FILL, SEALED_PAPER_FILL))
    long[19], short[18] = "2", "3Y"
    assert [notice(tuple(record)).exchange for record in (long, short)] == ["2", "3"]


def test_numbers_of_a_notice_are_read_with_zeros_and_without() -> None:
    record = plain_notices()[1].split("^")
    record[2], record[3], record[9], record[10] = "123456", "0000123455", "4", "71100"
    told = notice(tuple(record))
    assert (told.number, told.original, told.quantity, told.price) == (
        "0000123456",
        "0000123455",
        Decimal(4),
        Decimal(71100),
    )


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (1, "501234560"),
        (2, ""),
        (4, "03"),
        (5, "9"),
        (8, "삼성"),
        (9, "1e9"),
        (10, "NaN"),
        (11, "9999"),
        (12, "N"),
        (13, ""),
    ],
    ids=str,
)
def test_a_notice_that_cannot_be_is_not_read(place: int, value: str) -> None:
    record = plain_notices()[1].split("^")
    record[place] = value
    with pytest.raises(Garbled):
        notice(tuple(record))


@pytest.mark.parametrize("width", [46, 47, 48, 60])
@pytest.mark.parametrize("count", [1, 2, 4])
def test_trades_of_every_width_come_several_in_a_frame(width: int, count: int) -> None:
    """46 fields until 2026-09-14, 47 since; the next one will come unannounced."""
    fields = recorded("### 5.7").split("|", 3)[3].split("^")
    record = (fields + ["x"] * 20)[:width]
    rows = [[*record[:13], str(n + 1), *record[14:]] for n in range(count)]
    frame = f"0|H0STCNT0|{count:03d}|" + "^".join("^".join(row) for row in rows)
    read = [quotes.trade(each, Source.HISTORY).quote.day_volume for each in data(frame).records]
    assert read == [Decimal(n + 1) for n in range(count)]


@pytest.mark.parametrize("width", [59, 60, 66])
def test_books_of_every_width_are_read(width: int) -> None:
    fields = recorded("### 5.8").split("|", 3)[3].split("^")
    frame = "0|H0STASP0|001|" + "^".join((fields + ["2"] * 10)[:width])
    assert quotes.streamed_book(data(frame).records[0], TODAY).bids[0].quantity == 2000


@pytest.mark.parametrize("width", [23, 24, 26, 27])
def test_notices_of_every_width_are_read_as_far_as_is_known(width: int) -> None:
    fields = plain_notices()[SEALED_FILL if width > 23 else SEALED_PAPER_FILL].split("^")
    text = "^".join((fields + ["x"] * 3)[:width])
    told = notice(data(f"1|H0STCNI0|001|{sealed(text)}", NOTICE_KEY).records[0])
    assert (told.quantity, told.price) == (Decimal(4), Decimal(71100))
    assert told.exchange == ("" if width == 24 else "1")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "2|H0STCNT0|001|x",
        "0|H0STCNT0|001",
        "0|H0STCNT0|000|" + "^" * 46,
        "0|H0STCNT0|-01|" + "^" * 46,
        "0|H0STCNT0|٠٠١|" + "^" * 46,
        "0|H0STCNT0|002|" + "^" * 46,
        "0|H0STCNT0|001|" + "^" * 44,
        "0|H0STCNT0|002|" + "^" * 94,
        "0|H0STCNI0|001|" + "^" * 25,
        "1|H0STCNT0|001|" + "^" * 46,
        "{",
        '{"header":{}}',
        '{"header":{"tr_id":"H0STCNT0"}}',
    ],
    ids=str,
)
def test_a_broken_frame_is_not_read(frame: str) -> None:
    with pytest.raises(Garbled):
        frames.read(frame, NOTICE_KEY)


@settings(deadline=None)
@given(
    st.text(max_size=80)
    | st.builds("{}|H0STCNT0|{}|{}".format, st.text("01", max_size=1), st.text(max_size=3), st.text())
)
def test_any_text_is_a_frame_or_garbled(text: str) -> None:
    try:
        frames.read(text, NOTICE_KEY)
    except Garbled:
        pass
    else:
        assert text[:1] in {"{", "0", "1"}


def test_a_notice_does_not_open_under_another_key() -> None:
    text = recorded("### 5.9", SEALED_FILL).split("|", 3)[3]
    with pytest.raises(Garbled):
        opened(text, replace(NOTICE_KEY, key="f" * 32))
    with pytest.raises(Garbled):
        opened(text[:-4], NOTICE_KEY)
    with pytest.raises(Garbled):
        data(recorded("### 5.9"), None)


def test_a_key_of_the_wrong_size_is_none_and_a_right_one_shows_nothing() -> None:
    with pytest.raises(Garbled):
        NoticeKey("short", "fedcba9876543210")
    with pytest.raises(Garbled):
        NoticeKey("ㄱ" * 32, "fedcba9876543210")
    assert NOTICE_KEY.key not in repr(NOTICE_KEY)


def test_the_recorded_acknowledgement_brings_no_key_for_quotes() -> None:
    """Else a later quote's would overwrite that of the notices."""
    ack = frames.read(text_example("### 5.3"))
    assert ack == Ack("H0STCNT0", "005930", "OPSP0000")
    assert isinstance(ack, Ack)
    assert ack.is_subscribed


@pytest.mark.parametrize("channel", ["H0STCNI0", "H0STCNI9"])
def test_the_acknowledgement_of_the_notices_brings_their_key(channel: str) -> None:
    told: dict[str, Any] = json_example("### 5.3")
    told["header"] |= {"tr_id": channel, "tr_key": "demo1", "encrypt": "Y"}
    ack = frames.read(json.dumps(told))
    assert isinstance(ack, Ack)
    assert ack.notice_key == NOTICE_KEY
    assert "demo1" not in repr(ack)


def test_subscribed_twice_is_subscribed_and_a_key_in_use_is_not() -> None:
    twice, in_use = (frames.read(text_example("### 5.3", number)) for number in (1, 2))
    assert isinstance(twice, Ack)
    assert isinstance(in_use, Ack)
    assert (twice.code, twice.is_subscribed) == ("OPSP0002", True)
    assert (in_use.code, in_use.is_subscribed, in_use.channel) == (frames.KEY_IN_USE, False, "(null)")


def test_a_call_for_a_sign_of_life_keeps_its_text() -> None:
    text = text_example("### 5.5")
    assert frames.read(text) == Ping(text)


def test_data_of_another_channel_is_set_aside() -> None:
    section = reference().partition("**H0STMKO0**")[2]
    found = re.search(r"`(0\|H0STMKO0[^`]+)`", section)
    assert found
    assert frames.read(found.group(1)) == Strange("H0STMKO0")


def test_a_subscription_is_written_as_the_reference_writes_it() -> None:
    key = "3f1c2d7a-55aa-4c1e-9b0e-0f4e5d6c7b8a"
    assert frames.subscription(key, Channel.TRADES, "005930", is_on=True) == text_example("### 5.2")
    assert '"tr_type":"2"' in frames.subscription(key, Channel.TRADES, "005930", is_on=False)


def test_each_environment_has_its_own_channel_of_notices() -> None:
    assert frames.NOTICES_OF[Environment.LIVE] == "H0STCNI0"
    assert frames.NOTICES_OF[Environment.PAPER] == "H0STCNI9"
