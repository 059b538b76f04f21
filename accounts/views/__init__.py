"""The pages of signing in and out, and of everything a person sets about themselves."""

from accounts.views.devices import device_end, devices, devices_end_others
from accounts.views.emails import email_change, email_confirm, email_undo
from accounts.views.news import notice_list, notice_settings, notices_seen
from accounts.views.profile import Settings, switch_language
from accounts.views.second_factor import recovery_codes, second_factor, second_factor_off
from accounts.views.sign_in import (
    PasswordChange,
    PasswordReset,
    PasswordResetConfirm,
    SignIn,
    SignOut,
    SignUp,
    admin_sign_in,
)
from accounts.views.step_up import confirm
from accounts.views.tokens import token_end, tokens

__all__ = [
    "PasswordChange",
    "PasswordReset",
    "PasswordResetConfirm",
    "Settings",
    "SignIn",
    "SignOut",
    "SignUp",
    "admin_sign_in",
    "confirm",
    "device_end",
    "devices",
    "devices_end_others",
    "email_change",
    "email_confirm",
    "email_undo",
    "notice_list",
    "notice_settings",
    "notices_seen",
    "recovery_codes",
    "second_factor",
    "second_factor_off",
    "switch_language",
    "token_end",
    "tokens",
]
