"""The envelope of every KIS answer, and its pages. What is not whole is void: a part of a list proves nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brokers.wire.messages import Reply
from brokers.wire.values import Garbled, json_object, rows, text

MORE = frozenset({"F", "M"})
LAST = frozenset({"D", "E"})
SAYS_MORE = "KIOK0500"
NOTHING_FOUND = "70070000"  # the practice server's word for an empty list; it is an error in form only


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list of the ledger. `filter_key` and `next_key` go back as they came where there is more."""

    body: Mapping[str, Any]
    has_more: bool
    filter_key: str = ""
    next_key: str = ""


def told(reply: Reply) -> Mapping[str, Any]:
    """The body of an answer that says of itself that it is one. Raises Garbled."""
    body = json_object(reply.body)
    if reply.status != 200 or body.get("rt_cd") != "0":
        raise Garbled(f"HTTP {reply.status}: {field(body, 'msg_cd')[:10]!r}")
    return body


def page(reply: Reply, rows_at: str, page_size: int) -> Page:
    """One page. Raises Garbled where the end is not told beyond doubt."""
    if is_nothing_found(reply):
        return Page({rows_at: []}, has_more=False)
    body = told(reply)
    mark = reply.headers.get("tr_cont", "").strip()
    says_more = field(body, "msg_cd") == SAYS_MORE
    if mark in MORE:
        if not field(body, "ctx_area_nk100"):
            raise Garbled("more pages, and no word where they begin")
        return Page(body, True, text(body.get("ctx_area_fk100", "")), text(body["ctx_area_nk100"]))
    is_short = len(rows(body.get(rows_at))) < page_size
    if says_more or not (mark in LAST or (not mark and is_short)):
        raise Garbled("no word whether this page is the last")
    return Page(body, has_more=False)


def is_nothing_found(reply: Reply) -> bool:
    try:
        body = json_object(reply.body)
    except Garbled:
        return False
    return reply.status == 200 and body.get("rt_cd") == "1" and field(body, "msg_cd") == NOTHING_FOUND


def field(row: Mapping[str, Any], *names: str) -> str:
    """The first of `names` that is there, without the spaces the ledger pads with; "" where none is. Raises Garbled."""
    for name in names:
        if row.get(name) is not None:
            return text(row[name]).strip()
    return ""
