"""Hints that a backtest moved on: which one, never what."""

from uuid import UUID

from trading.events import publish

BACKTEST_CHANGED = "backtest.changed"


def publish_backtest_changed(shown_id: UUID, user_id: UUID, version: int) -> None:
    """`shown_id` is the run, sweep or upload that a page shows."""
    publish(BACKTEST_CHANGED, shown_id, user_id, version)
