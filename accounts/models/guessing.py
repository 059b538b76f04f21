"""The counters that make guessing expensive."""

from django.db import models

from accounts.lockout import Count


class Throttle(models.Model):
    """Wrong tries in a row against one account, from one place, or of one form. `lockout.py` says what they cost."""

    key = models.CharField(max_length=64, primary_key=True)  # a keyed hash: the table tells nobody who was tried
    failures = models.PositiveIntegerField()
    last_at = models.DateTimeField(db_index=True)
    blocked_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.key[:8]} ×{self.failures}"

    def as_count(self) -> Count:
        return Count(self.failures, self.last_at, self.blocked_until)

    def take(self, count: Count) -> None:
        self.failures, self.last_at, self.blocked_until = count.failures, count.last_at, count.blocked_until
