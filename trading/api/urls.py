"""`/api/v1/broker-accounts/…`, `/orders/…`, `/swing-plans/…`, `/portfolio/…`, `/halts/…`, `/notifications/…`, `/deposits/`."""

from django.urls import path

from trading.api import accounts, defaults, history, orders, plans, portfolio, safety

ACCOUNT = "broker-accounts/<uuid:account_id>/"
ORDER = "orders/<uuid:order_id>/"
PLAN = "swing-plans/<uuid:plan_id>/"

urlpatterns = [
    path("broker-accounts/", accounts.Accounts.as_view()),
    path("broker-accounts/register/", accounts.Register.as_view()),
    path(ACCOUNT, accounts.OneAccount.as_view()),
    path(f"{ACCOUNT}key/", accounts.AccountKey.as_view()),
    path(f"{ACCOUNT}verify/", accounts.Verify.as_view()),
    path(f"{ACCOUNT}balance/", accounts.Balance.as_view()),
    path(f"{ACCOUNT}positions/", accounts.Positions.as_view()),
    path(f"{ACCOUNT}deposit/", accounts.Deposit.as_view()),
    path(f"{ACCOUNT}withdraw/", accounts.Withdraw.as_view()),
    path(f"{ACCOUNT}reset/", accounts.Reset.as_view()),
    path(f"{ACCOUNT}limits/", safety.Limits.as_view()),
    path(f"{ACCOUNT}limits/<slug:name>/", safety.OneLimit.as_view()),
    path(f"{ACCOUNT}halt/", safety.AccountHalt.as_view()),
    path("deposits/", accounts.Deposits.as_view()),
    path("orders/", orders.Orders.as_view()),
    path("orders/estimate/", orders.Estimate.as_view()),
    path("orders/cancel-all/", orders.CancelAll.as_view()),
    path("orders/fills/", orders.Fills.as_view()),
    path(ORDER, orders.OneOrder.as_view()),
    path(f"{ORDER}cancel/", orders.CancelOrder.as_view()),
    path(f"{ORDER}fills/", orders.OrderFills.as_view()),
    path("swing-plans/", plans.Plans.as_view()),
    path("swing-plans/defaults/", defaults.Defaults.as_view()),
    path("swing-plans/configs/", plans.Configs.as_view()),
    path(PLAN, plans.OnePlan.as_view()),
    path(f"{PLAN}evaluations/", plans.Evaluations.as_view()),
    path(f"{PLAN}evaluate-now/", plans.EvaluateNow.as_view()),
    path(f"{PLAN}fills/", plans.PlanFills.as_view()),
    path(f"{PLAN}pause/", plans.Pause.as_view()),
    path(f"{PLAN}resume/", plans.Resume.as_view()),
    path(f"{PLAN}stop/", plans.Stop.as_view()),
    path("portfolio/summary/", portfolio.Summary.as_view()),
    path("portfolio/history/", history.History.as_view()),
    path("portfolio/statistics/", portfolio.Statistics.as_view()),
    path("portfolio/trades/", portfolio.Trades.as_view()),
    path("portfolio/trades.csv", portfolio.TradesCsv.as_view()),
    path("halts/", safety.Halts.as_view()),
    path("halts/release/", safety.Release.as_view()),
    path("notifications/", safety.Notifications.as_view()),
    path("notifications/<int:alert_id>/seen/", safety.Seen.as_view()),
]
