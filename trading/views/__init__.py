"""The pages of trading, one module per subject."""

from trading.views.accounts import account_deposit, account_detail, account_list
from trading.views.orders import order_cancel, order_detail, order_estimate, order_list, order_new, order_place
from trading.views.overview import landing, market_speed, overview
from trading.views.plans import (
    plan_detail,
    plan_evaluate,
    plan_list,
    plan_new,
    plan_pause,
    plan_preview,
    plan_resume,
)

__all__ = [
    "account_deposit",
    "account_detail",
    "account_list",
    "landing",
    "market_speed",
    "order_cancel",
    "order_detail",
    "order_estimate",
    "order_list",
    "order_new",
    "order_place",
    "overview",
    "plan_detail",
    "plan_evaluate",
    "plan_list",
    "plan_new",
    "plan_pause",
    "plan_preview",
    "plan_resume",
]
