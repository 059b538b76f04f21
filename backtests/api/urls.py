"""`/api/v1/backtests/…`."""

from django.urls import path

from backtests.api import runs, sweeps, uploads

urlpatterns = [
    path("backtests/", runs.Backtests.as_view()),
    path("backtests/sweeps/", sweeps.Sweeps.as_view()),
    path("backtests/sweeps/<uuid:sweep_id>/", sweeps.OneSweep.as_view()),
    path("backtests/sweeps/<uuid:sweep_id>/cancel/", sweeps.CancelSweep.as_view()),
    path("backtests/uploads/", uploads.Uploads.as_view()),
    path("backtests/uploads/<uuid:upload_id>/", uploads.OneUpload.as_view()),
    path("backtests/<uuid:run_id>/", runs.OneBacktest.as_view()),
    path("backtests/<uuid:run_id>/cancel/", runs.Cancel.as_view()),
    path("backtests/<uuid:run_id>/scorecard/", runs.MakeScorecard.as_view()),
]
