"""Changing and calling back: never two orders where a person wants one, and none lost on the way (O03, O06, I11, I12)."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import Role
from brokers.models import BrokerAccount
from brokers.protocol import OrderReport, OrderType, ReportStatus, TimeInForce
from brokers.virtual.adapter import ABILITIES
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from tests.factories import facts
from tests.fakes import FakeBroker
from trading import services
from trading.errors import NotAllowed, OrderDenied, OrderNotOpen, OrderRefused, SameKeyOtherRequest
from trading.models import Alert, BrokerOrder, Order, OrderChange
from trading.services.ledger.audit import check_books
from trading.services.safeguards import halts

pytestmark = pytest.mark.django_db
LATER = make.NOW + timedelta(minutes=1)
WIRED = "tests.trading.test_changes.open_wired"


@pytest.fixture
def instrument() -> Instrument:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000, ask=Decimal(70_100))
    return instrument


@pytest.fixture
def order(account: BrokerAccount, instrument: Instrument) -> Order:
    """A limit buy of ten at 60,000 that has not been sent."""
    return make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(60_000))


def change(order: Order, quantity: int | str = 10, price: int | str | None = 61_000, **asked: Any) -> Order:
    limit = None if price is None else Decimal(price)
    wish: dict[str, Any] = {"quantity": Decimal(quantity), "limit_price": limit, "client_key": f"change {order.pk}"}
    return services.change_order(order.user, order.pk, **wish | asked)


def tell(order: Order, status: ReportStatus, *fills: Any) -> Order:
    return services.apply_report(order.pk, OrderReport(status, fills=fills), LATER)


def rows() -> dict[str, list[Any]]:
    """Everything trading has stored."""
    models = apps.get_app_config("trading").get_models()
    return {model.__name__: list(model._default_manager.order_by("pk").values()) for model in models}


def outcome(order: Order) -> tuple[str, str]:
    told = OrderChange.objects.get(order=order)
    return told.outcome, told.reason


class TestBeforeSending:
    def test_the_order_is_withdrawn_and_placed_anew_at_once(self, order: Order) -> None:
        anew = change(order, 5, 61_000)
        old = make.fresh(order)
        assert (old.state, old.reason, old.reserved) == ("withdrawn", "replaced", Decimal(0))
        assert facts(anew.state, anew.quantity, anew.limit_price, anew.replaces_id) == ("pending", 5, 61_000, order.pk)
        assert make.balances(order.broker_account)["reserved KRW"] == 305_000 + 45
        assert check_books().differences == ()

    def test_the_cash_of_the_old_order_pays_for_the_new_one(self, instrument: Instrument) -> None:
        account = make.make_account(make.make_user(), 600_090)
        order = make.place(account, instrument, quantity=Decimal(10), limit_price=Decimal(60_000))
        assert make.balances(account).get("available KRW", 0) == 0
        assert change(order, 9, 66_600).state == "pending"

    def test_a_change_that_cannot_be_paid_leaves_everything_as_it_was(self, order: Order) -> None:
        before = rows()
        with pytest.raises(OrderDenied) as denied:
            change(order, 1000, 61_000)
        assert denied.value.code == "insufficient_cash"
        assert rows() == before

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            ({"quantity": "0"}, "bad_number"),
            ({"quantity": "NaN"}, "bad_number"),
            ({"quantity": "sNaN"}, "bad_number"),
            ({"quantity": "1e400"}, "bad_number"),
            ({"quantity": "1.5"}, "wrong_lot"),
            ({"price": "61050"}, "wrong_tick"),
            ({"price": "-1"}, "bad_number"),
            ({"price": "100000"}, "outside_price_limit"),
            ({"price": None}, "limit_price_missing"),
            ({"stop_price": Decimal(72_000)}, "stop_price_without_stop"),
            ({"price": "60000"}, "nothing_changed"),
            ({"price": "60000.0", "quantity": "10.0"}, "nothing_changed"),
            ({"client_key": ""}, "bad_client_key"),
        ],
    )
    def test_what_cannot_be_an_order_leaves_everything_as_it_was(
        self, order: Order, wish: dict[str, Any], code: str
    ) -> None:
        before = rows()
        with pytest.raises(OrderRefused) as refused:
            change(order, **wish)
        assert refused.value.code == code
        assert rows() == before

    def test_a_change_sent_twice_is_one_change(self, order: Order) -> None:
        first = change(order)
        before = rows()
        assert change(order).pk == first.pk
        assert rows() == before

    def test_the_same_key_for_another_change_is_a_mistake(self, order: Order) -> None:
        change(order)
        with pytest.raises(SameKeyOtherRequest):
            change(order, price=62_000)

    def test_a_changed_order_can_be_changed_again(self, order: Order) -> None:
        again = change(change(order), price=62_000)
        assert facts(again.limit_price, Order.objects.open().count()) == (62_000, 1)

    def test_a_waiting_stop_gets_another_price(self, account: BrokerAccount, instrument: Instrument) -> None:
        order = make.place(account, instrument, order_type=OrderType.STOP, stop_price=Decimal(72_000))
        anew = change(order, 2, None, stop_price=Decimal(73_000))
        assert facts(anew.stop_price, anew.quantity, anew.waits_for_trigger) == (73_000, 2, True)
        assert services.trigger_stops(instrument, Decimal(72_500), Decimal(72_500), LATER) == 0

    def test_what_else_the_order_was_it_stays(self, account: BrokerAccount, instrument: Instrument) -> None:
        make.hold(account, instrument, 10, 70_000)
        asked = {"quantity": Decimal(3), "limit_price": Decimal(80_000), "time_in_force": TimeInForce.GTC}
        anew = change(make.place(account, instrument, side=Side.SELL, **asked), 4, 80_000)
        assert (anew.side, anew.time_in_force, anew.expires_at, anew.order_type) == ("sell", "gtc", None, "limit")


class TestAtTheVenue:
    @pytest.fixture
    def resting(self, order: Order) -> Order:
        return make.accept(order)

    def test_it_is_canceled_first_and_only_then_placed_anew(self, resting: Order) -> None:
        assert change(resting).pk == resting.pk
        assert (make.fresh(resting).cancel_requested, Order.objects.count()) == (True, 1)
        assert services.carry_out_changes() == 0  # it may still fill
        tell(resting, ReportStatus.CANCELED)
        assert services.carry_out_changes() == 1
        anew = Order.objects.get(replaces=resting)
        assert facts(anew.state, anew.quantity, anew.limit_price) == ("pending", 10, 61_000)
        assert outcome(resting) == ("replaced", "")
        assert services.carry_out_changes() == 0
        assert Order.objects.open().count() == 1
        assert check_books().differences == ()

    def test_only_what_had_not_filled_is_placed_anew(self, resting: Order) -> None:
        change(resting, 8)
        tell(resting, ReportStatus.CANCELED, make.make_fill(resting, "f", 3, 60_000))
        services.carry_out_changes()
        assert Order.objects.get(replaces=resting).quantity == 5

    def test_an_order_that_filled_meanwhile_is_not_placed_anew(self, resting: Order) -> None:
        change(resting, 20)
        tell(resting, ReportStatus.ACCEPTED, make.make_fill(resting, "f", 10, 60_000))
        assert services.carry_out_changes() == 1
        assert outcome(resting) == ("too_late", "filled")
        assert Order.objects.count() == 1

    def test_an_order_that_filled_more_than_is_wanted_is_not_placed_anew(self, resting: Order) -> None:
        change(resting, 4)
        tell(resting, ReportStatus.CANCELED, make.make_fill(resting, "f", 6, 60_000))
        services.carry_out_changes()
        assert outcome(resting) == ("too_late", "canceled")
        assert not Order.objects.filter(replaces=resting).exists()

    @pytest.mark.parametrize("status", [ReportStatus.EXPIRED, ReportStatus.REJECTED])
    def test_an_order_that_ended_by_itself_is_not_placed_anew(self, resting: Order, status: ReportStatus) -> None:
        change(resting)
        tell(resting, status)
        services.carry_out_changes()
        assert outcome(resting) == ("too_late", status.value)

    def test_a_rest_that_is_denied_is_kept_with_its_numbers_and_a_person_is_told(self, resting: Order) -> None:
        change(resting, 1000)
        tell(resting, ReportStatus.CANCELED)
        assert services.carry_out_changes() == 1
        assert outcome(resting) == ("refused", "insufficient_cash")
        assert OrderChange.objects.get().facts == {"needed": "61009150", "available": "10000000"}
        event = resting.events.get(origin="change")
        assert (event.reason, event.raw["reason"]) == ("change_refused", "insufficient_cash")
        assert Alert.objects.get().subject == f"order:{resting.pk}"

    def test_a_rest_that_is_refused_leaves_its_reason(self, resting: Order, instrument: Instrument) -> None:
        change(resting)
        tell(resting, ReportStatus.CANCELED)
        make.put_price(instrument, 70_000, age=timedelta(hours=1))
        services.carry_out_changes()
        assert outcome(resting) == ("refused", "stale_price")
        assert Order.objects.count() == 1

    def test_a_change_nobody_could_carry_out_in_time_is_dropped(self, resting: Order) -> None:
        """A price of ten minutes ago is not what the person wants now."""
        change(resting)
        OrderChange.objects.update(created_at=timezone.now() - timedelta(minutes=11))
        tell(resting, ReportStatus.CANCELED)
        services.carry_out_changes()
        assert outcome(resting) == ("too_late", "waited_too_long")

    def test_a_cancel_after_a_change_is_a_cancel(self, resting: Order) -> None:
        change(resting)
        services.cancel_order(resting.user, resting.pk)
        tell(resting, ReportStatus.CANCELED)
        assert services.carry_out_changes() == 0
        assert Order.objects.open().count() == 0
        assert outcome(resting) == ("refused", "canceled_by_person")

    @pytest.mark.parametrize(
        ("wish", "code"),
        [
            ({"price": "61050"}, "wrong_tick"),
            ({"price": "100000"}, "outside_price_limit"),
            ({"quantity": "10.5"}, "wrong_lot"),
            ({"quantity": "3"}, "quantity_already_filled"),
            ({"quantity": "2"}, "quantity_already_filled"),
            ({"price": "60000"}, "nothing_changed"),
        ],
    )
    def test_a_resting_order_is_not_canceled_for_what_could_not_replace_it(
        self, resting: Order, wish: dict[str, Any], code: str
    ) -> None:
        tell(resting, ReportStatus.ACCEPTED, make.make_fill(resting, "f", 3, 60_000))
        before = rows()
        with pytest.raises(OrderRefused) as refused:
            change(resting, **wish)
        assert refused.value.code == code
        assert rows() == before

    def test_a_resting_order_is_not_canceled_for_one_that_a_halt_would_deny(self, resting: Order) -> None:
        halts.latch("user", str(resting.user_id), "reduce_only", "by_person")
        with pytest.raises(OrderDenied):
            change(resting)
        assert not make.fresh(resting).cancel_requested

    def test_two_changes_never_wait_at_once(self, resting: Order) -> None:
        change(resting)
        with pytest.raises(OrderRefused, match="cancel_already_requested"):
            change(resting, price=62_000, client_key="another")
        assert OrderChange.objects.count() == 1

    def test_an_order_in_doubt_is_not_changed(self, resting: Order) -> None:
        Order.objects.filter(pk=resting.pk).update(state="unknown")
        with pytest.raises(OrderRefused, match="order_in_doubt"):
            change(resting)

    def test_a_crash_before_the_change_is_written_down_places_one_order(self, resting: Order) -> None:
        """Whoever dies between the new order and its note has written neither; a note lost all the same finds it."""
        change(resting)
        tell(resting, ReportStatus.CANCELED)
        services.carry_out_changes()
        OrderChange.objects.update(outcome="waiting")  # as a database restored to just before would have it
        assert services.carry_out_changes() == 1
        assert Order.objects.filter(replaces=resting).count() == 1

    def test_over_a_wire_the_venues_list_must_have_told_all_that_filled(self, resting: Order, settings: Any) -> None:
        """A confirmed cancel says nothing of a fill just before it: to place the whole rest could buy it twice."""
        settings.BROKER_ADAPTERS = {"changes-wired": WIRED}
        BrokerAccount.objects.filter(pk=resting.broker_account_id).update(broker="changes-wired", environment="paper")
        change(resting)
        tell(resting, ReportStatus.CANCELED)
        assert services.carry_out_changes() == 0
        listed = list_order(resting, status="canceled", filled=4)
        assert services.carry_out_changes() == 0  # four more than we have booked
        tell(resting, ReportStatus.CANCELED, make.make_fill(resting, "f", 4, 60_000))
        assert services.carry_out_changes() == 1
        assert Order.objects.get(replaces=resting).quantity == 6
        assert listed.filled_quantity == 4


def list_order(order: Order, *, status: str, filled: int) -> BrokerOrder:
    """The order as a complete read of the venue's list left it."""
    return BrokerOrder.objects.create(
        broker_account=order.broker_account,
        key=order.broker_order_key,
        instrument=order.instrument.key,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        ordered_at=order.market_at,
        status=status,
        filled_quantity=Decimal(filled),
        filled_amount=Decimal(60_000 * filled),
        order=order,
        first_seen_at=LATER,
        last_seen_at=LATER,
    )


def open_wired(_account: object) -> FakeBroker:
    """An adapter whose venue has a wire; nothing in these tests sends."""
    return FakeBroker(abilities=replace(ABILITIES, has_wire=True))


class TestWhoMay:
    def test_a_plans_order_can_be_called_back_but_not_changed(
        self, account: BrokerAccount, instrument: Instrument
    ) -> None:
        order = make.place(account, instrument, plan=make.make_plan(account, instrument), step=1)
        with pytest.raises(OrderRefused, match="plan_order_fixed"):
            change(order, 2, None)
        assert services.cancel_order(account.user, order.pk).state == "withdrawn"

    def test_another_persons_order_is_unknown_to_me(self, order: Order) -> None:
        before = rows()
        with pytest.raises(Order.DoesNotExist):
            services.change_order(
                make.make_user(), order.pk, quantity=Decimal(1), limit_price=Decimal(60_000), client_key="k"
            )
        assert rows() == before

    def test_a_viewer_may_neither_change_nor_cancel_all(self, order: Order) -> None:
        order.user.role = Role.VIEWER
        order.user.save()
        with pytest.raises(NotAllowed):
            change(order)
        with pytest.raises(NotAllowed):
            services.cancel_all(order.user)

    def test_a_finished_order_cannot_be_changed(self, order: Order) -> None:
        services.cancel_order(order.user, order.pk)
        with pytest.raises(OrderNotOpen):
            change(order)


class TestCancelAll:
    @pytest.fixture
    def orders(self, account: BrokerAccount, instrument: Instrument) -> list[Order]:
        """Two resting, one waiting stop, one to be sent, one finished."""
        low = {"limit_price": Decimal(60_000)}
        resting = [make.accept(make.place(account, instrument, **low)) for _ in range(2)]
        waiting = make.place(account, instrument, order_type=OrderType.STOP, stop_price=Decimal(72_000))
        unsent = make.place(account, instrument, **low)
        done = make.place(account, instrument, **low)
        services.cancel_order(account.user, done.pk)
        return [*resting, waiting, unsent, done]

    def test_it_counts_what_was_withdrawn_and_what_is_asked_for(self, orders: list[Order]) -> None:
        assert services.cancel_all(orders[0].user) == (2, 2)
        assert [make.fresh(each).state for each in orders] == ["accepted"] * 2 + ["withdrawn"] * 3
        assert Order.objects.filter(cancel_requested=True).count() == 2
        assert check_books().differences == ()

    def test_it_keeps_to_one_account_or_instrument_where_told(
        self, orders: list[Order], account: BrokerAccount, instrument: Instrument
    ) -> None:
        other = make.make_instrument("000660")
        make.put_price(other, 70_000)
        elsewhere = make.place(make.make_account(account.user), other)
        assert services.cancel_all(account.user, instrument=other) == (1, 0)
        assert services.cancel_all(account.user, account=elsewhere.broker_account) == (0, 0)
        assert services.cancel_all(account.user, account=account, instrument=instrument) == (2, 2)

    def test_it_touches_nobody_elses(self, orders: list[Order]) -> None:
        assert services.cancel_all(make.make_user()) == (0, 0)
        assert sum(make.fresh(each).is_open for each in orders) == 4
