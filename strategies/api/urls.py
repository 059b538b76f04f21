"""`/api/v1/strategies/…`."""

from django.urls import path

from strategies.api import documents

urlpatterns = [
    path("strategies/", documents.Strategies.as_view()),
    path("strategies/library/", documents.Library.as_view()),
    path("strategies/import/", documents.Import.as_view()),
    path("strategies/sentences/", documents.Sentences.as_view()),
    path("strategies/versions/<uuid:version_id>/", documents.OneVersion.as_view()),
    path("strategies/versions/<uuid:version_id>/kis-yaml/", documents.KisYaml.as_view()),
    path("strategies/<uuid:strategy_id>/", documents.OneStrategy.as_view()),
    path("strategies/<uuid:strategy_id>/restore/", documents.Restoring.as_view()),
    path("strategies/<uuid:strategy_id>/versions/", documents.Versions.as_view()),
]
