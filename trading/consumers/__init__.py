"""The sockets of orders and plans, and the one that speaks as the PRD has it."""

from trading.consumers.event_stream import JOIN_SECONDS, EventStream
from trading.consumers.kis_socket import KisSocket

__all__ = ["JOIN_SECONDS", "EventStream", "KisSocket"]
