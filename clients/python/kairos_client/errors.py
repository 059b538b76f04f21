"""What went wrong, by its code."""

from typing import Any


class KairosError(Exception):
    """The server refused. `code` is stable; `message` is for people; `request_id` names the request in the server's log."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, Any], request_id: str) -> None:
        super().__init__(f"{code} ({status}): {message} [{request_id}]")
        self.status, self.code, self.message, self.detail, self.request_id = status, code, message, detail, request_id


class NotReached(Exception):
    """No answer came: whether the request was done is not known. Send it again with the same key, or ask."""
