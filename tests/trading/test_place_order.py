"""The one door to an order: what it sets aside, what it refuses, and that a refusal leaves no trace (O05, P04, P05, I7, I18)."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from brokers.virtual.adapter import ABILITIES
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from tests.fakes import FakeBroker
from trading import services
from trading.errors import NotAllowed, OrderNotOpen, OrderRefused, SameKeyOtherRequest
from trading.models import Journal, Order, OrderEvent, RiskLimit
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, ask=Decimal(70_100))
    return instrument


def rows() -> dict[str, int]:
    """How many rows every table of trading has."""
    return {model.__name__: model._default_manager.count() for model in apps.get_app_config("trading").get_models()}


def test_a_limit_buy_sets_aside_its_price_and_fee(account: BrokerAccount, instrument: Instrument) -> None:
    """P04, I7: available falls by what the order may cost, and nothing else moves."""
    order = make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(70_000))
    needed = Decimal(700_000 + 105)  # 0.015 %
    assert (order.state, order.reserved, order.worst_price) == ("pending", needed, Decimal(70_000))
    assert make.balances(account) == {
        "external KRW": -make.CASH,
        "available KRW": make.CASH - needed,
        "reserved KRW": needed,
    }


def test_a_market_buy_sets_aside_the_worst_it_may_pay(account: BrokerAccount, instrument: Instrument) -> None:
    """P05: 5 % above the ask, on the next tick up: never more than that is paid."""
    order = make.place(account, instrument, quantity=Decimal(10))
    assert order.worst_price == Decimal(73_700)  # 70,100 × 1.05 = 73,605
    assert order.reserved == Decimal(737_000 + 110)
    assert order.limit_price is None


def test_a_sell_sets_aside_units(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 10, 70_000)
    before = make.balances(account)
    order = make.place(account, instrument, side=Side.SELL, quantity=Decimal(4))
    assert (order.state, order.reserved) == ("pending", Decimal(4))
    after = make.balances(account)
    assert facts(after["available KRX:005930"], after["reserved KRX:005930"]) == (6, 4)
    assert after["available KRW"] == before["available KRW"]


def test_the_last_won_can_be_spent_and_not_one_more(instrument: Instrument) -> None:
    """I18."""
    user = make.make_user()
    exact, short = make.make_account(user, 700_105), make.make_account(user, 700_104)
    asked: dict[str, Any] = {"quantity": Decimal(10), "limit_price": Decimal(70_000)}
    assert make.place(exact, instrument, **asked).state == "pending"
    denied = make.place(short, instrument, **asked)
    assert (denied.state, denied.reason) == ("denied", "insufficient_cash")
    assert denied.facts == {"needed": "700105", "available": "700104"}


def test_a_denial_is_stored_with_its_numbers_and_reserves_nothing(
    account: BrokerAccount, instrument: Instrument
) -> None:
    order = make.place(account, instrument, quantity=Decimal(1000), limit_price=Decimal(70_000))
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.reserved) == ("denied", "insufficient_cash", 0)
    assert order.facts == {"needed": "70010500", "available": "10000000"}
    assert order.finished_at == make.NOW
    assert list(order.events.values_list("state", "origin", "reason")) == [("denied", "place", "insufficient_cash")]
    assert not Journal.objects.filter(kind="reserve").exists()


@pytest.mark.parametrize("held", [0, 3])
def test_a_sale_of_more_than_is_held_is_denied(account: BrokerAccount, instrument: Instrument, held: int) -> None:
    """I18: there is no short position."""
    if held:
        make.hold(account, instrument, held, 70_000)
    order = make.place(account, instrument, side=Side.SELL, quantity=Decimal(4))
    assert (order.state, order.reason) == ("denied", "insufficient_quantity")
    assert order.facts == {"needed": "4", "available": str(held)}


def test_units_being_sold_cannot_be_sold_again(account: BrokerAccount, instrument: Instrument) -> None:
    make.hold(account, instrument, 4, 70_000)
    assert make.place(account, instrument, side=Side.SELL, quantity=Decimal(3)).state == "pending"
    assert make.place(account, instrument, side=Side.SELL, quantity=Decimal(2)).state == "denied"


def test_a_halt_denies_the_order_and_the_denial_is_stored(account: BrokerAccount, instrument: Instrument) -> None:
    """G04: also where cash would suffice."""
    halts.latch("account", str(account.pk), "halted", "by_person")
    order = make.place(account, instrument)
    assert facts(order.state, order.reserved, bool(order.reason)) == ("denied", 0, True)
    assert make.balances(account)["available KRW"] == make.CASH


def test_a_limit_denies_the_order_with_its_numbers(account: BrokerAccount, instrument: Instrument) -> None:
    """§3.12: a limit set on the account holds for it."""
    RiskLimit.objects.create(
        scope="account", target=str(account.pk), name="order_amount", value=Decimal(100_000), since=make.NOW
    )
    denied = make.place(account, instrument, quantity=Decimal(2), limit_price=Decimal(70_000))
    assert (denied.state, denied.reserved) == ("denied", Decimal(0))
    assert denied.facts
    assert make.place(account, instrument, limit_price=Decimal(70_000)).state == "pending"


def test_the_same_key_with_the_same_wish_is_the_same_order(account: BrokerAccount, instrument: Instrument) -> None:
    first = make.place(account, instrument, client_key="k", quantity=Decimal(10), limit_price=Decimal(70_000))
    before = rows()
    again = make.place(account, instrument, client_key="k", quantity=Decimal("10.0"), limit_price=Decimal("7E+4"))
    assert (again.pk, rows()) == (first.pk, before)


def test_a_retry_finds_its_order_although_the_price_has_gone(account: BrokerAccount, instrument: Instrument) -> None:
    first = make.place(account, instrument, client_key="k")
    make.put_price(instrument, 70_000, age=timedelta(hours=1))
    assert make.place(account, instrument, client_key="k").pk == first.pk


@pytest.mark.parametrize(
    "change",
    [
        {"quantity": Decimal(2)},
        {"limit_price": Decimal(69_900)},
        {"side": Side.SELL},
        {"time_in_force": TimeInForce.GTC},
        {"order_type": OrderType.MARKET, "limit_price": None},
    ],
)
def test_the_same_key_with_another_wish_is_a_mistake(
    account: BrokerAccount, instrument: Instrument, change: dict[str, Any]
) -> None:
    asked = {"quantity": Decimal(1), "limit_price": Decimal(70_000), "client_key": "k"}
    make.place(account, instrument, **asked)
    before = rows()
    with pytest.raises(SameKeyOtherRequest):
        make.place(account, instrument, **asked | change)
    assert rows() == before


def test_the_same_key_on_another_account_of_mine_is_a_mistake(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_account(account.user)
    make.place(account, instrument, client_key="k")
    with pytest.raises(SameKeyOtherRequest):
        make.place(other, instrument, client_key="k")


def test_two_people_may_use_the_same_key(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_account(make.make_user())
    orders = [make.place(each, instrument, client_key="k") for each in (account, other)]
    assert orders[0].pk != orders[1].pk


def test_a_viewer_may_not_order(instrument: Instrument) -> None:
    user = make.make_user()
    account = make.make_account(user)
    user.role = Role.VIEWER
    user.save()
    before = rows()
    with pytest.raises(NotAllowed):
        make.place(account, instrument, user=user)
    assert rows() == before


def test_another_persons_account_is_unknown_to_me(account: BrokerAccount, instrument: Instrument) -> None:
    assert refusal(account, instrument, user=make.make_user()) == "unknown_account"


def test_a_closed_account_is_refused(account: BrokerAccount, instrument: Instrument) -> None:
    account.is_active = False
    account.save()
    assert refusal(account, instrument) == "unknown_account"


def test_an_account_closed_a_moment_ago_is_refused(account: BrokerAccount, instrument: Instrument) -> None:
    """The row under the lock counts, not the one the page was made from."""
    BrokerAccount.objects.filter(pk=account.pk).update(is_active=False)
    assert refusal(account, instrument) == "unknown_account"


def test_real_money_moves_only_where_it_is_switched_on(instrument: Instrument, settings: Any) -> None:
    account = make.make_live_account(make.make_user())
    settings.LIVE_TRADING = False
    assert refusal(account, instrument) == "live_trading_off"
    settings.LIVE_TRADING = True
    assert refusal(account, instrument) == "broker_key_missing"


def test_a_paper_account_needs_an_adapter_and_nothing_more(instrument: Instrument, settings: Any) -> None:
    user = make.make_user()
    unserved = BrokerAccount.objects.create(user=user, name="모의", broker="nobody", environment="paper")
    assert refusal(unserved, instrument) == "broker_not_configured"
    settings.BROKER_ADAPTERS = {"served": "brokers.virtual.adapter.open_account"}
    served = BrokerAccount.objects.create(user=user, name="모의 2", broker="served", environment="paper")
    assert make.place(served, instrument).reason == "insufficient_cash"  # let through, and it has no cash


def refusal(account: BrokerAccount, instrument: Instrument, **asked: Any) -> str:
    """The code an order is refused with; and nothing is written."""
    before = rows()
    with pytest.raises(OrderRefused) as refused:
        make.place(account, instrument, **asked)
    assert rows() == before
    return refused.value.code


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"limit_price": Decimal(70_050)}, "wrong_tick"),
        ({"quantity": Decimal("1.5")}, "wrong_lot"),
        ({"quantity": Decimal("0.5")}, "wrong_lot"),
        ({"quantity": Decimal("NaN")}, "bad_number"),
        ({"quantity": Decimal("sNaN")}, "bad_number"),
        ({"quantity": Decimal("Infinity")}, "bad_number"),
        ({"quantity": Decimal("1e400")}, "bad_number"),
        ({"quantity": Decimal("1e999999")}, "bad_number"),
        ({"quantity": Decimal("1e-400")}, "bad_number"),
        ({"quantity": Decimal(-1)}, "bad_number"),
        ({"quantity": Decimal(0)}, "bad_number"),
        ({"limit_price": Decimal("NaN")}, "bad_number"),
        ({"limit_price": Decimal("-70000")}, "bad_number"),
        ({"limit_price": Decimal(0)}, "bad_number"),
        ({"limit_price": Decimal("1e400")}, "bad_number"),
        ({"limit_price": Decimal(91_100)}, "outside_price_limit"),
        ({"limit_price": Decimal(48_900)}, "outside_price_limit"),
        ({"order_type": OrderType.LIMIT}, "limit_price_missing"),
        ({"order_type": OrderType.MARKET, "limit_price": Decimal(70_000)}, "limit_price_without_limit"),
        ({"client_key": ""}, "bad_client_key"),
        ({"client_key": "k" * 129}, "bad_client_key"),
        ({"client_key": "k\x00"}, "bad_client_key"),
    ],
)
def test_what_cannot_be_an_order_is_refused_and_nothing_is_written(
    account: BrokerAccount, instrument: Instrument, asked: dict[str, Any], code: str
) -> None:
    """O05."""
    assert refusal(account, instrument, **asked) == code


class TestTheBadInputTable:
    """O05: whatever comes in wrong, through the service or a page, is a coded error, and no table of trading grows."""

    def test_unknown_instrument_and_strangers_account(
        self, client: Client, account: BrokerAccount, instrument: Instrument, settings: Any
    ) -> None:
        settings.WHITENOISE_AUTOREFRESH = True
        client.force_login(make.make_user())
        before = rows()
        for wrong in (
            {"instrument": "KRX:999999"},
            {"instrument": "no such thing"},
            {"broker_account": str(account.pk)},
        ):
            answer = client.post("/orders/place/", ticket(account, instrument) | wrong)
            assert answer.status_code in {404, 422}
        assert rows() == before

    @pytest.mark.parametrize(
        ("typed", "words"),
        [
            ({"limit_price": "70,050"}, "호가 단위"),
            ({"quantity": "1.5"}, "매매 단위"),
            ({"quantity": "NaN"}, "숫자로"),
            ({"quantity": "1e400"}, "숫자로"),
            ({"quantity": "-1"}, "0보다 큰"),
            ({"limit_price": "-70000"}, "0보다 큰"),
            ({"limit_price": "9" * 40}, "너무 크거나"),
            ({"side": "short"}, "올바르게"),
            ({"order_type": "iceberg"}, "올바르게"),
            ({"time_in_force": "gtd"}, "올바르게"),
            ({"division": "iceberg"}, "올바르게"),
            ({"division": "conditional"}, "주문 구분"),
        ],
    )
    def test_a_page_says_what_is_wrong(
        self,
        client: Client,
        account: BrokerAccount,
        instrument: Instrument,
        settings: Any,
        typed: dict[str, str],
        words: str,
    ) -> None:
        settings.WHITENOISE_AUTOREFRESH = True
        client.force_login(account.user)
        before = rows()
        answer = client.post("/orders/place/", ticket(account, instrument) | typed)
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert rows() == before

    def test_closed_session(self, account: BrokerAccount, instrument: Instrument) -> None:
        evening = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)  # 20:00 in Seoul
        make.put_price(instrument, 70_000, evening, keeps_sessions=True)
        for kind in (
            {},
            {"limit_price": Decimal(70_000)},
            {"order_type": OrderType.STOP, "stop_price": Decimal(75_000)},
        ):
            assert refusal(account, instrument, **kind) == "closed_session"

    @pytest.mark.parametrize(
        ("abilities", "asked", "code"),
        [
            ({"order_types": {OrderType.LIMIT}}, {}, "order_type_not_supported"),
            ({"order_types": {OrderType.MARKET}}, {"limit_price": Decimal(70_000)}, "order_type_not_supported"),
            (
                {"order_types": {OrderType.LIMIT}},
                {"order_type": OrderType.STOP, "stop_price": Decimal(75_000)},
                "order_type_not_supported",  # it could never go out as a market order
            ),
            ({"times_in_force": {TimeInForce.DAY}}, {"time_in_force": TimeInForce.GTC}, "time_in_force_not_supported"),
            ({"times_in_force": {TimeInForce.DAY}}, {"time_in_force": TimeInForce.IOC}, "time_in_force_not_supported"),
        ],
    )
    def test_what_the_venue_cannot_do(
        self,
        account: BrokerAccount,
        instrument: Instrument,
        settings: Any,
        abilities: dict[str, Any],
        asked: dict[str, Any],
        code: str,
    ) -> None:
        """§3.5: a venue's gaps are data, whatever its name."""
        settings.BROKER_ADAPTERS = {"lacking": f"{__name__}.open_lacking"}
        LACKING.clear()
        LACKING.update({key: frozenset(value) for key, value in abilities.items()})
        BrokerAccount.objects.filter(pk=account.pk).update(broker="lacking", environment="paper")
        account.refresh_from_db()
        assert refusal(account, instrument, **asked) == code


LACKING: dict[str, Any] = {}  # what the venue of the test above can do


def open_lacking(_account: object) -> FakeBroker:
    return FakeBroker(abilities=replace(ABILITIES, **LACKING))


def ticket(account: BrokerAccount, instrument: Instrument) -> dict[str, str]:
    """The ticket as a browser sends it: a limit buy of one."""
    return {
        "instrument": instrument.key,
        "broker_account": str(account.pk),
        "side": "buy",
        "order_type": "limit",
        "quantity": "1",
        "limit_price": "70,000",
        "stop_price": "",
        "time_in_force": "day",
        "client_key": "k" * 32,
    }


def test_a_refusal_says_the_nearest_allowed_prices(account: BrokerAccount, instrument: Instrument) -> None:
    with pytest.raises(OrderRefused) as refused:
        make.place(account, instrument, limit_price=Decimal(70_050))
    assert refused.value.facts == {
        "field": "limit_price",
        "given": Decimal(70_050),
        "low": Decimal(70_000),
        "high": Decimal(70_100),
        "step": Decimal(100),
    }


def test_a_huge_number_under_a_known_key_costs_nothing(account: BrokerAccount, instrument: Instrument) -> None:
    """Written out, this number would have a thousand million digits: it is refused before anything looks at it."""
    make.place(account, instrument, client_key="k")
    assert refusal(account, instrument, client_key="k", quantity=Decimal("1e999999999")) == "bad_number"


def test_end_zeros_change_nothing(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.place(account, instrument, quantity=Decimal("1." + "0" * 30), limit_price=Decimal("70000." + "0" * 25))
    assert facts(make.fresh(order).quantity, make.fresh(order).limit_price) == (1, 70_000)


def test_more_than_anyone_has_is_denied_not_an_error(account: BrokerAccount) -> None:
    free = make.make_instrument("000001", price_limit_rate=None)
    make.put_price(free, 1000)
    order = make.place(account, free, quantity=Decimal(10**17), limit_price=Decimal(10**17))
    assert (order.state, order.reason) == ("denied", "insufficient_cash")


def test_an_instrument_out_of_use_is_refused(account: BrokerAccount, instrument: Instrument) -> None:
    instrument.is_active = False
    instrument.save()
    assert refusal(account, instrument) == "instrument_not_tradable"


def test_outside_the_session_nothing_is_taken(account: BrokerAccount, instrument: Instrument) -> None:
    evening = datetime(2026, 3, 4, 11, 0, tzinfo=UTC)  # 20:00 in Seoul
    make.put_price(instrument, 70_000, evening, keeps_sessions=True)
    assert refusal(account, instrument) == "closed_session"


def test_without_a_price_nothing_is_taken(account: BrokerAccount) -> None:
    assert refusal(account, make.make_instrument("000660")) == "no_price"


def test_on_a_stale_price_nothing_is_taken(account: BrokerAccount, instrument: Instrument) -> None:
    """I27."""
    make.put_price(instrument, 70_000, age=timedelta(seconds=16))
    assert refusal(account, instrument) == "stale_price"


def test_a_price_of_another_source_does_not_count(account: BrokerAccount, instrument: Instrument) -> None:
    instrument.source = "replay"
    instrument.save()
    assert refusal(account, instrument) == "no_price"


def test_a_currency_we_know_no_fee_for_is_refused(account: BrokerAccount) -> None:
    foreign = make.make_instrument("AAPL", currency="USD", price_limit_rate=None)
    make.put_price(foreign, 200)
    assert refusal(account, foreign) == "no_rule_in_force"


def test_a_coin_below_a_won_finds_a_worst_price_in_its_units(account: BrokerAccount) -> None:
    """The venue's tick (0.0001 at 0.05) is finer than this coin's unit (0.01): the guard is rounded up to the unit."""
    coin = make.make_instrument(
        "DOGE/KRW", venue="UPBIT", kind="crypto", tick_table="upbit-krw", calendar="always", price_decimals=2,
        price_limit_rate=None,
    )  # fmt: skip
    make.put_price(coin, "0.05")
    order = make.accept(make.place(account, coin, quantity=Decimal(1000)))
    assert order.worst_price == Decimal("0.06")
    services.match_virtual(coin, make.make_book(coin, "0.05"))
    assert make.fresh(order).state == "filled"


def test_a_day_order_dies_with_its_session_and_another_does_not(account: BrokerAccount, instrument: Instrument) -> None:
    make.put_price(instrument, 70_000, keeps_sessions=True)
    day = make.place(account, instrument, limit_price=Decimal(60_000))
    for_good = make.place(account, instrument, limit_price=Decimal(60_000), time_in_force=TimeInForce.GTC)
    assert day.expires_at == datetime(2026, 3, 4, 6, 30, tzinfo=UTC)  # 15:30 in Seoul
    assert for_good.expires_at is None


def test_an_order_not_sent_yet_is_withdrawn_and_its_cash_is_free(
    account: BrokerAccount, instrument: Instrument
) -> None:
    before = make.balances(account)
    order = make.place(account, instrument)
    services.cancel_order(account.user, order.pk)
    order = make.fresh(order)
    assert facts(order.state, order.reason, order.reserved) == ("withdrawn", "canceled_by_person", 0)
    assert make.balances(account) == before
    with pytest.raises(OrderNotOpen):
        services.cancel_order(account.user, order.pk)


def test_another_persons_order_cannot_be_canceled(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.place(account, instrument)
    with pytest.raises(Order.DoesNotExist):
        services.cancel_order(make.make_user(), order.pk)
    assert make.fresh(order).state == "pending"


def test_a_viewer_may_not_cancel(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.place(account, instrument)
    account.user.role = Role.VIEWER
    account.user.save()
    with pytest.raises(NotAllowed):
        services.cancel_order(account.user, order.pk)


def test_asking_twice_for_a_cancel_is_asking_once(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.accept(make.place(account, instrument, limit_price=Decimal(60_000)))
    first = services.cancel_order(account.user, order.pk)
    again = services.cancel_order(account.user, order.pk)
    assert (first.cancel_requested, again.version) == (True, first.version)
    assert OrderEvent.objects.filter(order=order, reason="cancel_requested").count() == 1


def test_an_order_costs_few_queries(account: BrokerAccount, instrument: Instrument) -> None:
    with CaptureQueriesContext(connection) as queries:
        make.place(account, instrument)
    statements = [q["sql"] for q in queries if "SAVEPOINT" not in q["sql"]]
    assert len(statements) <= 13, "\n".join(statements)


def test_an_estimate_is_what_the_order_costs(account: BrokerAccount, instrument: Instrument) -> None:
    estimate = services.estimate_order(instrument, Side.BUY, Decimal(10), OrderType.LIMIT, Decimal(70_000))
    assert facts(estimate.amount, estimate.fee, estimate.tax, estimate.total) == (700_000, 105, 0, 700_105)
    sale = services.estimate_order(instrument, Side.SELL, Decimal(10), OrderType.MARKET, None)
    assert facts(sale.price, sale.amount, sale.fee, sale.tax, sale.total) == (70_000, 700_000, 105, 1400, 698_495)
