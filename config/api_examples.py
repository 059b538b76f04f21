"""What the API's description shows beside its rules: one real request of each kind, its answer, and where to go from there."""

from typing import Any

ORDER_ID = "0c8d7f6e-6a55-4d0e-9c3b-2f1a7f0b1c2d"
ACCOUNT_ID = "5b1f5c1e-2f6b-4d6c-8a52-7a2f0e9d4c11"
PLAN_ID = "9a1c3f7a-8a5e-4f0c-b4a1-1d2e3f405162"
TOKENS = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.…",
    "token_type": "Bearer",
    "expires_in": 1800,
    "refresh_token": "f2Zq…",
    "refresh_expires_at": "2026-11-28T09:00:00Z",
    "device_id": "3f0d0c1b-7f53-4a39-9d7e-0c2b1a4d5e6f",
}
ERROR = {
    "code": "insufficient_cash",
    "message": "주문 가능 금액이 부족합니다. 필요 710,107, 가능 500,000",
    "detail": {"needed": "710107", "available": "500000"},
    "request_id": "7d9f0e2c4b5a4f0f9e6d3c2b1a098877",
}
# By operation: what is sent.
BODIES: dict[str, dict[str, Any]] = {
    "post_auth_login": {"email": "jin@example.com", "password": "a long pass phrase", "device_name": "phone"},
    "post_auth_refresh": {"refresh_token": "f2Zq…"},
    "post_auth_register": {"email": "jin@example.com", "password": "a long pass phrase"},
    "post_auth_step_up": {"password": "a long pass phrase", "code": "123456"},
    "post_auth_password": {"old_password": "a long pass phrase", "new_password": "another pass phrase"},
    "patch_auth_me": {"language": "en", "time_zone": "Asia/Seoul"},
    "post_orders": {
        "broker_account": ACCOUNT_ID,
        "instrument": "KRX:005930",
        "side": "buy",
        "order_type": "limit",
        "quantity": "10",
        "limit_price": "71000",
        "time_in_force": "day",
    },
    "post_orders_estimate": {"instrument": "KRX:005930", "side": "buy", "order_type": "market", "quantity": "10"},
    "patch_orders_order_id": {"quantity": "5", "limit_price": "70500"},
    "post_orders_cancel_all": {"instrument": "KRX:005930"},
    "post_literal_orders": {"symbol": "005930", "side": "buy", "order_type": "limit", "quantity": 1, "price": 71000},
    "post_literal_stocks_order": {"stock_code": "005930", "order_type": "buy", "quantity": 1},
    "post_literal_swing_register": {
        "short_term": 5,
        "medium_term": 20,
        "long_term": 60,
        "rsi_threshold": 30,
        "adx_threshold": 25,
        "obv_threshold": 1000,
    },
    "post_literal_trading_leverage_symbol": {"leverage": 1},
    "post_literal_ai_strategy_generate": {"prompt": "RSI가 과매도에서 돌아서면 매수, 손절 5%"},
}
# By operation: what succeeds.
ANSWERS: dict[str, Any] = {
    "post_auth_login": {**TOKENS, "device_token": "eyJkZXZpY2UiOiI…"},
    "post_auth_refresh": TOKENS,
    "post_ws_ticket": {"ticket": "jv1cQ…", "expires_at": "2026-11-21T09:00:30Z"},
    "post_orders_estimate": {"price": "71000", "amount": "710000", "fee": "107", "tax": "0", "total": "710107"},
    "post_orders_cancel_all": {"withdrawn": 1, "asked": 2},
}
# From an answer on: (operation, its parameter, where the answer has it).
LINKS: dict[str, list[tuple[str, str, str]]] = {
    "post_orders": [
        ("get_orders_order_id", "order_id", "$response.body#/id"),
        ("patch_orders_order_id", "order_id", "$response.body#/id"),
        ("post_orders_order_id_cancel", "order_id", "$response.body#/id"),
        ("get_orders_order_id_fills", "order_id", "$response.body#/id"),
    ],
    "post_swing_plans": [
        ("get_swing_plans_plan_id", "plan_id", "$response.body#/id"),
        ("get_swing_plans_plan_id_evaluations", "plan_id", "$response.body#/id"),
        ("post_swing_plans_plan_id_stop", "plan_id", "$response.body#/id"),
    ],
    "post_backtests": [("get_backtests_run_id", "run_id", "$response.body#/id")],
    "post_broker_accounts": [("get_broker_accounts_account_id_balance", "account_id", "$response.body#/id")],
    "post_strategies": [("get_strategies_versions_version_id", "version_id", "$response.body#/id")],
}
NEXT_PAGE = "$response.body#/next_cursor"


def show(operations: dict[str, dict[str, Any]]) -> None:
    """Put examples and links into the operations, which come by their ids."""
    for name, operation in operations.items():
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if name in BODIES:
                content["example"] = BODIES[name]
        for status, answer in operation["responses"].items():
            content = answer.get("content", {}).get("application/json")
            if content and status.startswith(("4", "5")):
                content["example"] = ERROR if status == "422" else _refused(operation, status)
            elif status.startswith("2"):
                if content and name in ANSWERS:
                    content["example"] = ANSWERS[name]
                _link(name, operation, answer, operations)


def _refused(operation: dict[str, Any], status: str) -> dict[str, Any]:
    """An error of this status: the code that comes most often."""
    codes = {
        "400": "invalid_request", "401": "not_signed_in", "403": "not_permitted", "404": "not_found",
        "405": "method_not_allowed", "409": "order_not_open", "412": "changed_meanwhile", "413": "body_too_large",
        "415": "unsupported_media_type", "428": "if_match_missing", "429": "too_many_requests", "503": "unavailable",
    }  # fmt: skip
    said = operation["responses"][status].get("description", "")
    return {
        "code": codes.get(status, "internal_error"),
        "message": said,
        "detail": {},
        "request_id": ERROR["request_id"],
    }


def _link(name: str, operation: dict[str, Any], answer: dict[str, Any], known: dict[str, Any]) -> None:
    links = {
        to: {"operationId": to, "parameters": {parameter: place}}
        for to, parameter, place in LINKS.get(name, ())
        if to in known
    }
    if any(each["name"] == "cursor" for each in operation.get("parameters", ())):
        links["next_page"] = {"operationId": name, "parameters": {"cursor": NEXT_PAGE}}
    if links:
        answer["links"] = links
