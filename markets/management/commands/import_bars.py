"""`manage.py import_bars FILE --instrument KRX:005930 --interval 1d`: a CSV file's bars become an instrument's history."""

from argparse import ArgumentParser
from pathlib import Path
from time import monotonic
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import get_language

from markets.bar_problems import BarFileInvalid
from markets.models import Instrument
from markets.services import import_bars
from markets.types import Interval


class Command(BaseCommand):
    help = "Import bars (date,open,high,low,close,volume) from a CSV file: all rows, or none and every bad row named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--instrument", required=True, help="such as KRX:005930")
        parser.add_argument("--interval", required=True, choices=[interval.value for interval in Interval])

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            instrument = Instrument.objects.by_key(options["instrument"])
        except Instrument.DoesNotExist:
            raise CommandError(
                f"There is no instrument {options['instrument']}; `manage.py seed_demo` knows some."
            ) from None
        started = monotonic()
        try:
            with options["file"].open("rb") as stream:
                done = import_bars(stream, instrument, Interval(options["interval"]))
        except OSError as e:
            raise CommandError(f"{options['file']} cannot be read: {e.strerror}.") from None
        except BarFileInvalid as e:
            raise CommandError(_report(e, get_language() or "ko")) from None
        seconds = monotonic() - started
        self.stdout.write(
            f"{done.rows} bars of {instrument.key} {options['interval']} imported in {seconds:.1f} s "
            f"({done.replaced} replaced); tolerated: {done.tolerated or 'nothing'}"
        )


def _report(invalid: BarFileInvalid, language: str) -> str:
    hidden = invalid.total - len(invalid.problems)
    lines = [problem.sentence(language) for problem in invalid.problems]
    if hidden:
        lines.append(f"… (+{hidden})")
    nothing = "아무것도 저장하지 않았습니다." if language.startswith("ko") else "Nothing was imported."
    return "\n".join([*lines, nothing])
