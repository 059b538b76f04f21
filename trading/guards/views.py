"""The views through which an outsider holds our rows against the truth (reliability.md §5), the same on both databases.

Ids are text as people write UUIDs, times are text in ISO 8601 and UTC with six decimals, amounts are exact: `numeric` on
PostgreSQL, text on SQLite. A ledger account is written `<broker account>:<bucket>`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from trading.guards import Guard


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one database writes what the other writes differently. Each takes a column and gives an expression."""

    prefix: str = ""  # before every table's name

    def uuid(self, column: str) -> str:
        """SQLite keeps 32 hex digits."""
        parts = (f"substr({column}, {start}, {length})" for start, length in _UUID_PARTS)
        return " || '-' || ".join(parts)

    def exact(self, column: str) -> str:
        """Without the column's own collation, which only our connections know."""
        return f"{column} || ''"

    def time(self, column: str) -> str:
        """SQLite leaves out a fraction of zero."""
        return f"substr(replace({column}, ' ', 'T') || iif(instr({column}, '.'), '', '.000000'), 1, 26) || 'Z'"


@dataclass(frozen=True, slots=True)
class Postgresql(Dialect):
    def uuid(self, column: str) -> str:
        return f"{column}::text"

    def exact(self, column: str) -> str:
        return f"trim_scale({column})"

    def time(self, column: str) -> str:
        return f"""to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


_UUID_PARTS = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))


def on_postgresql(schema: str) -> Iterator[Guard]:
    return _views(Postgresql(f"{schema}."))


def on_sqlite() -> Iterator[Guard]:
    return _views(Dialect())


def _views(say: Dialect) -> Iterator[Guard]:
    for name, columns, tables in (_orders(say), _fills(say), _postings(say), _balances(say), *_plans(say), _halts(say)):
        listed = ", ".join(f"{expression} AS {column}" for column, expression in columns.items())
        (first, letter), *others = tables.items()
        joined = "".join(f" JOIN {say.prefix}{table} {on}" for table, on in others)
        body = f"SELECT {listed} FROM {say.prefix}{first} {letter}{joined}"  # noqa: S608 our own names
        yield Guard("view", name, f"CREATE VIEW {say.prefix}{name} AS {body}", tuple(tables))


# A view's name, its columns with what they show, and its tables: the first with its letter, the others with their join.
View = tuple[str, dict[str, str], dict[str, str]]


def _orders(say: Dialect) -> View:
    columns = {
        "id": say.uuid("o.id"),
        "user_id": say.uuid("o.user_id"),
        "broker_account": say.uuid("o.broker_account_id"),
        "environment": "a.environment",
        "instrument": "i.venue || ':' || i.symbol",
        "side": "o.side",
        "quantity": say.exact("o.quantity"),
        "price": say.exact("o.limit_price"),
        "client_id": "o.client_id",
        "broker_key": "o.broker_order_key",
        "state": "o.state",
        "filled": say.exact("o.filled_quantity"),
        "sent_at": say.time("o.sent_at"),
        "plan": say.uuid("o.plan_id"),
        "cycle": "o.cycle",
        "step": "o.step",
    }
    tables = {
        "trading_order": "o",
        "brokers_brokeraccount": "a ON a.id = o.broker_account_id",
        "markets_instrument": "i ON i.id = o.instrument_id",
    }
    return "v_orders", columns, tables


def _fills(say: Dialect) -> View:
    columns = {
        "id": "f.id",
        "order_id": say.uuid("f.order_id"),
        "quantity": say.exact("f.quantity"),
        "price": say.exact("f.price"),
        "fee": say.exact("f.fee"),
        "at": say.time("f.at"),
    }
    return "v_fills", columns, {"trading_fill": "f"}


def _postings(say: Dialect) -> View:
    columns = {
        "journal": "p.journal_id",
        "account": f"{say.uuid('j.broker_account_id')} || ':' || p.bucket",
        "asset": "p.asset",
        "amount": say.exact("p.amount"),
    }
    return "v_postings", columns, {"trading_posting": "p", "trading_journal": "j ON j.id = p.journal_id"}


def _balances(say: Dialect) -> View:
    columns = {
        "account": f"{say.uuid('b.broker_account_id')} || ':' || b.bucket",
        "asset": "b.asset",
        "amount": say.exact("b.amount"),
    }
    return "v_balances", columns, {"trading_balance": "b"}


def _plans(say: Dialect) -> tuple[View, View]:
    steps = {
        "plan": say.uuid("s.plan_id"),
        "cycle": "s.cycle",
        "from_signal": "s.from_signal",
        "to_signal": "s.to_signal",
        "at": say.time("s.at"),
    }
    decisions = {
        "plan": say.uuid("e.plan_id"),
        "bar_closed_at": say.time("e.bar_closed_at"),
        "outcome": "e.outcome",
    }
    return ("v_signal", steps, {"trading_signalstep": "s"}), ("v_decisions", decisions, {"trading_planevaluation": "e"})


def _halts(say: Dialect) -> View:
    """Every latch, the open ones too: `active` says that a scope was stopped once and is not now."""
    columns = {
        "scope": "CASE WHEN h.target = '' THEN h.scope ELSE h.scope || ':' || h.target END",
        "mode": "h.mode",
        "reason": "h.reason",
        "at": say.time("h.at"),
    }
    return "v_halts", columns, {"trading_halt": "h"}
