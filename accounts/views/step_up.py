"""Proving once more who one is (I39), before a page that has no form of its own for it, such as a file to take away."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from accounts.forms import SteppedUpForm
from accounts.views.personal import PersonRequest, page, personal


@require_http_methods(["GET", "POST"])
@personal
def confirm(request: PersonRequest) -> HttpResponse:
    """Back to where the person came from: what they wanted is one press away again, for ten minutes."""
    after = request.POST.get("next", "") or request.GET.get("next", "")
    # A path: redirect() takes any other word for a view's name.
    is_ours = after.startswith("/") and url_has_allowed_host_and_scheme(
        after, {request.get_host()}, request.is_secure()
    )
    form = SteppedUpForm(request, request.user, request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        messages.success(request, _("확인했습니다. 10분 동안 다시 묻지 않습니다."))
        return redirect(after if is_ours else "accounts:settings")
    return page(request, "", "confirm", {"next": after if is_ours else ""}, form)
