"""What stands before every call: the checks of headers and fields, in their order, and the OAuth calls."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import orjson

from tests.servers.kis import refusals
from tests.servers.kis.access import LIVE, PAPER, Key
from tests.servers.kis.books import account_number
from tests.servers.kis.refusals import Refused, bad_input
from tests.servers.kis.routes import OLD, Call, Route
from tests.servers.kis.sandbox import Sandbox


def admitted(sandbox: Sandbox, environment: str, route: Route, headers: Mapping[str, str], sent: str | bytes) -> Call:
    """The call, once every check has passed. `sent` is the query, or the body of a POST. Raises Refused.

    Order: content type, key, token, TR id, its environment, customer type, calls per second, fields, account.
    """
    if route.method == "POST" and "application/json" not in headers.get("content-type", ""):
        raise Refused(refusals.BAD_CONTENT_TYPE)
    key = sandbox.access.of(environment, headers.get("appkey"), headers.get("appsecret"))
    sandbox.access.require_token(key, headers.get("authorization"), sandbox.now())
    tr, is_old = _tr(sandbox, environment, route, headers.get("tr_id", ""))
    if headers.get("custtype") not in {"P", "B"}:
        raise Refused(refusals.BAD_CUSTTYPE)
    sandbox.access.count_call(key, sandbox.clock.wall())
    data = _fields(route, sent)
    if route.is_ledger and account_number(data) not in key.accounts:
        raise Refused(refusals.BAD_ACCOUNT)
    our_id = headers.get("x-order", "")
    return Call(sandbox, environment, tr, is_old, data, headers.get("tr_cont", "").strip(), our_id)


def _tr(sandbox: Sandbox, environment: str, route: Route, asked: str) -> tuple[str, bool]:
    """The real and new id, and whether the old one was said."""
    if not asked:
        raise Refused(refusals.NO_TR)
    real = asked
    if route.is_ledger and environment == PAPER and asked.startswith("V"):
        real = next((tr for tr in (*route.trs, *OLD) if tr[1:] == asked[1:]), asked)
    elif route.is_ledger and environment == LIVE and asked.startswith("V"):
        raise Refused(refusals.NOT_A_LIVE_TR)
    is_old = real in OLD and bool(sandbox.quirks["old_trs"])
    tr = OLD[real] if is_old else real
    if tr not in route.trs:
        raise Refused(refusals.UNKNOWN_TR)
    if environment == PAPER and (route.is_live_only or (route.is_ledger and real == asked)):
        raise Refused(refusals.NOT_A_PAPER_TR)
    return tr, is_old


def _fields(route: Route, sent: str | bytes) -> dict[str, str]:
    """All that are needed, as text. Quotes take their names in lower case too. Raises Refused."""
    if isinstance(sent, bytes):
        data = _json(sent)
        for name, value in data.items():
            if not isinstance(value, str):
                raise Refused(bad_input(name))
    else:
        data = dict(parse_qsl(sent, keep_blank_values=True))
        if not route.is_ledger:
            data = {name.upper(): value for name, value in data.items()}
    for name in route.fields:
        if name not in data:
            raise Refused(bad_input(name))
    return data


def _json(sent: bytes) -> dict[str, Any]:
    try:
        data = orjson.loads(sent)
    except ValueError:
        raise Refused(refusals.Saying("OPSQ9997", "ERROR : JSON PARSING", "1")) from None
    if not isinstance(data, dict):
        raise Refused(refusals.Saying("OPSQ9995", "ERROR : body not found", "1"))
    return data


def oauth(sandbox: Sandbox, environment: str, path: str, sent: bytes) -> dict[str, Any]:
    """`/oauth2/...`: errors have a shape of their own. Raises Refused."""
    data = _json(sent)
    secret = "secretkey" if path == "/oauth2/Approval" else "appsecret"
    key: Key = sandbox.access.of(environment, data.get("appkey"), data.get(secret))
    if path == "/oauth2/revokeP":
        sandbox.access.revoke_token(key, str(data.get("token")))
        return {"code": 200, "message": "접근토큰 폐기에 성공하였습니다"}
    if data.get("grant_type") != "client_credentials":
        raise Refused(refusals.BAD_GRANT)
    if path == "/oauth2/Approval":
        return {"approval_key": sandbox.access.issue_approval(key, sandbox.now())}
    return sandbox.access.issue_token(key, sandbox.now(), sandbox.clock.wall())
