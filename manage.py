#!/usr/bin/env python
"""Kairos' command line: `python manage.py help`."""

import os
import sys
from pathlib import Path


def main() -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - said in a sentence to whoever starts it with an older one
        sys.exit(f"Kairos cannot start: it needs Python 3.11 or newer, and this is {sys.version.split()[0]}.")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line

        execute_from_command_line(sys.argv)
    except ModuleNotFoundError as e:
        name = (e.name or "").partition(".")[0]
        if (Path(__file__).parent / name).is_dir():
            raise  # one of our own: a fault in the program, to be seen in full
        sys.exit(f"Kairos cannot start: the Python module {e.name!r} is missing; `make run` installs it.")


if __name__ == "__main__":
    main()
