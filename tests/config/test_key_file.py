"""ENCRYPTION_KEY_FILE: the key from a secret's mount, refused where others may read it (I44, reliability.md 3.14)."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from brokers.sealing import KeyRing
from config.environment import BadSetting, Environment, read_environment

NEW, OLD = secrets.token_urlsafe(48), secrets.token_urlsafe(48)
Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    for field in Environment.model_fields.values():
        for name in getattr(field.validation_alias, "choices", []):
            monkeypatch.delenv(str(name), raising=False)
    for name in ("SECRET_KEY", "JWT_SECRET"):
        monkeypatch.setenv(name, secrets.token_urlsafe(48))

    def written(text: str, mode: int = 0o400) -> Path:
        file = tmp_path / "encryption-key"
        file.write_text(text)
        file.chmod(mode)
        monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(file))
        return file

    return written


def test_the_first_line_seals_and_the_others_only_open(write: Write) -> None:
    """I36: two are loadable while keys are rotated."""
    write(f"{NEW}\n{OLD}\n")
    ring = KeyRing(read_environment().encryption_keys)
    assert ring.current == KeyRing([NEW]).current
    assert ring.open(KeyRing([OLD]).seal(b"secret", "row"), "row") == b"secret"


def test_spaces_and_line_ends_around_a_key_are_no_part_of_it(write: Write) -> None:
    write(f"  {NEW}\r\n\n")
    assert read_environment().encryption_keys == [NEW]


def test_former_keys_may_still_stand_in_their_own_setting(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(NEW)
    monkeypatch.setenv("ENCRYPTION_KEYS_BEFORE", OLD)
    assert read_environment().encryption_keys == [NEW, OLD]


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        (f"{NEW}\n", 0o404, "everybody may read"),
        (f"{NEW}\n", 0o644, "everybody may read"),
        ("", 0o400, "without a key"),
        (f"{NEW}\nshort\n", 0o400, "fewer than 32"),
        ("a" * 48, 0o400, "at least 32 random characters"),
    ],
    ids=["others may read", "everybody may read", "empty", "one too short", "one repeated letter"],
)
def test_a_file_that_cannot_be_used_stops_the_start_and_shows_nothing_of_it(
    write: Write, text: str, mode: int, said: str
) -> None:
    write(text, mode)
    with pytest.raises(BadSetting, match=said) as refusal:
        read_environment()
    assert "ENCRYPTION_KEY" in str(refusal.value)
    assert NEW not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_or_a_folder_stops_the_start(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(NEW)
    for path in (file.parent / "nowhere", file.parent):
        monkeypatch.setenv("ENCRYPTION_KEY_FILE", str(path))
        with pytest.raises(BadSetting, match=r"^ENCRYPTION_KEY_FILE: names (a file that cannot be read|no file)"):
            read_environment()


def test_a_key_beside_the_file_is_refused_rather_than_guessed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    write(NEW)
    monkeypatch.setenv("ENCRYPTION_KEY", OLD)
    with pytest.raises(BadSetting, match="keep one of the two"):
        read_environment()


def test_neither_key_nor_file_says_how_to_get_one(write: Write) -> None:
    os.environ.pop("ENCRYPTION_KEY_FILE", None)
    with pytest.raises(BadSetting, match=r"^ENCRYPTION_KEY is not set; `make run` writes a fresh one"):
        read_environment()
