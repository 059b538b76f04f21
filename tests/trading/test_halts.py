"""The kill switch (G04, I8): what a halt stops, what it asks back, who may press it and who may open it again."""

from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from accounts.models import AuditEntry, Role, User
from brokers.models import BrokerAccount
from brokers.protocol import OrderType, TimeInForce
from markets.models import Instrument
from markets.types import Side
from tests import factories as make
from trading.errors import NotAllowed
from trading.models import Halt, Order, SwingPlan
from trading.services.ordering import cancel_requests
from trading.services.ordering.asked import Asked
from trading.services.safeguards import halts, standstill
from trading.services.safeguards.halts import HaltRefused, Scope, UnknownScope

pytestmark = pytest.mark.django_db


@pytest.fixture
def plan(account: BrokerAccount, instrument: Instrument) -> SwingPlan:
    return make.make_plan(account, instrument)


def scopes_of(order: Order) -> dict[str, Scope]:
    return {
        "site": ("site", ""),
        "user": ("user", str(order.user_id)),
        "account": ("account", str(order.broker_account_id)),
        "plan": ("plan", str(order.plan_id)),
        "instrument": ("instrument", str(order.instrument_id)),
    }


def code_at_claim(order: Order, *, reduces: bool = False) -> str | None:
    with transaction.atomic():
        denial = halts.denial_for(order, reduces=reduces)
    return denial.code if denial else None


def wish(order: Order, side: Side) -> Asked:
    return Asked(
        user=order.user,
        broker_account=order.broker_account,
        instrument=order.instrument,
        side=side,
        quantity=Decimal(1),
        order_type=OrderType.MARKET,
        limit_price=None,
        time_in_force=TimeInForce.DAY,
        client_key="a wish",
        plan=order.plan,
    )


@pytest.mark.parametrize("scope", ["site", "user", "account", "plan", "instrument"])
def test_each_scope_stops_the_order_at_its_claim_and_the_wish_before_it(
    account: BrokerAccount, instrument: Instrument, plan: SwingPlan, scope: str
) -> None:
    order = make.fresh(make.place(account, instrument, plan=plan, step=1))
    assert code_at_claim(order) is None
    assert halts.denial_at_place(wish(order, Side.BUY)) is None
    halts.latch(*scopes_of(order)[scope], "halted", "drill")
    assert code_at_claim(order) == "halted"
    assert code_at_claim(order, reduces=True) == "halted"
    denied = halts.denial_at_place(wish(order, Side.SELL))
    assert denied is not None
    assert (denied.code, denied.facts["scope"], denied.facts["why"]) == ("halted", scope, "drill")


def test_reduce_only_lets_out_what_makes_a_position_smaller(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.fresh(make.place(account, instrument))
    halts.latch("account", str(account.pk), "reduce_only", "drill")
    assert (code_at_claim(order), code_at_claim(order, reduces=True)) == ("reduce_only", None)
    assert halts.denial_at_place(wish(order, Side.SELL)) is None
    denied = halts.denial_at_place(wish(order, Side.BUY))
    assert denied is not None
    assert denied.code == "reduce_only"


def test_other_peoples_latches_stop_nobody(account: BrokerAccount, instrument: Instrument) -> None:
    other = make.make_account(make.make_user())
    plan = make.make_plan(other, instrument)
    for scope in (("user", str(other.user_id)), ("account", str(other.pk)), ("plan", str(plan.pk))):
        halts.latch(*scope, "halted", "drill")
    order = make.fresh(make.place(account, instrument))
    assert code_at_claim(order) is None
    assert halts.denial_at_place(wish(order, Side.BUY)) is None


def test_the_claim_writes_the_latches_it_has_to_lock(account: BrokerAccount, instrument: Instrument) -> None:
    order = make.fresh(make.place(account, instrument))
    code_at_claim(order)
    assert set(Halt.objects.values_list("scope", "mode", "version")) == {
        (scope, "active", 0) for scope in ("site", "user", "account", "instrument")
    }


def test_a_halt_asks_back_what_rests_what_is_in_doubt_and_nothing_else(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """I8: with the account's own latch, another account's order rests on."""
    filled = make.hold(account, instrument, 1, 70_000)
    resting = make.accept(make.place(account, instrument, limit_price=Decimal(69_000)))
    doubtful = make.accept(make.place(account, instrument, limit_price=Decimal(68_900)))
    Order.objects.filter(pk=doubtful.pk).update(state="unknown")
    others = make.accept(make.place(make.make_account(make.make_user()), instrument, limit_price=Decimal(69_000)))
    halts.latch("account", str(account.pk), "reduce_only", "drill")
    assert not Order.objects.filter(cancel_requested=True).exists()
    halts.latch("account", str(account.pk), "halted", "drill")
    asked = set(Order.objects.filter(cancel_requested=True).values_list("pk", flat=True))
    assert asked == {resting.pk, doubtful.pk}
    assert make.fresh(filled).version == filled.version
    assert make.fresh(others).version == others.version
    event = resting.events.last()
    assert event is not None
    assert (event.origin, event.reason) == ("halt", "cancel_requested_by_halt")
    assert make.fresh(resting).version == resting.version + 1
    assert halts.unconfirmed("account", str(account.pk)) == 2
    assert halts.unconfirmed("site", "") == 2
    assert halts.unconfirmed("account", str(others.broker_account_id)) == 0


def test_what_a_halt_did_not_reach_is_asked_back_and_withdrawn_by_the_sweep(
    account: BrokerAccount, instrument: Instrument
) -> None:
    """I8: an order accepted late rests, though it did not when the halt came; a waiting one never leaves."""
    late = make.accept(make.place(account, instrument, limit_price=Decimal(69_000)))
    Order.objects.filter(pk=late.pk).update(state="not_placed")
    waiting = make.place(account, instrument, limit_price=Decimal(68_000))
    halts.latch("user", str(account.user_id), "halted", "drill")
    Order.objects.filter(pk=late.pk).update(state="accepted")
    reserved, set_aside = make.balances(account)["reserved KRW"], waiting.reserved
    assert standstill.enforce() == 2
    assert make.fresh(late).cancel_requested
    waiting = make.fresh(waiting)
    assert make.facts(waiting.state, waiting.reason, waiting.reserved) == ("withdrawn", "halted", 0)
    assert make.balances(account)["reserved KRW"] == reserved - set_aside
    assert standstill.enforce() == 0


def test_the_sweep_leaves_alone_what_is_not_halted(account: BrokerAccount, instrument: Instrument) -> None:
    make.place(account, instrument)
    halts.latch("account", str(account.pk), "reduce_only", "drill")
    assert standstill.enforce() == 0


def test_a_latch_keeps_why_it_closed_first_and_tells_the_audit_who(account: BrokerAccount) -> None:
    target = str(account.pk)
    halts.latch("account", target, "halted", "books_differ", differences="2")
    row = halts.halt(account.user, "account", target, "reduce_only", "me too")
    assert (row.mode, row.reason, row.facts, row.by_id, row.version) == (
        "halted", "books_differ", {"differences": "2"}, None, 1,
    )  # fmt: skip
    halts.release(account.user, "account", target)
    acts = list(AuditEntry.objects.order_by("number").values_list("actor", "action", "subject", "after"))
    assert acts == [
        ("system", "halt", f"account:{target}", {"mode": "halted", "reason": "books_differ"}),
        (f"user:{account.user_id}", "resume", f"account:{target}", {"mode": "active", "reason": ""}),
    ]


def test_releasing_what_was_never_stopped_writes_nothing(account: BrokerAccount) -> None:
    assert halts.release(account.user, "account", str(account.pk)).version == 0
    assert not AuditEntry.objects.exists()


def rights(user: User, scope: Scope, act: str) -> str:
    try:
        if act == "halt":
            halts.halt(user, *scope, "halted", "drill")
        else:
            halts.release(user, *scope)
    except (NotAllowed, UnknownScope, HaltRefused) as e:
        return e.code
    return "done"


@pytest.mark.parametrize(
    ("role", "own", "others"),
    [
        (Role.TRADER, {"halt": "done", "release": "done"}, "unknown_scope"),
        (Role.VIEWER, {"halt": "done", "release": "not_allowed"}, None),
        (Role.ADMIN, {"halt": "done", "release": "done"}, "done"),
    ],
)
def test_who_may_stop_and_who_may_go_on(
    instrument: Instrument, role: Role, own: dict[str, str], others: str | None
) -> None:
    person, stranger = make.make_user(), make.make_user()
    mine, theirs = make.make_account(person), make.make_account(stranger)
    person.role = role
    person.save()
    for account, expected in ((mine, own), (theirs, {"halt": others, "release": others})):
        plan = make.make_plan(account, instrument)
        for scope in (("user", str(account.user_id)), ("account", str(account.pk)), ("plan", str(plan.pk))):
            for act in ("halt", "release"):
                if expected[act]:
                    assert (scope, act, rights(person, scope, act)) == (scope, act, expected[act])
    wide = "done" if role == Role.ADMIN else "not_allowed"
    for scope in (("site", ""), ("instrument", str(instrument.pk))):
        assert [rights(person, scope, act) for act in ("halt", "release")] == [wide, wide]


def test_a_person_who_left_can_do_nothing(account: BrokerAccount) -> None:
    account.user.is_active = False
    account.user.save()
    assert rights(account.user, ("account", str(account.pk)), "halt") == "not_allowed"


def test_what_an_admin_has_stopped_only_an_admin_starts_again(account: BrokerAccount) -> None:
    scope, admin = ("account", str(account.pk)), make.make_user(role=Role.ADMIN)
    halts.halt(admin, *scope, "halted", "drill")
    assert rights(account.user, scope, "release") == "latched_by_other"
    assert rights(make.make_user(role=Role.ADMIN), scope, "release") == "done"


@pytest.mark.parametrize(
    "scope",
    [("account", "no"), ("account", ""), ("site", "x"), ("planet", ""), ("instrument", "9" * 30), ("user", "1")],
)
def test_what_is_not_there_cannot_be_stopped(scope: Scope) -> None:
    with pytest.raises(UnknownScope):
        halts.latch(*scope, "halted", "drill")
    assert not Halt.objects.exists()


def test_nobody_halts_to_active(account: BrokerAccount) -> None:
    halts.latch("account", str(account.pk), "halted", "drill")
    with pytest.raises(HaltRefused):
        halts.halt(account.user, "account", str(account.pk), "active", "clever")
    assert halts.latch("account", str(account.pk), "active", "clever").mode == "halted"


def told(command: str, *arguments: str) -> list[str]:
    out = StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_the_commands_stop_say_what_is_left_and_start_again(account: BrokerAccount, instrument: Instrument) -> None:
    make.accept(make.place(account, instrument, limit_price=Decimal(69_000)))
    make.place(account, instrument, limit_price=Decimal(68_000))
    name = f"Account {account.pk}"
    assert told("halt", "--account", str(account.pk), "--reason", "drill") == [
        f"{name} is now halted (drill).",
        "Orders being canceled: 1.",
        "Orders not yet sent, to be withdrawn: 1.",
        "Unconfirmed: 1.",
    ]
    assert (
        told("halt", "--account", str(account.pk), "--mode", "reduce_only")[0] == f"{name} is already halted (drill)."
    )
    assert told("halt", "--instrument", instrument.key, "--mode", "reduce_only", "--reason", "split")[-1] == (
        "Unconfirmed: 1."
    )
    assert told("resume", "--account", str(account.pk)) == [
        f"{name} was halted (drill) and trades again.",
        "Unconfirmed: 1.",
        f"Still reduce_only: Instrument {instrument.pk} (split).",
    ]
    assert told("resume", "--account", str(account.pk))[0] == f"{name} was not stopped."
    assert list(AuditEntry.objects.values_list("actor", flat=True)) == ["command"] * 3


def test_the_commands_know_people_by_their_address_and_the_whole_site(account: BrokerAccount) -> None:
    told("halt", "--user", account.user.email)
    told("halt", "--site")
    assert set(Halt.objects.values_list("scope", "target", "mode")) == {
        ("user", str(account.user_id), "halted"),
        ("site", "", "halted"),
    }
    told("resume", "--site")
    assert Halt.objects.get(scope="site").mode == "active"


@pytest.mark.parametrize("command", ["halt", "resume"])
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--account", "42"], "there is no account '42'"),
        (["--plan", "00000000-0000-4000-8000-000000000000"], "there is no plan"),
        (["--instrument", "KRX:nothing"], "there is no instrument 'KRX:nothing'"),
        (["--user", "nobody@example.com"], "there is no user 'nobody@example.com'"),
        ([], "one of the arguments --site --user --account --plan --instrument is required"),
        (["--site", "--user", "1"], "not allowed with argument --site"),
    ],
)
def test_an_unknown_target_is_a_clear_error(command: str, arguments: list[str], says: str) -> None:
    with pytest.raises(CommandError, match=says):
        call_command(command, *arguments)
    assert not Halt.objects.exists()


def test_an_order_that_a_halt_took_back_does_not_say_that_its_person_did(
    account: BrokerAccount, instrument: Instrument
) -> None:
    resting = [make.accept(make.place(account, instrument, side=Side.BUY, limit_price=Decimal(60_000)))]
    halts.latch("account", str(account.pk), "halted", "test")
    assert cancel_requests.confirm(resting[0].pk)
    order = make.fresh(resting[0])
    assert (order.state, order.reason) == ("canceled", "canceled_by_halt")
