"""Sealed secrets open for their own row under their own key, and for nothing else (I35, I36)."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import totp
from accounts.models import SecondFactor, User
from accounts.services import second_factor
from brokers.kis.services.token_rows import SharedTokens
from brokers.kis.tokens import Token as KisToken
from brokers.kis.tokens import TokenKind
from brokers.models import BrokerAccount, Credential, Token
from brokers.protocol import Environment
from brokers.sealing import KeyRing, Sealed, Unopenable
from brokers.services import secrets
from brokers.services.rotation import rotate
from tests.factories import NOW, make_user

OLD, NEW = "old wrapping secret of forty characters", "new wrapping secret of forty characters"
SECRET = {"app_key": "canary-key", "app_secret": "canary-secret"}


def credential(user: User | None = None, number: int = 1) -> Credential:
    account = BrokerAccount.objects.create(
        user=user or make_user(), name=f"account {number}", broker="kis", environment=Environment.PAPER
    )
    row = Credential(account=account, fingerprint=f"{number:064}", key_hint="0001", account_hint="****3456-01")
    secrets.seal(row, SECRET)
    row.save(force_insert=True)
    return row


def flipped(data: bytes) -> Iterator[bytes]:
    """The same with one bit of one byte turned, for every byte."""
    for place in range(len(data)):
        yield data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def test_what_is_sealed_opens_for_its_owner_alone() -> None:
    ring = KeyRing([NEW])
    sealed = ring.seal(b"secret", "cred|v1|a")
    assert ring.open(sealed, "cred|v1|a") == b"secret"
    with pytest.raises(Unopenable):
        ring.open(sealed, "cred|v1|b")


def test_no_key_but_its_own_opens_it() -> None:
    sealed = KeyRing([OLD]).seal(b"secret", "a")
    with pytest.raises(Unopenable):
        KeyRing([NEW]).open(sealed, "a")
    with pytest.raises(Unopenable):
        KeyRing([NEW]).open(Sealed(KeyRing([NEW]).current, sealed.wrapped_key, sealed.ciphertext), "a")
    assert KeyRing([NEW, OLD]).open(sealed, "a") == b"secret"


def test_a_turned_bit_anywhere_is_noticed() -> None:
    ring = KeyRing([NEW])
    sealed = ring.seal(b"secret", "a")
    spoilt = [Sealed(sealed.kek_id, wrapped, sealed.ciphertext) for wrapped in flipped(sealed.wrapped_key)]
    spoilt += [Sealed(sealed.kek_id, sealed.wrapped_key, text) for text in flipped(sealed.ciphertext)]
    spoilt += [Sealed(sealed.kek_id, b"", sealed.ciphertext), Sealed(sealed.kek_id, sealed.wrapped_key, b"")]
    for each in spoilt:
        with pytest.raises(Unopenable):
            ring.open(each, "a")


def test_sealing_twice_never_looks_the_same() -> None:
    """Every seal has a data key and two nonces of its own (ASVS 11.3.4)."""
    ring = KeyRing([NEW])
    seals = [ring.seal(b"secret", "a") for _ in range(2000)]
    assert len({seal.ciphertext[1:13] for seal in seals} | {seal.wrapped_key[:12] for seal in seals}) == 4000


def test_neither_a_ring_nor_a_seal_shows_what_it_holds() -> None:
    ring = KeyRing([OLD])
    shown = repr(ring) + repr(ring.seal(b"secret", "a"))
    assert "secret" not in shown.replace("Sealed", "")
    assert OLD not in shown


@pytest.mark.django_db
def test_a_row_opens_and_a_copy_of_its_seal_in_another_row_does_not() -> None:
    """I35: not in another person's row, and not in another row of the same person."""
    user = make_user()
    mine, other = credential(user, 1), credential(user, 2)
    assert secrets.reveal(Credential.objects.get(pk=mine.pk)) == SECRET
    for name in secrets.SEALED_FIELDS:
        setattr(other, name, getattr(mine, name))
    with pytest.raises(Unopenable):
        secrets.reveal(other)


@pytest.mark.django_db
def test_a_row_given_to_another_person_does_not_open() -> None:
    row = credential()
    BrokerAccount.objects.filter(pk=row.account_id).update(user=make_user())
    with pytest.raises(Unopenable):
        secrets.reveal(Credential.objects.select_related("account").get(pk=row.pk))


@pytest.mark.django_db
def test_the_database_holds_nothing_in_clear() -> None:
    row = credential()
    kept = bytes(row.ciphertext) + bytes(row.wrapped_key)
    assert not any(value.encode() in kept for value in SECRET.values())


@pytest.mark.django_db
def test_rotation_leaves_nothing_under_the_key_before(settings: Any) -> None:
    """I36: online, resumable, complete; and the key before may go."""
    settings.ENCRYPTION_KEYS = [OLD]
    rows = [credential(number=number) for number in range(20)]
    keep_token(rows[0])
    person = make_user()
    enrolment = second_factor.enrol(person)
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert rotate().rewrapped == 22
    assert rotate().rewrapped == 0
    settings.ENCRYPTION_KEYS = [NEW]
    assert all(secrets.reveal(row) == SECRET for row in Credential.objects.select_related("account"))
    assert secrets.reveal(Token.objects.get()) == {"value": "token-one"}
    assert totp.secret_text(bytes.fromhex(secrets.reveal(SecondFactor.objects.get())["seed"])) == enrolment.secret


@pytest.mark.django_db
def test_rotation_that_stopped_halfway_goes_on_where_it_was(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    rows = [credential(number=number) for number in range(4)]
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    first = rows[0]
    secrets.put(first, secrets.key_ring().rewrap(secrets.sealed_of(first), first.owner))
    first.save()
    assert rotate().rewrapped == 3
    assert {row.kek_id for row in Credential.objects.all()} == {secrets.key_ring().current}


@pytest.mark.django_db
def test_a_key_replaced_meanwhile_is_not_put_back(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    row = credential()
    settings.ENCRYPTION_KEYS = [NEW, OLD]

    class Replacing(KeyRing):
        """Another process seals the row anew between our reading it and our writing it."""

        def rewrap(self, sealed: Sealed, owner: str) -> Sealed:
            fresh = super().rewrap(sealed, owner)
            replaced = Credential.objects.select_related("account").get(pk=row.pk)
            secrets.seal(replaced, {"app_key": "replaced"})
            replaced.save()
            return fresh

    done = rotate(Replacing([NEW, OLD]))
    assert (done.rewrapped, done.moved) == (0, 1)
    assert secrets.reveal(Credential.objects.select_related("account").get()) == {"app_key": "replaced"}


@pytest.mark.django_db
def test_the_command_names_what_no_key_opens(settings: Any) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    credential()
    settings.ENCRYPTION_KEYS = [NEW]
    said = StringIO()
    with pytest.raises(CommandError, match="ENCRYPTION_KEYS_BEFORE"):
        call_command("rotate_keys", stdout=said)
    assert said.getvalue() == "rotate_keys: rewrapped=0 left=1 unreadable=1\n"


def keep_token(row: Credential) -> None:
    store = SharedTokens(row)
    with store.issuing(TokenKind.ACCESS):
        store.keep(TokenKind.ACCESS, KisToken("token-one", NOW))
