"""Blunders made on purpose: a check that does not find their harm is blind."""

import os
from enum import StrEnum

from django.db import connection

from tests.servers.plain import MUTANT_NAME, READS_500_AS_REFUSAL
from trading.services.ordering import sending


class Mutant(StrEnum):
    NONE = ""
    LANE = "lane"  # nothing keeps a second order off a lane in doubt
    REFUSAL = "refusal"  # HTTP 500 is taken for "not placed"


def spoil_database(mutant: Mutant) -> None:
    if mutant is Mutant.LANE:
        with connection.cursor() as cursor:
            cursor.execute("DROP INDEX order_lane")


def spoil_process(mutant: Mutant) -> None:
    """This process and its children."""
    if mutant is Mutant.LANE:
        sending.UNRESOLVED = []  # no state shuts a lane any more
    if mutant is Mutant.REFUSAL:
        os.environ[MUTANT_NAME] = READS_500_AS_REFUSAL
