"""Everything under /sign-in/, and the admin's door, which leads there."""

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
    path("admin/login/", views.admin_sign_in),
    path("admin/logout/", views.SignOut.as_view()),
]
