"""What people type to get in: e-mail, passwords, codes. Every field says to the browser's password manager what it is."""

from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from accounts.errors import TooManyTries, WrongPassword
from accounts.lockout import address_block
from accounts.models import User
from accounts.services import Place, check_password, client_address, known_device, second_factor
from accounts.services.second_factor import WrongCode

WRONG = _("이메일 또는 비밀번호가 맞지 않습니다.")
WAIT = ngettext_lazy(
    "로그인 시도가 많았습니다. %(seconds)d초 뒤에 다시 시도하세요.",
    "로그인 시도가 많았습니다. %(seconds)d초 뒤에 다시 시도하세요.",
    "seconds",
)


WRONG_CODE = _("인증 코드가 맞지 않거나 이미 쓴 코드입니다.")
CODE_NEEDED = _("2단계 인증이 켜져 있습니다. 비밀번호와 인증 코드를 함께 입력하세요.")
PASSWORD_HELP = _("12자 이상. 긴 문장이 짧고 복잡한 것보다 안전합니다.")


def wait_error(refusal: TooManyTries) -> ValidationError:
    return ValidationError(WAIT, code=refusal.code, params={"seconds": refusal.seconds})


def email_field() -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": "username", "autofocus": True, "autocapitalize": "none"})
    return forms.EmailField(label=_("이메일"), max_length=254, widget=widget)


def password_field(label: Any, *, new: bool = False) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password" if new else "current-password"})
    return forms.CharField(label=label, strip=False, max_length=128 if new else 4096, widget=widget)


def code_field() -> forms.CharField:
    """Where a code of the authenticator app, or a recovery code, is typed."""
    widget = forms.TextInput(attrs={"autocomplete": "one-time-code", "autocapitalize": "none", "spellcheck": "false"})
    words = _("인증 앱의 6자리 숫자, 또는 복구 코드")
    return forms.CharField(label=_("인증 코드"), max_length=32, widget=widget, help_text=words)


class SignInForm(forms.Form):
    """E-mail and password. The answer is the same for an unknown e-mail, a wrong password and a deactivated person."""

    email = email_field()
    password = password_field(_("비밀번호"))

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request
        if "code" in self.data:
            self.fields["code"] = code_field()
        self.refusal: TooManyTries | None = None
        self._user: User | None = None

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if self.errors:
            return typed
        place = Place(address_block(client_address(self.request)), known_device(self.request, typed["email"]))
        try:
            user = check_password(self.request, typed["email"], typed["password"], place)
            self._check_code(user, typed.get("code", ""), place)
        except WrongPassword as e:
            raise ValidationError(WRONG, code=e.code) from None
        except WrongCode as e:
            raise ValidationError(WRONG_CODE, code=e.code) from None
        except TooManyTries as e:
            self.refusal = e
            raise wait_error(e) from None
        self._user = user
        return typed

    def _check_code(self, user: User, code: str, place: Place) -> None:
        """The second factor where it is on: the same door as the API's (security.md 6.3.4). Raises WrongCode, TooManyTries."""
        if not user.is_2fa_enabled:
            return
        if not code:
            self.fields["code"] = code_field()
            raise ValidationError(CODE_NEEDED, code="second_factor_needed")
        second_factor.check(user, code, place)

    def get_user(self) -> User:
        assert self._user is not None, "asked before the form was valid"  # noqa: S101
        return self._user


class SignUpForm(forms.Form):
    """E-mail and a password typed twice. Whether the e-mail is taken is not said here: its owner is told by mail."""

    email = email_field()
    password = password_field(_("비밀번호"), new=True)
    password_again = password_field(_("비밀번호 확인"), new=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = PASSWORD_HELP

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        return email.lower()

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        password, again = typed.get("password"), typed.get("password_again")
        if password and again and password != again:
            self.add_error(
                "password_again", ValidationError(_("두 비밀번호가 서로 다릅니다."), code="password_mismatch")
            )
        elif password:
            try:
                password_validation.validate_password(password, User(email=typed.get("email", "")))
            except ValidationError as e:
                self.add_error("password", e)
        return typed


class PasswordResetForm(forms.Form):
    email = email_field()


class NewPasswordForm(auth_forms.SetPasswordForm):  # type: ignore[type-arg]
    """A new password typed twice, at the end of a mailed link."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = PASSWORD_HELP
        self.fields["new_password2"].help_text = ""


class ChangePasswordForm(auth_forms.PasswordChangeForm):
    """The old password, and a new one typed twice."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["new_password1"].help_text = PASSWORD_HELP
        self.fields["new_password2"].help_text = ""
