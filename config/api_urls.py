"""Every address of the API: one line per app, the aliases beside them, and the API's description of itself."""

from django.urls import include, path, re_path

from config import api_pages

urlpatterns = [
    path("api/v1/", include("trading.api.urls")),  # first, for its orders are asked most: they are looked up in turn
    path("api/v1/", include("accounts.api.urls")),
    path("api/v1/", include("markets.api.urls")),
    path("api/v1/", include("strategies.api.urls")),
    path("api/v1/", include("backtests.api.urls")),
    path("api/v1/", include("config.api_system")),
    path("", include("config.compat")),
    path("api/schema/", api_pages.schema, name="api-schema"),
    path("api/streams/", api_pages.streams, name="api-streams"),
    path("api/strategies/schema/", api_pages.strategy_schema, name="api-strategy-schema"),
    path("api/docs", api_pages.swagger, name="api-docs"),
    path("docs", api_pages.swagger),
    path("redoc", api_pages.redoc, name="api-redoc"),
    re_path(r"^api/", api_pages.no_such_address),
]
