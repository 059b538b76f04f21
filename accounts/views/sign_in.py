"""The pages of signing in and out, and of passwords."""

import logging
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect
from django.urls import reverse, reverse_lazy
from django.utils import translation
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET
from django.views.generic import FormView
from kombu.exceptions import OperationalError

from accounts import forms, lockout, services, tasks
from accounts.errors import TooManyTries
from accounts.models import User
from accounts.services import api_devices, notices, sessions
from accounts.services.audit import record
from accounts.user_agents import device_name

logger = logging.getLogger(__name__)


class SignIn(auth_views.LoginView):
    """Django's view keeps `next` on this site and starts a new session; the form keeps guessing expensive."""

    template_name = "accounts/sign_in.html"
    authentication_form = forms.SignInForm  # type: ignore[assignment]
    redirect_authenticated_user = True

    def form_valid(self, form: Any) -> HttpResponseRedirect:
        user, was_known = form.get_user(), bool(services.known_device(self.request, form.get_user().email))
        response: HttpResponseRedirect = super().form_valid(form)  # type: ignore[assignment]
        sessions.prove(self.request, second_factor=user.is_2fa_enabled)  # the form has asked for it
        name, address = device_name(self.request.headers.get("User-Agent", "")), services.client_address(self.request)
        services.tell_of_new_device(user, was_known, name, address)
        services.remember_device(self.request, response, user.email)
        return response

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        if form.refusal:
            response.status_code = 429
            response["Retry-After"] = str(form.refusal.seconds)
        return response


class SignOut(auth_views.LogoutView):
    """By POST alone. The browser is asked to forget what it kept of our pages."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if isinstance(request.user, User):
            _keep(request, request.user, "sign_out")
        response = super().post(request, *args, **kwargs)
        response["Clear-Site-Data"] = '"cache", "storage"'
        return response


@require_GET
def admin_sign_in(request: HttpRequest) -> HttpResponse:
    """The admin has no door of its own (security.md 6.3.4): who is not signed in goes through ours."""
    if request.user.is_authenticated and not request.user.is_staff:
        raise PermissionDenied
    after = request.GET.get("next", reverse("admin:index"))
    return redirect(f"{reverse('accounts:sign_in')}?{urlencode({'next': after})}")


@method_decorator([sensitive_post_parameters(), never_cache], name="dispatch")
class SignUp(FormView):  # type: ignore[type-arg]
    """Where registration is open (C07). The page's answer never says whether the e-mail was taken."""

    template_name = "accounts/sign_up.html"
    form_class = forms.SignUpForm
    success_url = reverse_lazy("accounts:sign_in")

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.REGISTRATION_OPEN:
            raise PermissionDenied
        return super().dispatch(request, *args, **kwargs)

    def form_valid(self, form: forms.SignUpForm) -> HttpResponse:
        email, block = form.cleaned_data["email"], lockout.address_block(services.client_address(self.request))
        try:
            services.spend({f"sign-up {block}": lockout.SIGN_UPS_PER_PLACE})
        except TooManyTries as e:
            return _refused(self, form, e)
        is_new = services.sign_up(email, form.cleaned_data["password"], language=translation.get_language()[:2])
        try:
            tasks.send_sign_up_notice.delay(email, _site(self.request), is_new)
        except OperationalError:
            logger.exception("the sign-up notice could not be queued")  # the sign-up itself stands
        messages.success(self.request, _("가입 신청을 받았습니다. 이제 로그인하세요. 안내 메일도 보냈습니다."))
        return super().form_valid(form)


@method_decorator(never_cache, name="dispatch")
class PasswordReset(FormView):  # type: ignore[type-arg]
    """Asks for an e-mail; the worker looks whether it belongs to somebody, so that neither text nor time tells."""

    template_name = "accounts/password_reset.html"
    form_class = forms.PasswordResetForm
    success_url = reverse_lazy("accounts:password_reset_sent")

    def form_valid(self, form: forms.PasswordResetForm) -> HttpResponse:
        email, block = form.cleaned_data["email"].lower(), lockout.address_block(services.client_address(self.request))
        budgets = {f"reset {block}": lockout.RESETS_PER_PLACE, f"reset {email}": lockout.RESETS_PER_ACCOUNT}
        try:
            services.spend(budgets)
            tasks.send_password_reset.delay(email, _site(self.request))
        except TooManyTries as e:
            return _refused(self, form, e)
        except OperationalError:
            logger.exception("a password reset could not be queued")
            form.add_error(None, _("지금은 메일을 보낼 수 없습니다. 잠시 뒤에 다시 시도하세요."))
            return self.render_to_response(self.get_context_data(form=form), status=503)
        return super().form_valid(form)


class PasswordResetConfirm(auth_views.PasswordResetConfirmView):
    """The mailed link: once, for 20 minutes. Django moves its token out of the address before the page shows."""

    template_name = "accounts/password_reset_confirm.html"
    form_class = forms.NewPasswordForm
    success_url = reverse_lazy("accounts:sign_in")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("비밀번호를 바꾸었습니다. 새 비밀번호로 로그인하세요."))
        with transaction.atomic():
            response = super().form_valid(form)
            _keep(self.request, form.user, "password_reset")
            notices.tell_security(form.user, "password_changed")
        return response


class PasswordChange(auth_views.PasswordChangeView):
    """Ends every other session of this person; this one goes on under a new key."""

    template_name = "accounts/password_change.html"
    form_class = forms.ChangePasswordForm
    success_url = reverse_lazy("accounts:settings")

    def form_valid(self, form: Any) -> HttpResponse:
        messages.success(self.request, _("비밀번호를 바꾸었습니다. 다른 기기에서는 로그아웃됩니다."))
        with transaction.atomic():
            response = super().form_valid(form)
            _keep(self.request, form.user, "password_changed")
            notices.tell_security(form.user, "password_changed")
            sessions.renew(self.request)
            api_devices.end_devices(form.user, api_devices.PASSWORD_CHANGED, keep=sessions.device_id(self.request))
        return response


def _keep(request: HttpRequest, user: User, action: str) -> None:
    """A person's own act in the audit."""
    record(user, action, f"user:{user.pk}", address=services.client_address(request))


def _refused(view: Any, form: Any, refusal: TooManyTries) -> HttpResponse:
    form.add_error(None, forms.wait_error(refusal))
    headers = {"Retry-After": str(refusal.seconds)}
    page: HttpResponse = view.render_to_response(view.get_context_data(form=form), status=429, headers=headers)
    return page


def _site(request: HttpRequest) -> str:
    return f"{request.scheme}://{request.get_host()}"
