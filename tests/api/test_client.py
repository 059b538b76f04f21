"""The Python client says what the API does: its operations are the API's, and signing in works with every kind of proof."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from accounts import access_tokens
from accounts.models import User
from tests import factories as make
from tests.api.client_file import CLIENT, FILE, wanted

sys.path.insert(0, str(CLIENT))
from kairos_client import Kairos, KairosError, NotReached, code_now

PASSWORD = "pass phrase for tests"


@pytest.fixture
def person(transactional_db: None) -> User:
    return make.make_user("jin@example.com")


@pytest.fixture
def kairos(person: User, live_server: Any) -> Iterator[Kairos]:
    with Kairos.sign_in(live_server.url, person.email, PASSWORD) as kairos:
        yield kairos


def test_the_client_has_the_operations_of_the_api() -> None:
    """`make client` writes it anew."""
    assert FILE.read_text(encoding="utf-8") == wanted()


def test_a_refusal_has_its_code(kairos: Kairos) -> None:
    with pytest.raises(KairosError) as refused:
        kairos.api.get_orders_order_id("00000000-0000-0000-0000-000000000000")
    assert (refused.value.status, refused.value.code) == (404, "not_found")
    assert refused.value.request_id


def test_what_is_edited_is_edited_as_it_was_read(kairos: Kairos) -> None:
    kairos.api.get_auth_me()
    read = kairos.etag
    assert kairos.api.patch_auth_me({"name": "진"}, if_match=read)["name"] == "진"
    with pytest.raises(KairosError, match="changed_meanwhile"):
        kairos.api.patch_auth_me({"name": "other"}, if_match=read)


def test_an_expired_token_is_renewed_by_itself(kairos: Kairos, person: User, settings: Any) -> None:
    access = access_tokens.read(settings.JWT_SECRET, kairos._access)
    old = access_tokens.issue(settings.JWT_SECRET, access, access.device_id, timezone.now() - 2 * access_tokens.LIFE)
    kairos._access = old
    assert kairos.api.get_auth_me()["email"] == person.email
    assert kairos._access != old


def test_the_second_factor_and_the_step_up_are_shown(kairos: Kairos, person: User, live_server: Any) -> None:
    """I38, I39."""
    begun = kairos.api.post_auth_second_factor()
    codes = kairos.api.post_auth_second_factor_confirm({"code": code_now(begun["secret"])})["recovery_codes"]
    with pytest.raises(KairosError, match="second_factor_needed"):
        Kairos.sign_in(live_server.url, person.email, PASSWORD)
    with Kairos.sign_in(live_server.url, person.email, PASSWORD, code=lambda: codes[0]) as again:
        again.step_up(PASSWORD, codes[1])
        assert again.api.get_auth_me()["is_2fa_enabled"]
        with pytest.raises(KairosError, match="wrong_code"):
            again.step_up(PASSWORD, codes[1])


def test_codes_are_those_of_the_rfc() -> None:
    """RFC 6238, appendix B, SHA-1, the last six digits."""
    seed = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [code_now(seed, at) for at in (59, 1_111_111_109, 2_000_000_000)] == ["287082", "081804", "279037"]


def test_no_answer_is_not_a_refusal() -> None:
    with pytest.raises(NotReached):
        Kairos("http://127.0.0.1:1").api.get_auth_me()
