"""`manage.py check_messages`: every Korean sentence has its English one, and the compiled catalogue holds them."""

import gettext
import os
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from config.environment import BASE_DIR

LANGUAGE = "en"
TOOLS = ("xgettext", "msgmerge", "msgattrib", "msgfmt", "msguniq")
LEFT_OUT = shutil.ignore_patterns(".*", "var", "docs", "staticfiles", "__pycache__", "*.sqlite3*")


class Command(BaseCommand):
    help = "Fail on a missing, fuzzy or uncompiled English entry. Nothing is changed: the work is done on a copy."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--root", type=Path, default=BASE_DIR, help="the project's folder")

    def handle(self, *_args: Any, root: Path, **_options: Any) -> None:
        if missing := [tool for tool in TOOLS if shutil.which(tool) is None]:
            raise CommandError(f"{missing[0]} is missing; install gettext (Debian: apt-get install gettext)")
        with tempfile.TemporaryDirectory(prefix="kairos-messages-") as folder:
            copy = Path(folder) / "kairos"
            shutil.copytree(root, copy, ignore=LEFT_OUT)
            catalogue = copy / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
            collect(copy)
            faults = [
                *(f"no English: {entry}" for entry in entries(catalogue, "--untranslated")),
                *(f"fuzzy: {entry}" for entry in entries(catalogue, "--only-fuzzy")),
            ]
            if not faults and compiled(catalogue) != written(catalogue, Path(folder) / "fresh.mo"):
                faults.append("django.mo is not made from django.po")
        if faults:
            raise CommandError("\n".join([*faults, f"{len(faults)} faults; `make messages` collects and compiles"]))
        self.stdout.write("Every sentence has its English one.")


def collect(copy: Path) -> None:
    """Run makemessages in `copy`, so that what the code says now stands in its catalogue."""
    command = [sys.executable, "manage.py", "makemessages", "-l", LANGUAGE, "--no-obsolete", "--no-wrap"]
    result = subprocess.run(  # noqa: S603 our own command
        [*command, "--ignore", "tests/*"], cwd=copy, capture_output=True, text=True, check=False, env=os.environ
    )
    if result.returncode:
        raise CommandError(f"makemessages failed:\n{result.stderr.strip()}")


def entries(catalogue: Path, kind: str) -> list[str]:
    """The msgid lines of one kind of entry, without the header's empty one."""
    command = ["msgattrib", kind, "--no-obsolete", "--no-wrap", str(catalogue)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout  # noqa: S603
    return [line for line in found.splitlines() if line.startswith("msgid ") and line != 'msgid ""']


def compiled(catalogue: Path) -> dict[Any, str]:
    return _read(catalogue.with_suffix(".mo")) if catalogue.with_suffix(".mo").is_file() else {}


def written(catalogue: Path, target: Path) -> dict[Any, str]:
    subprocess.run(["msgfmt", "-o", str(target), str(catalogue)], check=True)  # noqa: S603, S607
    return _read(target)


def _read(path: Path) -> dict[Any, str]:
    with path.open("rb") as file:
        catalogue: dict[Any, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    return {key: text for key, text in catalogue.items() if key != ""}  # the header holds dates
