"""Thousands of forms sent with values nobody should send (I43): no error of ours, nothing lost, nothing of others touched.

Every form a person finds on any page of theirs, and every other address that takes a post, each in turn; what is in the
fields comes from one seeded source, so that a run can be repeated.
"""

import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from accounts.models import User
from tests import factories as make
from tests.api.browsing import Answer, Browser, Form, Pairs
from tests.api.walking import Owned, addresses, checksums
from trading.forms.account_keys import SECRET_FIELDS

PASSWORD = "pass phrase for tests"
SIGNED_OUT = ("/sign-in/", "/sign-in/new/", "/sign-in/password/reset/")
TRACES = ("Traceback (most recent call last)", "django.db", "psycopg", "sqlite3.", "SELECT ", "Exception Value")
# A broker's key goes into no page again; the builder's box for a document is read by its own button alone.
NOT_GIVEN_BACK = {*SECRET_FIELDS, "json"}
NOT_KEPT = {"password", "hidden", "file", "checkbox", "radio", "submit", "button", "select"}
HOSTILE = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1e400",
        "-1e400",
        "NaN",
        "Infinity",
        "1E+9999999",
        "0.000000000000000000001",
        "9" * 40,
        "٣",
        "½",
    ),
    *("None", "null", "true", "[]", "{}", "undefined", "2026-02-30", "25:61", "../../etc/passwd", "%00", "a\x00b"),
    *("'; DROP TABLE accounts_user; --", '"><svg onload=alert(1)>', "{{ 7*7 }}", "${7*7}", "\r\nSet-Cookie: a=b"),
    *("가" * 300, "x" * 100_000, "\u202e반대", "🙂" * 50, "\ud800", "ﬀ", "İ", "00000000-0000-0000-0000-000000000000"),
    *(
        "KRX:005930",
        "KRX:000000",
        "=1+1",
        "@SUM(A1)",
        "javascript:alert(1)",
        "//evil.example/",
        "http://169.254.169.254/",
    ),
)
FILES = (
    b"",
    b"\x00" * 100,
    b"time,open\n1,2\n",
    b"\xff\xfe\x00\x01",
    b"a: &a [*a]\n",
    b"metadata:\n  name: x\n",
    b"," * 5000,
)
LONGEST_ROUND = 400  # posts until the person signs in anew
EVERY = 100  # posts between two words of how far it is


@dataclass
class Report:
    """What was sent and what was wrong with it, in words."""

    posts: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    server_errors: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    touched: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not (self.server_errors or self.lost or self.touched)


def post_forms(url: str, owned: Owned, posts: int, seed: int = 7) -> Report:
    """Send so many; `owned` is the person who sends them."""
    rng, report = random.Random(seed), Report()
    stranger = _stranger()
    before = _rows_of(stranger)
    visitor, person = Browser(url), Browser(url)
    person.sign_in(owned.user.email, PASSWORD)
    forms = _found(visitor, person, owned)
    print(f"forms: {len(forms)} forms at {len({form.action for form, _who in forms})} addresses", file=sys.stderr)
    for number in range(posts):
        form, who = forms[number % len(forms)]
        if who is person and number % LONGEST_ROUND == LONGEST_ROUND - 1:
            _sign_in_anew(person, owned.user)
        pairs = list(_filled(form, rng))
        answer = who.post(form.action, pairs, in_parts=form.has_files)
        _judge(report, form, pairs, answer)
        if report.posts % EVERY == 0:
            wrong = [*report.server_errors, *report.lost]
            print(f"forms: {report.posts} sent, wrong: {wrong[-3:]}", file=sys.stderr)
        if who is person and answer.status == 302 and answer.location.startswith("/sign-in/?"):
            _sign_in_anew(person, owned.user)
    report.touched += _differences(before, _rows_of(stranger))
    return report


def _found(visitor: Browser, person: Browser, owned: Owned) -> list[tuple[Form, Browser]]:
    """Every form there is, each address and set of fields once, and addresses that take a post and show no form."""
    found: dict[tuple[str, ...], tuple[Form, Browser]] = {}

    def keep(form: Form, who: Browser) -> None:
        found.setdefault((form.action, *(each.name for each in form.fields)), (form, who))

    for door in SIGNED_OUT:
        for form in visitor.get(door).forms:
            keep(form, visitor)
    pages = (owned.fill(each) for each in addresses() if each.view is None)
    paths = sorted({path for path in pages if path})
    for path in paths:
        answer = person.get(path)
        for form in answer.forms:
            keep(form, person)
    known = {form.action for form, _who in found.values()}
    for path in paths:
        if path not in known and path != "/sign-in/":
            keep(Form(path), person)
    return [
        pair for key, pair in sorted(found.items(), key=lambda item: item[0]) if not key[0].startswith("/sign-in/out")
    ]


def _filled(form: Form, rng: random.Random) -> Iterator[tuple[str, str | bytes]]:
    """The form as somebody ill-meaning fills it: some fields as they are, some missing, some twice, some strange."""
    for each in form.fields:
        if each.name == "csrfmiddlewaretoken" or rng.random() < 0.08:
            continue
        for _time in range(2 if rng.random() < 0.05 else 1):
            yield each.name, _value(each.kind, each.value, each.options, rng)
    if rng.random() < 0.15:
        yield (
            rng.choice(["role", "is_staff", "user", "user_id", "id", "next", "back", "a" * 300]),
            _sendable(rng.choice(HOSTILE)),
        )


def _value(kind: str, value: str, options: list[str], rng: random.Random) -> str | bytes:
    if kind == "file":
        return rng.choice(FILES)
    usual = rng.choice(options) if options else value or "1"
    return usual if rng.random() < 0.5 else _sendable(rng.choice(HOSTILE))


def _sendable(text: str) -> str | bytes:
    """Half a character cannot be typed, but it can be sent."""
    return text if "\ud800" not in text else b"\xed\xa0\x80"


def _judge(report: Report, form: Form, pairs: Pairs, answer: Answer) -> None:
    report.posts += 1
    report.statuses[answer.status] += 1
    place = f"{form.action} {answer.status} {[(name, value[:40]) for name, value in pairs]}"
    if answer.status >= 500 or any(trace in answer.text for trace in TRACES):
        report.server_errors.append(place)
    elif answer.status in {200, 422} and (lost := _lost(form, pairs, answer)):
        report.lost.append(f"{lost} of {place}")


def _lost(form: Form, pairs: Pairs, answer: Answer) -> str:
    """The name of a field that a refused form came back without what was typed in it."""
    typed: dict[str, list[str | bytes]] = {}
    for name, value in pairs:
        typed.setdefault(name, []).append(value)
    for again in answer.forms:
        if not any(each.is_wrong for each in again.fields) or _names(again) != _names(form):
            continue
        for each in again.fields:
            sent = typed.get(each.name, [])
            if (
                each.kind not in NOT_KEPT
                and each.name not in NOT_GIVEN_BACK
                and len(sent) == 1
                and _is_plain(sent[0])
                and _same(each.value) != _same(str(sent[0]))
            ):
                return f"{each.name} ({each.value[:40]!r})"
    return ""


def _names(form: Form) -> set[str]:
    return {each.name for each in form.fields if each.kind not in {"submit", "button", "password"}} - {"code"}


def _is_plain(value: str | bytes) -> bool:
    """What a page can give back as it was: text a browser would send from one line."""
    return isinstance(value, str) and value.isprintable() and len(value) < 1000


def _same(text: str) -> str:
    return text.strip().lower()


def _sign_in_anew(person: Browser, user: User) -> None:
    from accounts.models import Throttle

    Throttle.objects.all().delete()  # wrong passwords were among what was sent
    person.sign_in(user.email, PASSWORD)


def _stranger() -> User:
    """Somebody with something to lose."""
    user = make.make_user("bystander@example.com")
    make.make_account(user, name="bystander's")
    return user


def _rows_of(user: User) -> dict[str, list[str]]:
    """Every row that names this person."""
    key = user.pk.hex, str(user.pk), user.email
    return {table: [row for row in rows if any(each in row for each in key)] for table, rows in checksums().items()}


def _differences(before: dict[str, list[str]], after: dict[str, list[str]]) -> list[str]:
    return [table for table in before if before[table] != after.get(table)]
