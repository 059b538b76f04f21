"""Every address of the site, one line per app."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import switch_language
from config import api_pages, views

urlpatterns = [
    path("", include("config.api_urls")),
    path("", include("accounts.urls")),  # before the admin: its sign-in leads to ours
    path("", include("markets.urls")),
    path("", include("trading.urls")),
    path("", include("backtests.urls")),
    path("i18n/setlang/", switch_language, name="set_language"),
    path("help/", views.help_page, name="help"),
    path("operations/", views.operations, name="operations"),
    path("admin/", admin.site.urls),
    # Probes' literal paths: no slash at the end, no redirect, no sign-in.
    path("health", views.live, name="health"),
    path("health/live", views.live, name="health-live"),
    path("health/db", views.database, name="health-database"),
    path("health/ready", views.ready, name="health-ready"),
]

handler400, handler403 = api_pages.handler400, api_pages.handler403
handler404, handler500 = api_pages.handler404, api_pages.handler500
