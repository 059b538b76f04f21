"""Nobody reads or changes what is another's, on any address, by any method, in any role (I33, G09)."""

import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.permissions import AllowAny

from accounts.api.view import SAFE, Staff, Trader
from accounts.models import Role, User
from tests import factories as make
from tests.api.conftest import ADDRESS, Api, signed_in
from tests.api.walking import CANARY, Address, Owned, addresses, body_of, checksums, owner_with_everything

HEADERS = {"Idempotency-Key": "walker-key", "If-Match": "*"}
ALL = addresses()
OF_API = [each for each in ALL if each.view is not None]
PAGES = [each for each in ALL if each.view is None]
SIGN_IN_AGAIN = {"auth/logout", "auth/password"}  # they end the walker's own device


@pytest.fixture
def owned(db: None, settings: Any) -> Owned:
    settings.API_PER_MINUTE = settings.API_PER_MINUTE_ADDRESS = 1_000_000
    return owner_with_everything()


def is_public(address: Address) -> bool:
    return address.view is not None and address.view.permission_classes == [AllowAny]


def names_something_of_a_person(address: Address) -> bool:
    common = {"key", "stock_code", "symbol", "venue", "name", "pk", "scope", "number", "interval"}
    return bool(set(address.names) - common)


def walk(api: Api, owned: Owned, tried: list[Address]) -> list[tuple[Address, str, Any]]:
    """Every method of every address, with a body its owner could send."""
    answers = []
    for address in tried:
        path = owned.fill(address)
        if path is None or any(path.endswith(each) for each in SIGN_IN_AGAIN):
            continue
        assert address.view is not None
        for method in address.methods:
            answer = api.send(method, path, body_of(address.view, method, owned), HEADERS)
            answers.append((address, method, answer))
    return answers


def told(answer: Any) -> str:
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return str(content.decode("utf-8", "replace"))


def test_there_is_something_to_walk() -> None:
    assert len(OF_API) > 80
    assert len(PAGES) > 40


def test_a_visitor_gets_in_nowhere_but_where_people_sign_in(owned: Owned) -> None:
    before = checksums()
    for address, method, answer in walk(Api(), owned, [each for each in OF_API if not is_public(each)]):
        assert answer.status_code in {401, 302}, (address.route, method, answer.status_code)
    assert checksums() == before


@pytest.mark.parametrize("role", [Role.TRADER, Role.VIEWER])
def test_another_person_neither_sees_nor_changes_anything_of_the_owners(owned: Owned, role: Role) -> None:
    other = make.make_user("stranger@example.com", role)
    mine, api = of_person(owned.user), signed_in(other)
    for address, method, answer in walk(api, owned, [each for each in OF_API if not is_public(each)]):
        place = (address.route, method, answer.status_code)
        assert answer.status_code < 500, place
        assert CANARY not in told(answer), place
        if names_something_of_a_person(address):
            assert answer.status_code in {400, 401, 403, 404, 405, 412, 422, 428}, place
    assert of_person(owned.user) == mine


def test_a_viewer_changes_nothing_of_their_own_trading(owned: Owned) -> None:
    """A07: a viewer reads."""
    User.objects.filter(pk=owned.user.pk).update(role=Role.VIEWER)
    api, before = signed_in(User.objects.get(pk=owned.user.pk)), checksums()
    tried = [each for each in OF_API if each.view is not None and Trader in each.view.permission_classes]
    for address, method, answer in walk(api, owned, tried):
        if method not in SAFE:
            assert answer.status_code == 403, (address.route, method, answer.status_code)
        else:
            assert answer.status_code < 500, (address.route, method)
    assert checksums() == before


def test_reading_changes_nothing(owned: Owned) -> None:
    """security.md 3.5.3: rows before and after every GET of the owner."""
    api = signed_in(owned.user)
    before = checksums()
    for address in OF_API:
        path = owned.fill(address)
        if path is not None and "GET" in address.methods:
            assert told_status(api.get(path)) < 500, address.route
    assert checksums() == before


def test_staff_addresses_are_closed_to_everybody_else_and_to_staff_without_a_second_factor(owned: Owned) -> None:
    tried = [each for each in OF_API if each.view is not None and Staff in each.view.permission_classes]
    half = make.make_user("half@example.com", Role.ADMIN)
    entered = Api()
    entered.sign_in(half.email)
    for api in (signed_in(owned.user), entered):
        assert {answer.status_code for _address, _method, answer in walk(api, owned, tried)} == {403}
    everywhere = [each for each in OF_API if not is_public(each) and not _where_it_is_set_up(each)]
    assert {answer.status_code for _a, _m, answer in walk(entered, owned, everywhere)} == {403}


def test_pages_of_a_person_are_closed_to_visitors_and_others(owned: Owned) -> None:
    other = Client(REMOTE_ADDR=ADDRESS)
    other.force_login(make.make_user("stranger@example.com"))
    visitor, mine = Client(REMOTE_ADDR=ADDRESS), of_person(owned.user)
    for address in PAGES:
        path = owned.fill(address)
        if path is None or not names_something_of_a_person(address):
            continue
        for method in address.methods:
            place = (path, method)
            assert visitor.generic(method, path).status_code in {302, 403, 404, 405}, place
            answer = other.generic(method, path, b"", "application/x-www-form-urlencoded")
            assert answer.status_code in {302, 400, 403, 404, 405}, (*place, answer.status_code)
            assert CANARY not in told(answer), place
    assert of_person(owned.user) == mine


def told_status(answer: Any) -> int:
    told(answer)
    return int(answer.status_code)


def of_person(user: User) -> dict[str, list[str]]:
    """Every row that names this person, or belongs to something of theirs: here, all tables, by the rows' own text."""
    key = user.pk.hex, str(user.pk)
    return {table: [row for row in rows if any(each in row for each in key)] for table, rows in checksums().items()} | {
        "orders": [json.dumps(rows) for table, rows in checksums().items() if table == "trading_order"][:1]
    }


def _where_it_is_set_up(address: Address) -> bool:
    return address.view is not None and address.view.without_second_factor
