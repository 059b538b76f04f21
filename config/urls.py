"""Every address of the site, one line per app."""

from django.contrib import admin
from django.urls import include, path

from accounts.views import switch_language

urlpatterns = [
    path("", include("accounts.urls")),  # before the admin: its sign-in leads to ours
    path("i18n/setlang/", switch_language, name="set_language"),
    path("admin/", admin.site.urls),
]
