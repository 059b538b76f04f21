"""The other divisions of Korea Investment: only where the venue can, at their hours, in their form, reserved at the worst."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from brokers.kis.adapter import ABILITIES
from brokers.kis.divisions import KINDS, PAPER_CODES, Kind
from brokers.protocol import FORMS, Abilities, Division, Environment, OrderType, TimeInForce
from brokers.virtual import costs
from markets.calendars import Session, load_default
from markets.models import Instrument
from markets.off_hours import AFTER_SINCE, KST, OffHours, window
from markets.types import InstrumentKind, Side, Source
from tests import factories as make
from tests.trading.wired import Wired, make_wired
from trading import ledger, services
from trading.errors import OrderRefused
from trading.lifecycle import OrderState
from trading.models import BrokerOrder, Order, RiskLimit
from trading.services.ledger import books
from trading.services.ordering.asked import divisions_of
from trading.settlement import shape_of

LIVE, PAPER = ABILITIES[Environment.LIVE], ABILITIES[Environment.PAPER]
FRIDAY = load_default()["krx"].session(datetime(2026, 11, 20, tzinfo=UTC).date())


def at(clock: str) -> datetime:
    assert FRIDAY is not None
    hours, minutes = map(int, clock.split(":"))
    return datetime(2026, 11, 20, hours, minutes, tzinfo=KST).astimezone(UTC)


# What a venue offers


def test_the_practice_server_takes_five_codes_and_none_at_once() -> None:
    assert set(PAPER_CODES.values()) == {"00", "01", "02", "03", "04"}
    assert PAPER.times_in_force == {TimeInForce.DAY}
    assert {Division.AFTER, Division.PRE_OPEN, Division.POST_CLOSE}.isdisjoint(PAPER.divisions)


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_is_of_the_form_its_division_has(code: str) -> None:
    kind = KINDS[code]
    if kind.division is Division.PLAIN:
        return
    form = FORMS[kind.division]
    assert kind.order_type is form.order_type
    assert kind.time_in_force in form.times_in_force
    assert kind.division in LIVE.divisions


def test_every_form_has_its_codes() -> None:
    """What the ticket lets through, KIS has a word for."""
    told = {Kind(each, form.order_type, time) for each, form in FORMS.items() for time in form.times_in_force}
    assert told == {kind for kind in KINDS.values() if kind.division is not Division.PLAIN}


# At their hours


@pytest.mark.parametrize(
    ("which", "first", "last"),
    [
        (OffHours.PRE_OPEN, "08:30", "08:39"),
        (OffHours.POST_CLOSE, "15:30", "15:59"),
        (OffHours.AFTER, "16:00", "19:59"),
    ],
)
def test_off_hours_begin_and_end_as_the_exchange_says(which: OffHours, first: str, last: str) -> None:
    assert FRIDAY is not None
    hours = window(which, FRIDAY)
    assert hours is not None
    minute = timedelta(minutes=1)
    held = [hours.holds(each) for each in (at(first) - minute, at(first), at(last), at(last) + minute)]
    assert held == [False, True, True, False]


def test_there_was_no_after_market_before_the_reform() -> None:
    day = datetime(2026, 9, 11, tzinfo=UTC).date()
    session = load_default()["krx"].session(day)
    assert session is not None
    assert window(OffHours.AFTER, session) is None
    assert window(OffHours.AFTER, Session(AFTER_SINCE, *session[1:])) is not None


# From the wish to the wire


def wired(venue: Abilities = LIVE, *reply: str, clock: str = "10:00") -> Wired:
    made = make_wired(*reply, abilities=venue)
    Instrument.objects.filter(pk=made.instrument.pk).update(source=Source.KIS)
    made.instrument.refresh_from_db()
    show_market(made.instrument, clock)
    return made


def show_market(instrument: Instrument, clock: str) -> None:
    """The real market's clock at so much o'clock, and a fresh price of it."""
    make.put_price(instrument, 70_000)
    make.set_clock(at(clock), keeps_sessions=True, source=Source.KIS)
    quote = instrument.quote
    quote.source, quote.at, quote.received_at = Source.KIS, at(clock), timezone.now()
    quote.save()


def in_division(division: Division, **more: Any) -> dict[str, Any]:
    form = FORMS[division]
    limit = Decimal(70_000) if form.order_type is OrderType.LIMIT else None
    return {"division": division, "order_type": form.order_type, "limit_price": limit} | more


CLOCKS = {None: "10:00", OffHours.PRE_OPEN: "08:35", OffHours.POST_CLOSE: "15:45", OffHours.AFTER: "17:00"}


@pytest.mark.django_db
@pytest.mark.parametrize("division", sorted(FORMS))
def test_an_order_of_each_division_goes_out_as_what_it_is_at_its_hours(division: Division) -> None:
    made = wired(clock=CLOCKS[FORMS[division].hours])
    order = made.send(**in_division(division))
    request = make.fresh(order).as_request()
    assert order.state == OrderState.ACCEPTED, order.reason
    assert (request.division, request.order_type) == (division, FORMS[division].order_type)
    assert request.limit_price == order.limit_price


@pytest.mark.django_db
@pytest.mark.parametrize("division", sorted(FORMS))
def test_outside_its_hours_it_is_refused_with_the_hours(division: Division) -> None:
    hours = FORMS[division].hours
    made = wired(clock="17:00" if hours is not OffHours.AFTER else "10:00")
    with pytest.raises(OrderRefused) as refused:
        made.place(**in_division(division))
    assert refused.value.code == ("closed_session" if hours is None else "not_in_its_hours")
    if hours is not None:
        assert {"opens_at", "closes_at"} <= refused.value.facts.keys()


@pytest.mark.django_db
def test_one_that_waited_past_its_hours_is_not_sent() -> None:
    made = wired(clock="15:45")
    order = made.place(**in_division(Division.POST_CLOSE))
    show_market(made.instrument, "16:01")
    made.dispatch()
    assert (made.state(order), made.venue.sent) == (OrderState.WITHDRAWN, [])


@pytest.mark.django_db
def test_a_venue_without_the_division_refuses_it_with_a_sentence() -> None:
    made = wired(PAPER)
    with pytest.raises(OrderRefused, match="division_not_supported"):
        made.place(**in_division(Division.AFTER))
    account, instrument = make.make_account(make.make_user()), make.make_instrument("000660")
    make.put_price(instrument, 70_000)
    for division in FORMS:
        with pytest.raises(OrderRefused, match="division_not_supported"):
            make.place(account, instrument, **in_division(division))


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"division": Division.BEST, "limit_price": Decimal(70_000)}, "order_type_not_of_division"),
        ({"division": Division.CONDITIONAL, "limit_price": None}, "order_type_not_of_division"),
        (in_division(Division.CONDITIONAL, time_in_force=TimeInForce.IOC), "time_in_force_not_of_division"),
        (in_division(Division.FIRST, time_in_force=TimeInForce.FOK), "time_in_force_not_of_division"),
        ({"time_in_force": TimeInForce.GTC}, "time_in_force_not_supported"),
    ],
)
def test_a_form_that_is_not_the_divisions_is_refused(asked: dict[str, Any], code: str) -> None:
    made = wired()
    with pytest.raises(OrderRefused, match=code):
        made.place(**asked)
    assert not Order.objects.exists()


@pytest.mark.django_db
def test_funds_are_not_traded_in_the_after_market() -> None:
    made = wired(clock="17:00")
    Instrument.objects.filter(pk=made.instrument.pk).update(kind=InstrumentKind.ETF, tick_table="krx-etf")
    made.instrument.refresh_from_db()
    with pytest.raises(OrderRefused, match="no_funds_in_after_market"):
        made.place(**in_division(Division.AFTER))


@pytest.mark.django_db
def test_what_may_fill_above_its_limit_sets_aside_the_days_upper_limit() -> None:
    """I7: a conditional limit becomes a market order in the closing auction, and the broker too reserves at the limit up."""
    made = wired()
    plain = made.place()
    conditional = made.place(**in_division(Division.CONDITIONAL, limit_price=Decimal(69_900)))
    assert conditional.reserved > plain.reserved * Decimal("1.2")
    made.books_are_sound()


@pytest.mark.django_db
def test_the_closing_auction_bounds_a_conditional_limit_by_the_days_limits_alone() -> None:
    """Its limit is held against the collar; a buy is paid for, and counted by every limit, at the day's upper limit."""
    made = wired()
    upper = Decimal(91_000)  # thirty percent above 70,000
    order = made.send(**in_division(Division.CONDITIONAL, limit_price=Decimal(69_900)))
    assert order.reserved == costs.worst_case(made.instrument.rules, Side.BUY, upper, Decimal(10), at("10:00").date())
    assert (order.worst_price, order.collar_price) == (upper, None)
    RiskLimit.objects.filter(name="price_collar_stock").delete()
    far = made.place(**in_division(Division.CONDITIONAL, limit_price=Decimal(60_000)))
    assert (far.state, far.reason) == (OrderState.DENIED, "price_outside_collar")


@pytest.mark.django_db
@pytest.mark.parametrize("first", [Division.CONDITIONAL, Division.PLAIN])
def test_a_conditional_limit_could_meet_an_own_order_in_the_closing_auction(first: Division) -> None:
    """가장매매: without its limit it meets whatever of the same person rests on the other side, at any price."""
    made = wired()
    RiskLimit.objects.filter(name="self_cross").delete()
    lines = ledger.deposit(made.instrument.key, Decimal(10))
    books.book(made.account, "adjustment", "test:units", make.NOW, lines, books.held(made.account))
    wishes = {
        Division.PLAIN: {"side": Side.SELL, "limit_price": Decimal(71_000)},
        Division.CONDITIONAL: in_division(Division.CONDITIONAL, limit_price=Decimal(69_000)),
    }
    second = next(division for division in wishes if division is not first)
    made.place(**wishes[first])
    denied = made.place(**wishes[second])
    assert (denied.state, denied.reason) == (OrderState.DENIED, "self_cross")


@pytest.mark.django_db
def test_no_collar_turns_a_best_order_into_another() -> None:
    made = wired()
    order = made.send(**in_division(Division.BEST))
    assert (order.collar_price, order.as_request().limit_price) == (None, None)


@pytest.mark.django_db
def test_an_order_of_a_division_is_found_among_others_of_its_size() -> None:
    """I2: a plain market order of the same size and side, placed by hand, is not taken for it."""
    made = wired(LIVE, "lost")
    order = made.place(**in_division(Division.BEST))
    made.dispatch()
    assert made.state(order) == OrderState.UNKNOWN
    row = next(iter(made.venue.rows.values()))
    assert shape_of(row) == shape_of(make.fresh(order).as_request())
    made.venue.list_order(row.instrument, row.side, row.quantity, None, row.ordered_at)
    made.read()
    assert make.fresh(order).broker_order_key == row.key
    assert set(BrokerOrder.objects.values_list("division", "is_external")) == {("best", False), ("plain", True)}


@pytest.mark.django_db
def test_a_change_keeps_the_division() -> None:
    made = wired()
    order = made.place(**in_division(Division.CONDITIONAL))
    anew = services.change_order(
        order.user, order.pk, quantity=Decimal(5), limit_price=Decimal(69_900), client_key="change"
    )
    assert (anew.division, anew.limit_price) == (Division.CONDITIONAL, Decimal(69_900))


# All or nothing in the virtual market


@pytest.mark.django_db
@pytest.mark.parametrize(("wanted", "state", "filled"), [(20, OrderState.FILLED, 20), (2_000, OrderState.CANCELED, 0)])
def test_all_or_nothing_is_one_of_the_two(wanted: int, state: OrderState, filled: int) -> None:
    account, instrument = make.make_account(make.make_user(), cash=10**9), make.make_instrument()
    make.put_price(instrument, 70_000)
    order = make.accept(make.place(account, instrument, quantity=Decimal(wanted), time_in_force=TimeInForce.FOK))
    other = make.accept(make.place(account, instrument, quantity=Decimal(10)))
    services.match_virtual(instrument, make.make_book(instrument, 70_000, 100, later(order)))
    order, other = make.fresh(order), make.fresh(other)
    assert (order.state, order.filled_quantity) == (state, Decimal(filled))
    assert other.state == OrderState.FILLED, "what all-or-nothing leaves is there for the next"
    assert order.reason == ("fok_not_filled" if state == OrderState.CANCELED else "")


def later(order: Order) -> datetime:
    return order.market_at + timedelta(seconds=1)


# On the ticket


@pytest.mark.django_db
def test_the_ticket_offers_divisions_where_an_account_of_the_person_has_them(client: Client) -> None:
    made = wired()
    client.force_login(made.account.user)
    page = client.get(f"/orders/new/?instrument={made.instrument.key}").content.decode()
    assert 'name="division"' in page
    assert "conditional:limit" in page
    other = make.make_account(make.make_user())
    client.force_login(other.user)
    assert 'name="division"' not in client.get(f"/orders/new/?instrument={made.instrument.key}").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("side", "bound"), [("buy", "상한가"), ("sell", "하한가")])
def test_the_estimate_says_how_far_a_conditional_limit_may_fill(client: Client, side: str, bound: str) -> None:
    made = wired()
    client.force_login(made.account.user)
    typed = {"instrument": made.instrument.key, "broker_account": str(made.account.pk), "side": side, "quantity": "1"}
    typed |= {"order_type": "limit", "limit_price": "70,000", "time_in_force": "day"}
    url = reverse("trading:order_estimate")
    plain = client.post(url, typed, headers={"HX-Request": "true"}).content.decode()
    conditional = client.post(url, typed | {"division": "conditional"}, headers={"HX-Request": "true"}).content.decode()
    assert (bound in plain, bound in conditional) == (False, True)


@pytest.mark.django_db
def test_who_cannot_be_asked_offers_plain_orders() -> None:
    account = make.make_live_account(make.make_user())
    assert divisions_of(account) == {Division.PLAIN}
