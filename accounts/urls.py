"""Everything under /sign-in/, what people are told, and the admin's door, which leads to ours."""

from django.urls import path
from django.views.generic import TemplateView

from accounts import views

app_name = "accounts"
urlpatterns = [
    path("sign-in/", views.SignIn.as_view(), name="sign_in"),
    path("sign-in/new/", views.SignUp.as_view(), name="sign_up"),
    path("sign-in/out/", views.SignOut.as_view(), name="sign_out"),
    path("sign-in/password/", views.PasswordChange.as_view(), name="password_change"),
    path("sign-in/password/reset/", views.PasswordReset.as_view(), name="password_reset"),
    path(
        "sign-in/password/reset/sent/",
        TemplateView.as_view(template_name="accounts/password_reset_sent.html"),
        name="password_reset_sent",
    ),
    path(
        "sign-in/password/reset/<uidb64>/<token>/",
        views.PasswordResetConfirm.as_view(),
        name="password_reset_confirm",
    ),
    path("sign-in/settings/", views.Settings.as_view(), name="settings"),
    path("sign-in/confirm/", views.confirm, name="confirm"),
    path("sign-in/settings/email/", views.email_change, name="email_change"),
    path("sign-in/email/confirm/<str:link>/", views.email_confirm, name="email_confirm"),
    path("sign-in/email/undo/<str:link>/", views.email_undo, name="email_undo"),
    path("sign-in/settings/second-factor/", views.second_factor, name="second_factor"),
    path("sign-in/settings/second-factor/off/", views.second_factor_off, name="second_factor_off"),
    path("sign-in/settings/second-factor/codes/", views.recovery_codes, name="recovery_codes"),
    path("sign-in/settings/devices/", views.devices, name="devices"),
    path("sign-in/settings/devices/others/", views.devices_end_others, name="devices_end_others"),
    path("sign-in/settings/devices/<uuid:device_id>/", views.device_end, name="device_end"),
    path("sign-in/settings/tokens/", views.tokens, name="tokens"),
    path("sign-in/settings/tokens/<uuid:token_id>/", views.token_end, name="token_end"),
    path("sign-in/settings/notifications/", views.notice_settings, name="notice_settings"),
    path("notices/", views.notice_list, name="notices"),
    path("notices/seen/", views.notices_seen, name="notices_seen"),
    path("admin/login/", views.admin_sign_in),
    path("admin/logout/", views.SignOut.as_view()),
]
