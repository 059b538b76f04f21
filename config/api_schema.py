"""The API's own description, OpenAPI 3.1: made from the declarations that the views enforce, and finished here."""

import inspect
import re
from typing import Any

from drf_spectacular.openapi import AutoSchema

from accounts.api.view import ApiView
from config.api_examples import show

TAGS = {
    "auth": "Signing in, devices, the second factor.",
    "broker-accounts": "Accounts, their money, holdings, limits and stops.",
    "deposits": "Play money put into virtual accounts.",
    "instruments": "What can be traded, and its prices.",
    "watchlists": "The instruments a person watches.",
    "orders": "Placing, changing, canceling and following orders.",
    "swing-plans": "Plans that trade by rule, and why they did or did not.",
    "strategies": "Rule documents and their versions.",
    "backtests": "Strategies on past prices.",
    "portfolio": "What it all adds up to.",
    "notifications": "What a person has to see.",
    "notices": "News about the person's own orders, plans and sign-in.",
    "halts": "Stopping, and letting orders out again.",
    "system": "How the running system is, for admins.",
    "aliases": "The same under the literal paths and keys of the systems Kairos grew out of.",
}


class KairosSchema(AutoSchema):
    """Names operations by their address, so that a client's method names stay the same."""

    def get_tags(self) -> list[str]:
        view_tag: str | None = getattr(self.view, "tag", None)
        first = self.path.removeprefix("/api/v1/").partition("/")[0]
        return [view_tag or (first if first in TAGS and self.path.startswith("/api/v1/") else "aliases")]

    def get_operation_id(self) -> str:
        words = [word.strip("{}") for word in self.path.removeprefix("/api/v1/").replace("-", "_").split("/") if word]
        ours = self.path.startswith("/api/v1/") and getattr(self.view, "tag", "") != "aliases"
        return re.sub(r"\W", "_", "_".join([self.method.lower(), *([] if ours else ["literal"]), *words]))

    def get_description(self) -> str:  # type: ignore[override]  # the stubs mean another class's
        """The view's own words: what all views share is said once, in docs/api.md."""
        text: str = super().get_description()
        return "" if text == inspect.getdoc(ApiView) else text

    def get_filter_backends(self) -> list[Any]:
        return []


def finish(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Tags with their meaning, and what every answer carries."""
    used = {tag for path in result["paths"].values() for each in path.values() for tag in each["tags"]}
    result["tags"] = [{"name": name, "description": text} for name, text in TAGS.items() if name in used]
    operations = {each["operationId"]: each for path in result["paths"].values() for each in path.values()}
    for each in operations.values():
        for status, answer in each["responses"].items():
            answer["headers"] = {**HEADERS, **ON_STATUS.get(status, {}), **answer.get("headers", {})}
    show(operations)
    return result


def _header(text: str, kind: str = "string") -> dict[str, Any]:
    return {"description": text, "schema": {"type": kind}}


HEADERS = {
    "X-Request-ID": _header("Names this request in the log; sent by you, it is kept."),
    "RateLimit-Limit": _header("Requests a minute.", "integer"),
    "RateLimit-Remaining": _header("How many of them are left.", "integer"),
    "RateLimit-Reset": _header("Seconds until all are there again.", "integer"),
}
ON_STATUS = {"429": {"Retry-After": _header("Seconds to wait.", "integer")}}
