"""What the KIS sandbox does wrong when told to: what the customer hears, and what is so all the same."""

import http.client
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import ORDER_CASH, Probe

BUY = {"PDNO": "005930", "ORD_DVSN": "00", "ORD_QTY": "1", "ORD_UNPR": "70000"}
GONE = (OSError, http.client.HTTPException)


def raw(live: Probe) -> Callable[[], tuple[int, bytes]]:
    body = json.dumps(live.account | BUY).encode()
    return lambda: live.call("POST", ORDER_CASH, body, live.headers("TTTC0012U"))[:2]


def orders(sandbox: KisSandbox) -> list[dict[str, Any]]:
    return list(sandbox.truth()["orders"])


@pytest.mark.parametrize(("fault", "count"), [("drop-before", 0), ("drop-after", 1), ("hidden", 1)])
def test_the_line_ends_without_a_reply(sandbox: KisSandbox, live: Probe, fault: str, count: int) -> None:
    sandbox.set_faults({"route": "order", "fault": fault})
    with pytest.raises(GONE):
        live.order(quantity=1, price=70_000)
    assert len(orders(sandbox)) == count


def test_an_order_arrives_long_after_the_line_ended(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.set_faults({"route": "order", "fault": "accept-late", "seconds": 90})
    with pytest.raises(GONE):
        live.order(quantity=1, price=70_000)
    sandbox.tell("advance", seconds=89)
    assert orders(sandbox) == []
    sandbox.tell("advance", seconds=1)
    assert [order["at"] for order in orders(sandbox)] == ["2026-11-20T10:01:30+09:00"]


def test_a_late_order_after_the_close_is_refused_unheard(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.set_faults({"route": "order", "fault": "accept-late", "seconds": 6 * 3600})
    with pytest.raises(GONE):
        live.order(quantity=1, price=70_000)
    sandbox.tell("advance", seconds=6 * 3600)
    assert orders(sandbox) == []


@pytest.mark.parametrize(
    ("fault", "expected", "count"),
    [
        ("500-before", "EGW00002", 0),
        ("500-after", "EGW00002", 1),
        ("egw00301-before", "EGW00301", 0),
        ("egw00301-after", "EGW00301", 1),
        ("egw00201", "EGW00201", 0),
        ("egw00215", "EGW00215", 0),
        ("egw00123", "EGW00123", 0),
        ("egw00121", "EGW00121", 0),
    ],
)
def test_gateway_errors_come_with_http_500(
    sandbox: KisSandbox, live: Probe, fault: str, expected: str, count: int
) -> None:
    sandbox.set_faults({"route": "order", "fault": fault})
    said = live.order(quantity=1, price=70_000)
    assert (said.status, said.body["rt_cd"], said.body["msg_cd"]) == (500, "1", expected)
    assert len(orders(sandbox)) == count
    assert live.price().status == (500 if fault in {"egw00123", "egw00121"} else 200)


@pytest.mark.parametrize(("fault", "body"), [("empty-body", b""), ("html", b"<html>"), ("cut-body", b'{"rt_cd"')])
def test_the_order_stands_behind_an_unreadable_reply(sandbox: KisSandbox, live: Probe, fault: str, body: bytes) -> None:
    sandbox.set_faults({"route": "order", "fault": fault})
    status, read = raw(live)()
    assert status == 200
    assert read.startswith(body)
    with pytest.raises(ValueError, match=r"."):
        json.loads(read)
    assert len(orders(sandbox)) == 1


def test_lists_hide_everything_for_a_while_and_claim_to_be_whole(sandbox: KisSandbox, live: Probe) -> None:
    live.order(quantity=1, price=70_500)
    sandbox.tell("hide", environment="live", account="5012345601", seconds=60)
    said = live.orders()
    assert (said.body["rt_cd"], said.body["output1"], said.headers["tr_cont"]) == ("0", [], "D")
    assert live.balance().body["output1"] == []
    sandbox.tell("advance", seconds=60)
    assert len(live.orders().body["output1"]) == 1


def test_a_list_tells_rows_twice_or_loses_its_later_pages(sandbox: KisSandbox) -> None:
    paper = Probe(sandbox, "paper").log_in()
    for _ in range(16):
        paper.order(quantity=1, price=70_500)
    sandbox.set_faults({"route": "ccld", "fault": "duplicate"}, {"route": "ccld", "fault": "page-fails", "times": None})
    assert len(paper.orders().body["output1"]) == 30
    said = paper.orders()
    assert said.headers["tr_cont"] == "F"
    keys = {name.upper(): said.body[name] for name in ("ctx_area_fk100", "ctx_area_nk100")}
    assert paper.orders(cont="N", **keys).status == 500


def test_an_order_can_be_entered_twice_by_the_gateway(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.set_faults({"route": "order", "fault": "duplicate"})
    assert live.order(quantity=1, price=70_000).body["output"]["ODNO"] == "0000000001"
    assert [order["odno"] for order in orders(sandbox)] == ["0000000001", "0000000002"]


def test_a_cancel_whose_reply_is_lost_has_happened(sandbox: KisSandbox, live: Probe) -> None:
    number = live.order(quantity=1, price=70_000).body["output"]["ODNO"]
    sandbox.set_faults({"route": "revise", "fault": "drop-after"})
    with pytest.raises(GONE):
        live.revise(number)
    assert orders(sandbox)[0]["rest"] == 0


def test_faults_strike_as_often_as_told_and_are_counted(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.set_faults({"route": "price", "fault": "500-before", "times": 2})
    assert [live.price().status for _ in range(3)] == [500, 500, 200]
    told = sandbox.truth()["requests"]
    assert (told["live:price:500-before"], told["live:price:healthy"]) == (2, 1)


def test_the_same_seed_strikes_the_same_calls(sandbox: KisSandbox, live: Probe) -> None:
    struck = []
    for _ in range(2):
        sandbox.set_faults({"route": "*", "fault": "500-before", "times": None, "share": 0.5}, seed=7)
        struck.append([live.price().status for _ in range(12)])
    assert struck[0] == struck[1]
    assert set(struck[0]) == {200, 500}


def test_every_order_call_is_written_down_with_its_fault(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.set_faults({"route": "order", "fault": "500-after"})
    live.post(ORDER_CASH, "TTTC0012U", live.account | BUY, **{"x-order": "ours-1"})
    told = sandbox.truth()
    assert [(each["our_id"], each["fault"]) for each in told["submissions"]] == [("ours-1", "500-after")]
    assert told["orders"][0]["our_id"] == "ours-1"


def test_the_truth_holds_no_secret(sandbox: KisSandbox, live: Probe) -> None:
    live.order(quantity=1, price=70_000)
    told = json.dumps(sandbox.truth())
    assert live.key.appsecret not in told
    assert live.token not in told


@pytest.mark.parametrize(
    ("wish", "data"),
    [
        ("faults", {"rules": [{"route": "order", "fault": "nonsense"}]}),
        ("quirks", {"nonsense": 1}),
        ("account", {"environment": "live", "account": "5012345601", "cash": 1, "units": {"nobody": 1}}),
        ("fill", {"environment": "live", "key": "none", "quantity": 1, "price": 1}),
        ("nonsense", {}),
    ],
)
def test_a_wish_that_cannot_be_is_refused(sandbox: KisSandbox, wish: str, data: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="refuses"):
        sandbox.tell(wish, **data)
