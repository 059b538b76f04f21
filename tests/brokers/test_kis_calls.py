"""What we send to KIS is what the reference shows, byte for byte; what it has no words for is not sent."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from brokers.kis import calls
from brokers.kis.calls import Unsendable
from brokers.kis.credentials import Credentials
from brokers.kis.transactions import LIVE, PAPER, NotOffered, Service, transaction
from brokers.protocol import Environment, OrderRequest, OrderType, TimeInForce
from brokers.wire.values import Garbled
from markets.types import Side
from tests.brokers.kis_account import KEY, SECRET, credentials
from tests.brokers.kis_examples import reference, text_example
from tests.servers.asking import asked

BOTH = [Environment.LIVE, Environment.PAPER]


def test_an_order_is_written_as_the_reference_writes_it() -> None:
    call = calls.order(asked(10, 71_100), credentials())
    assert call.body is not None
    assert call.body.decode() == text_example("### 4.11", 2)
    assert (call.method, call.target) == ("POST", "/uapi/domestic-stock/v1/trading/order-cash")


def test_a_cancel_is_written_as_the_reference_writes_it() -> None:
    call = calls.withdrawal(asked(10, 71_100), "06010", "0000123456", credentials())
    assert call.body is not None
    assert call.body.decode() == text_example("### 4.12")
    assert (call.method, call.target) == ("POST", "/uapi/domestic-stock/v1/trading/order-rvsecncl")


@pytest.mark.parametrize(
    ("environment", "side", "tr_id"),
    [
        (Environment.LIVE, Side.SELL, "TTTC0011U"),
        (Environment.LIVE, Side.BUY, "TTTC0012U"),
        (Environment.PAPER, Side.SELL, "VTTC0011U"),
        (Environment.PAPER, Side.BUY, "VTTC0012U"),
    ],
)
def test_a_sale_is_0011_and_a_buy_is_0012(environment: Environment, side: Side, tr_id: str) -> None:
    assert calls.order(asked(side=side), credentials(environment)).tr_id == tr_id


@pytest.mark.parametrize("service", Service)
def test_every_service_has_the_name_the_reference_gives_it(service: Service) -> None:
    assert f"{LIVE[service]}" in reference()
    if service in PAPER:
        assert PAPER[service] in reference() or PAPER[service] == LIVE[service]


def test_trading_names_differ_between_paper_and_real_and_quotations_do_not() -> None:
    trading = {service for service in PAPER if not PAPER[service].startswith("FH")}
    assert all(PAPER[service] == "V" + LIVE[service][1:] for service in trading if LIVE[service][0] == "T")
    assert not {PAPER[service] for service in trading} & set(LIVE.values())
    assert all(PAPER[service] == LIVE[service] for service in PAPER if service not in trading)


@pytest.mark.parametrize("service", [Service.CHANGEABLE, Service.SELLABLE, Service.MINUTES_OF_DAY, Service.HOLIDAYS])
def test_what_the_practice_server_lacks_is_not_asked_of_it(service: Service) -> None:
    assert transaction(service, Environment.LIVE)
    with pytest.raises(NotOffered):
        transaction(service, Environment.PAPER)


@pytest.mark.parametrize(
    ("order", "code", "price"),
    [
        (asked(limit_price=71_100), "00", "71100"),
        (asked(limit_price=None), "01", "0"),
        (asked(limit_price=71_100, time_in_force=TimeInForce.IOC), "11", "71100"),
        (asked(limit_price=None, time_in_force=TimeInForce.IOC), "13", "0"),
    ],
    ids=["limit", "market", "limit at once", "market at once"],
)
def test_the_kind_of_an_order_is_its_division_and_its_price(order: OrderRequest, code: str, price: str) -> None:
    body = calls.order(order, credentials()).body
    assert body is not None
    assert f'"ORD_DVSN":"{code}"'.encode() in body
    assert f'"ORD_UNPR":"{price}"'.encode() in body


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (asked(time_in_force=TimeInForce.GTC), "time_in_force_not_supported"),
        (asked(quantity=Decimal("1.5")), "bad_number"),
        (asked(quantity=0), "bad_number"),
        (asked(limit_price=Decimal("71100.5")), "bad_number"),
        (asked(limit_price=0), "bad_number"),
        (asked(quantity=Decimal("NaN")), "bad_number"),
        (asked(instrument="BINANCE:BTCUSDT"), "instrument_not_tradable"),
        (asked(instrument="KRX:../x"), "instrument_not_tradable"),
        (replace(asked(), limit_price=None), "limit_price_missing"),
        (replace(asked(limit_price=None), limit_price=Decimal(1)), "limit_price_without_limit"),
        (replace(asked(), order_type=OrderType.STOP), "order_type_not_supported"),
    ],
    ids=[
        "good till",
        "part unit",
        "no unit",
        "part won",
        "no won",
        "no number",
        "coin",
        "path",
        "no price",
        "a price",
        "stop",
    ],
)
def test_what_has_no_words_there_is_not_sent(order: OrderRequest, code: str) -> None:
    with pytest.raises(Unsendable) as refused:
        calls.order(order, credentials())
    assert refused.value.code == code


def test_the_practice_server_takes_no_order_to_be_filled_at_once() -> None:
    with pytest.raises(Unsendable):
        calls.order(asked(time_in_force=TimeInForce.IOC), credentials(Environment.PAPER))


def test_the_order_list_is_asked_whole_and_oldest_first() -> None:
    call = calls.orders(date(2026, 11, 20), date(2026, 11, 21), credentials())
    wanted = {"CCLD_DVSN": "00", "SLL_BUY_DVSN_CD": "00", "INQR_DVSN": "01", "INQR_DVSN_3": "00", "ODNO": ""}
    assert wanted.items() <= dict(call.query).items()
    assert (call.query["INQR_STRT_DT"], call.query["INQR_END_DT"]) == ("20261120", "20261121")


def test_a_live_list_shows_every_exchange_and_the_practice_server_has_one() -> None:
    exchanges = [calls.orders(date(2026, 11, 20), date(2026, 11, 20), credentials(e)).query for e in BOTH]
    assert [query["EXCG_ID_DVSN_CD"] for query in exchanges] == ["ALL", "KRX"]


def test_the_balance_is_asked_by_loan_date_for_the_other_way_is_closed() -> None:
    """The server refuses INQR_DVSN 02 since February 2026."""
    assert calls.balance(credentials()).query["INQR_DVSN"] == "01"


def test_what_is_buyable_is_asked_with_the_symbols_own_margin_rate() -> None:
    query = calls.buyable(credentials(), "KRX:005930", Decimal(71_100)).query
    assert (query["PDNO"], query["ORD_UNPR"], query["ORD_DVSN"]) == ("005930", "71100", "01")


def test_adjusted_daily_bars_are_asked_with_a_nought() -> None:
    span = (date(2026, 11, 1), date(2026, 11, 20), Environment.LIVE)
    flags = [
        calls.daily_bars("KRX:005930", *span, is_adjusted=adjusted).query["FID_ORG_ADJ_PRC"]
        for adjusted in (True, False)
    ]
    assert flags == ["0", "1"]


def test_a_continuation_goes_back_as_it_came_spaces_and_all() -> None:
    padded = "50123456^01^N^N^01^01^N^" + " " * 76
    call = calls.balance(credentials()).after(padded, "x" + " " * 99)
    assert call.is_continuation
    assert call.query["CTX_AREA_FK100"] == padded
    assert "50123456%5E01%5E" in call.target
    assert "%20" in call.target
    assert "+" not in call.target


@pytest.mark.parametrize("told", ["", "00593", "0059300", "005930\n", "../etc", "00593٠"])
def test_what_is_no_symbol_is_no_instrument(told: str) -> None:
    with pytest.raises(Garbled):
        calls.instrument_key(told)


def test_neither_keys_nor_account_show_in_any_repr() -> None:
    """I34."""
    shown = (
        f"{credentials()!r} {credentials()} {calls.order(asked(), credentials())!r} {calls.balance(credentials())!r}"
    )
    assert not [each for each in (KEY, SECRET, "50123456", "demo1") if each in shown]


@pytest.mark.parametrize(
    "spoilt",
    [
        {"account": "5012345"},
        {"product": "1"},
        {"app_key": "a\r\nb"},
        {"app_secret": ""},
        {"environment": Environment.VIRTUAL},
    ],
    ids=str,
)
def test_credentials_that_cannot_be_such_are_refused_without_being_quoted(spoilt: dict[str, str]) -> None:
    fields = {"environment": Environment.LIVE, "app_key": KEY, "app_secret": SECRET, "account": "50123456"}
    with pytest.raises(ValueError, match=r"KIS|account|key") as refused:
        Credentials(**{**fields, **spoilt})  # type: ignore[arg-type]
    assert SECRET not in str(refused.value)
