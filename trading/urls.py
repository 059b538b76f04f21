"""The addresses of trading's pages."""

from django.urls import path

from trading import views

app_name = "trading"
urlpatterns = [
    path("", views.landing, name="landing"),
    path("dashboard/", views.overview, name="overview"),
    path("plans/", views.plan_list, name="plan_list"),
    path("plans/new/", views.plan_new, name="plan_new"),
    path("plans/preview/", views.plan_preview, name="plan_preview"),
    path("plans/<uuid:plan_id>/", views.plan_detail, name="plan"),
    path("plans/<uuid:plan_id>/edit/", views.plan_edit, name="plan_edit"),
    path("plans/<uuid:plan_id>/stop/", views.plan_stop, name="plan_stop"),
    path("plans/<uuid:plan_id>/evaluate/", views.plan_evaluate, name="plan_evaluate"),
    path("plans/<uuid:plan_id>/pause/", views.plan_pause, name="plan_pause"),
    path("plans/<uuid:plan_id>/resume/", views.plan_resume, name="plan_resume"),
    path("orders/", views.order_list, name="order_list"),
    path("orders/new/", views.order_new, name="order_new"),
    path("orders/place/", views.order_place, name="order_place"),
    path("orders/estimate/", views.order_estimate, name="order_estimate"),
    path("orders/cancel/", views.order_cancel_all, name="order_cancel_all"),
    path("orders/<uuid:order_id>/", views.order_detail, name="order"),
    path("orders/<uuid:order_id>/cancel/", views.order_cancel, name="order_cancel"),
    path("orders/<uuid:order_id>/change/", views.order_change, name="order_change"),
    path("accounts/", views.account_list, name="account_list"),
    path("accounts/<uuid:account_id>/", views.account_detail, name="account"),
    path("accounts/<uuid:account_id>/deposit/", views.account_deposit, name="account_deposit"),
    path("accounts/<uuid:account_id>/withdraw/", views.account_withdraw, name="account_withdraw"),
    path("accounts/<uuid:account_id>/reset/", views.account_reset, name="account_reset"),
    path("accounts/<uuid:account_id>/statement.csv", views.account_statement_csv, name="account_statement_csv"),
    path("accounts/<uuid:account_id>/orders.csv", views.account_orders_csv, name="account_orders_csv"),
    path("accounts/<uuid:account_id>/fills.csv", views.account_fills_csv, name="account_fills_csv"),
    path("accounts/<uuid:account_id>/limits/", views.limits, name="limits"),
    path("accounts/<uuid:account_id>/limits/<slug:name>/", views.limit_change, name="limit_change"),
    path("accounts/<uuid:account_id>/reconciliation/", views.reconciliation, name="reconciliation"),
    path(
        "accounts/<uuid:account_id>/reconciliation/differences/<int:difference_id>/adopt/",
        views.difference_adopt,
        name="difference_adopt",
    ),
    path(
        "accounts/<uuid:account_id>/reconciliation/differences/<int:difference_id>/ignore/",
        views.difference_ignore,
        name="difference_ignore",
    ),
    path(
        "accounts/<uuid:account_id>/reconciliation/orders/<uuid:order_id>/settle/",
        views.order_settle,
        name="order_settle",
    ),
    path("differences/<int:difference_id>/", views.difference_page, name="difference"),
    path("safety/", views.safety_page, name="safety"),
    path("safety/banner/", views.halt_banner, name="halt_banner"),
    path("safety/halt/", views.safety_halt, name="safety_halt"),
    path("safety/halt/instrument/", views.safety_halt_instrument, name="safety_halt_instrument"),
    path("safety/release/<str:scope>/", views.safety_release, name="safety_release"),
    path("safety/release/<str:scope>/<str:target>/", views.safety_release, name="safety_release"),
    path("safety/alerts/", views.alert_list, name="alert_list"),
    path("safety/alerts/<int:alert_id>/seen/", views.alert_acknowledge, name="alert_acknowledge"),
    path("market/speed/", views.market_speed, name="market_speed"),
]
