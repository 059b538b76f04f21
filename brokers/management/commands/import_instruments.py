"""`manage.py import_instruments kospi_code.mst.zip kosdaq_code.mst`: Korea Investment's master files become instruments."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from brokers.kis.master import MOST_BYTES, MasterFile, NoMasterFile, read_master
from markets.services.listings import keep_krx
from markets.types import Source


class Command(BaseCommand):
    help = "Import listed shares and funds from KIS's master files (.mst, also zipped): all of a file, or nothing."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path)
        parser.add_argument(
            "--source",
            choices=[Source.KIS.value, Source.HISTORY.value],
            default=Source.KIS.value,
            help="who supplies the prices of new instruments: KIS's stream, or nobody but imports",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        read = [(path, _read(path)) for path in options["files"]]
        with transaction.atomic():
            for path, master in read:
                done = keep_krx(master.listed, Source(options["source"]))
                skipped = ", ".join(f"{group} {count}" for group, count in sorted(master.skipped.items()))
                self.stdout.write(
                    f"{path.name}: {master.market.name} added={done.added} changed={done.changed} same={done.same}"
                    f" skipped={skipped or 'none'}"
                )


def _read(path: Path) -> MasterFile:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CommandError(f"{path} is far too large for a master file")
        return read_master(path.read_bytes())
    except OSError as e:
        raise CommandError(f"{path} cannot be read: {e.strerror}") from None
    except NoMasterFile as e:
        raise CommandError(f"{path}: {e}. Nothing was imported.") from None
