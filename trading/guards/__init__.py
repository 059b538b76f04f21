"""What the database itself refuses, and the views through which outsiders check it, as plain SQL for both databases.

`trading.services.running.guards` puts it there. On PostgreSQL every name is written with its schema, so that nobody's temporary
table can stand in for ours.
"""

import hashlib
from dataclasses import dataclass
from typing import Literal

Kind = Literal["function", "trigger", "view"]


@dataclass(frozen=True, slots=True)
class Guard:
    """One function, trigger or view: what it is called, the tables it needs, and the statement that makes it.

    `on` is the table a trigger belongs to; empty for the others.
    """

    kind: Kind
    name: str
    sql: str
    needs: tuple[str, ...] = ()
    on: str = ""

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()[:32]
