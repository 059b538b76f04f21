"""Who one is here, and in which language and time zone one reads."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.mixins import LoginRequiredMixin
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import reverse_lazy
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import UpdateView
from django.views.i18n import set_language

from accounts import forms
from accounts.models import User
from accounts.services import email_change
from accounts.views.personal import PAGES


@method_decorator(never_cache, name="dispatch")
class Settings(LoginRequiredMixin, UpdateView):  # type: ignore[type-arg]
    template_name = "accounts/settings.html"
    form_class = forms.SettingsForm
    success_url = reverse_lazy("accounts:settings")

    def get_object(self, queryset: Any = None) -> User:
        assert isinstance(self.request.user, User)  # noqa: S101 (LoginRequiredMixin)
        # A fresh copy: an invalid form must not change the name the page's head shows.
        return User.objects.get(pk=self.request.user.pk)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        waiting = email_change.waiting_change(self.object)
        return super().get_context_data(settings_pages=PAGES, here="settings", waiting=waiting, **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        response: HttpResponse = super().form_valid(form)
        with translation.override(form.instance.language):
            messages.success(self.request, _("설정을 저장했습니다."))
        _keep_language(response, form.instance.language)
        return response


@require_POST
def switch_language(request: HttpRequest) -> HttpResponseBase:
    """Django's language switch (a cookie), remembered on the person, too."""
    response: HttpResponseBase = set_language(request)
    language = request.POST.get("language", "")
    if isinstance(request.user, User) and language in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=language)
    return response


def _keep_language(response: HttpResponse, language: str) -> None:
    """After signing out, the pages stay in the language chosen."""
    response.set_cookie(settings.LANGUAGE_COOKIE_NAME, language, samesite="Lax", secure=settings.SESSION_COOKIE_SECURE)
