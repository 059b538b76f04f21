"""One request, however often it is sent (G06)."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from tests import factories as make
from trading.errors import OrderRefused, SameKeyOtherRequest
from trading.models import IdempotencyKey, Order
from trading.services.ordering import idempotency

pytestmark = pytest.mark.django_db
MADE = {"journal": 12}


def claim(user: User, key: str = "k", content: str = "10") -> dict[str, object] | None:
    return idempotency.claim_key(user, key, idempotency.fingerprint("deposit", content), MADE)


def test_the_first_goes_on_and_later_ones_get_what_it_made(user: User) -> None:
    assert [claim(user), claim(user), claim(user)] == [None, MADE, MADE]


def test_another_content_under_the_same_key_is_a_mistake_that_names_what_was_made(user: User) -> None:
    claim(user)
    with pytest.raises(SameKeyOtherRequest) as mistake:
        claim(user, content="11")
    assert (mistake.value.code, mistake.value.facts) == ("idempotency_mismatch", MADE)


def test_keys_belong_to_a_person(user: User) -> None:
    claim(user)
    assert claim(make.make_user()) is None


def test_the_same_words_for_another_act_are_another_request() -> None:
    assert idempotency.fingerprint("deposit", "1", None) != idempotency.fingerprint("withdrawal", "1", None)
    assert idempotency.fingerprint("deposit", "1", "2") != idempotency.fingerprint("deposit", "12")


def test_an_act_that_failed_leaves_its_key_free(user: User) -> None:
    @transaction.atomic
    def act() -> None:
        claim(user)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        act()
    assert claim(user) is None


@pytest.mark.parametrize("key", ["", "k" * 129, "k\x00", "k\n"])
def test_a_key_that_cannot_be_kept_is_refused(key: str) -> None:
    with pytest.raises(OrderRefused, match="bad_client_key"):
        idempotency.check_key(key)


def test_keys_are_kept_for_thirty_days(user: User) -> None:
    claim(user)
    assert idempotency.prune(timezone.now() + timedelta(days=30, seconds=-1)) == 0
    assert idempotency.prune(timezone.now() + timedelta(days=30, seconds=1)) == 1
    assert not IdempotencyKey.objects.exists()


def test_an_order_keeps_its_key_for_ever() -> None:
    """What a page left open for two months sends again is still the same order."""
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    account = make.make_account(make.make_user())
    order = make.place(account, instrument, client_key="k")
    idempotency.prune(timezone.now() + timedelta(days=60))
    assert make.place(account, instrument, client_key="k").pk == order.pk
    with pytest.raises(SameKeyOtherRequest):
        make.place(account, instrument, client_key="k", quantity=Decimal(2))
    assert Order.objects.count() == 1
    assert not IdempotencyKey.objects.exists()


def test_an_order_and_another_request_never_share_a_key(user: User) -> None:
    instrument = make.make_instrument()
    make.put_price(instrument, 70_000)
    account = make.make_account(user)
    claim(user, "k")
    with pytest.raises(SameKeyOtherRequest):
        make.place(account, instrument, client_key="k")
    assert not Order.objects.exists()
