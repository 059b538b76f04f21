#!/usr/bin/env python
"""Kairos' command line: `python manage.py help`."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        from django.core.management import execute_from_command_line
    except ImportError as e:
        sys.exit(f"Kairos cannot start: the Python module {e.name!r} is missing. Run `make run`, which installs it.")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
