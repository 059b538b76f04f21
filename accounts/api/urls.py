"""`/api/v1/auth/…`. No slash at the end: these addresses are the sources' own (A01–A04)."""

from django.urls import path

from accounts.api import emails, factors, news, people, sockets, tokens

urlpatterns = [
    path("auth/register", people.Register.as_view(), name="register"),
    path("auth/login", people.Login.as_view(), name="login"),
    path("auth/refresh", people.Refresh.as_view(), name="refresh"),
    path("auth/logout", people.Logout.as_view(), name="logout"),
    path("auth/me", people.Me.as_view(), name="me"),
    path("auth/password", people.Password.as_view(), name="password"),
    path("auth/step-up", people.StepUp.as_view(), name="step_up"),
    path("auth/devices", people.Devices.as_view(), name="devices"),
    path("auth/devices/<uuid:device_id>", people.OneDevice.as_view(), name="device"),
    path("auth/second-factor", factors.Factor.as_view(), name="second_factor"),
    path("auth/second-factor/confirm", factors.Confirm.as_view(), name="second_factor_confirm"),
    path("auth/second-factor/recovery-codes", factors.RecoveryCodes.as_view(), name="recovery_codes"),
    path("ws-ticket", sockets.SocketTicket.as_view(), name="socket_ticket"),
    path("auth/tokens", tokens.Tokens.as_view(), name="tokens"),
    path("auth/tokens/<uuid:token_id>", tokens.OneToken.as_view(), name="token"),
    path("auth/email", emails.Email.as_view(), name="email"),
    path("auth/email/confirm", emails.Confirm.as_view(), name="email_confirm"),
    path("auth/email/undo", emails.Undo.as_view(), name="email_undo"),
    path("auth/notifications", news.Choices.as_view(), name="notice_choices"),
    path("notices/", news.Notices.as_view(), name="notices"),
    path("notices/seen/", news.Seen.as_view(), name="notices_seen"),
]
