"""EMAIL_URL in Django's words."""

import pytest

from config.email import email_settings


def test_mail_goes_to_the_console_by_default() -> None:
    assert email_settings("console://")["EMAIL_BACKEND"].endswith("console.EmailBackend")


@pytest.mark.parametrize(
    ("url", "port", "ssl", "tls"),
    [
        ("smtp://mail.example.com", 25, False, False),
        ("smtps://mail.example.com", 465, True, False),
        ("smtp+tls://mail.example.com", 587, False, True),
        ("smtp+tls://mail.example.com:2525", 2525, False, True),
    ],
)
def test_the_scheme_decides_how_the_mail_server_is_spoken_to(url: str, port: int, ssl: bool, tls: bool) -> None:
    found = email_settings(url)
    assert (found["EMAIL_HOST"], found["EMAIL_PORT"]) == ("mail.example.com", port)
    assert (found["EMAIL_USE_SSL"], found["EMAIL_USE_TLS"]) == (ssl, tls)


def test_user_password_and_sender_may_hold_any_sign() -> None:
    found = email_settings("smtp://a%40b:p%2Fw%3A@h/?from=Kairos%20%3Cno-reply%40k.example%3E")
    assert (found["EMAIL_HOST_USER"], found["EMAIL_HOST_PASSWORD"]) == ("a@b", "p/w:")
    assert found["DEFAULT_FROM_EMAIL"] == "Kairos <no-reply@k.example>"
