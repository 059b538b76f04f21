"""Django's PostgreSQL, whose kept connections are looked at before each request, not asked.

A server that has gone, or has closed a connection, leaves its end readable: one look at the socket says so, without a trip to
the server. Only where there is something to read is it asked, as Django would ask it each time.
"""

import select

from django.db.backends.postgresql import base
from psycopg.pq import TransactionStatus


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether the connection can be used for one more request."""
        return self._is_silent() or bool(super().is_usable())

    def _is_silent(self) -> bool:
        if self.connection is None or self.connection.info.transaction_status != TransactionStatus.IDLE:
            return False  # closed, broken, or in the middle of something
        look = select.poll()
        look.register(self.connection.fileno(), select.POLLIN)
        return not look.poll(0)
