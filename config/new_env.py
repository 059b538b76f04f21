"""Writes .env from .env.example with fresh secrets. Run by path, before any package is installed:

python -I config/new_env.py [FILE]
"""

import os
import secrets
import sys
from pathlib import Path

SECRETS = ("SECRET_KEY", "JWT_SECRET", "ENCRYPTION_KEY")
ROOT = Path(__file__).resolve().parent.parent


def with_fresh_secrets(example: str) -> str:
    """`example` with a random value behind each empty secret. Raises ValueError where one is missing."""
    for name in SECRETS:
        empty = f"\n{name}=\n"
        if empty not in example:
            raise ValueError(f".env.example has no empty line {name}=")
        example = example.replace(empty, f"\n{name}={secrets.token_urlsafe(48)}\n")
    return example


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / ".env"
    text = with_fresh_secrets((ROOT / ".env.example").read_text(encoding="utf-8"))
    try:
        # Never over an existing file: its secrets open what is in the database.
        number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        sys.exit(f"{target} exists already; nothing was changed")
    except OSError as e:
        sys.exit(f"{target} cannot be written ({e.strerror})")
    with os.fdopen(number, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
