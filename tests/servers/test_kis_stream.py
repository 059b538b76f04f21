"""The KIS sandbox's socket: subscriptions and their limits, frames, notices, PINGPONG, one session per key."""

import json
import time
from base64 import b64decode
from collections.abc import Iterator

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import Probe, Socket

TRADES, BOOKS, NOTICES = "H0STCNT0", "H0STASP0", "H0STCNI0"


@pytest.fixture
def line(sandbox: KisSandbox, live: Probe) -> Iterator[Socket]:
    with Socket(sandbox.ws["live"], live.approval()) as opened:
        yield opened


def opened_text(sealed: str, key: str, iv: str) -> list[str]:
    """Decrypted here once more, with nothing of the sandbox."""
    decryptor = Cipher(algorithms.AES(key.encode()), modes.CBC(iv.encode())).decryptor()
    padded = decryptor.update(b64decode(sealed.split("|", 3)[3])) + decryptor.finalize()
    return padded[: -padded[-1]].decode().split("^")


def test_a_subscription_is_acknowledged_with_iv_and_key_and_ended(line: Socket) -> None:
    told = line.command(TRADES, "005930")
    keys = told["body"].pop("output")
    assert told == {
        "header": {"tr_id": TRADES, "tr_key": "005930", "encrypt": "N"},
        "body": {"rt_cd": "0", "msg_cd": "OPSP0000", "msg1": "SUBSCRIBE SUCCESS"},
    }
    assert (len(keys["iv"]), len(keys["key"])) == (16, 32)
    told = line.command(TRADES, "005930", kind="2")
    assert told["body"] == {"rt_cd": "0", "msg_cd": "OPSP0001", "msg1": "UNSUBSCRIBE SUCCESS"}


def test_any_path_is_taken(sandbox: KisSandbox, live: Probe) -> None:
    with Socket(sandbox.ws["live"], live.approval(), path="/") as line:
        assert "101" in line.status
        assert line.command(TRADES, "005930")["body"]["rt_cd"] == "0"


def test_recorded_refusals(line: Socket) -> None:
    line.command(TRADES, "005930")
    assert line.command(TRADES, "005930") == json.loads(
        '{"header":{"tr_id":"H0STCNT0","tr_key":"005930","encrypt":"N"},'
        '"body":{"rt_cd":"1","msg_cd":"OPSP0002","msg1":"ALREADY IN SUBSCRIBE"}}'
    )
    assert line.command(TRADES, "000660", kind="2")["body"]["msg_cd"] == "OPSP0003"
    assert line.command("H0STXXX0", "005930")["body"]["msg_cd"] == "OPSP8991"
    assert line.command(TRADES, "005930", tr_type="0")["body"]["msg_cd"] == "OPSP8997"
    assert line.command(TRADES, "005930", custtype="X")["body"]["msg_cd"] == "OPSP8998"
    line.send("nonsense")
    assert line.json()["body"]["msg_cd"] == "OPSP9999"


def test_the_forty_second_registration_is_refused(sandbox: KisSandbox, line: Socket) -> None:
    for number in range(42):
        sandbox.tell("symbol", code=f"1{number:05d}", name="종목", base=10_000)
    codes = [line.command(TRADES, f"1{number:05d}")["body"]["msg_cd"] for number in range(42)]
    assert codes == ["OPSP0000"] * 41 + ["OPSP0008"]
    line.command(TRADES, "100000", kind="2")
    assert line.command(TRADES, "100041")["body"]["msg_cd"] == "OPSP0000"


def test_an_approval_key_of_nobody_or_of_the_other_environment(sandbox: KisSandbox) -> None:
    paper = Probe(sandbox, "paper").log_in()
    for approval in ("nobody", paper.approval()):
        with Socket(sandbox.ws["live"], approval) as line:
            told = line.command(TRADES, "005930")["body"]
            assert (told["rt_cd"], told["msg_cd"]) == ("9", "OPSP0011")


def test_a_second_session_of_one_key_is_refused_until_the_first_is_gone(
    sandbox: KisSandbox, live: Probe, line: Socket
) -> None:
    line.command(TRADES, "005930")
    with Socket(sandbox.ws["live"], live.approval()) as second:
        assert second.command(TRADES, "005930") == json.loads(
            '{"header":{"tr_id":"(null)","tr_key":"","encrypt":"N"},'
            '"body":{"rt_cd":"9","msg_cd":"OPSP8996","msg1":"ALREADY IN USE appkey"}}'
        )
        sandbox.tell("quirks", second_session="kicks")
        assert second.command(TRADES, "005930")["body"]["rt_cd"] == "0"
        with pytest.raises(EOFError):
            line.data()


def test_a_key_counts_as_in_use_for_a_while_after_its_session_ended(
    sandbox: KisSandbox, live: Probe, line: Socket
) -> None:
    line.command(TRADES, "005930")
    sandbox.tell("quirks", linger_seconds=0.5)
    sandbox.tell("cut", environment="live")
    codes = []
    until = time.monotonic() + 5
    while "OPSP0000" not in codes and time.monotonic() < until:
        with Socket(sandbox.ws["live"], live.approval()) as again:
            codes.append(again.command(TRADES, "005930")["body"]["msg_cd"])
    assert codes[0] == "OPSP8996"
    assert codes[-1] == "OPSP0000"


def test_several_trades_come_in_one_frame_and_the_width_can_be_the_old_one(sandbox: KisSandbox, line: Socket) -> None:
    line.command(TRADES, "005930")
    ticks = [[70_600, 5, "buy"], [70_500, 7, "sell"], [70_600, 1, "buy"]]
    sandbox.tell("trade", code="005930", ticks=ticks)
    enc, channel, count, payload = line.data().split("|", 3)
    fields = payload.split("^")
    assert (enc, channel, count, len(fields)) == ("0", TRADES, "003", 3 * 47)
    assert [(fields[n * 47 + 2], fields[n * 47 + 12], fields[n * 47 + 13], fields[n * 47 + 21]) for n in range(3)] == [
        ("70600", "5", "5", "1"),
        ("70500", "7", "12", "5"),
        ("70600", "1", "13", "1"),
    ]
    sandbox.tell("quirks", trade_width=46)
    sandbox.tell("trade", code="005930", ticks=ticks)
    assert len(line.data().split("|", 3)[3].split("^")) == 3 * 46


def test_only_what_was_subscribed_comes(sandbox: KisSandbox, line: Socket) -> None:
    line.command(BOOKS, "000660")
    sandbox.tell("trade", code="005930", ticks=[[70_600, 5, "buy"]], books=True)
    sandbox.tell("trade", code="000660", ticks=[[182_100, 5, "buy"]], books=True)
    _enc, channel, _count, payload = line.data().split("|", 3)
    fields = payload.split("^")
    assert (channel, fields[0], len(fields)) == (BOOKS, "000660", 59)
    asks, bids = [int(price) for price in fields[3:13]], [int(price) for price in fields[13:23]]
    assert asks == sorted(asks)
    assert bids == sorted(bids, reverse=True)
    assert bids[0] < asks[0] == 182_100


def test_an_order_s_life_is_told_in_notices_of_its_own_width(sandbox: KisSandbox, live: Probe, line: Socket) -> None:
    keys = line.command(NOTICES, "demo1")["body"]["output"]
    sandbox.tell("policy", parts=0)
    first = live.order(quantity=10, price=70_000).body["output"]["ODNO"]
    second = live.revise(first, kind="01", price=70_100).body["output"]["ODNO"]
    sandbox.tell("fill", environment="live", key=f"20261120-06010-{second}", quantity=4, price=70_100)
    live.revise(second)
    told = [opened_text(line.data(), keys["key"], keys["iv"]) for _ in range(4)]
    assert {len(fields) for fields in told} == {26}
    # order number, origin, side, kind, quantity, fill or order, accepted
    assert [[fields[n] for n in (2, 3, 4, 5, 9, 13, 14)] for fields in told] == [
        [first, "", "02", "0", "0000000010", "1", "1"],
        [second, first, "02", "1", "0000000010", "1", "2"],
        [second, first, "02", "0", "0000000004", "2", "2"],
        ["0000000003", second, "02", "2", "0000000006", "1", "2"],
    ]
    sandbox.tell("quirks", notice_width_live=23)
    live.order(quantity=1, price=70_000)
    compact = opened_text(line.data(), keys["key"], keys["iv"])
    assert (len(compact), compact[18], compact[21]) == (23, "1Y", "삼성전자")


def test_the_rest_of_an_ioc_is_told_as_canceled(sandbox: KisSandbox, live: Probe, line: Socket) -> None:
    keys = line.command(NOTICES, "demo1")["body"]["output"]
    live.order(quantity=10, price=70_000, division="11")
    told = [opened_text(line.data(), keys["key"], keys["iv"]) for _ in range(2)]
    assert [(fields[7], fields[9], fields[13], fields[14]) for fields in told] == [
        ("1", "0000000010", "1", "1"),
        ("1", "0000000010", "1", "3"),
    ]


def test_an_order_the_exchange_refuses_is_told_by_notice_and_list_alone(
    sandbox: KisSandbox, live: Probe, line: Socket
) -> None:
    keys = line.command(NOTICES, "demo1")["body"]["output"]
    sandbox.tell("reject", environment="live", next=1)
    assert live.order(quantity=3, price=70_500).body["msg_cd"] == "APBK0013"
    told = [opened_text(line.data(), keys["key"], keys["iv"]) for _ in range(2)]
    assert [(fields[9], fields[12], fields[13]) for fields in told] == [
        ("0000000003", "0", "1"),
        ("0000000003", "1", "1"),
    ]
    row = live.orders().body["output1"][0]
    assert [row[name] for name in ("rjct_qty", "tot_ccld_qty", "rmn_qty", "cncl_cfrm_qty")] == ["3", "0", "0", "0"]
    assert live.order(quantity=3, price=70_500).body["output"]["ODNO"] == "0000000002"
    assert live.orders(CCLD_DVSN="01").body["output1"][0]["tot_ccld_qty"] == "3"


def test_sockets_are_cut_again_and_again_by_the_sandbox_s_clock(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("quirks", cut_every=300)
    for _ in range(2):
        with Socket(sandbox.ws["live"], live.approval()) as line:
            line.command(TRADES, "005930")
            sandbox.tell("advance", seconds=300)
            with pytest.raises(EOFError):
                line.data()


def test_a_fill_is_told_before_the_order_s_slow_reply(sandbox: KisSandbox, live: Probe, line: Socket) -> None:
    keys = line.command(NOTICES, "demo1")["body"]["output"]
    sandbox.set_faults({"route": "order", "fault": "slow", "seconds": 0.3})
    said = live.order(quantity=1, price=70_500)
    line.wait_at_most(0.2)
    numbers = [opened_text(line.data(), keys["key"], keys["iv"])[2] for _ in range(2)]
    assert numbers == [said.body["output"]["ODNO"]] * 2


def test_a_wrong_hts_id_ends_the_line(line: Socket) -> None:
    with pytest.raises(EOFError):
        line.command(NOTICES, "nobody")


def test_sockets_are_cut_and_refused_when_told_to_and_nothing_is_restored(
    sandbox: KisSandbox, live: Probe, line: Socket
) -> None:
    line.command(TRADES, "005930")
    assert sandbox.tell("cut", environment="live") == {"cut": 1}
    with pytest.raises(EOFError):
        line.data()
    sandbox.tell("connections", environment="live", refuse=True)
    with Socket(sandbox.ws["live"]) as refused:
        assert refused.status == ""
    sandbox.tell("connections", environment="live", refuse=False)
    with Socket(sandbox.ws["live"], live.approval()) as again:
        again.command(BOOKS, "005930")
        assert sandbox.sessions()["live"]["open"][0]["subscribed"] == [[BOOKS, "005930"]]


def test_frames_may_come_twice_and_any_text_may_come(sandbox: KisSandbox, line: Socket) -> None:
    line.command(TRADES, "005930")
    sandbox.tell("quirks", duplicate_frames=True)
    sandbox.tell("trade", code="005930", ticks=[[70_600, 5, "buy"]])
    assert line.data() == line.data()
    sandbox.tell("say", environment="live", text="0|H0STCNT0|001|cut off")
    assert line.data() == "0|H0STCNT0|001|cut off"


def test_notices_are_lost_when_told_to(sandbox: KisSandbox, live: Probe, line: Socket) -> None:
    line.command(NOTICES, "demo1")
    sandbox.tell("quirks", mute_notices=True)
    live.order(quantity=1, price=70_500)
    line.wait_at_most(0.3)
    with pytest.raises(TimeoutError):
        line.data()


@pytest.mark.parametrize("how", ["echo", "pong"])
def test_pingpong_may_be_answered_either_way(sandbox: KisSandbox, line: Socket, how: str) -> None:
    sandbox.tell("quirks", ping_seconds=0.1, ping_grace=0.6)
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        text = line.text()
        assert json.loads(text)["header"] == {"tr_id": "PINGPONG", "datetime": "20261120100000"}
        line.send(text, 1 if how == "echo" else 10)
    assert line.command(TRADES, "005930")["body"]["msg_cd"] == "OPSP0000"


def test_silence_ends_the_line(sandbox: KisSandbox, line: Socket) -> None:
    sandbox.tell("quirks", ping_seconds=0.1, ping_grace=0.4)
    with pytest.raises(EOFError):
        read_to_the_end(line)


def test_a_flow_of_frames_is_written_down_with_the_time_each_left(sandbox: KisSandbox, line: Socket) -> None:
    line.command(TRADES, "005930")
    sandbox.tell("flow", codes=["005930", "000660"], per_second=20)
    frames = [line.data() for _ in range(10)]
    sandbox.tell("flow", codes=[], per_second=0)
    told = sandbox.sent()
    assert [text for _at, _channel, text in told[:10]] == frames
    assert told[0][0] <= told[9][0] <= time.time()


def read_to_the_end(line: Socket) -> None:
    while True:
        line.text()
