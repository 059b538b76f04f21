"""Whatever is ordered, changed and let pass at the KIS sandbox's desk, its books add up: it is the truth others are held to."""

from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.servers.kis.clock import KST
from tests.servers.kis.desk import Asked
from tests.servers.kis.ledger import BUY, CANCEL, MODIFY, SELL, Policy
from tests.servers.kis.refusals import Refused
from tests.servers.kis.sandbox import Sandbox

ACCOUNT, CODE, CASH, UNITS = "5012345601", "005930", 5_000_000, 50
START = datetime(2026, 11, 19, 9, 30, tzinfo=KST)

order = st.tuples(
    st.just("order"),
    st.sampled_from([BUY, SELL]),
    st.sampled_from(["00", "01", "02", "03", "04", "11", "12", "13", "16"]),
    st.integers(1, 60),
    st.integers(-4, 4),
)
revise = st.tuples(
    st.just("revise"),
    st.sampled_from([MODIFY, CANCEL]),
    st.integers(1, 12),
    st.none() | st.integers(1, 60),
    st.integers(-4, 4),
)
move = st.tuples(st.just("move"), st.integers(-3, 3))
wait = st.tuples(st.just("wait"), st.sampled_from([10, 60, 3_600, 6 * 3_600, 24 * 3_600]))
policy = st.tuples(st.just("policy"), st.integers(0, 4), st.sampled_from([0, 30]))


def act(sandbox: Sandbox, step: tuple[object, ...]) -> None:
    desk, issue = sandbox.desks["live"], sandbox.market.issues[CODE]
    now = sandbox.catch_up()
    match step:
        case ("order", str(side), str(division), int(quantity), int(ticks)):
            desk.submit(Asked(ACCOUNT, CODE, side, division, quantity, issue.price + ticks * issue.tick), now)
        case ("revise", str(kind), int(number), quantity, int(ticks)):
            units = quantity if isinstance(quantity, int) else None
            desk.revise(ACCOUNT, number, kind, "00", units, issue.price + ticks * issue.tick, "KRX", now)
        case ("move", int(ticks)):
            issue.trade(issue.price + ticks * issue.tick, 1, is_buy=True, at=now)
        case ("wait", int(seconds)):
            sandbox.clock.advance(seconds)
        case ("policy", int(parts), int(pace)):
            desk.ledger.policy = Policy(parts, pace)
    sandbox.catch_up()


def require_sound(sandbox: Sandbox) -> None:
    ledger = sandbox.desks["live"].ledger
    account = ledger.accounts[ACCOUNT]
    fills = [(order.side, fill) for order in ledger.orders for fill in order.fills]
    paid = sum(f.quantity * f.price + f.fee for side, f in fills if side == BUY)
    got = sum(f.quantity * f.price - f.fee - f.tax for side, f in fills if side == SELL)
    assert account.cash == CASH - paid + got
    bought = sum(f.quantity if side == BUY else -f.quantity for side, f in fills)
    held = account.holdings.get(CODE)
    assert (held.quantity if held else 0) == UNITS + bought >= 0
    assert account.cash >= 0
    for each in ledger.orders:
        assert each.rest >= 0
        if each.kind != CANCEL:
            assert each.filled + each.withdrawn + each.rejected + each.rest == each.quantity
        for fill in each.fills if each.division in {"00", "11", "12"} else []:
            assert fill.price <= each.price if each.side == BUY else fill.price >= each.price
    assert set(map(id, ledger.live())) == {id(each) for each in ledger.orders if each.rest}
    open_days = {each.at.date() for each in ledger.live()}
    assert all(sandbox.now() < datetime(day.year, day.month, day.day, 15, 30, tzinfo=KST) for day in open_days)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(order, order, revise, move, wait, policy), max_size=30))
def test_cash_units_and_every_order_add_up(steps: list[tuple[object, ...]]) -> None:
    sandbox = Sandbox(start=START, speed=0)
    sandbox.desks["live"].ledger.open_account(ACCOUNT, CASH, {CODE: (UNITS, Decimal(70_000))}, has_margin=False)
    for step in steps:
        with suppress(Refused):
            act(sandbox, step)
        require_sound(sandbox)


def test_cash_has_settled_when_nothing_traded_for_a_week() -> None:
    sandbox = Sandbox(start=START, speed=0)
    act(sandbox, ("order", BUY, "00", 3, 0))
    account = sandbox.desks["live"].ledger.accounts[ACCOUNT]
    assert account.settled != account.cash
    sandbox.clock.advance(timedelta(days=7).total_seconds())
    sandbox.catch_up()
    assert account.settled == account.cash
