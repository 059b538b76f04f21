"""Switching the second factor on and off (A09): begun after a proof, shown as a picture and as text, in force by a first code."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from accounts.drawn_codes import qr_code
from accounts.errors import TooManyTries
from accounts.forms import WRONG_CODE, SteppedUpForm, code_field, wait_error
from accounts.lockout import address_block
from accounts.services import Place, api_devices, client_address, known_device, sessions
from accounts.services import second_factor as factors
from accounts.services.second_factor import Enrolment, FactorRefused, WrongCode
from accounts.views.personal import PersonRequest, page, personal

HERE = "second_factor"
SENTENCES = {
    "second_factor_is_on": gettext_lazy("2단계 인증이 이미 켜져 있습니다."),
    "second_factor_is_off": gettext_lazy("2단계 인증이 꺼져 있습니다."),
    "second_factor_is_required": gettext_lazy("관리자는 2단계 인증을 끌 수 없습니다."),
    "second_factor_not_begun": gettext_lazy("먼저 2단계 인증 등록을 시작해 주세요."),
}


class ConfirmForm(SteppedUpForm):
    """The app's first code. The proof was given when its seed was shown."""

    app_code = code_field()

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        field = self.fields["app_code"]
        field.help_text = gettext_lazy("앱에 나타난 6자리 숫자")
        field.widget.attrs["inputmode"] = "numeric"


@require_http_methods(["GET", "POST"])
@personal
def second_factor(request: PersonRequest) -> HttpResponse:
    """Off: begin. Begun: the seed, to be read by an app, and a field for its first code. On: how many codes are left."""
    if request.user.is_2fa_enabled:
        context = {"codes_left": factors.codes_left(request.user)}
        return page(request, HERE, "second_factor", context, SteppedUpForm(request, request.user))
    if request.method == "GET":
        return _begun_or_not(request)
    if "app_code" in request.POST:
        return _confirm(request)
    form = SteppedUpForm(request, request.user, request.POST)
    if not form.is_valid():
        return page(request, HERE, "second_factor", None, form)
    factors.enrol(request.user)
    return redirect("accounts:second_factor")


@require_POST
@personal
def second_factor_off(request: PersonRequest) -> HttpResponse:
    form = SteppedUpForm(request, request.user, request.POST)
    if not form.is_valid():
        return page(request, HERE, "second_factor", {"codes_left": factors.codes_left(request.user)}, form)
    try:
        factors.switch_off(request.user)
    except FactorRefused as e:
        messages.error(request, SENTENCES[e.code])
    else:
        api_devices.end_devices(request.user, "second_factor_off", keep=sessions.device_id(request))
        messages.success(request, _("2단계 인증을 껐습니다. 다른 기기와 API 토큰은 로그아웃되었습니다."))
    return redirect("accounts:second_factor")


@require_POST
@personal
def recovery_codes(request: PersonRequest) -> HttpResponse:
    """Ten new ones, shown in this answer and never again."""
    form = SteppedUpForm(request, request.user, request.POST)
    if not form.is_valid():
        return page(request, HERE, "second_factor", {"codes_left": factors.codes_left(request.user)}, form)
    try:
        codes = factors.new_recovery_codes(request.user)
    except FactorRefused as e:
        messages.error(request, SENTENCES[e.code])
        return redirect("accounts:second_factor")
    return page(request, HERE, "recovery_codes", {"codes": codes})


def _begun_or_not(request: PersonRequest) -> HttpResponse:
    begun = factors.begun(request.user) if sessions.is_stepped_up(request, request.user) else None
    if begun is None:
        return page(request, HERE, "second_factor", None, SteppedUpForm(request, request.user))
    return _begun(request, begun, ConfirmForm(request, request.user))


def _begun(request: PersonRequest, begun: Enrolment, form: ConfirmForm) -> HttpResponse:
    drawn = {"qr": qr_code(begun.address), "secret": _in_fours(begun.secret)}
    return page(request, HERE, "second_factor_begun", drawn, form)


def _confirm(request: PersonRequest) -> HttpResponse:
    begun = factors.begun(request.user)
    if begun is None:
        messages.error(request, SENTENCES["second_factor_not_begun"])
        return redirect("accounts:second_factor")
    form = ConfirmForm(request, request.user, request.POST)
    codes = _codes_for(request, form) if form.is_valid() else None
    if codes is None:
        if sessions.is_stepped_up(request, request.user):
            return _begun(request, begun, form)
        return page(request, HERE, "second_factor_begun", None, form)  # nobody sees the seed without the proof
    request.session.cycle_key()
    sessions.renew(request)
    sessions.prove(request, second_factor=True)
    api_devices.end_devices(request.user, "second_factor_on", keep=sessions.device_id(request))
    return page(request, HERE, "recovery_codes", {"codes": codes, "is_new": True})


def _codes_for(request: PersonRequest, form: ConfirmForm) -> list[str] | None:
    """The recovery codes for the app's right code; None, with the reason on the form, for any other."""
    email = request.user.email
    place = Place(address_block(client_address(request)), known_device(request, email))
    try:
        return factors.confirm(request.user, form.cleaned_data["app_code"].strip(), place)
    except WrongCode:
        form.add_error("app_code", WRONG_CODE)
    except TooManyTries as e:
        form.refusal = e
        form.add_error("app_code", wait_error(e))
    except FactorRefused as e:
        form.add_error(None, SENTENCES[e.code])
    return None


def _in_fours(secret: str) -> str:
    return " ".join(secret[at : at + 4] for at in range(0, len(secret), 4))
