"""The audit: one chain, whoever writes, and no entry of it can be changed or taken away unseen (I42)."""

import json
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from accounts import services as people
from accounts.chain import BEGINNING, MASK, masked, plain
from accounts.models import AuditEntry, AuditTail, Role, User
from accounts.services.audit import record, verify
from tests import factories as make
from tests.backends.unguarded import unguarded
from tests.trading.test_parallel_orders import at_once
from trading.models import Halt
from trading.services.safeguards import halts, triggers

pytestmark = pytest.mark.django_db
PASSWORD = "pass phrase for tests"


@pytest.fixture
def entries() -> list[AuditEntry]:
    """Five acts, of people and by themselves."""
    person = make.make_user()
    facts = {"amount": Decimal("0.10"), "name": "삼성전자 ✓", "at": make.NOW, "none": None}
    return [record(person if number % 2 else "dispatch", "act", f"thing:{number}", facts) for number in range(5)]


def run(*arguments: str) -> tuple[int, str]:
    """Exit code and output."""
    out = StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out)
    except SystemExit as e:
        return int(str(e.code)), out.getvalue()
    return 0, out.getvalue()


def tamper(statement: str, *values: Any) -> None:
    with unguarded(), connection.cursor() as cursor:
        cursor.execute(statement, values)
        assert cursor.rowcount >= 1


def test_an_audit_nobody_touched_is_whole(entries: list[AuditEntry]) -> None:
    assert [entry.number for entry in entries] == [1, 2, 3, 4, 5]
    assert entries[0].prev_hash == BEGINNING
    assert [entry.prev_hash for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]
    assert run() == (0, f"The audit is whole: 5 entries, the last hash is {entries[-1].hash}.\n")
    assert json.loads(run("--json")[1]) == {"ok": True, "entries": 5, "hash": entries[-1].hash, "breaks": []}


def test_an_empty_audit_is_whole() -> None:
    assert run()[0] == 0


@pytest.mark.parametrize(
    ("statement", "breaks"),
    [
        ("UPDATE accounts_auditentry SET actor = 'user:another' WHERE number = 3", [(3, "altered")]),
        ('UPDATE accounts_auditentry SET before = \'{"amount": "0.1"}\' WHERE number = 3', [(3, "altered")]),
        ("UPDATE accounts_auditentry SET at = '2020-01-01 00:00:00' WHERE number = 3", [(3, "altered")]),
        ("UPDATE accounts_auditentry SET result = 'refused' WHERE number = 3", [(3, "altered")]),
        ("UPDATE accounts_auditentry SET hash = 'abc' WHERE number = 3", [(3, "altered"), (4, "moved")]),
        ("DELETE FROM accounts_auditentry WHERE number = 1", [(1, "missing")]),
        ("DELETE FROM accounts_auditentry WHERE number = 3", [(3, "missing")]),
        ("DELETE FROM accounts_auditentry WHERE number = 5", [(5, "not_at_the_end")]),
        ("DELETE FROM accounts_auditentry", [(1, "not_at_the_end")]),
        ("DELETE FROM accounts_audittail", [(1, "not_at_the_end")]),
        ("UPDATE accounts_audittail SET number = 4", [(5, "not_at_the_end")]),
    ],
)
def test_an_entry_changed_or_taken_away_is_found(
    entries: list[AuditEntry], statement: str, breaks: list[tuple[int, str]]
) -> None:
    tamper(statement)
    code, out = run("--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (1, False)
    assert [(each["number"], each["fault"]) for each in found["breaks"]] == breaks
    assert run()[0] == 1


def test_an_entry_forged_with_its_own_hash_breaks_the_chain(entries: list[AuditEntry]) -> None:
    """Whoever rewrites one entry with a fitting hash has to rewrite all that follow, and the end kept elsewhere."""
    with transaction.atomic():
        forged = record("dispatch", "act", "thing:2")
        transaction.set_rollback(True)
    tamper("UPDATE accounts_auditentry SET hash = %s, at = %s WHERE number = 3", forged.hash, forged.at)
    assert {each.number for each in verify().breaks} == {3, 4}


def test_what_is_rolled_back_leaves_no_gap(entries: list[AuditEntry]) -> None:
    with transaction.atomic():
        record("dispatch", "act", "undone")
        transaction.set_rollback(True)
    assert record("dispatch", "act", "done").number == 6
    assert verify().breaks == ()


@pytest.mark.django_db(transaction=True)
def test_many_writers_make_one_chain() -> None:
    """I42: at the same moment, each on a connection of its own."""
    writers = [lambda n=n: [record("dispatch", "act", f"thing:{n}:{i}").number for i in range(5)] for n in range(8)]
    answers = at_once(*writers)
    numbers = sorted(number for answer in answers if isinstance(answer, list) for number in answer)
    assert numbers == list(range(1, 41))
    assert verify().breaks == ()


def test_secrets_never_enter_and_addresses_only_in_part() -> None:
    facts = {"password": "canary", "KIS_APP_SECRET": "canary", "refresh_token": "canary", "email": "kim@example.com"}
    entry = record("command", "act", "thing", facts, facts)
    assert "canary" not in str((entry.before, entry.after))
    assert entry.after["password"] == MASK
    assert entry.after["email"] == f"k{MASK}@example.com"


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30), max_size=3))
def test_whatever_is_written_is_read_back_to_the_letter(facts: dict[str, str]) -> None:
    """What a database would change (a NUL, half a character) never reaches it."""
    kept = masked(facts)
    assert json.loads(json.dumps(kept)) == kept
    for text in (*kept, *kept.values()):
        assert plain(text) == text
        assert "\0" not in text
        text.encode()


def test_hostile_text_is_kept_and_proven() -> None:
    record("x" * 300, "y" * 300, "\0\n\ud800" + "z" * 300, {"\0": "\ud800\r\n" * 9}, address="1" * 300)
    assert AuditEntry.objects.get().subject.startswith("  ?z")
    assert verify().breaks == ()


def test_a_broken_chain_stops_the_site_until_a_person_has_seen_it(entries: list[AuditEntry]) -> None:
    """§3.11: looked at once an hour; what was broken before a person opened the site again stops nothing more."""

    def sweep(hours: int) -> int:
        return triggers.sweep(timezone.now() + timedelta(hours=hours))

    assert sweep(0) == 0
    tamper("UPDATE accounts_auditentry SET actor = 'user:another' WHERE number = 3")
    assert [sweep(0), sweep(2)] == [0, 1]
    site = Halt.objects.exclude(mode="active").get()
    assert (site.scope, site.mode, site.reason) == ("site", "halted", "audit_broken")
    assert site.facts == {"number": "3", "fault": "altered", "breaks": "1"}
    halts.open_latch("site", "", by=None)
    assert sweep(4) == 0
    newest = record("dispatch", "act", "thing").number
    tamper("UPDATE accounts_auditentry SET actor = 'user:another' WHERE number = %s", newest)
    assert sweep(6) == 1


# Who leaves entries


def acts() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("number").values_list("actor", "action", "result"))


def test_signing_in_and_out_is_kept_and_so_is_a_wrong_try(client: Client) -> None:
    user = make.make_user("kim@example.com")
    page = reverse("accounts:sign_in")
    client.post(page, {"email": "kim@example.com", "password": PASSWORD})
    client.post(reverse("accounts:sign_out"))
    client.post(page, {"email": "kim@example.com", "password": "wrong"})
    client.post(page, {"email": "nobody@example.com", "password": "wrong"})
    me = f"user:{user.pk}"
    assert acts() == [
        (me, "sign_in", "done"),
        (me, "sign_out", "done"),
        ("visitor", "sign_in", "refused"),
        ("visitor", "sign_in", "refused"),
    ]
    tried = list(AuditEntry.objects.order_by("number").values_list("subject", "address"))
    assert tried == [(subject, "127.0.0.1") for subject in (me, me, me, "user:unknown")]


def test_a_changed_password_is_kept(client: Client) -> None:
    user = make.make_user()
    client.force_login(user)
    new = "another phrase 4 tests"
    client.post(
        reverse("accounts:password_change"), {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    )
    assert acts() == [(f"user:{user.pk}", "password_changed", "done")]


def test_what_an_admin_changes_is_kept_with_before_and_after(client: Client) -> None:
    boss, user = make.make_user(role=Role.ADMIN), make.make_user(role=Role.TRADER)
    client.force_login(boss)
    fields = {"email": user.email, "role": "viewer", "is_active": "on", "language": "ko", "time_zone": "Asia/Seoul"}
    client.post(reverse("admin:accounts_user_change", args=[user.pk]), fields)
    client.post(
        reverse("admin:auth_user_password_change", args=[user.pk]),
        {"password1": "another phrase 4 tests", "password2": "another phrase 4 tests", "usable_password": "true"},
    )
    changed, password = AuditEntry.objects.order_by("number")
    assert (changed.actor, changed.action, changed.subject) == (f"user:{boss.pk}", "admin_changed", f"user:{user.pk}")
    assert (changed.before, changed.after) == ({"role": "trader"}, {"role": "viewer"})
    assert password.action == "admin_password_set"
    assert User.objects.get(pk=user.pk).check_password("another phrase 4 tests")


def test_a_person_may_go_but_their_acts_stay() -> None:
    user = make.make_user()
    record(user, "act", "thing")
    people.deactivate(user)
    people.delete_person(user)
    assert [action for _actor, action, _result in acts()] == ["act", "person_deactivated", "person_deleted"]
    assert not User.objects.exists()
    assert verify().breaks == ()


def test_the_end_is_kept_beside_the_chain(entries: list[AuditEntry]) -> None:
    tail = AuditTail.objects.get()
    assert (tail.number, tail.hash) == (5, entries[-1].hash)
    assert entries[-1].at - entries[0].at < timedelta(minutes=1)
