"""The pages of trading, one module per subject."""

from trading.views.account_files import account_fills_csv, account_orders_csv, account_statement_csv
from trading.views.account_keys import account_key, account_key_check, account_key_remove, kis_register
from trading.views.accounts import account_deposit, account_detail, account_list, account_reset, account_withdraw
from trading.views.alerts import alert_acknowledge, alert_list
from trading.views.builder import (
    strategy_build,
    strategy_build_chart,
    strategy_build_preview,
    strategy_chart,
    strategy_rebuild,
)
from trading.views.charts import chart_indicators, chart_marks
from trading.views.fills import fill_list
from trading.views.limits import limit_change, limits
from trading.views.mine import instrument_mine
from trading.views.orders import order_cancel, order_cancel_all, order_change, order_detail, order_list
from trading.views.overview import landing, market_speed, overview
from trading.views.plan_forms import plan_edit, plan_new, plan_preview
from trading.views.plan_marks import plan_marks
from trading.views.plans import plan_detail, plan_evaluate, plan_list, plan_pause, plan_resume, plan_stop
from trading.views.portfolio import portfolio, portfolio_csv
from trading.views.reconciliation import (
    difference_adopt,
    difference_ignore,
    difference_page,
    order_settle,
    reconciliation,
)
from trading.views.safety import halt_banner, safety_halt, safety_halt_instrument, safety_page, safety_release
from trading.views.strategies import (
    strategy_detail,
    strategy_export,
    strategy_library,
    strategy_library_export,
    strategy_list,
)
from trading.views.strategy_care import strategy_archive, strategy_rename, strategy_restore
from trading.views.strategy_forms import strategy_edit, strategy_import, strategy_new, strategy_preview
from trading.views.tickets import order_estimate, order_new, order_place

__all__ = [
    "account_deposit",
    "account_detail",
    "account_fills_csv",
    "account_key",
    "account_key_check",
    "account_key_remove",
    "account_list",
    "account_orders_csv",
    "account_reset",
    "account_statement_csv",
    "account_withdraw",
    "alert_acknowledge",
    "alert_list",
    "chart_indicators",
    "chart_marks",
    "difference_adopt",
    "difference_ignore",
    "difference_page",
    "fill_list",
    "halt_banner",
    "instrument_mine",
    "kis_register",
    "landing",
    "limit_change",
    "limits",
    "market_speed",
    "order_cancel",
    "order_cancel_all",
    "order_change",
    "order_detail",
    "order_estimate",
    "order_list",
    "order_new",
    "order_place",
    "order_settle",
    "overview",
    "plan_detail",
    "plan_edit",
    "plan_evaluate",
    "plan_list",
    "plan_marks",
    "plan_new",
    "plan_pause",
    "plan_preview",
    "plan_resume",
    "plan_stop",
    "portfolio",
    "portfolio_csv",
    "reconciliation",
    "safety_halt",
    "safety_halt_instrument",
    "safety_page",
    "safety_release",
    "strategy_archive",
    "strategy_build",
    "strategy_build_chart",
    "strategy_build_preview",
    "strategy_chart",
    "strategy_detail",
    "strategy_edit",
    "strategy_export",
    "strategy_import",
    "strategy_library",
    "strategy_library_export",
    "strategy_list",
    "strategy_new",
    "strategy_preview",
    "strategy_rebuild",
    "strategy_rename",
    "strategy_restore",
]
