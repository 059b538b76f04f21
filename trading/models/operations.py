"""Who may write to the wire now, and which process showed signs of life when."""

from django.db import models


class Lease(models.Model):
    """The right to be the only one. `fence` only grows: whoever holds an older one has lost the right without noticing."""

    name = models.CharField(max_length=32, primary_key=True)
    holder = models.CharField(max_length=64)
    fence = models.BigIntegerField(default=0)
    until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.fence}"


class Pulse(models.Model):
    """The last sign of life of one process: worker, beat, dispatch. The feeds have their own (`markets.PriceFeed`).

    "audit" says when the audit was last walked.
    """

    name = models.CharField(max_length=32, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.name} {self.at}"
