"""The KIS sandbox's book: divisions and phases of the day, modify and cancel, paging, paper's ways, settlement."""

import pytest

from tests.servers.kis.client import KisSandbox
from tests.servers.kis_probe import Probe, Said

FRIDAY = "2026-11-20"


@pytest.fixture
def paper(sandbox: KisSandbox) -> Probe:
    return Probe(sandbox, "paper").log_in()


def code(said: Said) -> str:
    return str(said.body["msg_cd"])


def odno(said: Said) -> str:
    assert said.body["rt_cd"] == "0", said.body
    return str(said.body["output"]["ODNO"])


@pytest.mark.parametrize(
    ("clock", "division", "expected"),
    [
        (f"{FRIDAY}T08:19:59", "00", "APBK0918"),
        (f"{FRIDAY}T08:20:00", "00", "APBK0013"),
        ("2026-09-11T08:20:00", "00", "APBK0918"),
        ("2026-09-11T08:30:00", "00", "APBK0013"),
        (f"{FRIDAY}T15:29:59", "00", "APBK0013"),
        (f"{FRIDAY}T15:30:00", "00", "APBK0918"),
        (f"{FRIDAY}T08:35:00", "05", "APBK0013"),
        (f"{FRIDAY}T08:40:00", "05", "APBK0918"),
        (f"{FRIDAY}T15:45:00", "06", "APBK0013"),
        (f"{FRIDAY}T16:00:00", "41", "APBK0013"),
        (f"{FRIDAY}T16:00:00", "01", "APBK3013"),
        (f"{FRIDAY}T20:00:00", "41", "APBK0918"),
        (f"{FRIDAY}T10:00:00", "41", "APBK0918"),
        ("2026-09-11T16:30:00", "41", "APBK0963"),
        (f"{FRIDAY}T16:30:00", "07", "APBK0963"),
        (f"{FRIDAY}T10:00:00", "99", "APBK0963"),
        ("2026-11-21T10:00:00", "00", "APBK0919"),
    ],
)
def test_the_phases_of_the_day_before_and_after_the_reform(
    sandbox: KisSandbox, clock: str, division: str, expected: str
) -> None:
    sandbox.tell("clock", at=clock)
    live = Probe(sandbox).log_in()
    assert code(live.order(quantity=1, price=70_500, division=division)) == expected


@pytest.mark.parametrize(
    ("price", "quantity", "expected"),
    [(70_550, 1, "APBK0506"), (91_700, 1, "APBK9901"), (49_300, 1, "APBK9902"), (70_500, 100_000, "APBK0952")],
)
def test_what_the_ledger_refuses_with_rt_cd_7(live: Probe, price: int, quantity: int, expected: str) -> None:
    said = live.order(quantity=quantity, price=price)
    assert (said.status, said.body["rt_cd"], code(said)) == (200, "7", expected)


def test_selling_what_is_not_held_is_refused(live: Probe) -> None:
    assert code(live.order("sell", quantity=1, price=70_500)) == "APBK0400"


@pytest.mark.parametrize(
    ("clock", "body", "expected"),
    [
        (f"{FRIDAY}T08:00:00", {}, "40570000"),
        (f"{FRIDAY}T15:31:00", {}, "40580000"),
        ("2026-11-21T10:00:00", {}, "40100000"),
        (f"{FRIDAY}T10:00:00", {"ORD_UNPR": "70550"}, "40030000"),
        (f"{FRIDAY}T10:00:00", {"PDNO": "900110", "ORD_UNPR": "61"}, "40070000"),
        (f"{FRIDAY}T10:00:00", {"ORD_QTY": "100000"}, "40250000"),
        (f"{FRIDAY}T10:00:00", {}, "40600000"),
    ],
)
def test_paper_answers_in_eight_digits(sandbox: KisSandbox, clock: str, body: dict[str, str], expected: str) -> None:
    sandbox.tell("clock", at=clock)
    paper = Probe(sandbox, "paper").log_in()
    assert code(paper.order(quantity=1, price=70_500, **body)) == expected


def test_paper_trades_at_krx_only_in_the_first_five_divisions(paper: Probe) -> None:
    assert paper.order(quantity=1, price=70_500, division="11").body["rt_cd"] == "1"
    assert paper.order(quantity=1, price=70_500, EXCG_ID_DVSN_CD="NXT").body["rt_cd"] == "1"


def test_a_market_order_sets_aside_the_upper_limit(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("policy", parts=0)
    sandbox.tell("account", environment="live", account="5012345601", cash=1_000_000)
    assert live.buyable("01").body["output"]["psbl_qty_calc_unpr"] == "91600"
    assert live.order(quantity=11, price=0, division="01").body["msg_cd"] == "APBK0952"
    odno(live.order(quantity=10, price=0, division="01"))
    assert sandbox.truth()["accounts"]["live"]["5012345601"]["reserved"] == 916_000 + 137


def test_a_buy_may_go_into_debt_where_the_account_has_margin(sandbox: KisSandbox, live: Probe) -> None:
    """The amount without debt is another than the greatest one."""
    sandbox.tell("account", environment="live", account="5012345601", cash=1_000_000, margin=True)
    told = live.buyable("00", "70500").body["output"]
    assert (told["nrcvb_buy_qty"], told["max_buy_qty"]) == ("14", "70")
    odno(live.order(quantity=20, price=70_500))
    assert sandbox.truth()["accounts"]["live"]["5012345601"]["cash"] < 0


def test_parts_fill_as_the_clock_goes(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("policy", parts=3, pace=60)
    odno(live.order(quantity=10, price=70_500))
    row = live.orders().body["output1"][0]
    assert (row["tot_ccld_qty"], row["rmn_qty"]) == ("3", "7")
    sandbox.tell("advance", seconds=120)
    assert live.orders().body["output1"][0]["tot_ccld_qty"] == "10"


def test_ioc_takes_what_it_gets_and_fok_all_or_nothing(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("policy", parts=3, pace=60)
    odno(live.order(quantity=10, price=70_500, division="11"))
    odno(live.order(quantity=10, price=70_500, division="12"))
    odno(live.order(quantity=10, price=70_400, division="12"))
    rows = live.orders(INQR_DVSN="01").body["output1"]
    assert [(row["tot_ccld_qty"], row["cncl_cfrm_qty"], row["rmn_qty"]) for row in rows] == [
        ("3", "7", "0"),
        ("10", "0", "0"),
        ("0", "10", "0"),
    ]


def test_a_modification_is_a_new_order_and_the_old_number_is_spent(sandbox: KisSandbox, live: Probe) -> None:
    first = odno(live.order(quantity=10, price=70_000))
    second = odno(live.revise(first, kind="01", price=70_100))
    assert second != first
    new, old = live.orders().body["output1"]
    assert (new["odno"], new["orgn_odno"], new["ord_unpr"], new["rmn_qty"]) == (second, first, "70100", "10")
    assert old["rmn_qty"] == "0"
    assert code(live.revise(first)) == "APBK0927"
    odno(live.revise(second))


def test_a_refused_modification_leaves_the_order_as_it_was(sandbox: KisSandbox, live: Probe) -> None:
    sandbox.tell("account", environment="live", account="5012345601", cash=705_000)
    first = odno(live.order(quantity=10, price=69_000))
    assert code(live.revise(first, kind="01", price=71_000)) == "APBK0952"
    assert [(order["odno"], order["rest"]) for order in sandbox.truth()["orders"]] == [(first, 10)]


def test_part_of_an_order_can_be_canceled(live: Probe) -> None:
    first = odno(live.order(quantity=10, price=70_000))
    cancel = odno(live.revise(first, quantity=4, whole="N"))
    own, origin = live.orders().body["output1"]
    assert (own["odno"], own["orgn_odno"], own["cncl_yn"]) == (cancel, first, "Y")
    assert (origin["cncl_cfrm_qty"], origin["rmn_qty"], origin["cncl_yn"]) == ("4", "6", "")


def test_canceling_what_is_not_there_or_at_another_exchange(live: Probe) -> None:
    assert code(live.revise("0000009999")) == "APBK0344"
    sor = odno(live.order(quantity=1, price=70_000, EXCG_ID_DVSN_CD="SOR"))
    assert code(live.revise(sor)) == "APBK0344"
    odno(live.revise(sor, EXCG_ID_DVSN_CD="SOR"))


def test_canceling_a_filled_order_finds_nothing_left(live: Probe, paper: Probe) -> None:
    assert code(live.revise(odno(live.order(quantity=1, price=70_500)))) == "APBK0927"
    assert code(paper.revise(odno(paper.order(quantity=1, price=70_500)))) == "40330000"


@pytest.mark.parametrize(("environment", "size"), [("live", 100), ("paper", 15)])
@pytest.mark.parametrize("direction", ["00", "01"])
def test_the_order_list_comes_in_pages(sandbox: KisSandbox, environment: str, size: int, direction: str) -> None:
    probe = Probe(sandbox, environment).log_in()
    for _ in range(2 * size + 1):
        odno(probe.order(quantity=1, price=70_500))
    found, conts, said = [], [], probe.orders(INQR_DVSN=direction)
    while True:
        conts.append(said.headers["tr_cont"])
        found += [row["odno"] for row in said.body["output1"]]
        if conts[-1] not in {"F", "M"}:
            break
        keys = {name.upper(): said.body[name] for name in ("ctx_area_fk100", "ctx_area_nk100")}
        assert {len(key) for key in keys.values()} == {100}
        said = probe.orders(cont="N", INQR_DVSN=direction, **keys)
    assert conts == ["F", "M", "E"]
    numbers = [f"{number:010d}" for number in range(1, 2 * size + 2)]
    assert found == (numbers if direction == "01" else numbers[::-1])


def test_keys_of_another_question_are_refused_and_keys_without_the_header_mean_the_first_page(
    sandbox: KisSandbox, paper: Probe
) -> None:
    for _ in range(16):
        odno(paper.order(quantity=1, price=70_500))
    said = paper.orders()
    keys = {name.upper(): said.body[name].strip() for name in ("ctx_area_fk100", "ctx_area_nk100")}
    assert len(paper.orders(cont="N", **keys).body["output1"]) == 1
    assert len(paper.orders(**keys).body["output1"]) == 15
    assert paper.orders(cont="N", SLL_BUY_DVSN_CD="02", **keys).body["msg_cd"] == "OPSQ2001"


def test_paper_hides_today_from_the_order_list_if_it_is_told_to(sandbox: KisSandbox, paper: Probe) -> None:
    odno(paper.order(quantity=1, price=70_500))
    assert len(paper.orders().body["output1"]) == 1
    assert paper.orders(tr="TTTC8001R").body["output1"] == []
    sandbox.tell("quirks", same_day_empty="always")
    said = paper.orders()
    assert (said.body["rt_cd"], said.body["output1"]) == ("0", [])
    sandbox.tell("clock", at="2026-11-23T10:00:00")
    assert len(Probe(sandbox, "paper").log_in().orders().body["output1"]) == 1


def test_unfilled_orders_end_at_the_close_and_a_conditional_one_trades(sandbox: KisSandbox, live: Probe) -> None:
    odno(live.order(quantity=1, price=70_000))
    odno(live.order(quantity=2, price=70_000, division="02"))
    sandbox.tell("clock", at=f"{FRIDAY}T15:30:00")
    rows = live.orders(INQR_DVSN="01").body["output1"]
    assert [(row["rmn_qty"], row["cncl_cfrm_qty"], row["tot_ccld_qty"]) for row in rows] == [
        ("0", "1", "0"),
        ("0", "0", "2"),
    ]


def test_auction_orders_wait_for_the_auction_to_end(sandbox: KisSandbox) -> None:
    sandbox.tell("clock", at=f"{FRIDAY}T08:30:00")
    live = Probe(sandbox).log_in()
    odno(live.order(quantity=1, price=70_500))
    assert live.orders().body["output1"][0]["rmn_qty"] == "1"
    sandbox.tell("clock", at=f"{FRIDAY}T09:00:00")
    assert live.orders().body["output1"][0]["tot_ccld_qty"] == "1"


def test_cash_settles_two_trading_days_later_and_a_sold_out_row_stays_until_then(
    sandbox: KisSandbox, live: Probe
) -> None:
    units = {"005930": [10, "70000"]}
    sandbox.tell("account", environment="live", account="5012345601", cash=1_000_000, units=units)
    odno(live.order("sell", quantity=10, price=70_500))
    proceeds = 705_000 - 105 - 1_410
    sums, rows = live.balance().body["output2"][0], live.balance().body["output1"]
    assert (sums["dnca_tot_amt"], sums["prvs_rcdl_excc_amt"]) == ("1000000", str(1_000_000 + proceeds))
    assert [row["hldg_qty"] for row in rows] == ["0"]
    told = live.buyable().body["output"]
    assert (told["ord_psbl_cash"], told["ruse_psbl_amt"]) == ("1000000", str(proceeds))
    sandbox.tell("clock", at="2026-11-24T10:00:00")
    later = Probe(sandbox).log_in().balance().body
    assert later["output2"][0]["dnca_tot_amt"] == str(1_000_000 + proceeds)
    assert later["output1"] == []


def test_the_after_market_moves_the_price_but_neither_the_close_nor_the_next_base(
    sandbox: KisSandbox, live: Probe
) -> None:
    sandbox.tell("trade", code="005930", ticks=[[70_600, 5, "buy"]])
    sandbox.tell("clock", at=f"{FRIDAY}T17:00:00")
    sandbox.tell("trade", code="005930", ticks=[[72_000, 5, "buy"]])
    told = live.price().body["output"]
    assert [told[name] for name in ("stck_prpr", "stck_hgpr", "acml_vol")] == ["72000", "70600", "10"]
    odno(live.order(quantity=1, price=72_000, division="41"))
    sandbox.tell("clock", at="2026-11-23T08:50:00")
    assert Probe(sandbox).log_in().price().body["output"]["stck_sdpr"] == "70600"


def test_order_numbers_begin_again_each_day(sandbox: KisSandbox, live: Probe) -> None:
    odno(live.order(quantity=1, price=70_500))
    sandbox.tell("clock", at="2026-11-23T10:00:00")
    assert odno(Probe(sandbox).log_in().order(quantity=1, price=70_500)) == "0000000001"
    assert [order["key"] for order in sandbox.truth()["orders"]] == [
        "20261120-06010-0000000001",
        "20261123-06010-0000000001",
    ]


def test_a_stranger_s_order_is_in_the_list_and_can_be_canceled_by_its_giver(sandbox: KisSandbox, live: Probe) -> None:
    order = sandbox.tell(
        "order", environment="live", account="5012345601", code="005930", side="buy", quantity=3, price=70_000
    )
    assert live.orders().body["output1"][0]["odno"] == order["odno"]
    sandbox.tell("cancel", environment="live", key=order["key"])
    assert [each["rest"] for each in sandbox.truth()["orders"]] == [0, 0]
