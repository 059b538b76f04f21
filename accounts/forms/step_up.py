"""Proof, a moment before something that matters, of who sits there (I39): the password, and a code where there is one."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.errors import TooManyTries, WrongPassword
from accounts.forms.sign_in import WRONG_CODE, code_field, wait_error
from accounts.lockout import address_block
from accounts.models import User
from accounts.services import Place, check_password, client_address, known_device, second_factor, sessions
from accounts.services.second_factor import WrongCode


class StepUpForm(forms.Form):
    """The signed-in person's password once more, and a code where the second factor is on (I39).

    Wrong guesses cost what they cost at the sign-in.
    """

    password = forms.CharField(
        label=_("비밀번호"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("본인이 맞는지 다시 확인합니다."),
    )

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request, self.user = request, user
        self.refusal: TooManyTries | None = None
        if user.is_2fa_enabled:
            self.fields["code"] = code_field()

    def clean_password(self) -> str:
        typed: str = self.cleaned_data["password"]
        try:
            check_password(self.request, self.user.email, typed, self._place)
        except WrongPassword as e:
            raise ValidationError(_("비밀번호가 맞지 않습니다."), code=e.code) from None
        except TooManyTries as e:
            self.refusal = e
            raise wait_error(e) from None
        return typed

    def clean_code(self) -> str:
        """Taken only with the right password, and only once: what is used up here opens nothing else."""
        typed: str = self.cleaned_data["code"]
        if "password" not in self.cleaned_data:
            return typed
        try:
            second_factor.check(self.user, typed, self._place)
        except WrongCode as e:
            raise ValidationError(WRONG_CODE, code=e.code) from None
        except TooManyTries as e:
            self.refusal = e
            raise wait_error(e) from None
        return typed

    @property
    def _place(self) -> Place:
        return Place(address_block(client_address(self.request)), known_device(self.request, self.user.email))


class SteppedUpForm(StepUpForm):
    """Asks for the proof only where the last one is older than ten minutes, and then after everything else.

    So whatever was typed is still there when the proof was wrong, or had grown old while typing.
    """

    def __init__(self, request: HttpRequest, user: User, *args: Any, **kwargs: Any) -> None:
        super().__init__(request, user, *args, **kwargs)
        proof = [name for name in ("password", "code") if name in self.fields]
        if sessions.is_stepped_up(request, user):
            for name in proof:
                del self.fields[name]
        else:
            self.order_fields([*(name for name in self.fields if name not in proof), *proof])

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if "password" in self.fields and not self.errors:
            sessions.prove(self.request, second_factor="code" in self.fields)
        return typed
