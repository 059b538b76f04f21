"""Addresses of backtests."""

from django.urls import path

from backtests import views

app_name = "backtests"
urlpatterns = [
    path("backtests/", views.run_list, name="list"),
    path("backtests/new/", views.run_new, name="new"),
    path("backtests/new/parameters/", views.parameters, name="parameters"),
    path("backtests/new/stored/", views.stored, name="stored"),
    path("backtests/compare/", views.compare, name="compare"),
    path("backtests/uploads/", views.upload_list, name="uploads"),
    path("backtests/uploads/<uuid:upload_id>/", views.upload_detail, name="upload"),
    path("backtests/uploads/<uuid:upload_id>/delete/", views.upload_delete, name="upload_delete"),
    path("backtests/sweeps/", views.sweep_list, name="sweeps"),
    path("backtests/sweeps/new/", views.sweep_new, name="sweep_new"),
    path("backtests/sweeps/new/parameters/", views.sweep_parameters, name="sweep_parameters"),
    path("backtests/sweeps/<uuid:sweep_id>/", views.sweep_detail, name="sweep"),
    path("backtests/sweeps/<uuid:sweep_id>/cancel/", views.sweep_cancel, name="sweep_cancel"),
    path("backtests/sweeps/<uuid:sweep_id>/delete/", views.sweep_delete, name="sweep_delete"),
    path("backtests/<uuid:run_id>/", views.run_detail, name="run"),
    path("backtests/<uuid:run_id>/again/", views.run_again, name="again"),
    path("backtests/<uuid:run_id>/cancel/", views.run_cancel, name="cancel"),
    path("backtests/<uuid:run_id>/delete/", views.run_delete, name="delete"),
    path("backtests/<uuid:run_id>/scorecard/", views.run_scorecard, name="scorecard"),
    path("backtests/<uuid:run_id>/chart.json", views.chart, name="chart"),
    path("backtests/<uuid:run_id>/trades.csv", views.trades_csv, name="trades_csv"),
    path("backtests/<uuid:run_id>/fills.csv", views.fills_csv, name="fills_csv"),
    path("backtests/<uuid:run_id>/equity.csv", views.equity_csv, name="equity_csv"),
    path("backtests/<uuid:run_id>/result.json", views.result_json, name="result_json"),
    path("backtests/<uuid:run_id>/report.html", views.report_html, name="report"),
]
