"""Every address of the site, one line per app."""

from functools import partial

from django.contrib import admin
from django.urls import include, path
from django.views import defaults

from accounts.views import switch_language
from config import views

urlpatterns = [
    path("", include("accounts.urls")),  # before the admin: its sign-in leads to ours
    path("", include("markets.urls")),
    path("", include("trading.urls")),
    path("i18n/setlang/", switch_language, name="set_language"),
    path("admin/", admin.site.urls),
    # Probes' literal paths: no slash at the end, no redirect, no sign-in.
    path("health", views.live, name="health"),
    path("health/live", views.live, name="health-live"),
    path("health/db", views.database, name="health-database"),
    path("health/ready", views.ready, name="health-ready"),
]

handler403 = partial(defaults.permission_denied, template_name="errors/403.html")
handler404 = partial(defaults.page_not_found, template_name="errors/404.html")
handler500 = partial(defaults.server_error, template_name="errors/500.html")
