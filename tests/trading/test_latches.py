"""The positions of the kill switch, by themselves and under whatever programs, restarts and people do to them (G04)."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.models import Role
from accounts.services import audit
from markets.types import Side
from tests import factories as make
from trading import latches
from trading.errors import TradingError
from trading.latches import Latch, Mode
from trading.models import Halt
from trading.services.safeguards import halts, triggers

MODES = st.sampled_from([Mode.REDUCE_ONLY, Mode.HALTED])


def test_the_strictest_latch_speaks() -> None:
    found = latches.denial(
        [
            Latch("site", "", Mode.REDUCE_ONLY, "drill"),
            Latch("plan", "p", Mode.HALTED, "rejects"),
            Latch("user", "u", Mode.ACTIVE, ""),
        ],
        is_reducing=True,
    )
    assert found is not None
    assert (found.code, found.facts) == ("halted", {"scope": "plan", "target": "p", "why": "rejects"})


@pytest.mark.parametrize(
    ("mode", "is_reducing", "code"),
    [
        (Mode.ACTIVE, False, None),
        (Mode.ACTIVE, True, None),
        (Mode.REDUCE_ONLY, False, "reduce_only"),
        (Mode.REDUCE_ONLY, True, None),
        (Mode.HALTED, False, "halted"),
        (Mode.HALTED, True, "halted"),
    ],
)
def test_what_a_latch_lets_through(mode: Mode, is_reducing: bool, code: str | None) -> None:
    found = latches.denial([Latch("site", "", mode, "drill")], is_reducing=is_reducing)
    assert (found.code if found else None) == code


def test_without_latches_everything_goes() -> None:
    assert latches.denial([], is_reducing=False) is None


def test_only_a_sale_reduces() -> None:
    assert (latches.reduces(Side.SELL), latches.reduces(Side.BUY)) == (True, False)


class LatchModel(RuleBasedStateMachine):
    """Every scope of one person, latched by programs, by its owner, by an admin and by a stranger; sweeps as restarts do."""

    def __init__(self) -> None:
        super().__init__()
        self._undo = transaction.atomic()
        self._undo.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self._undo.__exit__(None, None, None)

    @initialize()
    def begin(self) -> None:
        self.owner, self.admin, self.stranger = make.make_user(), make.make_user(role=Role.ADMIN), make.make_user()
        instrument = make.make_instrument()
        make.put_price(instrument, 70_000)
        account = make.make_account(self.owner)
        self.scopes = [
            ("site", ""),
            ("user", str(self.owner.pk)),
            ("account", str(account.pk)),
            ("plan", str(make.make_plan(account, instrument).pk)),
            ("instrument", str(instrument.pk)),
        ]
        self.expected = dict.fromkeys(self.scopes, Mode.ACTIVE)
        self.versions = dict.fromkeys(self.scopes, 0)
        self.acts = audit.verify().entries

    def close(self, scope: halts.Scope, mode: Mode) -> None:
        if latches.tightens(self.expected[scope], mode):
            self.expected[scope] = mode
            self.moved(scope)

    def moved(self, scope: halts.Scope) -> None:
        self.versions[scope] += 1
        self.acts += 1

    @rule(which=st.integers(0, 4), mode=MODES)
    def a_program_latches(self, which: int, mode: Mode) -> None:
        scope = self.scopes[which]
        halts.latch(*scope, mode, "trigger", count="3")
        self.close(scope, mode)

    @rule(which=st.integers(0, 4), mode=MODES)
    def an_admin_halts(self, which: int, mode: Mode) -> None:
        scope = self.scopes[which]
        halts.halt(self.admin, *scope, mode, "looks wrong")
        self.close(scope, mode)

    @rule(which=st.integers(0, 4), mode=MODES)
    def the_owner_halts(self, which: int, mode: Mode) -> None:
        scope = self.scopes[which]
        if scope[0] in {"site", "instrument"}:
            with pytest.raises(TradingError):
                halts.halt(self.owner, *scope, mode, "enough")
        else:
            halts.halt(self.owner, *scope, mode, "")
            self.close(scope, mode)

    @rule(which=st.integers(0, 4), mode=MODES)
    def a_stranger_can_do_nothing(self, which: int, mode: Mode) -> None:
        with pytest.raises(TradingError):
            halts.halt(self.stranger, *self.scopes[which], mode, "mischief")
        with pytest.raises(TradingError):
            halts.release(self.stranger, *self.scopes[which])

    @rule(hours=st.integers(0, 10_000))
    def time_passes_and_everything_starts_again(self, hours: int) -> None:
        triggers.sweep(timezone.now() + timedelta(hours=hours))

    @rule(which=st.integers(0, 4))
    def an_admin_releases(self, which: int) -> None:
        scope = self.scopes[which]
        halts.release(self.admin, *scope)
        self.open(scope)

    @rule(which=st.integers(0, 4))
    def the_owner_releases(self, which: int) -> None:
        scope = self.scopes[which]
        row = Halt.objects.filter(scope=scope[0], target=scope[1]).first()
        if scope[0] in {"site", "instrument"} or (row is not None and row.by_id == self.admin.pk):
            with pytest.raises(TradingError):
                halts.release(self.owner, *scope)
        else:
            halts.release(self.owner, *scope)
            self.open(scope)

    def open(self, scope: halts.Scope) -> None:
        if self.expected[scope] is not Mode.ACTIVE:
            self.expected[scope] = Mode.ACTIVE
            self.moved(scope)

    @invariant()
    def only_a_person_loosens(self) -> None:
        if hasattr(self, "expected"):
            rows = {(row.scope, row.target): row for row in Halt.objects.all()}
            assert {scope: rows[scope].mode for scope in rows} == {scope: self.expected[scope] for scope in rows}
            assert {scope for scope, mode in self.expected.items() if mode is not Mode.ACTIVE} <= rows.keys()
            assert {scope: rows[scope].version for scope in rows} == {scope: self.versions[scope] for scope in rows}

    @invariant()
    def every_move_is_in_the_audit(self) -> None:
        if hasattr(self, "acts"):
            verdict = audit.verify()
            assert (verdict.entries, verdict.breaks) == (self.acts, ())


@pytest.mark.django_db
def test_programs_only_close_latches_and_only_people_open_them() -> None:
    """G04."""
    run_state_machine_as_test(
        LatchModel,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
