"""With live trading switched off on the server: what rests at a real broker can be called back, nothing new goes out."""

from decimal import Decimal
from typing import Any

import pytest

from brokers.errors import LiveTradingOff
from brokers.models import BrokerAccount
from brokers.protocol import Environment, ReportStatus
from markets.types import Side
from tests import factories as make
from tests.trading.wired import Wired, make_wired
from trading import services
from trading.dispatch import dispatch_once
from trading.errors import OrderRefused
from trading.lifecycle import OrderState
from trading.models import AccountReading, Order
from trading.reconcile import reconcile_once
from trading.services.ordering.opening_brokers import open_for_orders

pytestmark = pytest.mark.django_db


@pytest.fixture
def real(settings: Any) -> Wired:
    settings.LIVE_TRADING = True
    wired = make_wired()
    BrokerAccount.objects.filter(pk=wired.account.pk).update(environment=Environment.LIVE)
    wired.account.refresh_from_db()
    return wired


def switched_off(settings: Any) -> None:
    settings.LIVE_TRADING = False


def turn(real: Wired) -> None:
    """As dispatch does it: through the account's own door, not one that a test holds open."""
    reconcile_once(real.fence, account=real.account)
    dispatch_once(real.fence)


def test_what_rests_at_a_real_broker_is_called_back(real: Wired, settings: Any) -> None:
    order = real.send()
    switched_off(settings)
    services.cancel_order(order.user, order.pk)
    turn(real)
    assert real.venue.cancels == [order.broker_order_key]
    assert real.state(order) == OrderState.CANCELED
    real.books_are_sound()


def test_what_filled_before_the_cancel_is_booked(real: Wired, settings: Any) -> None:
    order = real.send()
    switched_off(settings)
    real.venue.fill(order.broker_order_key, 4, 70_000)
    services.cancel_order(order.user, order.pk)
    turn(real)
    assert (make.fresh(order).filled_quantity, real.state(order)) == (Decimal(4), OrderState.CANCELED)
    real.books_are_sound()


def test_an_order_that_waited_to_be_sent_is_withdrawn_with_the_reason(real: Wired, settings: Any) -> None:
    resting, waiting = real.send(), real.place(side=Side.BUY, limit_price=Decimal(69_000))
    switched_off(settings)
    dispatch_once(real.fence)
    assert real.venue.sent == [resting.pk]
    assert (real.state(waiting), make.fresh(waiting).reason) == (OrderState.WITHDRAWN, "live_trading_off")
    assert real.state(resting) == OrderState.ACCEPTED


def test_a_new_order_is_refused_before_it_is_written(real: Wired, settings: Any) -> None:
    real.send()
    switched_off(settings)
    with pytest.raises(OrderRefused) as refused:
        real.place(limit_price=Decimal(69_000))
    assert refused.value.code == "live_trading_off"
    assert Order.objects.count() == 1


def test_even_who_holds_the_open_account_can_send_nothing_new(real: Wired, settings: Any) -> None:
    order = real.send()
    switched_off(settings)
    report = open_for_orders(real.account).submit(order.as_request())
    assert (report.status, report.reason) == (ReportStatus.REJECTED, "live_trading_off")
    assert real.venue.sent == [order.pk]


def test_an_account_with_nothing_at_its_broker_is_not_touched(real: Wired, settings: Any) -> None:
    switched_off(settings)
    asked = len(real.venue.asked_since)
    with pytest.raises(LiveTradingOff):
        open_for_orders(real.account)
    turn(real)
    assert len(real.venue.asked_since) == asked
    assert AccountReading.objects.get(pk=real.account.pk).failure == "live_trading_off"


def test_once_the_last_order_has_ended_the_account_is_shut_again(real: Wired, settings: Any) -> None:
    order = real.send()
    switched_off(settings)
    services.cancel_order(order.user, order.pk)
    turn(real)
    with pytest.raises(LiveTradingOff):
        open_for_orders(real.account)


def test_a_change_of_a_resting_order_is_refused_and_leaves_it(real: Wired, settings: Any) -> None:
    """A change would send something new; the order stays as it is, to be canceled or left."""
    order = real.send()
    switched_off(settings)
    with pytest.raises(OrderRefused) as refused:
        services.change_order(
            order.user, order.pk, quantity=order.quantity, limit_price=Decimal(69_500), client_key="change"
        )
    assert refused.value.code == "live_trading_off"
    assert not make.fresh(order).cancel_requested
