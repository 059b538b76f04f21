"""What people type about themselves, in order of use: getting in, proving it again, settings."""

from accounts.forms.settings import EmailForm, NoticesForm, SettingsForm, TokenForm
from accounts.forms.sign_in import (
    WRONG_CODE,
    ChangePasswordForm,
    NewPasswordForm,
    PasswordResetForm,
    SignInForm,
    SignUpForm,
    code_field,
    wait_error,
)
from accounts.forms.step_up import SteppedUpForm, StepUpForm

__all__ = [
    "WRONG_CODE",
    "ChangePasswordForm",
    "EmailForm",
    "NewPasswordForm",
    "NoticesForm",
    "PasswordResetForm",
    "SettingsForm",
    "SignInForm",
    "SignUpForm",
    "StepUpForm",
    "SteppedUpForm",
    "TokenForm",
    "code_field",
    "wait_error",
]
